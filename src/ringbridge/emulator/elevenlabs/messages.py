"""What the engine sends on a conversation socket, as the vendor writes it.

https://elevenlabs.io/docs/agents-platform/customization/events/client-events
"""

import base64
from typing import Any, Literal, TypeAlias

__all__ = [
    "Message",
    "agent_response",
    "agent_response_complete",
    "agent_response_correction",
    "audio",
    "client_error",
    "error",
    "interruption",
    "metadata",
    "ping",
    "queue_status",
    "tentative_user_transcript",
    "user_transcript",
    "vad_score",
]

Message: TypeAlias = dict[str, Any]
"""One message, as it goes into `json.dumps`."""


def metadata(conversation_id: str, output_format: str, input_format: str) -> Message:
    """The first message of all."""
    return {
        "type": "conversation_initiation_metadata",
        "conversation_initiation_metadata_event": {
            "conversation_id": conversation_id,
            "agent_output_audio_format": output_format,
            "user_input_audio_format": input_format,
        },
    }


def audio(event_id: int, sound: bytes, alignment: Message | None = None, *, is_final: bool = False) -> Message:
    """A chunk of a reply; the last one is empty and says so."""
    event: Message = {"audio_base_64": base64.b64encode(sound).decode(), "event_id": event_id}
    if alignment:
        event["alignment"] = alignment
    if is_final:
        event["is_final"] = True
    return {"type": "audio", "audio_event": event}


def interruption(event_id: int) -> Message:
    """The caller cut in: audio of a lower id is stale."""
    return {"type": "interruption", "interruption_event": {"event_id": event_id}}


def ping(event_id: int, ping_ms: int | None) -> Message:
    """To be answered at once. `ping_ms` is what an earlier pair measured."""
    return {"type": "ping", "ping_event": {"event_id": event_id, "ping_ms": ping_ms}}


def queue_status(status: str) -> Message:
    """A conversation beyond the limit waits: `waiting`, then `admitted` or `timed_out`."""
    return {"type": "queue_status", "queue_status_event": {"status": status}}


def user_transcript(text: str, event_id: int) -> Message:
    """What the caller said."""
    event = {"user_transcript": text, "event_id": event_id}
    return {"type": "user_transcript", "user_transcription_event": event}


def tentative_user_transcript(text: str, event_id: int) -> Message:
    """What the caller has said so far, as far as it has been understood."""
    event = {"user_transcript": text, "event_id": event_id}
    return {"type": "tentative_user_transcript", "tentative_user_transcription_event": event}


def agent_response(text: str, event_id: int) -> Message:
    """The words of a reply."""
    return {"type": "agent_response", "agent_response_event": {"agent_response": text, "event_id": event_id}}


def agent_response_correction(original: str, heard: str, event_id: int) -> Message:
    """What was really heard of a reply before the caller cut in."""
    event = {"original_agent_response": original, "corrected_agent_response": heard, "event_id": event_id}
    return {"type": "agent_response_correction", "agent_response_correction_event": event}


def agent_response_complete(event_id: int) -> Message:
    """All audio of a reply has been sent."""
    return {"type": "agent_response_complete", "agent_response_complete_event": {"event_id": event_id}}


def vad_score(score: float) -> Message:
    """How likely it is that somebody speaks, 0 to 1."""
    return {"type": "vad_score", "vad_score_event": {"vad_score": score}}


def client_error(code: int, name: str, text: str) -> Message:
    """A message of the client's could not be used; the conversation goes on."""
    return {"type": "client_error", "error_event": {"code": code, "error_name": name, "message": text}}


def error(code: int, error_type: str, text: str, shape: Literal["nested", "flat"] = "nested") -> Message:
    """Something failed. The schema has the nested shape; the flat one has been seen, too."""
    if shape == "flat":
        return {"type": "error", "message": text, "code": code, "error_type": error_type}
    event = {
        "code": code,
        "message": text,
        "error_type": error_type,
        "reason": None,
        "debug_message": None,
        "details": None,
    }
    return {"type": "error", "error_event": event}
