"""The person at the telephone, on a line to the real bridge."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from ringbridge.emulator.caller import AgentSilent, Caller
from ringbridge.emulator.faults import Fault
from ringbridge.emulator.speech.exact import encode
from ringbridge.emulator.twilio.records import CallOver
from ringbridge.phrases import ENGLISH

STORY = "Once upon a time there was a telephone that nobody ever picked up."


async def reply(turn):
    if "nothing" in turn.text:
        await asyncio.sleep(3600)
    yield STORY if "story" in turn.text else f"You said: {turn.text}."


@asynccontextmanager
async def caller_of(bridge):
    async with Caller(await bridge.dial(), bridge._speech) as caller:
        yield caller


async def test_a_caller_hears_the_greeting_and_then_each_answer(world):
    async with world(reply) as bridge, caller_of(bridge) as caller:
        assert await caller.heard() == "Hello."
        await caller.say("one two")
        assert await caller.heard() == "You said: one two."
        await caller.say("three")
        assert await caller.heard() == "You said: three."


async def test_what_was_not_asked_for_is_heard_later(world):
    async with world(reply) as bridge, caller_of(bridge) as caller:
        await caller.say("one")
        await caller.say("two")
        assert await caller.heard() == "Hello. You said: one. You said: two."


async def test_a_caller_speaks_when_it_is_quiet(world):
    async with world(reply) as bridge, caller_of(bridge) as caller:
        await caller.say("tell me a story")
        await caller.say("thank you")
        await caller.heard()

        greeting, asked, story, thanks, answer = caller.lines

    assert [line.who for line in caller.lines] == ["agent", "caller", "agent", "caller", "agent"]
    assert [line.text for line in (greeting, story, thanks)] == ["Hello.", STORY, "thank you"]
    assert asked.from_ms - greeting.to_ms == pytest.approx(1000, abs=40)
    assert thanks.from_ms - story.to_ms == pytest.approx(1000, abs=40)
    assert thanks.to_ms - thanks.from_ms == len(encode("thank you").rstrip(b"\xff")) // 8
    assert caller.utterances == [greeting, story, answer]
    assert not any(line.cut for line in caller.lines)


async def test_a_caller_waits_for_a_greeting_but_not_for_ever(world):
    fault = Fault("signed_url", "delay", ms=3500, times=-1)
    async with world(reply, faults=[fault]) as bridge, caller_of(bridge) as caller:
        await caller.say("anybody there")

    assert caller.lines[0].text == ENGLISH.one_moment
    assert caller.lines[0].from_ms == pytest.approx(1500, abs=100)


async def test_nothing_is_heard_where_nothing_is_said(world):
    settings = {"GREETING": "", "FILLER_AFTER": "off"}
    async with world(reply, settings=settings) as bridge, caller_of(bridge) as caller:
        assert await caller.heard() == ENGLISH.one_moment
        assert await caller.heard(4) == ENGLISH.still_here
        begun = bridge.now
        assert await caller.heard(2.5) == ""
        assert bridge.now - begun == pytest.approx(2.5)


async def test_a_silence_that_nothing_explains_is_broken_by_the_bridge_itself(world):
    async with world(reply, settings={"FILLER_AFTER": "off"}) as bridge, caller_of(bridge) as caller:
        await caller.heard()
        await caller.say("nothing please")
        asked = caller.lines[-1]
        await caller.wait(6000)
        await caller.heard()

    first, *later = [line for line in caller.lines if line.who == "agent" and line.from_ms > asked.to_ms]
    assert first.text.startswith(ENGLISH.one_moment)
    assert first.from_ms - asked.to_ms < 500 + 2000, "2 s after the transcript, which follows half a second of silence"
    assert ENGLISH.still_here in " ".join(line.text for line in (first, *later))


async def test_barging_in_cuts_the_agent_short(world):
    async with world(reply) as bridge, caller_of(bridge) as caller:
        await caller.say("tell me a story")
        await caller.say("stop", barge_in_ms=1500)
        heard = await caller.heard()

    _, _, story, stop, answer = caller.lines
    assert heard == f"Hello. {story.text} You said: stop."
    assert story.text
    assert STORY.startswith(story.text)
    assert story.cut
    assert stop.from_ms - story.from_ms == pytest.approx(1500, abs=40)
    assert 0 <= story.to_ms - stop.from_ms <= 250
    assert answer.from_ms > stop.to_ms


async def test_barging_in_on_an_answer_that_is_still_to_come(world):
    async with world(reply) as bridge, caller_of(bridge) as caller:
        await caller.say("tell me a story")
        await caller.say("stop", barge_in_ms=500)
        await caller.say("wait", barge_in_ms=500)
        await caller.heard()

    assert [line.text for line in caller.lines if line.who == "caller"] == ["tell me a story", "stop", "wait"]
    _, _, story, stop, stopped, wait, waited = caller.lines
    assert (story.cut, stopped.cut, waited.cut) == (True, True, False)
    assert stop.from_ms - story.from_ms == pytest.approx(500, abs=40)
    assert wait.from_ms - stopped.from_ms == pytest.approx(500, abs=40)
    assert waited.text == "You said: wait."


async def test_nobody_can_cut_in_on_silence(world):
    async with world(reply, settings={"GREETING": ""}) as bridge, caller_of(bridge) as caller:
        await caller.wait(10_000)
        with pytest.raises(AgentSilent, match="said nothing for 15 s"):
            await caller.say("stop", barge_in_ms=100)


async def test_keys_are_answered(world):
    async with world(reply) as bridge, caller_of(bridge) as caller:
        await caller.heard()
        await caller.press("42#")
        assert await caller.heard() == "You said: Caller pressed 42."

    keys = caller.lines[1]
    assert (keys.who, keys.text, keys.to_ms - keys.from_ms) == ("keys", "42#", 400)


async def test_a_recording_is_played(world):
    async with world(reply) as bridge, caller_of(bridge) as caller:
        await caller.play(encode("hello from the tape"))
        assert await caller.heard() == "Hello. You said: hello from the tape."

    assert caller.lines[1].text == ""


async def test_the_agents_words_are_told_as_they_are_understood(world):
    async with world(reply) as bridge, caller_of(bridge) as caller:
        partial, whole = [], []
        caller.on_partial.append(lambda line: partial.append(line.text))
        caller.on_line.append(whole.append)
        await caller.say("tell me a story")
        await caller.heard()

    assert partial[:4] == ["Hello.", "Once", "Once upon", "Once upon a"]
    assert whole == caller.lines


async def test_after_hanging_up_there_is_nobody_to_talk_to(world):
    async with world(reply) as bridge, caller_of(bridge) as caller:
        await caller.heard()
        await caller.hang_up()
        for act in (caller.say("hello"), caller.press("1"), caller.play(encode("hello")), caller.drop_stream()):
            with pytest.raises(CallOver):
                await act
        await caller.wait(3_600_000)
        assert await caller.heard() == ""
        await caller.hang_up()
        await caller.ended()
        assert bridge.now < 60


async def test_what_the_end_of_the_call_cuts_off_was_heard(world):
    async with world(reply) as bridge, caller_of(bridge) as caller:
        await caller.say("tell me a story")
        await caller.wait(3000)
        await caller.hang_up()
        heard = await caller.heard()

    assert STORY.startswith(heard.removeprefix("Hello. "))
    assert len(heard) > len("Hello. ")


async def test_the_call_goes_on_without_its_first_stream(world):
    async with world(reply) as bridge, caller_of(bridge) as caller:
        await caller.heard()
        await caller.drop_stream()
        await caller.phone.streaming()
        await caller.say("still here")
        assert await caller.heard() == "You said: still here."


async def test_the_sorry_is_heard_and_then_it_is_over(world):
    gone = Fault("engine_socket", "drop", after_ms=3000, times=-1)
    async with world(reply, faults=[gone]) as bridge, caller_of(bridge) as caller:
        assert await caller.heard() == "Hello."
        await caller.ended()
        assert await caller.heard() == f"{bridge.sorry} {ENGLISH.goodbye}"
        assert caller.phone.said == [ENGLISH.goodbye]


async def test_a_conversation_that_is_lost_once_goes_on(world):
    async with (
        world(reply, faults=[Fault("engine_socket", "drop", after_ms=6000)]) as bridge,
        caller_of(bridge) as caller,
    ):
        await caller.say("tell me a story")
        await caller.wait(6000)
        assert (await caller.heard()).endswith(ENGLISH.still_here)
        await caller.say("one two")
        assert await caller.heard() == "You said: one two."
