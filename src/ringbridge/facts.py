"""What can happen on a call, as plain values: all that side features (logs, records, metrics) ever listen to."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from ringbridge.ids import CallSid, ConversationId, StreamSid

__all__ = [
    "AgentCorrected",
    "AgentSpoke",
    "Broken",
    "CallEnded",
    "CallerSpoke",
    "ConversationGivenBack",
    "ConversationOpened",
    "DigitsPressed",
    "EngineComplained",
    "Fact",
    "Faulted",
    "GreetingRefused",
    "Heard",
    "Interrupted",
    "Observer",
    "Outcome",
    "StreamAttached",
    "StreamLost",
    "Unsent",
]


class Outcome(Enum):
    """How a call ends for the caller. Recorded before anything is closed, as Twilio's next request races with it."""

    GOODBYE = "goodbye"
    """Ended on purpose, after the last words were played."""
    FAULT = "fault"
    """Something broke: the caller hears the sorry."""
    CALLER_GONE = "caller gone"
    """The caller hung up, or Twilio says that the call is over."""


@dataclass(frozen=True, slots=True)
class StreamAttached:
    """A Twilio stream began to carry the call's audio; `again` when it is not the call's first."""

    stream_sid: StreamSid
    again: bool


@dataclass(frozen=True, slots=True)
class StreamLost:
    """The stream's socket ended although the caller is still on the line."""

    code: int | None


@dataclass(frozen=True, slots=True)
class ConversationOpened:
    """The engine accepted the conversation, in formats that we can relay."""

    conversation_id: ConversationId


@dataclass(frozen=True, slots=True)
class ConversationGivenBack:
    """A conversation that was made ready for a call was closed, as no stream came for it."""


@dataclass(frozen=True, slots=True)
class GreetingRefused:
    """The engine does not allow our greeting: it is dialled again without."""


@dataclass(frozen=True, slots=True)
class CallerSpoke:
    """What the engine heard the caller say. Personal."""

    text: str


@dataclass(frozen=True, slots=True)
class AgentSpoke:
    """What the engine says to the caller. Personal."""

    text: str


@dataclass(frozen=True, slots=True)
class AgentCorrected:
    """What of its last words the caller heard, by the engine's account, before barging in. Personal."""

    text: str


@dataclass(frozen=True, slots=True)
class Heard:
    """The caller has heard the reply `event_id` up to `ms` of its audio."""

    event_id: int | None
    ms: int


@dataclass(frozen=True, slots=True)
class Interrupted:
    """The caller barged in; `dropped_ms` of the agent's audio were never heard."""

    event_id: int
    dropped_ms: int


@dataclass(frozen=True, slots=True)
class DigitsPressed:
    """Keys that the caller pressed, up to a `#` (left out) or a pause. Personal."""

    digits: str


@dataclass(frozen=True, slots=True)
class Broken:
    """A message of a peer (`twilio` or `engine`) could not be read, and was passed over; `problem` names the field."""

    peer: str
    problem: str


@dataclass(frozen=True, slots=True)
class EngineComplained:
    """The engine reported an error: the vendor's kind and words."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Unsent:
    """A peer (`twilio` or `engine`) was too slow, and audio for it was dropped. Told once for each time it begins."""

    peer: str


@dataclass(frozen=True, slots=True)
class Faulted:
    """The call can't go on; why, and the mend where there is one."""

    reason: str


@dataclass(frozen=True, slots=True)
class CallEnded:
    """The last fact of a call: everything that it held is given back."""

    outcome: Outcome | None


Fact: TypeAlias = (
    StreamAttached
    | StreamLost
    | ConversationOpened
    | ConversationGivenBack
    | GreetingRefused
    | CallerSpoke
    | AgentSpoke
    | AgentCorrected
    | Heard
    | Interrupted
    | DigitsPressed
    | Broken
    | EngineComplained
    | Unsent
    | Faulted
    | CallEnded
)

Observer: TypeAlias = Callable[[CallSid, Fact], None]
"""Takes each fact as it happens, in order. It must not block; if it raises, that is logged and the call goes on."""
