"""What a call's machine asks for. Carried out at once and in order, none of them waits for another's effect."""

from typing import TypeAlias

from msgspec import Struct

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


class OpenEngine(Struct, frozen=True):
    """Open a conversation socket; answered by `EngineConnected` or `EngineUnreached`."""


class CloseEngine(Struct, frozen=True):
    """Close the conversation socket, or stop opening it; nothing of it is told afterwards."""


class ToEngine(Struct, frozen=True):
    """Send an encoded message into the conversation."""

    message: bytes


class ToTwilio(Struct, frozen=True):
    """Send an encoded message into the attached stream."""

    message: bytes


class CloseStream(Struct, frozen=True):
    """Close the attached stream's socket; nothing of it is told afterwards."""


class HangUp(Struct, frozen=True):
    """End the phone call by REST; answered by `HungUp` or `HangUpFailed`."""


class Redirect(Struct, frozen=True):
    """Have Twilio do something else with the call than to stream it, by REST; answered by `Redirected` or not."""

    plan: Transfer | SendDigits


class Rescue(Struct, frozen=True):
    """Have Twilio, which brings no stream any more, say the sorry, by REST; answered by `Redirected` or not."""


class Settled(Struct, frozen=True):
    """Tell whoever asked for the plan `number` whether it was done."""

    number: int
    done: bool


class Overheard(Struct, frozen=True):
    """Tell the brain what the engine has understood so far of what the caller is saying. Personal."""

    text: str


class KeepDigits(Struct, frozen=True):
    """Remember what the caller has keyed. It may be secret: it goes into no log and to no vendor."""

    digits: str


class Record(Struct, frozen=True):
    """Remember how the call ends, for Twilio's next request."""

    outcome: Outcome


class Apologised(Struct, frozen=True):
    """Remember that the caller has heard the sorry already."""


class SetTimer(Struct, frozen=True):
    """(Re)start a timer; answered by `TimerFired`."""

    timer: Timer
    seconds: float


class DropTimer(Struct, frozen=True):
    """Stop a timer, if it runs."""

    timer: Timer


class Report(Struct, frozen=True):
    """Tell a fact to whoever listens."""

    fact: Fact


class Finish(Struct, frozen=True):
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
