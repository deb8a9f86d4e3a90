"""What a call's machine asks for. Carried out at once and in order, none of them waits for another's effect."""

from dataclasses import dataclass
from typing import TypeAlias

from ringbridge.facts import Fact, Outcome
from ringbridge.plans import SendDigits, Transfer
from ringbridge.relay.events import Timer

__all__ = [
    "Apologised",
    "CloseEngine",
    "CloseStream",
    "Command",
    "DropTimer",
    "Finish",
    "HangUp",
    "KeepDigits",
    "OpenEngine",
    "Overheard",
    "Record",
    "Redirect",
    "Report",
    "Rescue",
    "SetTimer",
    "Settled",
    "ToEngine",
    "ToTwilio",
]


@dataclass(frozen=True, slots=True)
class OpenEngine:
    """Open a conversation socket; answered by `EngineConnected` or `EngineUnreached`."""


@dataclass(frozen=True, slots=True)
class CloseEngine:
    """Close the conversation socket, or stop opening it; nothing of it is told afterwards."""


@dataclass(frozen=True, slots=True)
class ToEngine:
    """Send an encoded message into the conversation."""

    message: bytes


@dataclass(frozen=True, slots=True)
class ToTwilio:
    """Send an encoded message into the attached stream."""

    message: bytes


@dataclass(frozen=True, slots=True)
class CloseStream:
    """Close the attached stream's socket; nothing of it is told afterwards."""


@dataclass(frozen=True, slots=True)
class HangUp:
    """End the phone call by REST; answered by `HungUp` or `HangUpFailed`."""


@dataclass(frozen=True, slots=True)
class Redirect:
    """Have Twilio do something else with the call than to stream it, by REST; answered by `Redirected` or not."""

    plan: Transfer | SendDigits


@dataclass(frozen=True, slots=True)
class Rescue:
    """Have Twilio, which brings no stream any more, say the sorry, by REST; answered by `Redirected` or not."""


@dataclass(frozen=True, slots=True)
class Settled:
    """Tell whoever asked for the plan `number` whether it was done."""

    number: int
    done: bool


@dataclass(frozen=True, slots=True)
class Overheard:
    """Tell the brain what the engine has understood so far of what the caller is saying. Personal."""

    text: str


@dataclass(frozen=True, slots=True)
class KeepDigits:
    """Remember what the caller has keyed. It may be secret: it goes into no log and to no vendor."""

    digits: str


@dataclass(frozen=True, slots=True)
class Record:
    """Remember how the call ends, for Twilio's next request."""

    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Apologised:
    """Remember that the caller has heard the sorry already."""


@dataclass(frozen=True, slots=True)
class SetTimer:
    """(Re)start a timer; answered by `TimerFired`."""

    timer: Timer
    seconds: float


@dataclass(frozen=True, slots=True)
class DropTimer:
    """Stop a timer, if it runs."""

    timer: Timer


@dataclass(frozen=True, slots=True)
class Report:
    """Tell a fact to whoever listens."""

    fact: Fact


@dataclass(frozen=True, slots=True)
class Finish:
    """The machine is done: give everything back."""


Command: TypeAlias = (
    OpenEngine
    | CloseEngine
    | ToEngine
    | ToTwilio
    | CloseStream
    | HangUp
    | Redirect
    | Rescue
    | Settled
    | Overheard
    | KeepDigits
    | Record
    | Apologised
    | SetTimer
    | DropTimer
    | Report
    | Finish
)
