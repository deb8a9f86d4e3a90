"""A scripted call: who says what, when, what must be heard, and what goes wrong. It is read from TOML.

greeting = "how can I help"  # must be heard before the first step
end = "caller"               # who ends the call: "caller" (after the last step), "agent", or "sorry"

[[step]]
say = "I'd like to book a table"
expect = "a table for two"   # must be heard in the answer; left out: any answer will do; "": none is waited for

[[step]]
say = "Make it four"
barge_in_ms = 800            # over the agent's words, so long after they began

[[step]]
press = "42#"                # other steps: play = "a.wav", wait_ms = 2000, hang_up = true, drop_stream = true

[[fault]]                    # as many as you like, with the fields of `Fault`
where = "engine_socket"
kind = "drop"
after_ms = 4000
"""

import tomllib
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias, TypeVar

import msgspec

from ringbridge.emulator.faults import Fault

__all__ = [
    "DEMO",
    "DropStream",
    "End",
    "HangUp",
    "Play",
    "Press",
    "Say",
    "Scenario",
    "ScenarioError",
    "Step",
    "Wait",
    "read",
]

End: TypeAlias = Literal["caller", "agent", "sorry"]
"""How a call ends: the caller hangs up, the agent's side ends it, or the caller is told that something is broken."""

_Read = TypeVar("_Read")


class ScenarioError(Exception):
    """The text is no scenario. It names the place and the field."""


@dataclass(frozen=True, slots=True)
class Say:
    """Speak, in turn, or `barge_in_ms` after the agent began to."""

    say: str
    barge_in_ms: int | None = None
    expect: str | None = None

    def __post_init__(self) -> None:
        if not self.say.strip():
            raise ValueError("say has no words")
        if self.barge_in_ms is not None and self.barge_in_ms < 0:
            raise ValueError("barge_in_ms can't be below 0")


@dataclass(frozen=True, slots=True)
class Press:
    """Press keys."""

    press: str
    expect: str | None = None

    def __post_init__(self) -> None:
        if not self.press or not set(self.press) <= set("0123456789*#ABCD"):
            raise ValueError(f"press has other keys than 0-9, *, #, A-D: {self.press!r}")


@dataclass(frozen=True, slots=True)
class Play:
    """Play a WAV file instead of speaking."""

    play: str
    expect: str | None = None


@dataclass(frozen=True, slots=True)
class Wait:
    """Let time pass."""

    wait_ms: int

    def __post_init__(self) -> None:
        if self.wait_ms < 0:
            raise ValueError("wait_ms can't be below 0")


@dataclass(frozen=True, slots=True)
class HangUp:
    """Put the receiver down."""

    hang_up: bool = True

    def __post_init__(self) -> None:
        if not self.hang_up:
            raise ValueError("hang_up is true, or left out")


@dataclass(frozen=True, slots=True)
class DropStream:
    """Lose the media connection, though not the call."""

    drop_stream: bool = True

    def __post_init__(self) -> None:
        if not self.drop_stream:
            raise ValueError("drop_stream is true, or left out")


Step: TypeAlias = Say | Press | Play | Wait | HangUp | DropStream

_STEPS: Final[dict[str, type[Step]]] = {
    "say": Say,
    "press": Press,
    "play": Play,
    "wait_ms": Wait,
    "hang_up": HangUp,
    "drop_stream": DropStream,
}
"""By the field that each can't do without."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One call. A greeting is waited for in any case; `greeting` are words that must be in it."""

    steps: tuple[Step, ...]
    greeting: str = ""
    end: End = "caller"
    faults: tuple[Fault, ...] = ()


DEMO: Final = Scenario(
    greeting="how can I help you?",
    steps=(
        Say("I'd like to book a table for two, please."),
        Say("Wait, make it a table for four.", barge_in_ms=5000, expect="A table for four it is."),
        Say("At the window, please.", expect="the table at the window is yours."),
        Press("7", expect="You pressed 7."),
        Say("Thank you, goodbye.", expect="Goodbye!"),
    ),
    end="agent",
)
"""A greeting, a tool that takes its time, a barge-in, a digit, and a goodbye after which the agent hangs up."""


@dataclass(frozen=True, slots=True)
class _File:
    step: list[dict[str, Any]]
    greeting: str = ""
    end: End = "caller"
    fault: list[dict[str, Any]] = field(default_factory=list)


def read(text: str, folder: Path = Path()) -> Scenario:
    """Read a scenario from TOML; files that it plays count from `folder`. Raises `ScenarioError`."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ScenarioError(f"this is no TOML: {error}") from error
    file = _convert(table, _File, "the scenario")
    return Scenario(
        steps=tuple(_step(step, f"step {number}", folder) for number, step in enumerate(file.step, 1)),
        greeting=file.greeting,
        end=file.end,
        faults=tuple(_convert(fault, Fault, f"fault {number}") for number, fault in enumerate(file.fault, 1)),
    )


def _step(table: dict[str, Any], place: str, folder: Path) -> Step:
    kinds = [name for name in _STEPS if name in table]
    if len(kinds) != 1:
        has = " and ".join(kinds) or "none"
        raise ScenarioError(f"{place}: needs one of {', '.join(_STEPS)}, and has {has}")
    step = _convert(table, _STEPS[kinds[0]], place)
    return replace(step, play=str(folder / step.play)) if isinstance(step, Play) else step


def _convert(table: dict[str, Any], kind: type[_Read], place: str) -> _Read:
    known = [part.name for part in fields(kind)]  # type: ignore[arg-type]  # each is a dataclass
    unknown = [name for name in table if name not in known]
    if unknown:
        raise ScenarioError(f"{place}: there is no {unknown[0]} here, only {', '.join(known)}")
    try:
        return msgspec.convert(table, kind)
    except msgspec.ValidationError as error:
        raise ScenarioError(f"{place}: {_named(str(error))}") from error


def _named(problem: str) -> str:
    """What msgspec says, with the field in front: "Expected `str`, got `int` - at `$.say`"."""
    problem = problem[0].lower() + problem[1:]
    what, at, path = problem.partition(" - at `$.")
    return f"{path.rstrip('`')}: {what}" if at else problem
