"""`<Record>`: messages that a caller leaves."""

import asyncio

import pytest

from ringbridge.audio.mulaw import FRAME_BYTES
from ringbridge.emulator.twilio.records import CallOver
from ringbridge.emulator.twilio.twiml import TwimlError, read_document

WORDS = b"\x20" * 8000
DEFAULTS = '<Record action="/taken" recordingStatusCallback="/recording"/>'


def now():
    return asyncio.get_running_loop().time()


def told(call, kind):
    return [event.detail for event in call.events if event.kind == kind]


@pytest.fixture
def records(stage):
    """A call that comes to this verb; "Nobody" is said when the verb falls through."""

    async def dial(verb=DEFAULTS):
        stage.bridge.script["/incoming-call"] = f"<Response>{verb}<Say>Nobody</Say></Response>"
        stage.bridge.script["/taken"] = "<Response><Say>Thanks</Say></Response>"
        call = await stage.dial()
        await call.answered()
        return call

    return dial


async def test_silence_ends_it_and_action_is_told(stage, records):
    call = await records()
    await asyncio.sleep(0.5)  # the tone
    began = now()
    await call.speak(WORDS)
    await call.ended()
    (message,) = call.recordings
    (taken,) = stage.bridge.of("/taken")
    assert taken.genuine
    assert taken.at - began == pytest.approx(1 + 5, abs=0.05)
    assert taken.form["RecordingSid"] == message.sid
    assert taken.form["RecordingSid"].startswith("RE")
    assert taken.form["RecordingUrl"].endswith(f"/Recordings/{message.sid}")
    assert (taken.form["RecordingDuration"], taken.form["Digits"]) == ("6", "")
    assert taken.form["CallStatus"] == "in-progress"
    assert bytes(message.audio).strip(b"\xff") == WORDS
    assert call.said == ["Thanks"]
    assert told(call, "recording_started") == [{"sid": message.sid}]
    assert told(call, "recording_ended") == [{"sid": message.sid, "seconds": 6, "digits": ""}]


async def test_without_a_sound_the_next_verb_follows(stage, records):
    call = await records()
    await call.ended()
    assert (call.recordings, call.said) == ([], ["Nobody"])
    assert not stage.bridge.of("/taken")
    assert not stage.bridge.of("/recording")


@pytest.mark.parametrize(
    ("keys", "pressed", "digits"), [("", "7", "7"), ('finishOnKey="#"', "7#", "#"), ('finishOnKey=""', "7#", "")]
)
async def test_a_key_ends_it(stage, records, keys, pressed, digits):
    call = await records(f'<Record action="/taken" {keys}/>')
    await asyncio.sleep(0.5)
    await call.speak(WORDS)
    await call.press(pressed)
    await call.ended()
    assert stage.bridge.of("/taken")[0].form["Digits"] == digits
    assert call.recordings[0].digits == digits
    assert not told(call, "dtmf")


async def test_its_length_ends_it(stage, records):
    call = await records('<Record action="/taken" maxLength="2" playBeep="false"/>')
    with pytest.raises(CallOver):
        await call.speak(WORDS * 4)
    await call.ended()
    assert stage.bridge.of("/taken")[0].form["RecordingDuration"] == "2"
    assert len(call.recordings[0].audio) == 16000


async def test_the_timeout_may_be_another(stage, records):
    call = await records('<Record action="/taken" timeout="2" playBeep="false"/>')
    await call.speak(WORDS)
    began = now()
    await call.ended()
    assert stage.bridge.of("/taken")[0].at - began == pytest.approx(2, abs=0.05)


async def test_whoever_hangs_up_has_left_a_message_all_the_same(stage, records):
    call = await records()
    await asyncio.sleep(0.5)
    await call.speak(WORDS)
    await call.hang_up()
    await call.ended()
    (taken,) = stage.bridge.of("/taken")
    assert (taken.form["Digits"], taken.form["CallStatus"]) == ("hangup", "completed")
    assert call.recordings[0].sid == taken.form["RecordingSid"]
    assert stage.bridge.of("/recording")[0].form["RecordingStatus"] == "completed"


async def test_whoever_hangs_up_without_a_word_has_not(stage, records):
    call = await records()
    await asyncio.sleep(0.5)
    await call.hang_up()
    await call.ended()
    assert call.recordings == []
    assert not stage.bridge.of("/taken")


async def test_a_tone_comes_before_it_and_is_not_on_it(stage, records):
    call = await records()
    await asyncio.sleep(0.5)
    assert bytes(call.heard).strip(b"\xff")
    await call.hang_up()
    silent = await records('<Record action="/taken" playBeep="false"/>')
    await silent.speak(WORDS)
    await silent.hang_up()
    assert not bytes(silent.heard).strip(b"\xff")
    assert abs(len(silent.recordings[0].audio) - len(WORDS)) <= FRAME_BYTES


async def test_without_action_the_document_is_asked_again(stage, records):
    call = await records('<Record playBeep="false"/>')
    await call.speak(WORDS)
    await stage.bridge.until("/incoming-call", 2)
    assert stage.bridge.of("/incoming-call")[1].form["RecordingSid"] == call.recordings[0].sid
    await call.hang_up()


async def test_its_callback_is_told_what_it_wants_to_know(stage, records):
    events = 'recordingStatusCallbackEvent="in-progress completed absent" recordingStatusCallbackMethod="GET"'
    call = await records(f'<Record action="/taken" recordingStatusCallback="/recording" {events}/>')
    await call.ended()
    hits = stage.bridge.of("/recording")
    assert [(hit.method, hit.genuine) for hit in hits] == [("GET", True), ("GET", True)]
    assert "RecordingStatus=in-progress" in hits[0].url
    assert "RecordingStatus=absent" in hits[1].url
    assert "RecordingDuration=0" in hits[1].url


async def test_its_callback_by_default_is_told_of_the_end_only(stage, records):
    call = await records()
    await asyncio.sleep(0.5)
    await call.speak(WORDS)
    await call.ended()
    (hit,) = stage.bridge.of("/recording")
    assert hit.genuine
    assert dict(hit.form) == {
        "RecordingSid": call.recordings[0].sid,
        "RecordingUrl": stage.bridge.of("/taken")[0].form["RecordingUrl"],
        "RecordingDuration": "6",
        "AccountSid": hit.form["AccountSid"],
        "CallSid": call.sid,
        "RecordingStatus": "completed",
        "RecordingChannels": "1",
        "RecordingSource": "RecordVerb",
        "RecordingStartTime": hit.form["RecordingStartTime"],
    }


@pytest.mark.parametrize(
    "attributes",
    [
        'maxLength="1"',
        'timeout="0"',
        'finishOnKey="A"',
        'playBeep="loud"',
        'beep="true"',
        'trim="all"',
        'recordingStatusCallbackEvent="done"',
        'method="PUT"',
    ],
)
def test_what_is_not_documented_is_refused(attributes):
    document = f"<Response><Record {attributes}/></Response>"
    with pytest.raises(TwimlError) as refusal:
        read_document(document.encode(), "text/xml")
    assert refusal.value.code == 12200
