"""A watch on the event loop, which every call shares: how late it turns, and whose code keeps it from turning."""

import asyncio
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from ringbridge.log import get_logger
from ringbridge.telemetry.places import blamed

__all__ = ["watched_loop"]

log = get_logger(__name__)

TICK_SECONDS: Final = 0.25
"""How often the loop's lag is measured."""

BLOCKED_SECONDS: Final = 0.5
"""A loop whose timer is so late is blocked: callers hear it, as no audio moves."""

STUCK_SECONDS: Final = 10.0
"""After so long, it is told although it may not have ended."""

_LOOK_SECONDS: Final = 0.05

_BLOCKED: Final = "the event loop was blocked, and every call with it; if a brain does it, see BRAIN_PROCESSES"


@asynccontextmanager
async def watched_loop(lagged: Callable[[float], None], *, blocked: str = _BLOCKED) -> AsyncIterator[None]:
    """Watch the running loop while the context lasts: `lagged` is told, four times a second, how late it is.

    Who blocks it for half a second is named in a warning, `blocked`, when that has ended, or after ten seconds.
    """
    watch = _Watch(asyncio.get_running_loop(), lagged, blocked)
    watch.start()
    try:
        yield
    finally:
        watch.stop()


class _Watch:
    """A timer in the loop, and a thread that looks whether it is late and, if so, what runs in its stead."""

    def __init__(self, loop: asyncio.AbstractEventLoop, lagged: Callable[[float], None], warning: str) -> None:
        self._loop = loop
        self._lagged = lagged
        self._warning = warning
        self._loops_thread = threading.get_ident()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, name="watch the event loop", daemon=True)
        self._due = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        self._wind_up()
        self._thread.start()

    def stop(self) -> None:
        assert self._timer is not None
        self._timer.cancel()
        self._ended.set()
        self._thread.join()

    def _wind_up(self) -> None:
        # Not the loop's own time: uvloop's stands still while it is blocked.
        self._due = time.monotonic() + TICK_SECONDS
        self._timer = self._loop.call_later(TICK_SECONDS, self._tick)

    def _tick(self) -> None:
        self._lagged(max(0.0, time.monotonic() - self._due))
        self._wind_up()

    # In the thread, which only reads

    def _look(self) -> None:
        # It is woken twice a second at most while all is well: each time costs as much as some frames of audio.
        while not self._ended.wait(max(_LOOK_SECONDS, self._due + BLOCKED_SECONDS - time.monotonic())):
            due = self._due
            if time.monotonic() - due > BLOCKED_SECONDS:
                self._blocked(due)

    def _blocked(self, due: float) -> None:
        at = self._culprit()
        while self._due == due and time.monotonic() - due < STUCK_SECONDS and not self._ended.wait(_LOOK_SECONDS):
            pass
        log.warning(
            self._warning,
            at=at or "(no line of Python: the process was stopped, say, or the machine is too busy)",
            seconds=round(time.monotonic() - due, 1),
            ended=self._due != due,
        )
        while self._due == due and not self._ended.wait(_LOOK_SECONDS):
            pass

    def _culprit(self) -> str | None:
        frame = sys._current_frames().get(self._loops_thread)  # noqa: SLF001 - documented, for just this
        try:
            return None if frame is None else blamed(frame)
        finally:
            del frame  # it would keep the callback's variables
