"""Waits of any order of facts: each turn's is told once, and its parts sum to what passed."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from ringbridge import facts
from ringbridge.calls.waits import Waits
from ringbridge.waterfall import Waterfall

moments = st.lists(st.none() | st.floats(0, 1e6), min_size=8, max_size=8)
ids = st.none() | st.integers(1, 3)
any_fact = st.one_of(
    ids.map(facts.TranscriptCame),
    ids.map(lambda turn: facts.TurnBegan(turn, "", "hello", interrupted=False)),
    ids.map(facts.BrainAsked),
    ids.map(facts.BrainBegan),
    ids.map(facts.WordsSent),
    ids.map(lambda turn: facts.FillerSpoken(turn, "One moment.")),
    st.builds(facts.TurnAnswered, ids, st.sampled_from(["brain", "model_failed", "still_there"])),
    st.builds(facts.TurnSuperseded, ids, ids),
    ids.map(facts.ReplyBegan),
    st.builds(facts.Heard, ids, st.integers(0, 500)),
    st.builds(facts.Interrupted, st.integers(1, 4), st.just(0), ids),
    st.just(facts.KeyPressed()),
    st.just(facts.DigitsPressed("1")),
    st.just(facts.ConversationOpened("conv_1")),
)
steps = st.lists(st.tuples(st.integers(0, 900), any_fact | st.sampled_from(["loud", "audio"])), max_size=40)


@given(moments)
def test_parts_sum_to_what_passed_between_the_first_and_the_last_known_moment(known):
    waterfall = Waterfall.between(known, by=None, end="heard")
    us = [round(moment * 1_000_000) for moment in known if moment is not None]
    parts = [Fraction(part) for part in waterfall.parts.values() if part is not None]
    assert all(part >= 0 for part in parts)
    passed = max(us) - us[0] if us else 0
    assert round(sum(parts) * 1000) == passed
    assert waterfall.total == passed / 1000


@given(steps)
def test_each_turn_is_waited_for_once_whatever_happens(story):
    waits, now, begun, over = Waits(), 0, 0, []
    for ms, step in story:
        now += ms
        if step == "loud":
            waits.spoke_at = now / 1000
        elif step == "audio":
            waits.audio_at = now / 1000
        else:
            begun += isinstance(step, facts.TurnBegan)
            waited = waits.note(step, now / 1000)
            over += [waited] if waited else []
    last = waits.note(facts.CallEnded(None), now / 1000)
    over += [last] if last else []
    assert len(over) == begun
    for waterfall in (waited.waterfall for waited in over):
        assert 0 <= waterfall.total <= now
        assert waterfall.total == round(sum(part or 0 for part in waterfall.parts.values()), 3)
        assert waterfall.is_answer or waterfall.end != "heard"
        assert (waterfall.line is None) == (waterfall.end != "heard")
