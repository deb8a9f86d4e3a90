"""What a call's machine is told."""

from enum import StrEnum
from typing import TypeAlias

from msgspec import Struct

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


class Announced(Struct, frozen=True):
    """The call's webhook was answered. While it is still `ringing`, it is time to make the call ready."""

    ringing: bool


class StreamStarted(Struct, frozen=True):
    """A stream with a good token began; the call's first, or another in its place."""

    stream_sid: StreamSid


class FromTwilio(Struct, frozen=True):
    """A message of the attached stream, other than audio."""

    message: twilio.Incoming


class StreamClosed(Struct, frozen=True):
    """The attached stream's socket ended; a `stop` before it would have been told first."""

    code: int | None


class CallOver(Struct, frozen=True):
    """Twilio says, on a webhook, that the call is over."""


class Failed(Struct, frozen=True):
    """Something outside has decided that the call can't go on; why. `apologised`: Twilio tells the caller already."""

    reason: str
    apologised: bool = False


class Leave(Struct, frozen=True):
    """The call has to end, with a goodbye; why."""

    why: str


class AudioSent(Struct, frozen=True):
    """Audio of the reply `event_id` went to the caller; told where it is news: see `Relay.awaits_audio`."""

    event_id: int | None


class BrainAttached(Struct, frozen=True):
    """A brain socket serves the conversation from now on."""


class BrainDetached(Struct, frozen=True):
    """It is gone, and no other has taken its place."""


class BrainAsked(Struct, frozen=True):
    """The brain has begun to look for an answer."""


class BrainSaid(Struct, frozen=True):
    """Words of the brain's went to the engine (or, without `words`, the end of its reply).

    `complete`: nothing keeps the engine from speaking them; half a sentence it may hold until the rest comes.
    """

    words: bool
    complete: bool


class EngineConnected(Struct, frozen=True):
    """The conversation socket is up; nothing was said on it."""


class EngineUnreached(Struct, frozen=True):
    """No conversation socket could be had; why."""

    reason: str


class FromEngine(Struct, frozen=True):
    """A message of the conversation, other than audio."""

    message: engine.Incoming


class EngineClosed(Struct, frozen=True):
    """The conversation socket ended; `code` is `None` without a close frame."""

    code: int | None
    reason: str = ""


class Unreadable(Struct, frozen=True):
    """A message of a peer (`twilio` or `engine`) could not be read."""

    peer: str
    problem: str


class Unwritten(Struct, frozen=True):
    """A peer (`twilio` or `engine`) is too slow to be sent more: audio was dropped."""

    peer: str


class HungUp(Struct, frozen=True):
    """Twilio's REST API ended the call, or says that it had ended."""


class HangUpFailed(Struct, frozen=True):
    """Twilio's REST API did not end the call."""


class Asked(Struct, frozen=True):
    """The brain wants a plan carried out once the reply `event_id` was heard (`None`: whatever is being said).

    It gets one answer, `Settled` with its `number`. One that waits gives way to a newer.
    """

    number: int
    plan: Plan
    event_id: int | None


class Unwanted(Struct, frozen=True):
    """Whoever asked for the plan `number` does not want it any more, and needs no answer."""

    number: int


class Redirected(Struct, frozen=True):
    """Twilio has taken the call from its stream, as asked."""


class RedirectFailed(Struct, frozen=True):
    """It has not; the stream goes on."""


class DialEnded(Struct, frozen=True):
    """The human to whom the caller was put through took the call, and has ended it; or nobody did."""

    taken: bool


class TimerFired(Struct, frozen=True):
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
