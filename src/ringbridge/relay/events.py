"""What a call's machine is told."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from ringbridge.ids import StreamSid
from ringbridge.plans import Plan
from ringbridge.wire import engine, twilio

__all__ = [
    "Announced",
    "Asked",
    "AudioSent",
    "BrainAsked",
    "BrainAttached",
    "BrainDetached",
    "BrainSaid",
    "CallOver",
    "DialEnded",
    "EngineClosed",
    "EngineConnected",
    "EngineUnreached",
    "Event",
    "Failed",
    "FromEngine",
    "FromTwilio",
    "HangUpFailed",
    "HungUp",
    "Leave",
    "RedirectFailed",
    "Redirected",
    "StreamClosed",
    "StreamStarted",
    "Timer",
    "TimerFired",
    "Unreadable",
    "Unwanted",
    "Unwritten",
]


class Timer(StrEnum):
    """What the machine waits for; each runs at most once at a time."""

    START_DUE = "no stream has come for the conversation that was made ready"
    FORGET = "the call's token has expired, and no stream has come"
    ENGINE_DUE = "the conversation should be open by now"
    HELD = "the conversation was held long enough for another stream"
    SILENCE = "another second of silence is due for the engine"
    DIGITS = "the caller has stopped pressing keys"
    PLAYED = "what was queued should have been played"
    STOP_DUE = "Twilio should have stopped the stream of a call that we ended"
    SETTLED = "no more audio of a reply has come since the last of it was heard"
    ERRAND = "what waits for words to be heard has waited long enough"
    AWAY = "Twilio should be done with what it does instead of streaming"
    PLAYING = "the engine is to be told that a sound is playing"
    QUIET = "the caller has heard nothing for long enough"
    MUTE = "the engine should have spoken by now"
    LATELY = "nobody has spoken for a while"
    PROVEN = "the conversation has lasted"
    BRAIN_DUE = "a brain should have come by now"
    WARNING = "the call's time is nearly up"
    TIME_UP = "the call has lasted as long as it may"


@dataclass(frozen=True, slots=True)
class Announced:
    """The call's webhook was answered. While it is still `ringing`, it is time to make the call ready."""

    ringing: bool


@dataclass(frozen=True, slots=True)
class StreamStarted:
    """A stream with a good token began; the call's first, or another in its place."""

    stream_sid: StreamSid


@dataclass(frozen=True, slots=True)
class FromTwilio:
    """A message of the attached stream, other than audio."""

    message: twilio.Incoming


@dataclass(frozen=True, slots=True)
class StreamClosed:
    """The attached stream's socket ended; a `stop` before it would have been told first."""

    code: int | None


@dataclass(frozen=True, slots=True)
class CallOver:
    """Twilio says, on a webhook, that the call is over."""


@dataclass(frozen=True, slots=True)
class Failed:
    """Something outside has decided that the call can't go on; why. `apologised`: Twilio tells the caller already."""

    reason: str
    apologised: bool = False


@dataclass(frozen=True, slots=True)
class Leave:
    """The call has to end, with a goodbye; why."""

    why: str


@dataclass(frozen=True, slots=True)
class AudioSent:
    """Audio of the reply `event_id` went to the caller; told where it is news: see `Relay.awaits_audio`."""

    event_id: int | None


@dataclass(frozen=True, slots=True)
class BrainAttached:
    """A brain socket serves the conversation from now on."""


@dataclass(frozen=True, slots=True)
class BrainDetached:
    """It is gone, and no other has taken its place."""


@dataclass(frozen=True, slots=True)
class BrainAsked:
    """The brain has begun to look for an answer."""


@dataclass(frozen=True, slots=True)
class BrainSaid:
    """Words of the brain's went to the engine (or, without `words`, the end of its reply).

    `complete`: nothing keeps the engine from speaking them; half a sentence it may hold until the rest comes.
    """

    words: bool
    complete: bool


@dataclass(frozen=True, slots=True)
class EngineConnected:
    """The conversation socket is up; nothing was said on it."""


@dataclass(frozen=True, slots=True)
class EngineUnreached:
    """No conversation socket could be had; why."""

    reason: str


@dataclass(frozen=True, slots=True)
class FromEngine:
    """A message of the conversation, other than audio."""

    message: engine.Incoming


@dataclass(frozen=True, slots=True)
class EngineClosed:
    """The conversation socket ended; `code` is `None` without a close frame."""

    code: int | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A message of a peer (`twilio` or `engine`) could not be read."""

    peer: str
    problem: str


@dataclass(frozen=True, slots=True)
class Unwritten:
    """A peer (`twilio` or `engine`) is too slow to be sent more: audio was dropped."""

    peer: str


@dataclass(frozen=True, slots=True)
class HungUp:
    """Twilio's REST API ended the call, or says that it had ended."""


@dataclass(frozen=True, slots=True)
class HangUpFailed:
    """Twilio's REST API did not end the call."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The brain wants a plan carried out once the reply `event_id` was heard (`None`: whatever is being said).

    It gets one answer, `Settled` with its `number`. One that waits gives way to a newer.
    """

    number: int
    plan: Plan
    event_id: int | None


@dataclass(frozen=True, slots=True)
class Unwanted:
    """Whoever asked for the plan `number` does not want it any more, and needs no answer."""

    number: int


@dataclass(frozen=True, slots=True)
class Redirected:
    """Twilio has taken the call from its stream, as asked."""


@dataclass(frozen=True, slots=True)
class RedirectFailed:
    """It has not; the stream goes on."""


@dataclass(frozen=True, slots=True)
class DialEnded:
    """The human to whom the caller was put through took the call, and has ended it; or nobody did."""

    taken: bool


@dataclass(frozen=True, slots=True)
class TimerFired:
    """A timer of the machine's ran out."""

    timer: Timer


Event: TypeAlias = (
    Announced
    | StreamStarted
    | FromTwilio
    | StreamClosed
    | CallOver
    | Failed
    | Leave
    | AudioSent
    | BrainAttached
    | BrainDetached
    | BrainAsked
    | BrainSaid
    | EngineConnected
    | EngineUnreached
    | FromEngine
    | EngineClosed
    | Unreadable
    | Unwritten
    | HungUp
    | HangUpFailed
    | Asked
    | Unwanted
    | Redirected
    | RedirectFailed
    | DialEnded
    | TimerFired
)
