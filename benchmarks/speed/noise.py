"""How quiet the machine was while something was measured."""

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.speed.machine import Cores, cpu_seconds

__all__ = ["Noise", "Watch", "spin_seconds"]

SLOW: Final = 1.25
STOLEN: Final = 0.03
LATE_MS: Final = 3.0
"""Beyond these a measurement says nothing."""

_SPINS: Final = 400_000
_TICKS_PER_SECOND: Final = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Noise:
    """What disturbed one measurement."""

    slowness: float
    """How much longer a fixed piece of work took, just before, than at the best moment of the run; 1 is as fast."""
    stolen: float
    """The share of the contender's core that another guest of this hardware had."""
    others: float
    """The share of it that strange processes had."""
    beside: float
    """The share that they had of the players' cores: what is next door slows, too."""
    late_ms: float = 0.0
    """How late the players were in one moment of a hundred: what they measure can be wrong by that."""

    def spoils_cpu(self) -> str:
        """Why the CPU time that was measured says nothing; empty where it says something."""
        return self._reason(others=0.15, beside=0.3)

    def spoils_time(self) -> str:
        """Why the waits that were measured say nothing."""
        late = f"the players were {self.late_ms:.1f} ms late" if self.late_ms > LATE_MS else ""
        return self._reason(others=0.05, beside=0.1) or late

    def _reason(self, *, others: float, beside: float) -> str:
        if self.slowness > SLOW:
            return f"the core was {self.slowness:.2f} times slower than at its best"
        if self.stolen > STOLEN:
            return f"{self.stolen:.0%} of the core was stolen"
        if self.others > others:
            return f"other processes had {self.others:.0%} of the core"
        return f"other processes had {self.beside:.0%} of the players' cores" if self.beside > beside else ""


def spin_seconds(cores: Cores) -> float:
    """The CPU time that a fixed piece of work takes on these cores: the best of three."""
    with cores:
        return min(_spin() for _ in range(3))


def _spin() -> float:
    began = time.thread_time()
    number = 0
    for step in range(_SPINS):
        number = (number * 31 + step) & 0xFFFF
    return time.thread_time() - began


class Watch:
    """Watches, from now on, cores that some processes should have for themselves."""

    def __init__(self, cores: Cores, *pids: int) -> None:
        self._cores, self._pids = cores, pids
        self._began = time.monotonic()
        self._own, self._busy, self._stolen = self._read()

    def shares(self) -> tuple[float, float]:
        """Of the cores: what was stolen, and what strange processes had."""
        seconds = (time.monotonic() - self._began) * len(self._cores.numbers)
        own, busy, stolen = self._read()
        return (stolen - self._stolen) / seconds, max(0.0, busy - self._busy - own + self._own) / seconds

    def _read(self) -> tuple[float, float, float]:
        """Seconds: of our processes, of all on the cores, and that were stolen. See proc_stat(5)."""
        names = {f"cpu{number}" for number in self._cores.numbers}
        busy = stolen = 0
        for line in Path("/proc/stat").read_text(encoding="ascii").splitlines():
            name, *fields = line.split()
            if name in names:
                user, nice, system, _, _, _, _, steal, *_ = map(int, fields)
                busy, stolen = busy + user + nice + system, stolen + steal
        return sum(map(cpu_seconds, self._pids)), busy / _TICKS_PER_SECOND, stolen / _TICKS_PER_SECOND
