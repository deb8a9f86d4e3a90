"""What can happen on one brain socket, for the machine in `turns.py`."""

from dataclasses import dataclass
from typing import TypeAlias

from ringbridge.wire import brain as wire

__all__ = [
    "BrokenArrived",
    "CallFound",
    "CallOver",
    "CallUnknown",
    "Event",
    "Opened",
    "Replaced",
    "ReplyCancelled",
    "ReplyEnded",
    "ReplyEvent",
    "ReplyFailed",
    "ReplySaid",
    "SocketEnded",
    "TimerFired",
]


@dataclass(frozen=True, slots=True)
class Opened:
    """ElevenLabs has dialled, and was let in."""


@dataclass(frozen=True, slots=True)
class TimerFired:
    """The time of `SetTimer` is over."""


@dataclass(frozen=True, slots=True)
class BrokenArrived:
    """A message came that can't be read; `field` says where it is broken."""

    field: str


@dataclass(frozen=True, slots=True)
class CallFound:
    """The call of this conversation is known now. `answered` is the newest turn that an older socket has answered."""

    answered: int | None = None


@dataclass(frozen=True, slots=True)
class CallUnknown:
    """No call knows this conversation, and none came in time."""


@dataclass(frozen=True, slots=True)
class ReplySaid:
    """The brain has yielded `text`, in the reply `number`."""

    number: int
    text: str


@dataclass(frozen=True, slots=True)
class ReplyEnded:
    """The brain has no more to say."""

    number: int


@dataclass(frozen=True, slots=True)
class ReplyFailed:
    """The brain raised, or was silent for too long. `cause` has no words of caller or brain in it."""

    number: int
    cause: str


@dataclass(frozen=True, slots=True)
class ReplyCancelled:
    """The brain has let go of the reply, or was given up on."""

    number: int


@dataclass(frozen=True, slots=True)
class CallOver:
    """The call has ended: there is nobody left to talk to."""


@dataclass(frozen=True, slots=True)
class Replaced:
    """A newer socket serves this conversation."""


@dataclass(frozen=True, slots=True)
class SocketEnded:
    """The socket is closed or lost."""


ReplyEvent: TypeAlias = ReplySaid | ReplyEnded | ReplyFailed | ReplyCancelled
Event: TypeAlias = (
    Opened
    | TimerFired
    | wire.Incoming
    | wire.Unknown
    | BrokenArrived
    | CallFound
    | CallUnknown
    | ReplyEvent
    | CallOver
    | Replaced
    | SocketEnded
)
