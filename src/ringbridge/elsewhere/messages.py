"""What the bridge and a process of brains say to each other.

The bridge numbers the turns, a process its wishes of the line. Whatever is said of one turn is in order.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from ringbridge.errors import RingbridgeError
from ringbridge.facts import Fact
from ringbridge.ids import CallSid
from ringbridge.llm.base import Model
from ringbridge.turn import Turn

__all__ = [
    "WINDOW",
    "Answered",
    "Asked",
    "Begin",
    "Begun",
    "CallOver",
    "Cancel",
    "Dropped",
    "Ended",
    "Failed",
    "FailedElsewhere",
    "FromBrain",
    "Hello",
    "NotFound",
    "Noted",
    "OfTurn",
    "Ready",
    "Refused",
    "Released",
    "Said",
    "Taken",
    "ToBrain",
]

WINDOW = 64
"""Pieces of one turn that may be on their way: a brain that talks without end waits until they are taken."""


class FailedElsewhere(RingbridgeError):
    """A brain in another process failed, or its process did. The text is what the log may show."""


# To a process of brains


@dataclass(frozen=True, slots=True)
class Hello:
    """Said first, and once.

    `brain` is what BRAIN names, `None` the agent that is there without it; `path` is where modules are looked for.
    `set_up_log` has it log as the bridge does; it is `None` where nothing is to be written. `open_models` gives what
    agents ask.
    """

    brain: str | None
    path: tuple[str, ...]
    set_up_log: Callable[[], None] | None = field(repr=False)
    open_models: Callable[[], AbstractAsyncContextManager[Model]] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Begin:
    """Answer a turn, whose call comes without its line and its state. `ids` stand on each line of the log about it."""

    number: int
    turn: Turn
    transfer_names: tuple[str, ...]
    ids: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Cancel:
    """Let go of a turn. `Ended` comes when that is done."""

    number: int


@dataclass(frozen=True, slots=True)
class Taken:
    """So many pieces of a turn have been taken."""

    number: int
    count: int


@dataclass(frozen=True, slots=True)
class Answered:
    """A wish was seen to."""

    wish: int
    value: Any


@dataclass(frozen=True, slots=True)
class Refused:
    """A wish was not seen to."""

    wish: int
    error: BaseException


@dataclass(frozen=True, slots=True)
class CallOver:
    """A call has ended: its state is not needed any more."""

    sid: CallSid


ToBrain: TypeAlias = Hello | Begin | Cancel | Taken | Answered | Refused | CallOver


# From a process of brains


@dataclass(frozen=True, slots=True)
class Ready:
    """The brain is loaded."""


@dataclass(frozen=True, slots=True)
class NotFound:
    """The brain can't be loaded; why, and the mend."""

    text: str


@dataclass(frozen=True, slots=True)
class Begun:
    """A turn was taken in: the process is alive."""

    number: int


@dataclass(frozen=True, slots=True)
class Said:
    """A piece of a turn's answer. Personal."""

    number: int
    text: str


@dataclass(frozen=True, slots=True)
class Noted:
    """What happened in a turn, or in work that outlives it."""

    number: int
    fact: Fact


@dataclass(frozen=True, slots=True)
class Asked:
    """A wish of the turn's line: a method of `turn.Line`, and what it is given. Personal."""

    number: int
    wish: int
    method: str
    args: tuple[Any, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Dropped:
    """Nobody awaits this wish any more."""

    number: int
    wish: int


@dataclass(frozen=True, slots=True)
class Failed:
    """The brain failed in a turn; `cause` is what the log may show."""

    number: int
    cause: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The brain has said all in a turn, or has let go of it."""

    number: int


@dataclass(frozen=True, slots=True)
class Released:
    """Nothing holds the line of this turn any more, not even work that outlived it."""

    number: int


OfTurn: TypeAlias = Said | Noted | Asked | Dropped | Failed | Ended
"""What is said of one turn, whose order matters: words before what is to follow them."""

FromBrain: TypeAlias = Ready | NotFound | Begun | Released | OfTurn
