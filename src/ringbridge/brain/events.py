"""What can happen on one brain socket, for the machine in `turns.py`."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from ringbridge.brain.talk import Talk
from ringbridge.plans import Plan
from ringbridge.wire import brain as wire

__all__ = [
    "BrokenArrived",
    "CallFound",
    "CallOver",
    "CallUnknown",
    "Doubted",
    "Event",
    "Opened",
    "Overheard",
    "PlanAsked",
    "Replaced",
    "ReplyAsked",
    "ReplyBegan",
    "ReplyCancelled",
    "ReplyEnd",
    "ReplyEnded",
    "ReplyEvent",
    "ReplyFailed",
    "ReplySaid",
    "SocketEnded",
    "Timer",
    "TimerFired",
    "ToolBegan",
    "ToolEnded",
]


@dataclass(frozen=True, slots=True)
class Opened:
    """ElevenLabs has dialled, and was let in."""


class Timer(StrEnum):
    """What the machine waits for; each runs at most once at a time."""

    INIT = "the socket should have said which conversation it serves"
    FILLER = "the caller has waited long enough to be told so"
    DEADLINE = "the brain should have said a word"
    STALL = "the brain may have stopped in the midst of a sentence"
    SETTLED = "the caller's words, as far as they are understood, have stood still"
    OUTDATED = "a guess has waited too long for its transcript"


@dataclass(frozen=True, slots=True)
class TimerFired:
    """The time of `SetTimer` is over."""

    timer: Timer


@dataclass(frozen=True, slots=True)
class BrokenArrived:
    """A message came that can't be read; `field` says where it is broken."""

    field: str


@dataclass(frozen=True, slots=True)
class CallFound:
    """The call of this conversation is known now; `talk` is what was said on it so far."""

    talk: Talk


@dataclass(frozen=True, slots=True)
class CallUnknown:
    """No call knows this conversation, and none came in time."""


@dataclass(frozen=True, slots=True)
class Overheard:
    """The engine has understood `text` of what the caller is saying; the transcript may say otherwise."""

    text: str


@dataclass(frozen=True, slots=True)
class Doubted:
    """Something has happened on the call that the next turn is told of, too: the caller cut in, or pressed a key."""


@dataclass(frozen=True, slots=True)
class ReplyAsked:
    """The brain is being asked for the reply `number`, from now on."""

    number: int


@dataclass(frozen=True, slots=True)
class ReplyBegan:
    """The first token of the reply `number` is there; it comes as `ReplySaid`."""

    number: int


@dataclass(frozen=True, slots=True)
class ReplySaid:
    """The brain has yielded `text`, in the reply `number`."""

    number: int
    text: str


@dataclass(frozen=True, slots=True)
class PlanAsked:
    """The brain has said its words in the reply `number`, and wants something done with the line after them."""

    number: int
    plan: Plan


@dataclass(frozen=True, slots=True)
class ToolBegan:
    """A tool of the brain's runs, in the reply `number`."""

    number: int


@dataclass(frozen=True, slots=True)
class ToolEnded:
    """One of them has ended."""

    number: int


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


ReplyEnd: TypeAlias = ReplyEnded | ReplyFailed | ReplyCancelled
ReplyEvent: TypeAlias = ReplyAsked | ReplyBegan | ReplySaid | PlanAsked | ToolBegan | ToolEnded | ReplyEnd
Event: TypeAlias = (
    Opened
    | TimerFired
    | wire.Incoming
    | wire.Unknown
    | BrokenArrived
    | CallFound
    | CallUnknown
    | Overheard
    | Doubted
    | ReplyEvent
    | CallOver
    | Replaced
    | SocketEnded
)
