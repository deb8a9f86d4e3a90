"""<Dial>: the whisper for whoever answers, what is told of their leg, and a caller who does not wait for the end."""

import asyncio

import pytest
from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.rest import Client

from ringbridge.emulator.faults import Fault

HUMAN = "+15550100003"
CALLER = "+15550100001"
SORRY = "We are sorry, an application error has occurred. Goodbye."


def now():
    return asyncio.get_running_loop().time()


def dial(number=f'<Number url="/whisper">{HUMAN}</Number>', more=""):
    return f'<Response><Dial action="/dial-ended"{more}>{number}</Dial></Response>'


@pytest.fixture
def answering(stage):
    """A bridge that dials a human, who answers."""
    stage.twin.dial_outcomes[HUMAN] = "completed"
    stage.bridge.script["/incoming-call"] = dial()
    stage.bridge.script["/whisper"] = "<Response><Say>A call for you</Say></Response>"
    return stage


async def test_the_human_hears_the_whisper_before_the_two_are_joined(answering):
    call = await answering.dial()
    whisper = await answering.bridge.until("/whisper")
    ended = await answering.bridge.until("/dial-ended")
    await call.ended()
    assert call.dialled[-1].whispered == ["A call for you"]
    assert call.said == []
    assert whisper.genuine
    assert ended.at - whisper.at == pytest.approx(14 * 0.06 + 5, abs=0.05)
    assert (ended.form["DialCallStatus"], ended.form["DialBridged"]) == ("completed", "true")
    assert ended.form["DialCallDuration"] == "6"
    assert not call.errors


async def test_the_whispers_request_is_about_the_humans_leg(answering):
    call = await answering.dial()
    form = (await answering.bridge.until("/whisper")).form
    ended = (await answering.bridge.until("/dial-ended")).form
    assert form["ParentCallSid"] == call.sid == ended["CallSid"]
    assert form["CallSid"] == ended["DialCallSid"] == call.dialled[0].sid != call.sid
    assert (form["Direction"], form["CallStatus"]) == ("outbound-dial", "in-progress")
    assert (form["From"], form["Caller"], form["To"], form["Called"]) == (CALLER, CALLER, HUMAN, HUMAN)


async def test_the_human_is_shown_the_caller_id(answering):
    answering.bridge.script["/incoming-call"] = dial(more=' callerId="+15550100002"')
    await answering.dial()
    assert (await answering.bridge.until("/whisper")).form["From"] == "+15550100002"


async def test_a_whisper_may_have_sounds_pauses_and_another_document(answering):
    answering.bridge.script["/whisper"] = (
        '<Response><Play>/a.wav</Play><Redirect method="GET">more</Redirect></Response>'
    )
    answering.bridge.script["/more"] = "<Response><Pause length='3'/><Say>That was it</Say></Response>"
    call = await answering.dial()
    ended = await answering.bridge.until("/dial-ended")
    assert call.dialled[0].whispered == ["https://bridge.test/a.wav", "That was it"]
    assert answering.bridge.of("/more")[0].method == "GET"
    assert ended.form["DialBridged"] == "true"


async def test_an_empty_whisper_joins_the_two_at_once(answering):
    answering.bridge.script["/whisper"] = "<Response/>"
    call = await answering.dial()
    assert (await answering.bridge.until("/dial-ended")).form["DialBridged"] == "true"
    assert call.dialled[0].whispered == []


async def test_a_human_who_is_hung_up_on_is_not_joined(answering):
    answering.bridge.script["/whisper"] = "<Response><Hangup/></Response>"
    call = await answering.dial()
    ended = (await answering.bridge.until("/dial-ended")).form
    assert (ended["DialCallStatus"], ended["DialBridged"]) == ("completed", "false")
    assert ended["CallStatus"] == "in-progress"
    assert call.dialled[0].bridged is False


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ("<Response><Dial>+15550100004</Dial></Response>", 13201),
        ("<Response><Nonsense/></Response>", 12200),
        ("no document", 12100),
    ],
)
async def test_a_whisper_that_cant_be_carried_out_is_apologized_for(answering, document, code):
    answering.bridge.script["/whisper"] = document
    call = await answering.dial()
    assert (await answering.bridge.until("/dial-ended")).form["DialBridged"] == "false"
    await call.ended()
    assert call.dialled[0].whispered == [SORRY]
    assert [error.code for error in call.errors] == [code]


async def test_a_whisper_that_never_arrives_is_apologized_for(answering):
    call = await answering.dial()
    await call.answered()
    answering.faults.add(Fault("webhook", "refuse"))
    await answering.bridge.until("/dial-ended")
    assert call.dialled[0].whispered == [SORRY]
    assert [error.code for error in call.errors] == [11205]


@pytest.mark.parametrize(
    ("after", "status", "bridged", "seconds"),
    [(0.5, "canceled", "false", None), (1.5, "completed", "false", "0"), (4, "completed", "true", "3")],
    ids=["ringing", "whispering", "talking"],
)
async def test_a_caller_may_hang_up_at_any_time(answering, after, status, bridged, seconds):
    call = await answering.dial()
    await call.answered()
    await asyncio.sleep(after)
    await call.hang_up()
    await call.ended()
    (hit,) = answering.bridge.of("/dial-ended")
    assert hit.form["CallStatus"] == "completed"
    assert (hit.form["DialCallStatus"], hit.form["DialBridged"]) == (status, bridged)
    assert hit.form.get("DialCallDuration") == seconds


@pytest.mark.parametrize("after", [0.5, 4], ids=["ringing", "talking"])
async def test_a_call_that_is_led_elsewhere_leaves_the_human_and_asks_no_action(answering, after):
    call = await answering.dial()
    await call.answered()
    await asyncio.sleep(after)
    async with AsyncTwilioHttpClient() as http:
        client = Client("AC" + "0" * 32, "0123456789abcdef0123456789abcdef", http_client=http)
        client.api.base_url = answering.twin.rest_url
        await client.calls(call.sid).update_async(twiml="<Response><Say>Back again</Say></Response>")
    await call.ended()
    assert call.said == ["Back again"]
    assert not answering.bridge.of("/dial-ended")


EVENTS = "initiated ringing answered completed"


@pytest.mark.parametrize(
    ("outcome", "told"),
    [
        ("completed", ["initiated", "ringing", "in-progress", "completed"]),
        ("busy", ["initiated", "ringing", "busy"]),
        ("failed", ["initiated", "ringing", "failed"]),
        ("no-answer", ["initiated", "ringing", "no-answer"]),
    ],
)
async def test_what_becomes_of_the_humans_leg_is_told_to_its_status_callback(stage, outcome, told):
    stage.twin.dial_outcomes[HUMAN] = outcome
    number = f'<Number statusCallback="/human" statusCallbackEvent="{EVENTS}">{HUMAN}</Number>'
    stage.bridge.script["/incoming-call"] = dial(number, ' timeout="5"')
    call = await stage.dial()
    await call.ended()
    hits = stage.bridge.of("/human")
    assert all(hit.genuine for hit in hits)
    assert [hit.form["CallStatus"] for hit in hits] == told
    assert [hit.form["SequenceNumber"] for hit in hits] == [str(number) for number in range(len(told))]
    assert {hit.form["CallSid"] for hit in hits} == {call.dialled[0].sid}
    assert {hit.form["ParentCallSid"] for hit in hits} == {call.sid}
    assert hits[-1].form["CallDuration"] == ("5" if outcome == "completed" else "0")


async def test_a_status_callback_hears_of_the_end_where_nothing_else_is_asked_for(stage):
    number = f'<Number statusCallback="/human" statusCallbackMethod="GET">{HUMAN}</Number>'
    stage.bridge.script["/incoming-call"] = dial(number)
    call = await stage.dial()
    await call.answered()
    await call.hang_up()
    await call.ended()
    (hit,) = stage.bridge.of("/human")
    assert hit.method == "GET"
    assert "CallStatus=canceled" in hit.url
