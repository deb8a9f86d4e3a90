"""Twilio's messages, as its page on WebSocket messages shows them."""

import json

import pytest

from ringbridge.errors import BrokenMessage
from ringbridge.wire import twilio

START = {
    "event": "start",
    "sequenceNumber": "1",
    "start": {
        "accountSid": "AC1",
        "streamSid": "MZ1",
        "callSid": "CA1",
        "tracks": ["inbound"],
        "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
        "customParameters": {"token": "t"},
    },
    "streamSid": "MZ1",
}


def read(message):
    return twilio.decode(json.dumps(message).encode())


def test_start_tells_of_stream_call_account_format_and_parameters():
    details = read(START).start
    assert (details.stream_sid, details.call_sid, details.account_sid) == ("MZ1", "CA1", "AC1")
    assert details.media_format == twilio.MediaFormat("audio/x-mulaw", 8000, 1)
    assert details.custom_parameters == {"token": "t"}


def test_media_carries_its_payload_untouched():
    message = read(
        {
            "event": "media",
            "sequenceNumber": "4",
            "media": {"track": "inbound", "chunk": "2", "timestamp": "5", "payload": "no+JhoaJjpz/=="},
            "streamSid": "MZ1",
        }
    )
    assert message.media.payload == "no+JhoaJjpz/=="


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ({"event": "connected", "protocol": "Call", "version": "1.0.0"}, twilio.Connected),
        ({"event": "dtmf", "streamSid": "MZ1", "dtmf": {"track": "inbound_track", "digit": "1"}}, twilio.Dtmf),
        ({"event": "mark", "streamSid": "MZ1", "sequenceNumber": "4", "mark": {"name": "e0:1"}}, twilio.Mark),
        ({"event": "stop", "streamSid": "MZ1", "stop": {"accountSid": "AC1", "callSid": "CA1"}}, twilio.Stop),
    ],
)
def test_the_other_messages_are_told_apart(message, kind):
    assert type(read(message)) is kind


def test_a_kind_that_is_not_known_is_told_as_such():
    assert read({"event": "newfangled", "x": [1]}) == twilio.Unknown("newfangled")


@pytest.mark.parametrize(
    ("text", "field"),
    [
        (b'{"event":"media","streamSid":"MZ1"}', "media: media: it is missing"),
        (b'{"event":"media","streamSid":"MZ1","media":{"payload":5}}', "media: media.payload: it is of the wrong kind"),
        (b'{"event":"mark","streamSid":"MZ1","mark":{}}', "name"),
        (b'{"event":"start","start":{}}', "streamSid"),
        (b'{"event":5}', "event"),
        (b"{}", "event"),
        (b"[]", "not an object"),
        (b"\xff\xfe", "JSON"),
        (b'{"event":"media","x":' + b"[" * 100_000, "not JSON"),
        (b"", "not JSON"),
        (b'{"event":"media"', "not JSON"),
    ],
)
def test_what_is_broken_names_the_field(text, field):
    with pytest.raises(BrokenMessage, match=field):
        twilio.decode(text)


def test_a_broken_message_does_not_tell_its_content():
    with pytest.raises(BrokenMessage) as raised:
        twilio.decode(b'{"event":"dtmf","dtmf":{"digit":["4","2"]}}')
    assert "42" not in str(raised.value)
    assert '"4"' not in str(raised.value)


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (
            twilio.Media("MZ1", twilio.Payload("AAAA")),
            {"event": "media", "streamSid": "MZ1", "media": {"payload": "AAAA"}},
        ),
        (twilio.Mark("MZ1", twilio.MarkName("e0:1")), {"event": "mark", "streamSid": "MZ1", "mark": {"name": "e0:1"}}),
        (twilio.Clear("MZ1"), {"event": "clear", "streamSid": "MZ1"}),
    ],
)
def test_what_we_send_has_no_field_too_many(message, text):
    assert json.loads(twilio.encode(message)) == text
