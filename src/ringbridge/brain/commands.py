"""What the machine in `turns.py` wants done, in order, before the next event; and the facts that it reports."""

from typing import TypeAlias

from msgspec import Struct

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


class SetTimer(Struct, frozen=True):
    """(Re)start a timer: come back with `TimerFired` in so many seconds."""

    timer: Timer
    seconds: float


class DropTimer(Struct, frozen=True):
    """Stop a timer, if it runs."""

    timer: Timer


class FindCall(Struct, frozen=True):
    """Look for the call of this conversation; come back with `CallFound` or `CallUnknown`."""

    conversation_id: ConversationId


class StartReply(Struct, frozen=True):
    """Ask the brain. Everything that comes of it carries `number`; the last of it is one of the three ends.

    What a `guessed` reply does on the line waits for `ConfirmReply`.
    """

    number: int
    told: Told
    guessed: bool = False


class ConfirmReply(Struct, frozen=True):
    """The guessed reply `number` is the turn's: what it does on the line is carried out."""

    number: int


class CancelReply(Struct, frozen=True):
    """Cancel the reply `number`, and come back when the brain has let go of it."""

    number: int


class Send(Struct, frozen=True):
    """Send one message to ElevenLabs, at once."""

    message: wire.Outgoing


class AskLine(Struct, frozen=True):
    """Have the call carry out a plan once the reply `event_id` was heard; at once when that is `None`.

    `number` is the reply that waits for the answer; `None` for a plan of our own.
    """

    number: int | None
    plan: Plan
    event_id: int | None


class GiveUp(Struct, frozen=True):
    """The call can't go on: the caller gets the sorry; why."""

    reason: str


class CloseSocket(Struct, frozen=True):
    """Close the socket with this code and reason."""

    code: int
    reason: str = ""


class TranscriptPassedOver(Struct, frozen=True):
    """A re-sent or older transcript."""

    event_id: int


class MessagePassedOver(Struct, frozen=True):
    """A message that we could not use: of an unknown kind, broken, or out of place."""

    why: str


class NeverInitiated(Struct, frozen=True):
    """The socket did not say in time which conversation it serves."""


class UnknownConversation(Struct, frozen=True):
    """No call knows the conversation that the socket serves."""


class SocketReplaced(Struct, frozen=True):
    """A newer socket took over the conversation."""


class EngineGaveUp(Struct, frozen=True):
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


class Report(Struct, frozen=True):
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
