"""The engine's messages, as its message schema shows them."""

import json

import pytest

from ringbridge.errors import BrokenMessage
from ringbridge.wire import engine


def read(message):
    return engine.decode(json.dumps(message).encode())


def test_metadata_tells_the_conversation_and_its_formats():
    event = {
        "conversation_id": "conv_1",
        "agent_output_audio_format": "ulaw_8000",
        "user_input_audio_format": "pcm_16000",
    }
    message = read(
        {"type": "conversation_initiation_metadata", "conversation_initiation_metadata_event": event}
    ).conversation_initiation_metadata_event
    assert message == engine.MetadataEvent("conv_1", "ulaw_8000", "pcm_16000")


@pytest.mark.parametrize("event_id", [7, "7"])
def test_event_ids_may_come_as_text(event_id):
    audio = read({"type": "audio", "audio_event": {"audio_base_64": "AA==", "event_id": event_id, "x": {}}})
    assert audio.audio_event == engine.AudioEvent("AA==", 7)
    interruption = read({"type": "interruption", "interruption_event": {"event_id": event_id, "reason": "x"}})
    assert interruption.interruption_event.event_id == 7


def test_event_id_0_is_an_id():
    assert read({"type": "audio", "audio_event": {"event_id": 0}}).audio_event.event_id == 0


@pytest.mark.parametrize(
    ("message", "kind", "text"),
    [
        ({"type": "error", "message": "flat"}, "", "flat"),
        ({"type": "error", "error_event": {"error_type": "llm_error", "message": "nested"}}, "llm_error", "nested"),
        ({"type": "error", "error_event": {"code": 1008, "reason": "because"}}, "", "because"),
        ({"type": "client_error", "error_event": {"error_name": "e", "message": "m", "code": 1}}, "e", "m"),
        ({"type": "error"}, "", ""),
    ],
)
def test_errors_come_in_both_shapes(message, kind, text):
    error = read(message)
    assert (error.kind, error.text) == (kind, text)


@pytest.mark.parametrize("kind", ["internal_tentative_agent_response", "guardrail_triggered", "newfangled"])
def test_what_we_have_no_use_for_is_told_as_such(kind):
    assert read({"type": kind, "x": 1}) == engine.Unknown(kind)


@pytest.mark.parametrize(
    "text",
    [
        b'{"type":"interruption"}',
        b'{"type":"interruption","interruption_event":{"event_id":"x"}}',
        b'{"type":"audio","audio_event":{"audio_base_64":5}}',
        b'{"type":"conversation_initiation_metadata","conversation_initiation_metadata_event":{}}',
        b'{"type":null}',
        b"{}",
        b"null",
        b"\x00",
        b'{"type":"audio","x":' + b"[" * 100_000,
        b"",
    ],
)
def test_what_is_broken_is_an_error_of_ours(text):
    with pytest.raises(BrokenMessage):
        engine.decode(text)


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (
            engine.Initiate({"caller": "x"}),
            {"type": "conversation_initiation_client_data", "dynamic_variables": {"caller": "x"}},
        ),
        (engine.UserAudio("AA=="), {"user_audio_chunk": "AA=="}),
        (engine.Pong(7), {"type": "pong", "event_id": 7}),
        (engine.UserMessage("hi"), {"type": "user_message", "text": "hi"}),
        (engine.UserActivity(), {"type": "user_activity"}),
    ],
)
def test_what_we_send(message, text):
    assert json.loads(engine.encode(message)) == text


def spoken(**event):
    return engine.letters(read({"type": "audio", "audio_event": {"audio_base_64": "AA==", **event}}).audio_event)


def test_an_alignment_tells_when_each_letter_ends():
    alignment = {"chars": ["H", "i"], "char_start_times_ms": [0, 80.5], "char_durations_ms": [80, 60]}
    assert spoken(alignment=alignment) == [("H", 80), ("i", 140.5)]


@pytest.mark.parametrize(
    "alignment",
    [None, {}, [], "x", 7, {"chars": "Hi"}, {"chars": ["H"], "char_start_times_ms": ["x"]}, {"chars": None}],
)
def test_audio_is_not_lost_for_an_alignment_that_can_not_be_read(alignment):
    assert spoken(alignment=alignment) == []


def test_an_alignment_without_lengths_tells_when_letters_begin():
    assert spoken(alignment={"chars": ["H", "i"], "char_start_times_ms": [0, 80]}) == [("H", 0), ("i", 80)]


@pytest.mark.parametrize("place", [{"event_id": 7}, {"agent_response_complete_event": {"event_id": "7"}}])
def test_a_complete_reply_is_named_in_either_place(place):
    assert read({"type": "agent_response_complete", **place}).reply == 7


def test_a_complete_reply_without_a_name_is_none():
    assert read({"type": "agent_response_complete"}).reply is None


@pytest.mark.parametrize(
    ("fields", "text"),
    [({"tentative_user_transcription_event": {"user_transcript": "a ta", "event_id": 7}}, "a ta"), ({}, None)],
)
def test_words_that_may_still_change(fields, text):
    message = read({"type": "tentative_user_transcript", **fields})
    assert message.tentative_user_transcription_event.user_transcript == text
