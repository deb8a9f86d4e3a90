"""Who is not let in: what such a caller gets, and that nothing was opened for it that costs money."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from ringbridge import facts
from ringbridge.calls.admission import Why
from ringbridge.emulator.faults import Fault
from ringbridge.facts import CallBegan, CallRefused
from ringbridge.phrases import ENGLISH, for_language
from ringbridge.web.app import ROSTER

ANN, BOB = "+15550100001", "+15550100003"
BLOCKED, FOREIGNER = "+15550100011", "+4915550100012"
HUMAN = "+15550100099"
WAYS = ["say", "dial", "busy"]
RULES = {
    "BLOCKED_CALLERS": f"{BLOCKED}, +1900*",
    "ALLOWED_CALLERS": "US",
    "CALLS_PER_DAY": "1",
    "DAILY_MINUTES": "1",
    "MAX_CALLS": "1",
    "FALLBACK_NUMBER": HUMAN,
}


async def is_refused(w, why, way, caller):
    """Somebody calls, and is not taken, in that way and for that reason; the webhook may come as often as it likes."""
    spent = len(w.elevenlabs.requests), len(w.elevenlabs.conversations)
    told = len(w.told(CallRefused))
    call = await w.dial(from_=caller)
    await call.ended()
    sentence = why.sentence(ENGLISH)
    assert w.verbs(call) == {"say": ["Say", "Hangup"], "dial": ["Dial", "Hangup"], "busy": ["Reject"]}[way]
    assert call.said == ([sentence] if way == "say" else [])
    assert [dialled.number for dialled in call.dialled] == ([HUMAN] if way == "dial" else [])
    assert call.status == ("busy" if way == "busy" else "completed")
    assert (call.answered_at is None) == (way == "busy")
    (first,) = w.answers(call, "/incoming-call")
    for _ in range(2):
        assert await w.post("/incoming-call", w.form(call.sid, From=caller)) == first
    assert [fact for sid, fact, _ in w.facts if sid == call.sid] == [CallRefused(why.value)]
    assert len(w.told(CallRefused)) == told + 1
    assert (len(w.elevenlabs.requests), len(w.elevenlabs.conversations)) == spent
    assert not [event for event in call.events if event.kind in ("fault", "error", "stream_started")]


@asynccontextmanager
async def without_rest(world, way, **settings):
    """Who gets no request at all by REST: the fault that would have struck the first is still there in the end."""
    fault = Fault("twilio_rest", "refuse")
    async with world(settings={"REFUSED_CALLERS": way, **settings}, faults=[fault]) as w:
        yield w
        assert w.faults.take("twilio_rest") == [fault]


@pytest.mark.parametrize("way", WAYS)
async def test_each_reason_has_its_end(world, way):
    async with without_rest(world, way, **RULES) as w:
        w.twilio.dial_outcomes[HUMAN] = "completed"
        await is_refused(w, Why.BLOCKED, way, BLOCKED)
        await is_refused(w, Why.NOT_ALLOWED, way, FOREIGNER)
        await is_refused(w, Why.NOT_ALLOWED, way, "anonymous")
        ann = await w.talking(from_=ANN)
        await is_refused(w, Why.LINES_BUSY, way, BOB)
        await asyncio.sleep(60)
        await ann.hang_up()
        await ann.ended()
        await is_refused(w, Why.CALLED_TOO_OFTEN, way, ANN)
        await is_refused(w, Why.MINUTES_SPENT, way, BOB)
        assert await w.left() == []


@pytest.mark.parametrize("way", WAYS)
async def test_nobody_comes_out_of_hours_or_without_a_number(world, way):
    rules = {"OPENING_HOURS": "off", "ANONYMOUS_CALLERS": "off", "FALLBACK_NUMBER": HUMAN}
    async with without_rest(world, way, **rules) as w:
        w.twilio.dial_outcomes[HUMAN] = "completed"
        await is_refused(w, Why.CLOSED, way, ANN)
        await is_refused(w, Why.CLOSED, way, "client:ann")
        await is_refused(w, Why.ANONYMOUS, way, "anonymous")
        await is_refused(w, Why.ANONYMOUS, way, "+266696687")
        # Whom we have called ourselves is not told so.
        outgoing = w.form("CA" + "2" * 32, "in-progress", Direction="outbound-api", From="+15550100002", To=ANN)
        assert (await w.post("/incoming-call", outgoing)).verbs == ["Connect"]


async def test_a_call_that_is_answered_already_can_not_be_busy(world):
    async with without_rest(world, "busy", OPENING_HOURS="off") as w:
        answer = await w.post("/incoming-call", w.form(status="in-progress"))
        assert answer.verbs == ["Say", "Hangup"]
        assert answer.root[0].text == ENGLISH.closed


async def test_a_human_who_would_call_us_is_not_dialled(world):
    async with without_rest(world, "dial", OPENING_HOURS="off", FALLBACK_NUMBER=HUMAN) as w:
        answer = await w.post("/incoming-call", w.form(To=HUMAN))
        assert answer.verbs == ["Say", "Hangup"]
        assert answer.root[0].text == ENGLISH.closed


async def test_the_reason_is_told_in_the_callers_language(world):
    async with without_rest(world, "say", OPENING_HOURS="off", SPEECH_ENGINE_IDS="de:seng_german") as w:
        answer = await w.post("/incoming-call", w.form(To="+4930123456"))
        assert answer.root[0].text == for_language("de").closed
        assert answer.root[0].get("language") == "de-DE"


async def test_lines_are_free_again_once_somebody_has_hung_up(world):
    async with world(settings={"MAX_CALLS": "2"}) as w:
        first, _ = await w.talking(from_=ANN), await w.talking(from_=BOB)
        assert (await w.post("/incoming-call", w.form())).root[0].text == ENGLISH.lines_busy
        await first.drop_stream()  # the caller is still on the line
        await w.tells(facts.StreamLost)
        assert (await w.post("/incoming-call", w.form("CA" + "2" * 32))).root[0].text == ENGLISH.lines_busy
        await w.tells(facts.StreamAttached, 3)
        await first.hang_up()
        await w.tells(facts.CallEnded)
        await w.talking(from_=BLOCKED)


async def test_minutes_count_while_a_call_goes_on(world):
    async with world(settings={"DAILY_MINUTES": "1"}) as w:
        call = await w.talking()
        started = w.at(facts.StreamAttached)
        await asyncio.sleep(started + 59 - w.now)
        assert (await w.post("/incoming-call", w.form("CA" + "2" * 32))).verbs == ["Connect"]
        await asyncio.sleep(started + 60 - w.now)
        assert (await w.post("/incoming-call", w.form())).root[0].text == ENGLISH.lines_busy
        await w.says(call, "go on")  # nobody is cut off for it
        await w.hears(call, "You said: go on.")


async def test_who_hides_the_number_is_one_caller_with_all_who_do(world):
    async with world(settings={"CALLS_PER_MINUTE": "1"}) as w:
        answers = [
            (await w.post("/incoming-call", w.form(f"CA{number:032x}", From=caller))).verbs[0]
            for number, caller in enumerate(["anonymous", "", "+266696687", "client:ann", "client:bob"])
        ]
        assert answers == ["Connect", "Say", "Say", "Connect", "Connect"]


@asynccontextmanager
async def a_slow_store(world, **settings):
    """Its Redis takes connections and never answers, so that every call waits half a second for its counts."""
    deaf = await asyncio.get_running_loop().create_server(asyncio.Protocol, "127.0.0.1", 0)
    url = f"redis://127.0.0.1:{deaf.sockets[0].getsockname()[1]}"
    async with world(settings={"REDIS_URL": url, **settings}) as w:
        yield w
    deaf.close()


class TestWhileTheStoreIsAsked:
    async def test_the_same_webhook_comes_again_and_is_one_call(self, world):
        async with a_slow_store(world, CALLS_PER_DAY="2") as w:
            form = w.form()
            first, second = await asyncio.gather(w.post("/incoming-call", form), w.post("/incoming-call", form))
            assert first == second
            assert first.verbs == ["Connect"]
            assert len(w.told(CallBegan)) == 1
            others = [await w.post("/incoming-call", w.form(f"CA{number:032x}")) for number in range(2)]
            assert [answer.verbs[0] for answer in others] == ["Connect", "Say"]  # so the first was counted once

    async def test_no_more_calls_are_taken_than_there_are_lines(self, world):
        async with a_slow_store(world, CALLS_PER_DAY="9", MAX_CALLS="2") as w:
            posts = (w.post("/incoming-call", w.form(f"CA{number:032x}")) for number in range(5))
            answers = await asyncio.gather(*posts)
            assert sorted(answer.verbs[0] for answer in answers) == ["Connect"] * 2 + ["Say"] * 3
            assert len(w.told(CallBegan)) == 2
            assert len(w.told(CallRefused)) == 3

    async def test_the_process_begins_to_leave_and_another_takes_the_call(self, world):
        async with a_slow_store(world, CALLS_PER_DAY="9") as w:
            asking = w.app[ROSTER].tasks.start(w.post("/incoming-call", w.form()), name="incoming call")
            await asyncio.sleep(0.1)
            w.app[ROSTER].is_draining = True
            assert (await asking).verbs == ["Redirect"]
            assert w.told(CallBegan) == w.elevenlabs.requests == []

    async def test_the_caller_hears_the_greeting_all_the_same(self, world, caplog):
        async with a_slow_store(world, CALLS_PER_MINUTE="1", DAILY_MINUTES="1") as w:
            call = await w.talking()
            assert w.at(CallBegan) == pytest.approx(0.5, abs=0.1)
            await call.hang_up()
            await w.is_given_back(since=w.now)
        assert caplog.text.count("REDIS_URL") == 1
