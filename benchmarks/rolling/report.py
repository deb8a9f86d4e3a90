"""The report of both restarts: rolling.md."""

from collections import Counter
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

__all__ = ["DIALLINGS", "Dialling", "Rolled", "Switch", "markdown"]

Dialling: TypeAlias = Literal["start", "first_turn"]
"""When the engine dials the brain: nobody knows which it is."""

DIALLINGS: Final[dict[Dialling, str]] = {
    "start": "as soon as the conversation begins",
    "first_turn": "at the caller's first words",
}


@dataclass(frozen=True, slots=True)
class Switch:
    """One process was told to leave, and left. `fates` are those of all calls from the signal to the exit."""

    process: str
    live_fates: Counter[str]
    new_fates: Counter[str]
    seconds: float
    exit_code: int

    @property
    def failed(self) -> bool:
        """Whether it did what must not be."""
        return bool(self.exit_code or self.live_fates["lost"] or self.live_fates["turned away"])


@dataclass(frozen=True, slots=True)
class Rolled:
    """Both processes were restarted. `fates` are those of all calls."""

    switches: list[Switch]
    fates: Counter[str]


def markdown(at_once: int, rolled: dict[Dialling, Rolled]) -> str:
    """The text of rolling.md."""
    parts = "\n".join(_part(dialling, one) for dialling, one in rolled.items())
    return f"""# Rolling restart

Written by `scripts/rolling`; not edited by hand.

Two processes of `ringbridge serve` stand behind a small proxy, which sends each new connection to the one whose
`/readyz` says 200 (asked every 0.2 s), and leaves those that exist where they are. {at_once} people phone, each anew as
soon as their call is over. The one process that has the calls is sent SIGTERM; when it has left it is started again,
and the other one gets its SIGTERM.

A live call is *lost* when it misses an answer or is ended by anybody but its caller, unless its brain was dialled into
the process that does not have the call (*wrong brain*). Who is *turned away* hears the sorry: both times that Twilio
asked what to do, the proxy had not turned yet.

{parts}
A brain socket that is dialled after the switch, for a call that began before it, reaches the process that does not have
the call. How many calls that meets depends on when the engine dials. A store that both processes share closes that
window.
"""


def _part(dialling: Dialling, rolled: Rolled) -> str:
    rows = "\n".join(
        f"| {switch.process} | {sum(switch.live_fates.values())} | {_fates(switch.live_fates)}"
        f" | {sum(switch.new_fates.values())} | {_fates(switch.new_fates)} | {switch.new_fates['turned away']}"
        f" | {switch.seconds:.1f} s | {switch.exit_code} |"
        for switch in rolled.switches
    )
    return f"""## The engine dials the brain {DIALLINGS[dialling]}

Of the calls that were live at the SIGTERM, and then of those that came until the process was back:

| process | live | well | lost | wrong brain | new | well | lost | wrong brain | turned away | left after | exit code |
|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|
{rows}

All calls: {", ".join(f"{times} {fate}" for fate, times in rolled.fates.most_common())}.
"""


def _fates(fates: Counter[str]) -> str:
    return f"{fates['well']} | {fates['lost']} | {fates['without a brain']}"
