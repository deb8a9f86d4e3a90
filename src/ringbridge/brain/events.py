"""What can happen on one brain socket, for the machine in `turns.py`."""

from enum import StrEnum
from typing import TypeAlias

from msgspec import Struct

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


class Opened(Struct, frozen=True):
    """ElevenLabs has dialled, and was let in."""


class Timer(StrEnum):
    """What the machine waits for; each runs at most once at a time."""

    INIT = "the socket should have said which conversation it serves"
    FILLER = "the caller has waited long enough to be told so"
    DEADLINE = "the brain should have said a word"
    STALL = "the brain may have stopped in the midst of a sentence"
    SETTLED = "the caller's words, as far as they are understood, have stood still"
    OUTDATED = "a guess has waited too long for its transcript"


class TimerFired(Struct, frozen=True):
    """The time of `SetTimer` is over."""

    timer: Timer


class BrokenArrived(Struct, frozen=True):
    """A message came that can't be read; `field` says where it is broken."""

    field: str


class CallFound(Struct, frozen=True):
    """The call of this conversation is known now; `talk` is what was said on it so far."""

    talk: Talk


class CallUnknown(Struct, frozen=True):
    """No call knows this conversation, and none came in time."""


class Overheard(Struct, frozen=True):
    """The engine has understood `text` of what the caller is saying; the transcript may say otherwise."""

    text: str


class Doubted(Struct, frozen=True):
    """Something has happened on the call that the next turn is told of, too: the caller cut in, or pressed a key."""


class ReplyAsked(Struct, frozen=True):
    """The brain is being asked for the reply `number`, from now on."""

    number: int


class ReplyBegan(Struct, frozen=True):
    """The first token of the reply `number` is there; it comes as `ReplySaid`."""

    number: int


class ReplySaid(Struct, frozen=True):
    """The brain has yielded `text`, in the reply `number`."""

    number: int
    text: str


class PlanAsked(Struct, frozen=True):
    """The brain has said its words in the reply `number`, and wants something done with the line after them."""

    number: int
    plan: Plan


class ToolBegan(Struct, frozen=True):
    """A tool of the brain's runs, in the reply `number`."""

    number: int


class ToolEnded(Struct, frozen=True):
    """One of them has ended."""

    number: int


class ReplyEnded(Struct, frozen=True):
    """The brain has no more to say."""

    number: int


class ReplyFailed(Struct, frozen=True):
    """The brain raised, or was silent for too long. `cause` has no words of caller or brain in it."""

    number: int
    cause: str


class ReplyCancelled(Struct, frozen=True):
    """The brain has let go of the reply, or was given up on."""

    number: int


class CallOver(Struct, frozen=True):
    """The call has ended: there is nobody left to talk to."""


class Replaced(Struct, frozen=True):
    """A newer socket serves this conversation."""


class SocketEnded(Struct, frozen=True):
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
