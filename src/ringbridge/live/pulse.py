"""One timer for the heartbeats of all sockets: each of its own would wake the loop, which costs as much as a frame."""

import asyncio
from typing import ClassVar, Final, Protocol
from weakref import WeakKeyDictionary

__all__ = ["BEAT_SECONDS", "Pulse"]

BEAT_SECONDS: Final = 0.5
"""How often each socket is asked whether its peer was heard."""


class Beating(Protocol):
    """Something that is told of each beat."""

    def beat(self) -> None:
        """`BEAT_SECONDS` have passed."""


class Pulse:
    """Beats for as long as anything wants it."""

    _of: ClassVar["WeakKeyDictionary[asyncio.AbstractEventLoop, Pulse]"] = WeakKeyDictionary()

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._beating: set[Beating] = set()
        self._timer: asyncio.TimerHandle | None = None

    @classmethod
    def of_running_loop(cls) -> "Pulse":
        """The one of this loop."""
        loop = asyncio.get_running_loop()
        return cls._of.setdefault(loop, cls(loop))

    def add(self, one: Beating) -> None:
        """Tell it of each beat."""
        self._beating.add(one)
        if self._timer is None:
            self._timer = self._loop.call_later(BEAT_SECONDS, self._beat)

    def remove(self, one: Beating) -> None:
        """Tell it of none any more; may be called twice."""
        self._beating.discard(one)
        if not self._beating and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _beat(self) -> None:
        self._timer = self._loop.call_later(BEAT_SECONDS, self._beat)
        for one in tuple(self._beating):
            one.beat()
