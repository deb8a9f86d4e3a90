"""What is said on the brain socket, which ElevenLabs dials: both directions, each to be encoded and decoded.

The messages are those of the ElevenLabs SDK's `speech_engine/types.py` and `session.py` (2.78); nothing else exists.
"""

from contextlib import suppress
from typing import Any, Final, TypeAlias, cast

import msgspec
from msgspec import Struct

from ringbridge.errors import BrokenMessage
from ringbridge.ids import ConversationId
from ringbridge.turn import Message
from ringbridge.wire._json import broken

__all__ = [
    "AgentResponse",
    "Close",
    "Error",
    "Incoming",
    "Init",
    "Outgoing",
    "Ping",
    "Pong",
    "Unknown",
    "UserTranscript",
    "decode",
    "decode_outgoing",
    "encode",
]


class Init(Struct, frozen=True, tag="init"):
    """The first message: which conversation this socket serves."""

    conversation_id: ConversationId


class UserTranscript(Struct, frozen=True):
    """The conversation so far, oldest first: something to answer.

    `event_id` names the turn and belongs on every piece of its answer. Ids rise. It is `None` where the message has
    none.
    """

    history: tuple[Message, ...]
    event_id: int | None = None


class Ping(Struct, frozen=True, tag="ping"):
    """To be answered with `Pong` at once."""


class Close(Struct, frozen=True, tag="close"):
    """The conversation is over."""


class Error(Struct, frozen=True, tag="error"):
    """ElevenLabs is about to close the socket; `message` says why, in its own words."""

    message: str = ""


class AgentResponse(Struct, frozen=True, tag="agent_response"):
    """A piece of the answer to the transcript `event_id`. The last one says so, and has no text."""

    content: str
    event_id: int | None
    is_final: bool

    @property
    def is_spoken(self) -> bool:
        """Whether it has anything to pronounce."""
        return any(map(str.isalnum, self.content))

    @property
    def is_complete(self) -> bool:
        """Whether it ends a sentence, or the reply."""
        return self.is_final or self.content.rstrip()[-1:] in _SENTENCE_ENDS


class Pong(Struct, frozen=True, tag="pong"):
    """The answer to `Ping`."""


class Unknown(Struct, frozen=True):
    """A message of a kind that we don't know. `type` is its name, cut to 40 characters."""

    type: str


Incoming: TypeAlias = Init | UserTranscript | Ping | Close | Error
Outgoing: TypeAlias = AgentResponse | Pong

_SENTENCE_ENDS: Final = frozenset(".!?…।")
_ROLES: Final = frozenset({"user", "agent"})
_Decoders: TypeAlias = dict[str, msgspec.json.Decoder[Any]]


class _Kind(Struct):
    type: str


class _Item(Struct):
    role: str
    content: str | msgspec.UnsetType | None = msgspec.UNSET


class _Transcript(Struct, frozen=True, tag="user_transcript"):
    user_transcript: list[_Item] | None
    event_id: int | str | None = None


class _LooseError(Struct, frozen=True, tag="error"):
    message: object = None


_KIND: Final = msgspec.json.Decoder(_Kind)
_ENCODER: Final = msgspec.json.Encoder()
_ANY_FROM_ENGINE: Final[msgspec.json.Decoder[Any]] = msgspec.json.Decoder(
    Init | _Transcript | Ping | Close | _LooseError
)
_FROM_ENGINE: Final[_Decoders] = {
    "init": msgspec.json.Decoder(Init),
    "user_transcript": msgspec.json.Decoder(_Transcript),
    "ping": msgspec.json.Decoder(Ping),
    "close": msgspec.json.Decoder(Close),
    "error": msgspec.json.Decoder(_LooseError),
}
_ANY_FROM_US: Final[msgspec.json.Decoder[Any]] = msgspec.json.Decoder(AgentResponse | Pong)
_FROM_US: Final[_Decoders] = {
    "agent_response": msgspec.json.Decoder(AgentResponse),
    "pong": msgspec.json.Decoder(Pong),
}


def decode(text: bytes, before: tuple[Message, ...] = ()) -> Incoming | Unknown:
    """Read one message of ElevenLabs'. Raises `BrokenMessage`, which names the field and never its content.

    What a transcript says in other roles than `user` and `agent`, or says without words (`null`), is left out. Each has
    the whole conversation: what stood at the same place in the one `before` it is taken from there.
    """
    message = _decode(text, _ANY_FROM_ENGINE, _FROM_ENGINE)
    if isinstance(message, _Transcript):
        return UserTranscript(_history(message, before), _event_id(message.event_id))
    if isinstance(message, _LooseError):
        return Error(message.message if isinstance(message.message, str) else "")
    if isinstance(message, Init) and not message.conversation_id:
        raise BrokenMessage("conversation_id: it is empty")
    return cast("Incoming | Unknown", message)


def decode_outgoing(text: bytes) -> Outgoing | Unknown:
    """Read one message of ours, as its receiver would. Raises `BrokenMessage`."""
    return cast("Outgoing | Unknown", _decode(text, _ANY_FROM_US, _FROM_US))


def encode(message: Incoming | Outgoing) -> bytes:
    """Write one message, of either direction."""
    if isinstance(message, UserTranscript):
        items = [_Item(said.role, said.text) for said in message.history]
        return _ENCODER.encode(_Transcript(items, message.event_id))
    return _ENCODER.encode(message)


def _decode(text: bytes, any_of_them: msgspec.json.Decoder[Any], decoders: _Decoders) -> object:
    with suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return any_of_them.decode(text)
    try:
        kind = _KIND.decode(text).type
        decoder = decoders.get(kind)
        return Unknown(kind[:40]) if decoder is None else decoder.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise broken(error) from None


def _history(transcript: _Transcript, before: tuple[Message, ...]) -> tuple[Message, ...]:
    said: list[Message] = []
    for number, item in enumerate(transcript.user_transcript or ()):
        if item.role not in _ROLES or item.content is None:
            continue
        if item.content is msgspec.UNSET:
            raise BrokenMessage(f"user_transcript[{number}].content: it is missing")
        known = before[len(said)] if len(said) < len(before) else None
        if known is None or known.text != item.content or known.role != item.role:
            known = Message("user" if item.role == "user" else "agent", item.content)
        said.append(known)
    return tuple(said)


def _event_id(value: int | str | None) -> int | None:
    if value is None or isinstance(value, int):
        return value
    try:
        return int(value)
    except ValueError:
        raise BrokenMessage("event_id: it is not a number") from None
