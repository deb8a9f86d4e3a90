"""What the machine in `turns.py` wants done, in order, before the next event; and the facts that it reports."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from ringbridge.ids import ConversationId
from ringbridge.turn import Message
from ringbridge.wire import brain as wire

__all__ = [
    "CancelReply",
    "CloseSocket",
    "Command",
    "EngineGaveUp",
    "Fact",
    "FindCall",
    "MessagePassedOver",
    "NeverInitiated",
    "Report",
    "Send",
    "SetTimer",
    "SocketReplaced",
    "StartReply",
    "TranscriptPassedOver",
    "TurnAnswered",
    "TurnBegan",
    "TurnFailed",
    "TurnSuperseded",
    "UnknownConversation",
]


@dataclass(frozen=True, slots=True)
class SetTimer:
    """Come back with `TimerFired` in so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class FindCall:
    """Look for the call of this conversation; come back with `CallFound` or `CallUnknown`."""

    conversation_id: ConversationId


@dataclass(frozen=True, slots=True)
class StartReply:
    """Ask the brain. Everything that comes of it carries `number`; the last of it is one of the three ends."""

    number: int
    history: tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class CancelReply:
    """Cancel the reply `number`, and come back when the brain has let go of it."""

    number: int


@dataclass(frozen=True, slots=True)
class Send:
    """Send one message to ElevenLabs, at once."""

    message: wire.Outgoing


@dataclass(frozen=True, slots=True)
class CloseSocket:
    """Close the socket with this code and reason."""

    code: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class TurnBegan:
    """The brain is asked about the transcript `event_id`."""

    event_id: int | None


@dataclass(frozen=True, slots=True)
class TurnAnswered:
    """The transcript `event_id` has its answer: the brain's, or a phrase of ours where it had none."""

    event_id: int | None
    by: Literal["brain", "model_failed", "ask_again", "still_there"]


@dataclass(frozen=True, slots=True)
class TurnFailed:
    """The brain failed in its answer to `event_id`, after words that the caller hears or before the first."""

    event_id: int | None
    cause: str
    after_words: bool


@dataclass(frozen=True, slots=True)
class TurnSuperseded:
    """The transcript `event_id` is not answered (any further): `by` is newer."""

    event_id: int | None
    by: int | None


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


Fact: TypeAlias = (
    TurnBegan
    | TurnAnswered
    | TurnFailed
    | TurnSuperseded
    | TranscriptPassedOver
    | MessagePassedOver
    | NeverInitiated
    | UnknownConversation
    | SocketReplaced
    | EngineGaveUp
)


@dataclass(frozen=True, slots=True)
class Report:
    """Tell whoever listens what has happened. No fact holds words of the caller's or the brain's."""

    fact: Fact


Command: TypeAlias = SetTimer | FindCall | StartReply | CancelReply | Send | CloseSocket | Report
