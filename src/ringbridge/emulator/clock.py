"""An event loop on which an hour of phone calls takes seconds, and nothing comes too late.

Its clock stands still while there is anything to do, and jumps to the next timer when there is not.
"""

import asyncio
import contextlib
import selectors
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextvars import Context
from itertools import count
from typing import Any, TypeAlias, TypeVar, TypeVarTuple, Unpack

from ringbridge.emulator.unread import Ends

__all__ = ["VirtualTimeLoop"]

Ready: TypeAlias = list[tuple[selectors.SelectorKey, int]]
T = TypeVar("T")
Ts = TypeVarTuple("Ts")

GRACE_SECONDS = 1.0
"""Real time that bytes on their way are waited for, before they are taken for lost."""

PATIENCE_SECONDS = 5.0
"""Real time that a thread job may take while nothing happens. A longer one may itself wait for a timer of the loop, so
from then on time passes as on the wall."""

QUIET_SECONDS = 10.0
"""Real time after which a loop that waits for nothing in particular is told that nothing will come."""

_BLINK_SECONDS = 0.001


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An event loop whose `time()` begins at 0 and passes only when there is nothing to do.

    It jumps to the next timer once no socket is ready, no byte that was sent between two of its sockets is still
    unread (a reader that has paused does not count), and no job of `run_in_executor` runs. Where somebody else has to
    answer first (another process, a server in another thread) it passes as on the wall.

    Callbacks take no time, so `asyncio.timeout` measures only what was slept or waited for. Threads other than those
    of `run_in_executor` do not hold the clock. A loop that waits, with no timer set, for what can't come is ended by a
    `RuntimeError` after ten real seconds. Made for `asyncio.Runner(loop_factory=VirtualTimeLoop)`.
    """

    def __init__(self) -> None:
        self._waiting = _Waiting()
        self._began = time.time()
        super().__init__(self._waiting)
        self._pool: Executor = ThreadPoolExecutor(thread_name_prefix="asyncio")
        super().set_default_executor(self._pool)

    def time(self) -> float:
        """Seconds since the loop was made, virtual ones."""
        return self._waiting.now

    def wall(self) -> float:
        """Seconds since the epoch: the true time at which the loop was made, plus `time()`."""
        return self._began + self._waiting.now

    def call_at(
        self, when: float, callback: Callable[[Unpack[Ts]], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """As in asyncio, but of two timers for the same moment the one that was set first fires first."""
        return super().call_at(_Due(when), callback, *args, context=context)

    def set_default_executor(self, executor: ThreadPoolExecutor) -> None:  # type: ignore[override]
        """As in asyncio."""
        super().set_default_executor(executor)
        self._pool = executor

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[Unpack[Ts]], T], *args: *Ts
    ) -> asyncio.Future[T]:
        """As in asyncio. Time stands still until `func` has returned, even if its future is cancelled before."""
        job = (self._pool if executor is None else executor).submit(func, *args)
        self._waiting.begin_job()
        future = asyncio.wrap_future(job, loop=self)
        # After `wrap_future`'s own callback, so that whoever awaits the job is woken before time may pass.
        job.add_done_callback(self._end_job)
        return future

    async def shutdown_default_executor(self, *args: Any, **kwargs: Any) -> None:
        """As in asyncio, whose deadline for it would pass at once if the threads did not hold the clock."""
        self._waiting.begin_job()
        try:
            await super().shutdown_default_executor(*args, **kwargs)
        finally:
            self._waiting.end_job()

    def _end_job(self, _job: Future[Any]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed
            self.call_soon_threadsafe(self._waiting.end_job)


class _Due(float):
    """When a timer is due. On a clock that stands still many are due at once: they keep the order they were set in."""

    __slots__ = ("turn",)
    _turns = count()

    def __init__(self, _when: float) -> None:
        self.turn = next(self._turns)

    def __lt__(self, other: float) -> bool:
        if isinstance(other, _Due) and float(self) == float(other):
            return self.turn < other.turn
        return super().__lt__(other)


class _Waiting(selectors.DefaultSelector):
    """The place where a loop waits, and so the one that knows when there is nothing to do but let time pass."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self._ends = Ends()
        self._jobs = 0
        self._patience = PATIENCE_SECONDS

    def begin_job(self) -> None:
        self._jobs += 1
        self._patience = PATIENCE_SECONDS

    def end_job(self) -> None:
        self._jobs -= 1
        self._patience = PATIENCE_SECONDS

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        key = super().register(fileobj, events, data)
        self._ends.watch(key.fd, events)
        return key

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        key = super().modify(fileobj, events, data)
        self._ends.watch(key.fd, events)
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        key = super().unregister(fileobj)
        self._ends.unwatch(key.fd)
        return key

    def select(self, timeout: float | None = None) -> Ready:
        """Wait until something is ready or `timeout` (None: no timer is set) has passed on the loop's clock."""
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        ready = self._await_jobs() or self._await_bytes()
        if ready:
            return ready
        if self._jobs or self._ends.outside():
            return self._pass_as_on_the_wall(timeout)
        if timeout is None:
            return self._await_anything()
        self.now += timeout
        return []

    def _await_jobs(self) -> Ready:
        if not self._jobs or not self._patience:
            return []
        ready = super().select(self._patience)
        if not ready:
            self._patience = 0.0
        return ready

    def _await_bytes(self) -> Ready:
        if self._ends.blind:
            return super().select(_BLINK_SECONDS)
        lost_at = 0.0
        while late := self._ends.late():
            if ready := super().select(_BLINK_SECONDS):
                return ready
            lost_at = lost_at or time.monotonic() + GRACE_SECONDS
            if time.monotonic() > lost_at:
                self._ends.give_up(late)
        return super().select(0)  # what came while we asked has not been seen yet

    def _pass_as_on_the_wall(self, timeout: float | None) -> Ready:
        began = time.monotonic()
        ready = super().select(timeout)
        passed = time.monotonic() - began
        self.now += timeout if timeout is not None and not ready else passed
        return ready

    def _await_anything(self) -> Ready:
        if ready := super().select(QUIET_SECONDS):
            return ready
        raise RuntimeError(
            "Nothing will ever happen on this loop: no timer is set, no thread job runs, no socket has anything to "
            "read. Some task awaits what nobody will set or send."
        )
