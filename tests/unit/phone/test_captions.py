"""What the page is told of the bridge's facts."""

import pytest

from ringbridge import facts
from ringbridge.phone.captions import caption
from ringbridge.phone.messages import CallerWords, Keys, Remark, Waited
from ringbridge.waterfall import Waterfall


def test_words_keys_and_waits_are_messages_of_their_own():
    answer = Waterfall("brain", "heard", hearing=600.0, asking=0.5, model=200.0, relaying=0.1, line=20.0)
    assert caption(facts.CallerSpoke("Two of us.")) == CallerWords("Two of us.", final=True)
    assert caption(facts.DigitsPressed("42")) == Keys("42")
    assert caption(facts.CallerWaited(3, answer)) == Waited(answer.total, answer.parts, "brain")


def test_a_wait_for_nothing_is_none():
    assert caption(facts.CallerWaited(3, Waterfall(None, "superseded", hearing=600.0))) is None


@pytest.mark.parametrize(
    ("fact", "text", "bad"),
    [
        (facts.ToolEnded("book", "done", 1640, "Booked."), "book: done after 1.6 s. Booked.", False),
        (facts.ToolEnded("book", "failed", 40, "It broke."), "book: failed after 0.0 s. It broke.", True),
        (facts.TurnFailed(3, "ValueError", after_words=False), "The brain failed: ValueError", True),
        (facts.TurnAnswered(3, "too_slow"), "The brain took too long.", True),
        (facts.Faulted("The engine is gone."), "The engine is gone.", True),
        (facts.EngineComplained("client_error", "no"), "The engine complains: no", True),
        (facts.CallRefused("closed"), "The call was not taken: closed.", True),
        (facts.ClipPlayed("one_moment"), "The bridge speaks with its own voice: one moment.", False),
        (facts.DigitsSent("12"), "The agent presses 12.", False),
        (facts.Parting("time is up"), "The bridge says goodbye: time is up.", False),
    ],
)
def test_what_one_would_not_hear_is_remarked(fact, text, bad):
    assert caption(fact) == Remark(text, bad)


def test_a_transfer_is_remarked_when_it_begins():
    began, ended = (caption(facts.Transferring("sales", ended=ended)) for ended in (False, True))
    assert isinstance(began, Remark)
    assert "sales" in began.text
    assert ended is None


@pytest.mark.parametrize("fact", [facts.TurnAnswered(3, "brain"), facts.AgentSpoke("Hi."), facts.Heard(1, 20)])
def test_what_is_told_otherwise_is_not_told_twice(fact):
    assert caption(fact) is None
