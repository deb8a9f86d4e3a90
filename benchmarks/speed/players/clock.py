"""The true clock of a player: many legs, each with its own moment in a round of ticks."""

import asyncio
import math
import time
from array import array
from typing import Final, Generic, Protocol, TypeVar

__all__ = ["Metronome", "Ticked", "now_us"]

TICK_SECONDS: Final = 0.001

EARLY_SECONDS: Final = 0.0005
"""The loop's own clock counts ms: so much too early is in time."""

MOST_TICKS: Final = 5
"""What is made up for in one go, so that a player who can't keep up still listens."""


def now_us() -> int:
    """CLOCK_MONOTONIC, which all processes of a machine share, in µs."""
    return time.monotonic_ns() // 1000


class Ticked(Protocol):
    """Something that is due once in a round."""

    def tick(self, now_us: int) -> None:
        """Now it is."""


_Leg = TypeVar("_Leg", bound=Ticked)


class Metronome(Generic[_Leg]):
    """Ticks its legs once in so many ms, spread evenly, and never less often because it was late."""

    def __init__(self, round_ms: int) -> None:
        self.lateness = array("q")
        """How late each tick of 1 ms was, in µs."""
        self._slots: list[list[_Leg]] = [[] for _ in range(round_ms)]
        step = next(step for step in range(round_ms * 5 // 8, round_ms + 1) if math.gcd(step, round_ms) == 1)
        self._scattered = [self._slots[number * step % round_ms] for number in range(round_ms)]
        self._loop = asyncio.get_running_loop()
        self._at = time.monotonic()
        self._number = 0
        self._loop.call_soon(self._tick)

    def add(self, leg: _Leg) -> None:
        """Into the emptiest moment of the round; of several, far from the one that was taken last."""
        min(self._scattered, key=len).append(leg)

    def remove(self, leg: _Leg) -> None:
        """Tick it no more."""
        for slot in self._slots:
            if leg in slot:
                slot.remove(leg)

    def _tick(self) -> None:
        self.lateness.append(now_us() - int(self._at * 1e6))
        for _ in range(MOST_TICKS):
            if self._at > time.monotonic() + EARLY_SECONDS:
                break
            for leg in tuple(self._slots[self._number % len(self._slots)]):
                leg.tick(now_us())
            self._number += 1
            self._at += TICK_SECONDS
        self._loop.call_at(self._at, self._tick)
