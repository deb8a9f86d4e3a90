import pytest
from multidict import MultiDict

from ringbridge.errors import BrokenMessage
from ringbridge.wire.webhook import CallWebhook, DialEnded, StreamEvent, is_e164

INBOUND = {
    "CallSid": "CA1",
    "AccountSid": "AC1",
    "From": "+15550100",
    "To": "+15550199",
    "CallStatus": "ringing",
    "Direction": "inbound",
    "SomethingNew": "x",
}


def test_inbound_caller_is_who_rang():
    webhook = CallWebhook.read(MultiDict(INBOUND))
    assert webhook == CallWebhook("CA1", "AC1", "+15550100", "+15550199", "ringing", "inbound", "")


@pytest.mark.parametrize("direction", ["outbound-api", "outbound-dial"])
def test_outbound_caller_is_whom_we_rang(direction):
    webhook = CallWebhook.read(INBOUND | {"Direction": direction})
    assert (webhook.caller, webhook.called) == ("+15550199", "+15550100")


@pytest.mark.parametrize("who", ["anonymous", "client:ann", "sip:ann@example.test", ""])
def test_any_caller_is_read_as_it_is(who):
    assert CallWebhook.read(INBOUND | {"From": who}).caller == who


def test_only_the_call_is_needed():
    assert CallWebhook.read({"CallSid": "CA1"}) == CallWebhook("CA1", "", "", "", "", "", "")


@pytest.mark.parametrize("read", [CallWebhook.read, DialEnded.read, StreamEvent.read])
@pytest.mark.parametrize("form", [{}, {"CallSid": ""}, {"callsid": "CA1", "From": "+15550100"}])
def test_form_without_a_call_is_broken(read, form):
    with pytest.raises(BrokenMessage, match="CallSid") as caught:
        read(form)
    assert "+15550100" not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "ringing", "over"),
    [
        ("ringing", True, False),
        ("in-progress", False, False),
        ("queued", False, False),
        ("", False, False),
        ("completed", False, True),
        ("busy", False, True),
        ("failed", False, True),
        ("no-answer", False, True),
        ("canceled", False, True),
    ],
)
def test_status(status, ringing, over):
    webhook = CallWebhook.read(INBOUND | {"CallStatus": status})
    assert (webhook.is_ringing, webhook.is_over) == (ringing, over)


@pytest.mark.parametrize(
    ("status", "answered"),
    [("completed", True), ("answered", True), ("busy", False), ("no-answer", False), ("failed", False), ("", False)],
)
def test_dial_was_answered(status, answered):
    ended = DialEnded.read(INBOUND | {"CallStatus": "in-progress", "DialCallStatus": status})
    assert ended.answered is answered
    assert ended.call.status == "in-progress"


def test_dial_without_status_was_not_answered():
    assert not DialEnded.read(INBOUND).answered


def test_stream_event():
    form = {"CallSid": "CA1", "StreamSid": "MZ1", "StreamEvent": "stream-error", "StreamError": "31921"}
    assert StreamEvent.read(form) == StreamEvent("CA1", "MZ1", "stream-error", "31921")
    assert StreamEvent.read({"CallSid": "CA1"}) == StreamEvent("CA1", "", "", "")


@pytest.mark.parametrize("number", ["+15550100", "+44", "+123456789012345"])
def test_e164(number):
    assert is_e164(number)


@pytest.mark.parametrize(
    "text",
    ["", "+", "+1", "15550100", "+05550100", "+1234567890123456", "+1555 0100", "+15550100\n", "+1٢٣٤"],
)
def test_not_e164(text):
    assert not is_e164(text)


@pytest.mark.parametrize(
    "text", ["anonymous", "sip:+15550100@example.test", "client:+15550100", "+15550100<", " +15550100"]
)
def test_what_a_caller_may_be_instead(text):
    assert not is_e164(text)


def test_a_human_who_declined_after_the_whisper_has_not_taken_the_call():
    form = {"CallSid": "CA1", "DialCallStatus": "completed"}
    assert DialEnded.read(form).answered
    assert DialEnded.read(form | {"DialBridged": "true"}).answered
    assert not DialEnded.read(form | {"DialBridged": "false"}).answered
