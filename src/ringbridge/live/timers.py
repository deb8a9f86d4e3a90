"""The timers of one machine, which sets most of them anew long before they fire."""

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

__all__ = ["Timers"]

_Name = TypeVar("_Name")


class Timers(Generic[_Name]):
    """Timers by name; `fired` is called with the name of one that is due.

    All share one handle of the loop's, for the first that is due. Where that one is put off or dropped, the handle is
    left to fire early, and made anew for the next: most are set anew by then, and a handle that is made and cancelled
    costs ten times as much as a look.
    """

    def __init__(self, fired: Callable[[_Name], None]) -> None:
        self._fired = fired
        self._loop = asyncio.get_running_loop()
        self._due: dict[_Name, float] = {}
        self._handle: asyncio.TimerHandle | None = None
        self._at = 0.0
        """The loop's time for which the handle was asked: uvloop's has forgotten it when it fires."""

    def set(self, name: _Name, seconds: float) -> None:
        """Have it fire after so long, instead of when it was to."""
        due = self._due[name] = self._loop.time() + seconds
        self._wake_by(due)

    def drop(self, name: _Name) -> None:
        """Have it not fire."""
        self._due.pop(name, None)

    def close(self) -> None:
        """Have none of them fire, and forget whom to tell."""
        self._due.clear()
        self._fired = _nobody
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _wake_by(self, at: float) -> None:
        if self._handle is not None:
            if self._at <= at:
                return
            self._handle.cancel()
        self._at, self._handle = at, self._loop.call_at(at, self._look)

    def _look(self) -> None:
        self._handle, now = None, self._at
        for name in sorted((name for name, due in self._due.items() if due <= now), key=self._due.__getitem__):
            if self._due.get(name, now + 1) <= now:  # one that fired may have set or dropped it
                del self._due[name]
                self._fired(name)
        if self._due:
            self._wake_by(min(self._due.values()))


def _nobody(_name: object) -> None:
    """Whoever was told of these timers is done."""
