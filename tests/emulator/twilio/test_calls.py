"""A call's life: how it ends, who is told, what <Dial> comes to, and that nothing is left over."""

import asyncio
from email.utils import parsedate_to_datetime

import pytest

from ringbridge.emulator.twilio.records import CallOver


def now():
    return asyncio.get_running_loop().time()


def dial(number="+15550100003", more='callerId="+15550100001" timeout="20" action="/dial-ended"'):
    return f"<Response><Dial {more}><Number>{number}</Number></Dial><Say>Next</Say></Response>"


async def test_hanging_up_asks_action_and_tells_the_status_callback(stage):
    call, _ = await stage.talk()
    await asyncio.sleep(75)
    await call.hang_up()
    await call.ended()
    (action,) = stage.bridge.of("/call-ended")
    assert action.genuine
    assert action.form["CallStatus"] == "completed"
    (status,) = stage.bridge.of("/status")
    assert status.genuine
    assert status.form["CallStatus"] == "completed"
    assert status.form["CallDuration"] == "75"
    assert status.form["Duration"] == "2"
    assert status.form["SequenceNumber"] == "0"
    assert status.form["CallbackSource"] == "call-progress-events"
    assert status.form["Direction"] == "inbound"
    assert status.form["SipResponseCode"] == "200"
    assert parsedate_to_datetime(status.form["Timestamp"]).tzinfo is not None
    assert call.said == []  # what action answered is not carried out


async def test_hang_up_returns_when_the_line_is_cut_though_nobody_answers(stage):
    async def never():
        await asyncio.sleep(3600)
        return ""

    stage.bridge.script["/call-ended"] = stage.bridge.script["/status"] = lambda hit: never()
    call, end = await stage.talk()
    end.reading.clear()
    await asyncio.sleep(0.1)
    began = now()
    await call.hang_up()
    assert now() - began <= 1.0
    await call.ended()
    assert now() - began <= 16.1  # the second of the socket, and the fifteen of a request
    assert [error.code for error in call.errors] == [11200, 11200]
    await call.hang_up()  # a second time does nothing
    assert len(stage.bridge.of("/call-ended")) == 1


async def test_what_waits_for_a_call_that_ends_is_told(stage):
    call, end = await stage.talk()
    async with asyncio.TaskGroup() as tasks:
        speaking = tasks.create_task(outcome(call.speak(b"\x20" * 80_000)))
        pressing = tasks.create_task(outcome(call.press("1" * 50)))
        await asyncio.sleep(1)
        await call.hang_up()
    assert isinstance(speaking.result(), CallOver)
    assert isinstance(pressing.result(), CallOver)
    assert end.of("dtmf")


async def outcome(waiting):
    try:
        return await waiting
    except CallOver as error:
        return error


async def test_dial_that_nobody_takes_asks_action(stage):
    stage.bridge.script["/incoming-call"] = dial()
    stage.bridge.script["/dial-ended"] = "<Response><Say>Nobody is there</Say></Response>"
    call = await stage.dial()
    await call.answered()
    began = now()
    hit = await stage.bridge.until("/dial-ended")
    assert now() - began == pytest.approx(20)
    assert hit.form["DialCallStatus"] == "no-answer"
    assert hit.form["DialCallSid"].startswith("CA")
    assert hit.form["CallStatus"] == "in-progress"
    await call.ended()
    assert call.said == ["Nobody is there"]
    (dialled,) = call.dialled
    assert dialled.number == "+15550100003"
    assert dialled.attributes == {"callerId": "+15550100001", "timeout": "20", "action": "/dial-ended"}
    assert not call.errors


async def test_dial_without_action_goes_on_with_the_next_verb(stage):
    stage.bridge.script["/incoming-call"] = dial(more="")
    call = await stage.dial()
    await call.ended()
    assert call.said == ["Next"]
    assert call.dialled[0].attributes == {}


@pytest.mark.parametrize("outcome", ["busy", "failed"])
async def test_dial_tells_other_outcomes(stage, outcome):
    stage.twin.dial_outcomes["+15550100003"] = outcome
    stage.bridge.script["/incoming-call"] = dial()
    await stage.dial()
    hit = await stage.bridge.until("/dial-ended")
    assert hit.form["DialCallStatus"] == outcome
    assert "DialCallDuration" not in hit.form


@pytest.mark.parametrize(("limit", "seconds"), [(3600, 90), (60, 60)])
async def test_dial_that_is_taken_lasts_as_long_as_it_is_talked(stage, limit, seconds):
    stage.twin.dial_outcomes["+15550100003"] = "completed"
    stage.twin.talk_seconds["+15550100003"] = 90
    stage.bridge.script["/incoming-call"] = dial(more=f'timeLimit="{limit}" action="/dial-ended"')
    await stage.dial()
    hit = await stage.bridge.until("/dial-ended")
    assert hit.form["DialCallStatus"] == "completed"
    assert hit.form["DialCallDuration"] == str(seconds)
    assert hit.form["DialBridged"] == "true"


async def test_hanging_up_during_dial_asks_its_action(stage):
    stage.bridge.script["/incoming-call"] = dial()
    call = await stage.dial()
    await call.answered()
    await asyncio.sleep(5)
    await call.hang_up()
    hit = await stage.bridge.until("/dial-ended")
    assert hit.form["DialCallStatus"] == "canceled"
    assert hit.form["CallStatus"] == "completed"
    await call.ended()


@pytest.mark.parametrize(
    ("number", "caller", "code"),
    [
        ("+15550100003", "+15550100009", 13214),
        ("+15550100003", "anonymous", 13214),
        ("5550100003", "+15550100001", 13223),
        ("alice", "+15550100001", 13223),
    ],
)
async def test_dial_that_twilio_refuses_has_failed(stage, number, caller, code):
    stage.bridge.script["/incoming-call"] = dial(number, f'callerId="{caller}" action="/dial-ended"')
    call = await stage.dial()
    assert (await stage.bridge.until("/dial-ended")).form["DialCallStatus"] == "failed"
    await call.ended()
    assert [error.code for error in call.errors] == [code]


@pytest.mark.parametrize("caller", ["+15550100001", "+15550100002", "+15550100077"])
async def test_dial_may_show_the_caller_the_called_and_the_accounts_numbers(stage, caller):
    stage.twin.account.add_number("+15550100077")
    stage.bridge.script["/incoming-call"] = dial(more=f'callerId="{caller}"')
    call = await stage.dial()
    await call.ended()
    assert not call.errors


async def test_a_client_can_only_dial_with_a_caller_id(stage):
    stage.bridge.script["/incoming-call"] = dial(more="")
    call = await stage.dial(from_="client:alice")
    await call.ended()
    assert [error.code for error in call.errors] == [13214]


async def test_leaving_the_twin_ends_all_calls_and_gives_everything_back(staged):
    before = asyncio.all_tasks()
    async with staged() as stage:
        call, end = await stage.talk()
        ringing = await stage.dial()
        stage.bridge.script["/incoming-call"] = "<Response><Pause length='3600'/></Response>"
        pausing = await stage.dial()
        await asyncio.sleep(1)
        began = now()
        await stage.twin.__aexit__(None, None, None)
        assert now() - began <= 1.0
        assert end.of("stop")
        for one in (call, ringing, pausing):
            assert one.status == "completed"
            await one.ended()
        with pytest.raises(CallOver):
            await call.speak(b"\x20" * 160)
    await asyncio.sleep(1)
    assert asyncio.all_tasks() == before


async def test_leaving_the_twin_in_the_middle_of_everything_never_hangs(staged):
    for delay in [0, 0.0001, 0.0005, 0.001, 0.01, 0.1]:
        async with asyncio.timeout(20), staged() as stage:
            stage.bridge.script["/call-ended"] = stage.bridge.script["/incoming-call"]
            call = await stage.dial()
            await asyncio.sleep(delay)
            if call.stream is not None and call.stream.up:
                await call.drop_stream()


async def test_twenty_calls_at_once_keep_their_audio_apart(stage):
    calls = [(await stage.dial(), index) for index in range(20)]
    await asyncio.gather(*(call.streaming() for call, _ in calls))
    ends = {end.of("start")[0]["start"]["callSid"]: end for end in stage.bridge.media}

    async def converse(call, index):
        end = ends[call.sid]
        await end.say(bytes([100 + index]) * 8000)
        await call.speak(bytes([index]) * 8000)
        await asyncio.sleep(1)
        await call.hang_up()
        assert end.audio.strip(b"\xff") == bytes([index]) * 8000
        assert call.heard.strip(b"\xff") == bytes([100 + index]) * 8000

    await asyncio.gather(*(converse(call, index) for call, index in calls))
