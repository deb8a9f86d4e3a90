"""What a bridge and a brain in another service say to each other about one call, as JSON objects with a `type`.

    GET /internal/calls/{conversation_id}    upgraded to a WebSocket
    x-api-key                                SHARED_SECRET
    Ringbridge-Seat                          a name that the brain makes up for this conversation
    Ringbridge-Taken                         the number of the newest message that it has taken; 0 at first

404: no call has that conversation. 410: it has, but what the brain has missed is not known any more. A kind of message
that is not known is passed over, so that the two may be of neighbouring versions.
"""

from typing import Final, Literal, TypeAlias, get_args

import msgspec
from msgspec import Raw, Struct

from ringbridge.brain.talk import Kept
from ringbridge.errors import BrokenMessage
from ringbridge.ids import CallSid, ConversationId
from ringbridge.turn import Message
from ringbridge.wire._json import Reader

__all__ = [
    "CALLS",
    "SEAT_HEADER",
    "SECRET_HEADER",
    "TAKEN_HEADER",
    "Asked",
    "BrainAsked",
    "Counted",
    "Dropped",
    "Failed",
    "Found",
    "FromBridge",
    "Gathering",
    "Granted",
    "History",
    "Keyed",
    "MemoryMethod",
    "Noted",
    "Over",
    "Overheard",
    "Piece",
    "Refused",
    "Replaced",
    "Said",
    "Settled",
    "Sound",
    "ToBridge",
    "Told",
    "Unknown",
    "Wished",
    "encode",
    "read_found",
    "read_from_brain",
    "read_from_bridge",
]

CALLS: Final = "/internal/calls/{conversation_id}"
SECRET_HEADER: Final = "x-api-key"  # noqa: S105
SEAT_HEADER: Final = "Ringbridge-Seat"
TAKEN_HEADER: Final = "Ringbridge-Taken"


# From the bridge


class Found(Struct, frozen=True, tag="found"):
    """The call of the conversation: the first message. What `Call` has but for its line and state; `talk` so far."""

    sid: CallSid
    caller: str
    called: str
    conversation_id: ConversationId
    digits: tuple[str, ...]
    language: str
    ids: dict[str, str]
    talk: Kept


class Noted(Struct, frozen=True, tag="noted"):
    """Something that the talk, or the turn, has to know has happened on the call: a fact's name and its fields."""

    kind: str
    fields: Raw


class Keyed(Struct, frozen=True, tag="keyed"):
    """The numbers that were keyed so far."""

    digits: tuple[str, ...]


class Gathering(Struct, frozen=True, tag="gathering"):
    """Whether the caller is keying what was asked for."""

    is_on: bool


class Overheard(Struct, frozen=True, tag="overheard"):
    """The engine has understood this of what the caller is saying."""

    text: str


class Settled(Struct, frozen=True, tag="settled"):
    """Whether the plan `number` was done."""

    number: int
    done: bool


class Granted(Struct, frozen=True, tag="granted"):
    """The wish `number` was seen to; `entries` is what was recalled."""

    number: int
    entries: dict[str, str]
    count: int


class Refused(Struct, frozen=True, tag="refused"):
    """The wish `number` is not allowed; why."""

    number: int
    problem: str


class Replaced(Struct, frozen=True, tag="replaced"):
    """Another brain serves the conversation."""


class Over(Struct, frozen=True, tag="over"):
    """The call has ended."""


# From the brain


class Told(Struct, frozen=True, tag="told"):
    """Something has happened in the brain: a fact's name and its fields."""

    kind: str
    fields: Raw


class History(Struct, frozen=True, tag="history"):
    """A transcript came: of the one before it the first `kept` entries hold, and `added` follow."""

    kept: int
    added: tuple[Message, ...]


class Piece(Struct, frozen=True, tag="piece"):
    """What was sent to be spoken, in the reply `event_id`."""

    event_id: int | None
    text: str
    filler: bool


class Counted(Struct, frozen=True, tag="counted"):
    """What a talk counts from turn to turn; see `Talk`."""

    answered: int | None
    silences: int
    failures: int
    wordless: int


class BrainAsked(Struct, frozen=True, tag="brain_asked"):
    """The brain has begun to look for an answer."""


class Said(Struct, frozen=True, tag="said"):
    """Words went to the engine, or the end of a reply; `complete` where it can be spoken now."""

    words: bool
    complete: bool


class Asked(Struct, frozen=True, tag="asked"):
    """A plan is to be carried out once the reply `event_id` was heard: a plan's name and its fields.

    A sound has gone before, in pieces; whom a caller is put through to is named, and the bridge knows the number.
    """

    number: int
    kind: str
    fields: Raw
    event_id: int | None


class Sound(Struct, frozen=True, tag="sound"):
    """Some more pieces of what the plan `number` will play."""

    number: int
    pieces: tuple[str, ...]


class Dropped(Struct, frozen=True, tag="dropped"):
    """The plan `number` is not wanted any more."""

    number: int


class Failed(Struct, frozen=True, tag="failed"):
    """The call can't go on."""

    reason: str


MemoryMethod: TypeAlias = Literal["remember", "recall_all", "forget"]


class Wished(Struct, frozen=True, tag="wished"):
    """Something of what is kept about this caller: a method of `CallerMemory`, and what it is given."""

    number: int
    method: MemoryMethod
    key: str = ""
    value: str = ""


class Unknown(Struct, frozen=True):
    """A message of a kind that we don't know."""

    type: str


FromBridge: TypeAlias = Found | Noted | Keyed | Gathering | Overheard | Settled | Granted | Refused | Replaced | Over
ToBridge: TypeAlias = Told | History | Piece | Counted | BrainAsked | Said | Asked | Sound | Dropped | Failed | Wished

_ENCODER: Final = msgspec.json.Encoder()
_FROM_BRIDGE: Final = Reader[FromBridge, Unknown](get_args(FromBridge), Unknown, strict=True)
_FROM_BRAIN: Final = Reader[ToBridge, Unknown](get_args(ToBridge), Unknown, strict=True)


def encode(message: FromBridge | ToBridge) -> bytes:
    """Write one message, of either direction."""
    return _ENCODER.encode(message)


def read_from_bridge(text: bytes) -> FromBridge | Unknown:
    """Read one message of a bridge's. Raises `BrokenMessage`."""
    return _FROM_BRIDGE.read(text)


def read_found(text: bytes) -> Found:
    """Read a bridge's first message. Raises `BrokenMessage` where it is another."""
    message = _FROM_BRIDGE.read(text)
    if not isinstance(message, Found):
        raise BrokenMessage("found: it was not said first")
    return message


def read_from_brain(text: bytes) -> ToBridge | Unknown:
    """Read one message of a brain's. Raises `BrokenMessage`."""
    return _FROM_BRAIN.read(text)
