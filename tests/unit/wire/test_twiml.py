from xml.etree.ElementTree import fromstring

import pytest

from ringbridge.phrases import ENGLISH
from ringbridge.wire import twiml
from ringbridge.wire.twiml import Fallback

HUMAN = "+15550123"
CALLER = "+15550100"
CALLED = "+15550199"


def verbs(document):
    """The document as nested (tag, attributes, text or children)."""

    def tree(element):
        return element.tag, dict(element.attrib), [tree(child) for child in element] or element.text

    root = fromstring(document)
    assert root.tag == "Response"
    assert not root.attrib
    return [tree(child) for child in root]


def fallback(number=HUMAN, *, caller=CALLER, called=CALLED, own=()):
    return twiml.fallback_for(number, caller=caller, called=called, own_numbers=own, action="https://b.test/dial-ended")


SORRY = ("Say", {"language": "en-US"}, ENGLISH.sorry)
GOODBYE = ("Say", {"language": "en-US"}, ENGLISH.goodbye)


def test_connect():
    document = twiml.connect(
        stream_url="wss://b.test/media-stream",
        action="https://b.test/call-ended",
        status_callback="https://b.test/stream-status",
        token="t0k.en",
    )
    parameter = ("Parameter", {"name": "token", "value": "t0k.en"}, None)
    stream = {"url": "wss://b.test/media-stream", "statusCallback": "https://b.test/stream-status"}
    assert verbs(document) == [("Connect", {"action": "https://b.test/call-ended"}, [("Stream", stream, [parameter])])]


def test_sorry_without_a_human_is_followed_by_goodbye():
    document = twiml.sorry(ENGLISH, None, voicemail=None, apologised=False)
    assert verbs(document) == [SORRY, GOODBYE, ("Hangup", {}, None)]


def test_sorry_dials_the_human():
    document = twiml.sorry(
        ENGLISH,
        Fallback(HUMAN, caller_id=CALLER, action="https://b.test/dial-ended", time_limit_s=60),
        voicemail="https://b.test/voicemail-ended",
        apologised=False,
    )
    attributes = {"callerId": CALLER, "timeout": "20", "timeLimit": "60", "action": "https://b.test/dial-ended"}
    connecting = ("Say", {"language": "en-US"}, ENGLISH.connecting)
    assert verbs(document) == [SORRY, connecting, ("Dial", attributes, [("Number", {}, HUMAN)])]


def test_static_fallback_asks_nothing_of_our_server():
    dial = ("Dial", {"timeout": "20", "timeLimit": "3600"}, [("Number", {}, HUMAN)])
    assert verbs(twiml.static_fallback(ENGLISH, HUMAN)) == [SORRY, dial, GOODBYE]


def test_static_fallback_without_a_human():
    assert verbs(twiml.static_fallback(ENGLISH, None)) == [SORRY]


def test_once_more_asks_the_same_address_again():
    assert verbs(twiml.once_more("/incoming-call")) == [("Redirect", {"method": "POST"}, "/incoming-call")]


def test_a_line_that_is_busy_is_not_answered():
    assert verbs(twiml.reject()) == [("Reject", {"reason": "busy"}, None)]


def test_goodbye():
    assert verbs(twiml.goodbye(ENGLISH, voicemail=None)) == [GOODBYE, ("Hangup", {}, None)]


def test_hang_up():
    assert verbs(twiml.hang_up()) == [("Hangup", {}, None)]


def test_empty():
    assert verbs(twiml.empty()) == []


def test_human_sees_the_caller():
    assert fallback() == Fallback(HUMAN, caller_id=CALLER, action="https://b.test/dial-ended")


@pytest.mark.parametrize(
    "caller",
    ["anonymous", "", "client:ann", "sip:+15550100@x.test", "unknown", "+266696687", '+1"/><Say>x', "+15550100\n"],
)
def test_human_sees_the_called_number_when_the_caller_has_none(caller):
    assert fallback(caller=caller).caller_id == CALLED


@pytest.mark.parametrize("called", ["sip:desk@x.test", "client:desk", ""])
def test_human_sees_what_twilio_shows_when_nobody_has_a_number(called):
    assert fallback(caller="anonymous", called=called).caller_id is None


@pytest.mark.parametrize("number", [None, ""])
def test_no_human(number):
    assert fallback(number) is None


@pytest.mark.parametrize("number", [CALLED, "+1 (555) 01-99", "0015550199", "1.555.01.99", "+1\u00a0555 0199"])
def test_called_number_is_no_human(number):
    assert fallback(number) is None
    assert fallback(CALLED, called=number) is None


def test_our_other_numbers_are_no_human():
    assert fallback(HUMAN, own=["+44 20 7946 0000", "+1 555 0123"]) is None
    assert fallback(HUMAN, own=["+44 20 7946 0000", ""]) is not None


def test_the_caller_may_be_the_human():
    assert fallback(CALLER).number == CALLER


def test_keys_are_pressed_before_the_stream():
    document = twiml.connect(stream_url="wss://b.test/x", action="a", status_callback="s", token="t", keys="1w*")
    assert verbs(document)[0] == ("Play", {"digits": "1w*"}, None)
    assert [tag for tag, *_ in verbs(document)] == ["Play", "Connect"]


def test_a_transfer_is_a_dial_and_nothing_else():
    human = Fallback(HUMAN, caller_id=CALLER, action="https://b.test/dial-ended", whisper="https://b.test/whisper")
    attributes = {"callerId": CALLER, "timeout": "20", "timeLimit": "3600", "action": "https://b.test/dial-ended"}
    number = ("Number", {"url": "https://b.test/whisper"}, HUMAN)
    assert verbs(twiml.transfer(human)) == [("Dial", attributes, [number])]


def test_something_is_said_in_the_phrases_language():
    assert verbs(twiml.say("A call.", ENGLISH)) == [("Say", {"language": "en-US"}, "A call.")]
