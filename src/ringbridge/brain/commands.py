"""What the machine in `turns.py` wants done, in order, before the next event; and the facts that it reports."""

from dataclasses import dataclass
from typing import TypeAlias

from ringbridge import facts
from ringbridge.brain.events import Timer
from ringbridge.brain.talk import Told
from ringbridge.ids import ConversationId
from ringbridge.plans import Plan
from ringbridge.wire import brain as wire

__all__ = [
    "AskLine",
    "CancelReply",
    "CloseSocket",
    "Command",
    "ConfirmReply",
    "DropTimer",
    "EngineGaveUp",
    "Fact",
    "FindCall",
    "GiveUp",
    "MessagePassedOver",
    "NeverInitiated",
    "Report",
    "Send",
    "SetTimer",
    "SocketReplaced",
    "StartReply",
    "TranscriptPassedOver",
    "TurnFact",
    "UnknownConversation",
]


@dataclass(frozen=True, slots=True)
class SetTimer:
    """(Re)start a timer: come back with `TimerFired` in so many seconds."""

    timer: Timer
    seconds: float


@dataclass(frozen=True, slots=True)
class DropTimer:
    """Stop a timer, if it runs."""

    timer: Timer


@dataclass(frozen=True, slots=True)
class FindCall:
    """Look for the call of this conversation; come back with `CallFound` or `CallUnknown`."""

    conversation_id: ConversationId


@dataclass(frozen=True, slots=True)
class StartReply:
    """Ask the brain. Everything that comes of it carries `number`; the last of it is one of the three ends.

    What a `guessed` reply does on the line waits for `ConfirmReply`.
    """

    number: int
    told: Told
    guessed: bool = False


@dataclass(frozen=True, slots=True)
class ConfirmReply:
    """The guessed reply `number` is the turn's: what it does on the line is carried out."""

    number: int


@dataclass(frozen=True, slots=True)
class CancelReply:
    """Cancel the reply `number`, and come back when the brain has let go of it."""

    number: int


@dataclass(frozen=True, slots=True)
class Send:
    """Send one message to ElevenLabs, at once."""

    message: wire.Outgoing


@dataclass(frozen=True, slots=True)
class AskLine:
    """Have the call carry out a plan once the reply `event_id` was heard; at once when that is `None`.

    `number` is the reply that waits for the answer; `None` for a plan of our own.
    """

    number: int | None
    plan: Plan
    event_id: int | None


@dataclass(frozen=True, slots=True)
class GiveUp:
    """The call can't go on: the caller gets the sorry; why."""

    reason: str


@dataclass(frozen=True, slots=True)
class CloseSocket:
    """Close the socket with this code and reason."""

    code: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class TranscriptPassedOver:
    """A re-sent or older transcript."""

    event_id: int


@dataclass(frozen=True, slots=True)
class MessagePassedOver:
    """A message that we could not use: of an unknown kind, broken, or out of place."""

    why: str


@dataclass(frozen=True, slots=True)
class NeverInitiated:
    """The socket did not say in time which conversation it serves."""


@dataclass(frozen=True, slots=True)
class UnknownConversation:
    """No call knows the conversation that the socket serves."""


@dataclass(frozen=True, slots=True)
class SocketReplaced:
    """A newer socket took over the conversation."""


@dataclass(frozen=True, slots=True)
class EngineGaveUp:
    """ElevenLabs ends the socket with an error, in its own words (cut to 200 characters)."""

    message: str


TurnFact: TypeAlias = (
    facts.TurnBegan
    | facts.BrainAsked
    | facts.BrainBegan
    | facts.WordsSent
    | facts.TurnAnswered
    | facts.TurnFailed
    | facts.TurnSuperseded
    | facts.FillerSpoken
    | facts.Speculated
)
"""What others than the log care for, too."""

Fact: TypeAlias = (
    TurnFact
    | TranscriptPassedOver
    | MessagePassedOver
    | NeverInitiated
    | UnknownConversation
    | SocketReplaced
    | EngineGaveUp
)


@dataclass(frozen=True, slots=True)
class Report:
    """Tell whoever listens what has happened."""

    fact: Fact


Command: TypeAlias = (
    SetTimer
    | DropTimer
    | FindCall
    | StartReply
    | ConfirmReply
    | CancelReply
    | Send
    | AskLine
    | GiveUp
    | CloseSocket
    | Report
)
