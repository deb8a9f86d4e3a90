"""What can happen on a call, as plain values: all that side features (logs, records, metrics) ever listen to."""

from collections.abc import Callable
from enum import Enum
from typing import Literal, TypeAlias, TypeVar

from msgspec import Struct

from ringbridge.ids import CallSid, ConversationId, StreamSid
from ringbridge.waterfall import Waterfall

__all__ = [
    "AgentCorrected",
    "AgentSpoke",
    "BrainAsked",
    "BrainAttached",
    "BrainBegan",
    "BrainDetached",
    "Broken",
    "CallBegan",
    "CallEnded",
    "CallRefused",
    "CallerBegan",
    "CallerSpoke",
    "CallerWaited",
    "ClipPlayed",
    "ConversationClosed",
    "ConversationGivenBack",
    "ConversationOpened",
    "ConversationRedialled",
    "DigitsPressed",
    "DigitsSent",
    "EngineComplained",
    "Fact",
    "Faulted",
    "FillerSpoken",
    "GreetingRefused",
    "Heard",
    "Interrupted",
    "KeyPressed",
    "Observer",
    "Outcome",
    "Parting",
    "PlanDropped",
    "ReplyBegan",
    "ReplyHeard",
    "SoundPlayed",
    "Speculated",
    "StreamAttached",
    "StreamLost",
    "ToolBegan",
    "ToolEnded",
    "TranscriptCame",
    "Transferring",
    "TurnAnswered",
    "TurnBegan",
    "TurnFailed",
    "TurnSuperseded",
    "Unsent",
    "VoicemailLeft",
    "WordsSent",
    "hears",
]


class Outcome(Enum):
    """How a call ends for the caller. Recorded before anything is closed, as Twilio's next request races with it."""

    GOODBYE = "goodbye"
    """Ended on purpose, after the last words were played."""
    FAULT = "fault"
    """Something broke: the caller hears the sorry."""
    TRANSFERRED = "transferred"
    """A human took the call."""
    CALLER_GONE = "caller gone"
    """The caller hung up, or Twilio says that the call is over."""


class CallBegan(Struct, frozen=True):
    """A call was taken: its first fact. `caller` and `called` are as Twilio gives them. Personal."""

    caller: str
    called: str
    language: str


class CallRefused(Struct, frozen=True):
    """A call was not taken: its only fact. `why` is one of `calls.admission.Why`'s values."""

    why: str


class StreamAttached(Struct, frozen=True):
    """A Twilio stream began to carry the call's audio; `again` when it is not the call's first."""

    stream_sid: StreamSid
    again: bool


class StreamLost(Struct, frozen=True):
    """The stream's socket ended although the caller is still on the line."""

    code: int | None


class ConversationOpened(Struct, frozen=True):
    """The engine accepted the conversation, in formats that we can relay."""

    conversation_id: ConversationId


class ConversationClosed(Struct, frozen=True):
    """The engine ended the conversation; `code` is `None` without a close frame."""

    code: int | None
    reason: str


class ConversationRedialled(Struct, frozen=True):
    """The conversation was lost, and another is dialled in its place; why it was."""

    reason: str


class BrainAttached(Struct, frozen=True):
    """A brain socket serves the conversation from now on."""


class BrainDetached(Struct, frozen=True):
    """It is gone, and no other has taken its place."""


class ConversationGivenBack(Struct, frozen=True):
    """A conversation that was made ready for a call was closed, as no stream came for it."""


class GreetingRefused(Struct, frozen=True):
    """The engine does not allow our greeting: it is dialled again without."""


class CallerSpoke(Struct, frozen=True):
    """What the engine heard the caller say. Personal."""

    text: str


class AgentSpoke(Struct, frozen=True):
    """What the engine says to the caller. Personal."""

    text: str


class AgentCorrected(Struct, frozen=True):
    """What of its last words (`original`) the caller heard, by the engine's account, before barging in. Personal."""

    original: str
    text: str


class Heard(Struct, frozen=True):
    """The caller has heard the reply `event_id` up to `ms` of its audio."""

    event_id: int | None
    ms: int


class Interrupted(Struct, frozen=True):
    """The caller barged in, or the stream was lost; `dropped_ms` of the agent's audio were never heard.

    `reply` is the event id of the reply that was cut, `None` when none was being heard; `heard` are its words by the
    engine's alignment, up to the last mark that came back, `None` where the engine sent no alignment. Personal.
    """

    event_id: int
    dropped_ms: int
    reply: int | None = None
    heard: str | None = None


class KeyPressed(Struct, frozen=True):
    """The caller pressed a key; more of them may follow."""


class DigitsPressed(Struct, frozen=True):
    """Keys that the caller pressed, up to a `#` (left out) or a pause. Personal.

    What is `secret` has a dot here for each of them.
    """

    digits: str
    secret: bool = False


class Broken(Struct, frozen=True):
    """A message of a peer (`twilio` or `engine`) could not be read, and was passed over; `problem` names the field."""

    peer: str
    problem: str


class EngineComplained(Struct, frozen=True):
    """The engine reported an error: the vendor's kind and words."""

    kind: str
    text: str


class Unsent(Struct, frozen=True):
    """A peer (`twilio` or `engine`) was too slow, and audio for it was dropped. Told once for each time it begins."""

    peer: str


class Faulted(Struct, frozen=True):
    """The call can't go on; why, and the mend where there is one."""

    reason: str


class ReplyBegan(Struct, frozen=True):
    """The first audio of the reply `event_id` went to the caller."""

    event_id: int | None


class ClipPlayed(Struct, frozen=True):
    """The bridge spoke with its own voice: `clip` is a field of `relay.clips.Clips`."""

    clip: str


class Parting(Struct, frozen=True):
    """The bridge itself ends the call, after a goodbye; why (`time is up`, `the process stops`)."""

    why: str


class VoicemailLeft(Struct, frozen=True):
    """The caller has left a message of `seconds`, which Twilio keeps under `recording_sid`."""

    recording_sid: str
    seconds: int


class ReplyHeard(Struct, frozen=True):
    """The caller has heard the reply `event_id` to its end."""

    event_id: int


class CallerBegan(Struct, frozen=True):
    """The engine has noticed that the caller speaks."""


class Transferring(Struct, frozen=True):
    """The caller is put through to a human, who goes by `name`; `ended` when nobody took the call: the talk goes on."""

    name: str
    ended: bool = False


class DigitsSent(Struct, frozen=True):
    """Keys were pressed towards the caller. Personal."""

    digits: str


class SoundPlayed(Struct, frozen=True):
    """A sound was played, for `ms` of it; `cut` when the caller stopped it."""

    ms: int
    cut: bool


class PlanDropped(Struct, frozen=True):
    """What was to be done with the line after the reply is not done: the caller cut in. `plan` is its kind."""

    plan: str


class TranscriptCame(Struct, frozen=True):
    """The transcript `event_id` is at our brain: for the first time, or once more."""

    event_id: int | None


class TurnBegan(Struct, frozen=True):
    """The brain is asked about the transcript `event_id`. `prompt` are the words before the caller's newest, as heard.

    Personal: `prompt` is the agent's last entry ("" without one), `text` the caller's words.
    """

    event_id: int | None
    prompt: str
    text: str
    interrupted: bool


class BrainAsked(Struct, frozen=True):
    """The brain begins to find the answer to `event_id`: what it takes from here on is its own."""

    event_id: int | None


class BrainBegan(Struct, frozen=True):
    """The first token of its answer to `event_id` came."""

    event_id: int | None


class WordsSent(Struct, frozen=True):
    """The first of its words, cleaned, went to the engine."""

    event_id: int | None


class CallerWaited(Struct, frozen=True):
    """The wait for the answer to `event_id` is over: what it was made of, and how it ended. Told once for each turn."""

    event_id: int | None
    waterfall: Waterfall


class TurnAnswered(Struct, frozen=True):
    """The transcript `event_id` has its answer: the brain's, or a phrase of ours where it had none."""

    event_id: int | None
    by: Literal["brain", "model_failed", "ask_again", "still_there", "farewell", "too_slow"]


class TurnFailed(Struct, frozen=True):
    """The brain failed in its answer to `event_id`, after words that the caller hears or before the first."""

    event_id: int | None
    cause: str
    after_words: bool


class TurnSuperseded(Struct, frozen=True):
    """The transcript `event_id` is not answered (any further): `by` is newer."""

    event_id: int | None
    by: int | None


class FillerSpoken(Struct, frozen=True):
    """The brain lets the caller wait: a filler was sent, in the reply `event_id`."""

    event_id: int | None
    text: str


class Speculated(Struct, frozen=True):
    """What became of an answer that the brain was asked for before the caller's words were final.

    `used`: it is the turn's. `wrong`: the caller said something else. `cancelled`: it was overtaken, or nothing came.
    """

    outcome: Literal["used", "wrong", "cancelled"]


class ToolBegan(Struct, frozen=True):
    """A tool runs. `arguments` is their JSON. Personal."""

    name: str
    arguments: str


class ToolEnded(Struct, frozen=True):
    """A tool has ended, `ms` after it began. `result` is what the model is told. Personal.

    `reused`: the same call had been made in this utterance, so nothing was run.
    """

    name: str
    how: Literal["done", "refused", "failed", "late", "cancelled", "reused", "asked", "declined"]
    ms: int
    result: str


class CallEnded(Struct, frozen=True):
    """The last fact of a call: everything that it held is given back."""

    outcome: Outcome | None


Fact: TypeAlias = (
    CallBegan
    | CallRefused
    | StreamAttached
    | StreamLost
    | ConversationOpened
    | ConversationClosed
    | ConversationRedialled
    | ConversationGivenBack
    | BrainAttached
    | BrainDetached
    | GreetingRefused
    | CallerSpoke
    | AgentSpoke
    | AgentCorrected
    | Heard
    | Interrupted
    | KeyPressed
    | DigitsPressed
    | Broken
    | EngineComplained
    | Unsent
    | Faulted
    | ReplyBegan
    | ReplyHeard
    | ClipPlayed
    | Parting
    | VoicemailLeft
    | CallerBegan
    | Transferring
    | DigitsSent
    | SoundPlayed
    | PlanDropped
    | TranscriptCame
    | TurnBegan
    | BrainAsked
    | BrainBegan
    | WordsSent
    | CallerWaited
    | TurnAnswered
    | TurnFailed
    | TurnSuperseded
    | FillerSpoken
    | Speculated
    | ToolBegan
    | ToolEnded
    | CallEnded
)

Observer: TypeAlias = Callable[[CallSid, Fact], None]
"""Takes each fact as it happens, in order. It must not block; if it raises, that is logged and the call goes on.

One with an attribute `hears`, a set of kinds of facts, takes these alone: see `hears`.
"""

_Observer = TypeVar("_Observer", bound=Callable[..., None])


def hears(*kinds: type[Fact]) -> Callable[[_Observer], _Observer]:
    """Say that an observer, a function or a method, listens for these facts alone: there are many in a second."""

    def says(observer: _Observer) -> _Observer:
        observer.hears = frozenset(kinds)  # type: ignore[attr-defined]  # functions take attributes
        return observer

    return says
