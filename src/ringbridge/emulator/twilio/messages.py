"""The JSON of the media socket, written and read by hand, and read as strictly as Twilio does.

https://www.twilio.com/docs/voice/media-streams/websocket-messages
"""

import binascii
import json
from dataclasses import dataclass
from typing import Any, TypeAlias

__all__ = ["Clear", "InvalidMessage", "Mark", "Media", "Message", "media_text", "read_message"]


class InvalidMessage(Exception):
    """A message that Twilio drops, with a warning: 31951."""


@dataclass(frozen=True, slots=True)
class Media:
    """Audio to be queued."""

    audio: bytes


@dataclass(frozen=True, slots=True)
class Mark:
    """To be echoed when all audio before it has played."""

    name: str


@dataclass(frozen=True, slots=True)
class Clear:
    """Empties the queue."""


Message: TypeAlias = Media | Mark | Clear

_SHAPES: dict[str, dict[str, set[str]]] = {
    "media": {"media": {"payload"}},
    "mark": {"mark": {"name"}},
    "clear": {},
}
"""For each event, the objects it must have, and the fields of those: no fewer and no more."""


def read_message(text: str, stream_sid: str) -> Message:
    """Read what the bridge sent. Raises `InvalidMessage`, saying what Twilio would object to."""
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        raise InvalidMessage("not JSON") from None
    if not isinstance(message, dict):
        raise InvalidMessage("not a JSON object")
    event = message.get("event")
    if not isinstance(event, str) or event not in _SHAPES:
        raise InvalidMessage(f"unknown event {event!r}")
    shape = _SHAPES[event]
    _check_fields(message, {"event", "streamSid", *shape}, event)
    if message["streamSid"] != stream_sid:
        raise InvalidMessage("streamSid is not that of this stream")
    for name, fields in shape.items():
        _check_fields(message[name], fields, name)
    return _content(event, message)


def _check_fields(value: object, wanted: set[str], where: str) -> None:
    if not isinstance(value, dict):
        raise InvalidMessage(f"{where} is not an object")
    if missing := wanted - value.keys():
        raise InvalidMessage(f"{where} lacks {', '.join(sorted(missing))}")
    if surplus := value.keys() - wanted:
        raise InvalidMessage(f"{where} has unexpected {', '.join(sorted(surplus))}")


def _content(event: str, message: dict[str, Any]) -> Message:
    match event:
        case "media":
            return Media(_audio(message["media"]["payload"]))
        case "mark":
            name = message["mark"]["name"]
            if not isinstance(name, str):
                raise InvalidMessage("mark.name is not a string")
            return Mark(name)
        case _:
            return Clear()


def _audio(payload: object) -> bytes:
    if not isinstance(payload, str):
        raise InvalidMessage("media.payload is not a string")
    try:
        return binascii.a2b_base64(payload, strict_mode=True) if payload else b""
    except ValueError:
        raise InvalidMessage("media.payload is not base64") from None


def media_text(stream_sid: str, sequence: int, chunk: int, timestamp_ms: int, payload: str) -> str:
    """One frame of the caller, without the cost of a general encoder: none of its values needs quoting."""
    return (
        f'{{"event":"media","sequenceNumber":"{sequence}","media":{{"track":"inbound","chunk":"{chunk}",'
        f'"timestamp":"{timestamp_ms}","payload":"{payload}"}},"streamSid":"{stream_sid}"}}'
    )
