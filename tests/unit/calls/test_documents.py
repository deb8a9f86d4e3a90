from itertools import count
from xml.etree.ElementTree import fromstring

import pytest

from ringbridge.calls.documents import Documents, Party
from ringbridge.calls.tokens import CallTokens
from ringbridge.errors import TokenRefused
from ringbridge.ids import AccountSid, CallSid
from ringbridge.phrases import ENGLISH, for_language
from ringbridge.plans import SendDigits, Transfer
from ringbridge.public_url import PublicUrl

PARTY = Party(CallSid("CA1"), AccountSid("AC1"), caller="+15550100", called="+15550199")
HUMAN = "+15550123"
SALES = Transfer("sales", "+15550124")
NOW = 1_800_000_000.0


def documents(**settings):
    nonces = count()
    return Documents(
        **{
            "tokens": CallTokens(["secret-0123456789"]),
            "public_url": PublicUrl.parse("bridge.test"),
            "fallback_number": HUMAN,
            "own_numbers": ("+15550199",),
            "whisper_text": None,
            "takes_messages": False,
            "clock": lambda: NOW,
            "nonce": lambda: f"nonce {next(nonces)}",
            **settings,
        }
    )


def tags(document):
    return [element.tag for element in fromstring(document).iter()][1:]


def said(document):
    return [element.text for element in fromstring(document).iter("Say")]


def token(document):
    return fromstring(document).find(".//Parameter").get("value")


def test_each_stream_gets_a_token_of_its_own_which_is_the_calls():
    made = documents()
    first, second = token(made.connect(PARTY)), token(made.connect(PARTY))
    for each in (first, second):
        made.tokens.redeem(each, PARTY.call_sid, PARTY.account_sid, now=NOW)
    with pytest.raises(TokenRefused, match="spent"):
        made.tokens.redeem(second, PARTY.call_sid, PARTY.account_sid, now=NOW)


def test_a_transfer_dials_as_the_sorry_does():
    transfer = fromstring(documents().redirect(PARTY, SALES))
    sorry = fromstring(documents().sorry(PARTY, ENGLISH))
    assert transfer.find("Dial").attrib == sorry.find("Dial").attrib
    assert transfer.find("Dial").attrib["action"] == "https://bridge.test/dial-ended"
    assert [number.text for number in (*transfer.iter("Number"), *sorry.iter("Number"))] == [SALES.number, HUMAN]
    assert [element.tag for element in transfer] == ["Dial"]


def test_a_transfer_whispers_if_there_is_something_to_whisper():
    made = documents(whisper_text="A call from the assistant.")
    (number,) = fromstring(made.redirect(PARTY, SALES)).iter("Number")
    assert number.attrib == {"url": "https://bridge.test/whisper"}
    (said,) = fromstring(made.whisper(for_language("de")))
    assert (said.tag, said.attrib, said.text) == ("Say", {"language": "de-DE"}, "A call from the assistant.")


def test_without_one_it_does_not():
    (number,) = fromstring(documents().redirect(PARTY, SALES)).iter("Number")
    assert number.attrib == {}
    assert tags(documents().whisper(ENGLISH)) == []


def test_digits_are_pressed_and_then_the_stream_is_back():
    made = documents()
    document = made.redirect(PARTY, SendDigits("1w2#"))
    assert tags(document) == ["Play", "Connect", "Stream", "Parameter"]
    assert fromstring(document).find("Play").attrib == {"digits": "1w2#"}
    made.tokens.redeem(token(document), PARTY.call_sid, PARTY.account_sid, now=NOW)


@pytest.mark.parametrize("number", [None, "+15550199"])
def test_the_sorry_dials_nobody_where_there_is_nobody_else(number):
    assert tags(documents(fallback_number=number).sorry(PARTY, ENGLISH)) == ["Say", "Say", "Hangup"]


def test_the_ladder_below_the_conversation():
    assert said(documents().sorry(PARTY, ENGLISH)) == [ENGLISH.sorry, ENGLISH.connecting]
    assert tags(documents().sorry(PARTY, ENGLISH)) == ["Say", "Say", "Dial", "Number"]
    nobody = documents(fallback_number=None, takes_messages=True)
    assert tags(nobody.sorry(PARTY, ENGLISH)) == ["Say", "Say", "Record", "Say", "Hangup"]
    assert said(nobody.sorry(PARTY, ENGLISH)) == [ENGLISH.sorry, ENGLISH.leave_message, ENGLISH.goodbye]
    assert said(nobody.goodbye(ENGLISH)) == [ENGLISH.leave_message, ENGLISH.goodbye]
    assert said(documents().goodbye(ENGLISH)) == [ENGLISH.goodbye]


def test_who_has_heard_the_sorry_does_not_hear_it_again():
    assert said(documents().sorry(PARTY, ENGLISH, apologised=True)) == [ENGLISH.connecting]
    assert said(documents(fallback_number=None).sorry(PARTY, ENGLISH, apologised=True)) == [ENGLISH.goodbye]


def test_a_message_may_last_two_minutes_and_leads_back_to_us():
    document = fromstring(documents(fallback_number=None, takes_messages=True).sorry(PARTY, ENGLISH))
    assert document.find("Record").attrib == {
        "action": "https://bridge.test/voicemail-ended",
        "method": "POST",
        "maxLength": "120",
        "playBeep": "true",
    }


def test_a_refused_caller_is_put_through_without_a_word():
    assert tags(documents().put_through(PARTY)) == ["Dial", "Number"]
    assert documents(fallback_number=None).put_through(PARTY) is None


def test_numbers_and_texts_are_not_shown():
    shown = repr(documents(whisper_text="psst"))
    assert not any(text in shown for text in (HUMAN, "+15550199", "psst"))
