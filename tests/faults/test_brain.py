"""What a brain and its model can do to a call, and what its caller hears then."""

import asyncio
import time

import pytest

from ringbridge import facts
from ringbridge.brains.agent import Agent
from ringbridge.emulator.faults import Fault
from ringbridge.emulator.openai.script import Drop, Stall
from ringbridge.facts import Outcome
from ringbridge.phrases import ENGLISH
from ringbridge.telemetry.loop import watched_loop

from .conftest import GREETING, says_hello
from .table import Row, Seen, faults

HANGUP = "`<Hangup>`"
GOES_ON = "greeting, answer; the call goes on"


@faults(
    "Brain",
    Row(
        "It never comes: the engine's secret is wrong (401 at `/ws`)",
        "greeting, *one moment*, *sorry*, *goodbye*",
        HANGUP,
        "no brain socket has come 5 s after the caller's words",
        given={"request_headers": {"x-api-key": "not the secret at all"}},
    ),
    Row(
        "It never comes: the engine's `ws_url` leads nowhere",
        "greeting, *one moment*, *sorry*, *goodbye*",
        HANGUP,
        "no brain socket has come 5 s after the caller's words",
        given={"ws_url": "wss://nowhere.test/ws"},
    ),
)
async def test_it_never_comes(story, caplog, row):
    return await story(says_hello, engine=row.given)


@faults("Brain", Row("It never comes, and the caller says nothing", "greeting; nobody knows when ElevenLabs dials"))
async def test_it_never_comes_to_who_says_nothing(story, caplog, row):
    async def listens(w, call):
        await w.hears(call, GREETING)
        await asyncio.sleep(60)

    seen = await story(listens, engine={"ws_url": "wss://nowhere.test/ws"}, hangs_up_after=0, silence=False)
    assert seen.hears == "greeting"
    return Seen(row.hears)


@faults("Brain", Row("It comes 3 s after the caller's words", "greeting, *one moment*, answer"))
async def test_it_comes_late(story, caplog, row):
    async def talks(w, call):
        await says_hello(w, call)
        await w.hears(call, "You said: hello.")

    return await story(
        talks, faults=[Fault("brain_socket", "delay", ms=3000)], engine={"dial_brain": "first_turn"}, hangs_up_after=0
    )


@faults("Brain", Row("It is dialled twice", "greeting, answer; the newest is asked"))
async def test_it_is_dialled_twice(story, caplog, row):
    async def talks(w, call):
        await w.hears(call, GREETING)
        await w.tells(facts.BrainAttached)
        async with w.brain_socket() as second:
            await second.send_json({"type": "init", "conversation_id": w.conversation.id})
            await w.tells(facts.BrainAttached, 2)
            asked = [{"role": "user", "content": "hello"}]
            await second.send_json({"type": "user_transcript", "user_transcript": asked, "event_id": 9})
            pieces = [await second.receive_json()]
            while not pieces[-1]["is_final"]:
                pieces.append(await second.receive_json())
            assert "".join(piece["content"] for piece in pieces) == "You said: hello."
            await w.engine_says("You said: hello.")
            await w.hears(call, "You said: hello.")

    seen = await story(talks, engine={"dial_brain": "start"}, hangs_up_after=0, silence=False)
    return Seen(seen.hears + "; the newest is asked")


@faults("Brain", Row("Its socket drops in the middle of a turn, and is dialled again", GOES_ON))
async def test_its_socket_drops(story, caplog, row):
    async def slow(turn):
        await asyncio.sleep(1)
        yield f"You said: {turn.text}."

    async def talks(w, call):
        await says_hello(w, call)
        await w.tells(facts.TurnBegan)
        w.conversation._brain.drop()
        await w.tells(facts.BrainAttached, 2)
        await w.hears(call, "You said: hello.")

    seen = await story(talks, brain=slow, hangs_up_after=0, silence=False)
    assert seen.hears.endswith("answer")
    return Seen(GOES_ON)


@faults(
    "Brain",
    Row(
        "It comes for a conversation that nobody knows",
        "nothing; that socket is closed with 1008",
        log="no call knows this conversation",
    ),
)
async def test_an_unknown_conversation(world, caplog, row):
    async with world() as w, w.brain_socket() as brain:
        await brain.send_json({"type": "init", "conversation_id": "conv_of_nobody"})
        assert (await brain.receive()).data == 1008
        assert w.elevenlabs.requests == []
    return Seen(row.hears)


async def before(turn):
    raise RuntimeError("a caller's word")
    yield


async def during(turn):
    yield "Your table is "
    raise RuntimeError("a caller's word")


async def after(turn):
    yield f"You said: {turn.text}."
    raise RuntimeError("a caller's word")


@faults(
    "Brain",
    Row(
        "It raises before its first word",
        "greeting, “I ran into a problem”",
        log="RuntimeError in before",
        given={"brain": before},
    ),
    Row(
        "It raises in the middle of its words",
        "greeting, answer, “I ran into a problem”",
        log="RuntimeError in during",
        given={"brain": during},
    ),
    Row(
        "It raises after its words",
        "greeting, answer, “I ran into a problem”",
        log="RuntimeError in after",
        given={"brain": after},
    ),
)
async def test_it_raises(story, caplog, row):
    async def talks(w, call):
        await says_hello(w, call)
        await w.hears(call, ENGLISH.model_failed)

    seen = await story(talks, hangs_up_after=0, **row.given)
    assert "a caller's word" not in caplog.text
    return seen


@faults(
    "Brain",
    Row(
        "It raises three times in a row",
        "“I ran into a problem” twice, *sorry*, *goodbye*",
        HANGUP,
        "the brain has failed 3 times in a row",
    ),
)
async def test_it_raises_again_and_again(story, caplog, row):
    async def talks(w, call):
        await says_hello(w, call)
        for count in (1, 2):
            await w.until(lambda count=count: w.heard(call).count(ENGLISH.model_failed) == count, "the failure is told")
            await asyncio.sleep(1)
            await w.says(call, "again")

    seen = await story(talks, brain=before, silence=False)
    assert seen.hears == "greeting, “I ran into a problem”, *sorry*, *goodbye*"
    return Seen(row.hears, seen.twilio)


@faults(
    "Brain",
    Row(
        "The model stalls",
        "greeting, answer (“One moment” and the like), “that is taking too long”",
        log="it said nothing for 8 s",
        given={"model": lambda asked: [Stall(600)]},
    ),
    Row(
        "The model's connection breaks at each try",
        "greeting, “I ran into a problem”",
        log="the connection to openai",
        given={"model": lambda asked: [Drop()]},
    ),
)
async def test_the_model(story, caplog, row):
    async def talks(w, call):
        await says_hello(w, call)
        failed = ENGLISH.too_slow if "stalls" in row.fault else ENGLISH.model_failed
        await w.hears(call, failed)

    seen = await story(talks, brain=Agent(), hangs_up_after=0, silence=False, **row.given)
    return Seen(row.hears if seen.hears.startswith("greeting, answer") and "stalls" in row.fault else seen.hears)


@pytest.mark.true_time
@faults(
    "Brain",
    Row(
        "It blocks the event loop for a second", "everybody a second late", log="test_brain.py", back="nothing is lost"
    ),
)
async def test_it_blocks_the_loop(caplog, row):
    lags = []
    async with watched_loop(lags.append):
        await asyncio.sleep(0.1)
        time.sleep(1.1)
        await asyncio.sleep(0.6)
    assert max(lags) > 0.7
    return Seen(row.hears, back=row.back)


@faults(
    "Brain",
    Row(
        "It talks for longer than the call may last (`MAX_CALL_SECONDS`)",
        "*time nearly up*, *farewell*",
        "the call's end, by REST",
    ),
)
async def test_time_is_up(world, caplog, row):
    async def endless(turn):
        while True:
            yield "and so on, "
            await asyncio.sleep(1)

    async with world(brain=endless, settings={"MAX_CALL_SECONDS": "40"}) as w:
        call = await w.dial()
        await says_hello(w, call)
        await call.ended()
        heard = w.heard(call)
        assert heard.index(ENGLISH.time_nearly_up) < heard.index(ENGLISH.farewell)
        assert heard.endswith(ENGLISH.farewell)
        assert w.told(facts.Parting) == [facts.Parting("time is up")]
        assert w.told(facts.CallEnded) == [facts.CallEnded(Outcome.GOODBYE)]
        assert 40 < w.now < 46
        await w.is_given_back(since=w.now)
    return Seen(row.hears, row.twilio)
