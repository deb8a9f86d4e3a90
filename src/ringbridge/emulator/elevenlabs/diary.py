"""What the twin writes down of a conversation, for tests, for a live display and for measuring."""

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

__all__ = ["Ended", "Event", "EventKind", "Timed"]

EventKind: TypeAlias = Literal[
    "speech",  # the caller begins to speak; where in the caller's audio, in ms
    "tentative",  # the words understood so far
    "user",  # the caller's words, as transcribed or written
    "retranscribed",  # the same pause, transcribed again; the new event id
    "silence",  # the caller said nothing for the engine's turn timeout; the event id of the turn that opens
    "agent",  # a clause of the agent, as its audio begins to be sent
    "interruption",  # the caller cut in; the interruption's event id
    "correction",  # what was heard of a reply that was cut
    "resend",  # a transcript is sent again; its event id
    "unanswered",  # a transcript has been sent four times in vain; its event id
    "text_dropped",  # the brain's text carried the id of a turn that is over
    "brain_open",  # our end of the brain socket is open
    "brain_refused",  # the brain's server could not be reached, or answered the upgrade with this status
    "brain_lost",  # the brain's server ended the socket, or it broke; the close code, if there was one
    "brain_unknown",  # the brain sent a message of this unknown type
    "brain_broken",  # the brain sent something that is no valid message
    "activity",  # the client said that the user is active
    "context",  # the client sent background information
    "unknown",  # the client sent a message of this unknown type
    "broken",  # the client sent something that is no valid message
    "fault",  # a fault that was asked for strikes
    "ended",  # the conversation is over; by whom, and the close code
]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, `at_ms` after the conversation's socket opened."""

    at_ms: int
    kind: EventKind
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Timed:
    """One message as it was sent or received, `at_ms` after the conversation's socket opened."""

    at_ms: int
    message: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Ended:
    """How a conversation ended: by whom first, and the close frame's code; `None` when there was no close frame."""

    code: int | None
    by: Literal["client", "twin"]
    reason: str = ""
