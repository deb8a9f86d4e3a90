"""One timer for all that beats at one pace: each of its own would wake the loop, which costs as much as a frame."""

import asyncio
from typing import ClassVar, Protocol
from weakref import WeakKeyDictionary

__all__ = ["Pulse"]


class Beating(Protocol):
    """Something that is told of each beat."""

    def beat(self) -> None:
        """So many seconds have passed."""


class Pulse:
    """Beats for as long as anything wants it."""

    _of: ClassVar["WeakKeyDictionary[asyncio.AbstractEventLoop, dict[float, Pulse]]"] = WeakKeyDictionary()

    def __init__(self, seconds: float) -> None:
        """It beats every so many seconds."""
        self._seconds = seconds
        self._beating: set[Beating] = set()
        self._timer: asyncio.TimerHandle | None = None

    @classmethod
    def every(cls, seconds: float) -> "Pulse":
        """The one of the running loop that has this pace."""
        loop = asyncio.get_running_loop()
        pulses = cls._of.get(loop)
        if pulses is None:
            pulses = cls._of[loop] = {}
        if seconds not in pulses:
            pulses[seconds] = cls(seconds)
        return pulses[seconds]

    def add(self, one: Beating) -> None:
        """Tell it of each beat."""
        self._beating.add(one)
        if self._timer is None:
            self._wind_up()

    def remove(self, one: Beating) -> None:
        """Tell it of none any more; may be called twice."""
        self._beating.discard(one)
        if not self._beating and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wind_up(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._seconds, self._beat)

    def _beat(self) -> None:
        self._wind_up()
        for one in tuple(self._beating):
            one.beat()
