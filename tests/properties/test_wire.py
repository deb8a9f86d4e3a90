"""Any bytes are a message or an error of our own; what we send can be read back."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringbridge.errors import BrokenMessage
from ringbridge.wire import engine, twilio

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
KINDS = {
    twilio.decode: ("event", ["connected", "start", "media", "dtmf", "mark", "stop", "clear", "other"]),
    engine.decode: (
        "type",
        [
            *("conversation_initiation_metadata", "audio", "interruption", "ping", "user_transcript"),
            *("agent_response", "agent_response_correction", "queue_status", "error", "client_error", "other"),
        ],
    ),
}
PARTS = [
    *("streamSid", "start", "media", "dtmf", "mark", "payload", "audio_event", "interruption_event", "ping_event"),
    *("user_transcription_event", "error_event", "message", "conversation_initiation_metadata_event"),
]


def is_message_or_broken(decode, text):
    with suppress(BrokenMessage):
        decode(text)


@pytest.mark.parametrize("decode", KINDS)
@given(text=st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(decode, text):
    is_message_or_broken(decode, text)


@pytest.mark.parametrize("decode", KINDS)
@given(data=st.data())
def test_any_json_of_a_known_kind_is_read_or_refused(decode, data):
    tag, kinds = KINDS[decode]
    message = data.draw(st.dictionaries(st.sampled_from(PARTS), JSON, max_size=4))
    message[tag] = data.draw(st.sampled_from(kinds))
    is_message_or_broken(decode, json.dumps(message).encode())


@given(sid=st.text(), payload=st.text(), name=st.text())
def test_what_we_send_to_twilio_can_be_read_back(sid, payload, name):
    for message in (twilio.Media(sid, twilio.Payload(payload)), twilio.Mark(sid, twilio.MarkName(name))):
        assert twilio.decode(twilio.encode(message)) == message


@given(payload=st.text(), spaces=st.sampled_from([(", ", ": "), (",", ":"), (" ,\n", "\t: ")]), shuffled=st.randoms())
def test_the_order_and_white_space_of_twilios_json_do_not_matter(payload, spaces, shuffled):
    pairs = [
        ("event", "media"),
        ("streamSid", "MZ1"),
        ("sequenceNumber", "4"),
        ("media", {"payload": payload, "chunk": "1"}),
    ]
    shuffled.shuffle(pairs)
    message = twilio.decode(json.dumps(dict(pairs), separators=spaces).encode())
    assert message.media.payload == payload
