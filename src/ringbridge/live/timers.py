"""The timers of one machine, which sets most of them anew long before they fire."""

import asyncio
from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

__all__ = ["Timers"]

_Name = TypeVar("_Name")


class _Alarm(NamedTuple):
    """A handle of the loop's, and the loop's time for which it was asked: uvloop's has forgotten it when it fires."""

    at: float
    handle: asyncio.TimerHandle


class Timers(Generic[_Name]):
    """Timers by name; `fired` is called with the name of one that is due.

    One that is put off, or dropped, is left to fire early; it then waits for the rest, or ends. Most are set anew by
    then, and a handle that is made and cancelled costs ten times as much.
    """

    def __init__(self, fired: Callable[[_Name], None]) -> None:
        self._fired = fired
        self._loop = asyncio.get_running_loop()
        self._due: dict[_Name, float] = {}
        self._alarms: dict[_Name, _Alarm] = {}

    def set(self, name: _Name, seconds: float) -> None:
        """Have it fire after so long, instead of when it was to."""
        due = self._due[name] = self._loop.time() + seconds
        alarm = self._alarms.get(name)
        if alarm is None:
            self._wake(name, due)
        elif alarm.at > due:
            alarm.handle.cancel()
            self._wake(name, due)

    def drop(self, name: _Name) -> None:
        """Have it not fire."""
        self._due.pop(name, None)

    def clear(self) -> None:
        """Have none of them fire."""
        for alarm in self._alarms.values():
            alarm.handle.cancel()
        self._alarms.clear()
        self._due.clear()

    def _wake(self, name: _Name, at: float) -> None:
        self._alarms[name] = _Alarm(at, self._loop.call_at(at, self._look, name))

    def _look(self, name: _Name) -> None:
        at = self._alarms.pop(name).at
        due = self._due.get(name)
        if due is None:
            return
        if due > at:
            self._wake(name, due)
        else:
            del self._due[name]
            self._fired(name)
