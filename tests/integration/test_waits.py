"""What callers wait, part by part: whole calls on the twins, with delays that were put there, to the millisecond."""

import asyncio

import pytest

from ringbridge import facts
from ringbridge.emulator.elevenlabs.engine import DEFAULT_CLIENT_EVENTS
from ringbridge.emulator.speech.base import Speech
from ringbridge.emulator.speech.exact import ExactEars, ExactVoice

SCORED = {"client_events": DEFAULT_CLIENT_EVENTS | {"vad_score"}}
ENDS_AFTER_MS = 500
"""An ear takes the caller for done after so much silence."""


class SlowVoice(ExactVoice):
    """Takes 200 ms to its first sound."""

    async def say(self, text):
        await asyncio.sleep(0.2)
        async for sound in super().say(text):
            yield sound


async def brain(turn):
    """Takes 300 ms to its first token, and 50 ms to the words that make it one that can be spoken."""
    if turn.text == "quickly":
        yield "Here. "
        return
    try:
        await asyncio.sleep(10 if turn.text == "slowly" else 0.3)
    except asyncio.CancelledError:
        await asyncio.sleep(0.15)
        raise
    if turn.text == "wrongly":
        raise KeyError(turn.text)
    yield "Gladly"
    await asyncio.sleep(0.05)
    yield " so. "


@pytest.fixture
def slow(world):
    """Makes a bridge with that brain and that voice."""

    def made(**engine):
        bridge = world(brain, engine={**SCORED, **engine})
        voice = ExactVoice()
        bridge._speech = Speech(SlowVoice(), voice, ExactEars())
        return bridge

    return made


async def waited(w, count=1):
    """The `count`th wait that ended, and the turn that it was for."""
    told = await w.tells(facts.CallerWaited, count)
    return told.waterfall


async def test_each_part_is_the_delay_that_was_put_there(slow):
    async with slow() as w:
        call = await w.talking()
        sounds = []
        call.on_heard.append(lambda frame: sounds.append(w.now) if frame.strip(b"\xff") else None)
        await w.says(call, "A table.")
        waterfall = await waited(w)
        assert w.told(facts.CallerWaited)[0].event_id == w.told(facts.TurnBegan)[0].event_id

    assert waterfall.parts == {
        "hearing": ENDS_AFTER_MS,
        "asking": 0,
        "model": 300,
        "wording": 50,
        "voice": 200,
        "relaying": 0,
        "line": pytest.approx((sounds[0] - w.at(facts.ReplyBegan)) * 1000, abs=20),
    }
    assert (waterfall.by, waterfall.end) == ("brain", "heard")
    assert waterfall.total == 1050 + waterfall.line


async def test_without_scores_the_callers_last_sound_is_not_known(slow):
    async with slow(client_events=DEFAULT_CLIENT_EVENTS) as w:
        call = await w.talking()
        await w.says(call, "A table.")
        waterfall = await waited(w)
        assert w.told(facts.CallerWaited)[0].event_id == 2, "nobody waited for the greeting"
    assert waterfall.hearing is None
    assert waterfall.total == 550 + waterfall.line


async def test_whose_words_the_caller_hears_first(slow):
    async with slow() as w:
        call = await w.talking()
        told = []
        for count, text in enumerate(("slowly", "wrongly", "quickly"), 1):
            await w.says(call, text)
            told.append(await waited(w, count))
            w.conversation.interrupt()
            await w.settled()
        await call.press("7#")
        told.append(await waited(w, 4))
    filler, apology, brief, keyed = told
    assert (filler.by, filler.model, filler.wording, filler.voice) == ("filler", 1200, None, 200)
    assert (apology.by, apology.model, apology.wording) == ("model_failed", 300, None)
    assert (brief.by, brief.model, brief.wording, brief.asking) == ("brain", 0, 0, 0)
    assert [waterfall.hearing for waterfall in told] == pytest.approx([500, 500, 500, 0], abs=20)
    assert (keyed.by, keyed.model, keyed.wording) == ("brain", 300, 50)


async def test_a_pause_that_is_transcribed_again_is_waited_for_from_its_beginning(slow):
    async with slow(retranscribe_every=1, retranscribe_gap_ms=100) as w:
        call = await w.talking()
        await w.says(call, "A table.")
        await waited(w, 2)
        first, second = (told.waterfall for told in w.told(facts.CallerWaited))
    assert (first.end, first.by, first.is_answer, first.total) == ("superseded", None, False, 500)
    assert (second.end, second.hearing, second.asking, second.model) == ("heard", 600, 150, 300)


async def test_a_barge_in_before_the_first_is_heard(slow):
    async with slow() as w:
        call = await w.talking()
        await w.says(call, "A table.")
        await w.tells(facts.ReplyBegan, 2)
        w.conversation.interrupt()
        waterfall = await waited(w)
    assert (waterfall.end, waterfall.line, waterfall.total) == ("cut", None, 1050)


async def test_a_call_that_ends_takes_its_wait_along(slow):
    async with slow() as w:
        call = await w.talking()
        await w.says(call, "slowly")
        await w.tells(facts.BrainAsked)
        await call.hang_up()
        waterfall = await waited(w)
        await w.tells(facts.CallEnded)
    *_, last, end = w.facts
    assert (type(last.fact), type(end.fact)) == (facts.CallerWaited, facts.CallEnded)
    assert (waterfall.end, waterfall.total) == ("lost", 500)


async def test_nobody_waits_for_a_question_into_his_own_silence(slow):
    async with slow(turn_timeout_seconds=3) as w:
        call = await w.talking()
        await w.hears(call, "still there?")
        await call.hang_up()
        await w.tells(facts.CallEnded)
    assert w.told(facts.TurnAnswered)[0].by == "still_there"
    assert w.told(facts.CallerWaited) == []


async def test_what_is_done_ahead_of_the_transcript_is_no_part_of_the_wait(world):
    w = world(brain, settings={"SPECULATE": "on"}, engine={**SCORED, "tentative_ms": 200})
    async with w:
        call = await w.talking()
        w.conversation.hear("A table.")
        await w.hears(call, "Gladly so.")
        waterfall = await waited(w)
    assert w.told(facts.Speculated)[0].outcome == "used"
    assert (waterfall.hearing, waterfall.asking, waterfall.model, waterfall.wording) == (None, 0, 100, 50)
