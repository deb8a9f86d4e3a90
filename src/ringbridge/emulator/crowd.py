"""Many calls at once, one after the other, and what they ask of the machine."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

__all__ = ["Load", "crowd", "measured"]

SPREAD_SECONDS: Final = 2.0
"""The first calls come in one after the other within so long, so that their frames don't fall due all at once."""

SETTLE_SECONDS: Final = 5.0

_FRAME_SECONDS: Final = 0.02
_LOOK_SECONDS: Final = 0.05

_OPEN_FILES: Final = Path("/dev/fd")

_ENDS: Final = 2
"""Both ends of a connection are in this process."""

_SERVERS: Final = 3
"""To ElevenLabs, Twilio and a model, connections are kept warm."""

_Told = TypeVar("_Told")


async def crowd(call: Callable[[], Awaitable[_Told]], *, at_once: int, seconds: float) -> list[_Told]:
    """Keep `at_once` calls going for `seconds`: when one is over, the next is begun.

    `call` plays one from dialling to its end, and is awaited `at_once` times at least. Returns what the calls told, in
    the order in which they ended.
    """
    told: list[_Told] = []
    loop = asyncio.get_running_loop()
    ends_at = loop.time() + seconds

    async def take_place(begin: float) -> None:
        await asyncio.sleep(begin)
        told.append(await call())
        while loop.time() < ends_at:
            told.append(await call())

    async with asyncio.TaskGroup() as tasks:
        for place in range(at_once):
            tasks.create_task(take_place(SPREAD_SECONDS * place / at_once), name=f"place {place}")
    return told


@dataclass(slots=True)
class Load:
    """What some calls asked of this process, known when they are over.

    `late_ms` tells, sorted, how late a timer fired that was due every 20 ms: so late was a frame, too. `tasks` and
    `files` (sockets, for the most part; `None` where the system does not tell) are their numbers before and after, once
    what was about to end had 5 s to do so.
    """

    seconds: float = 0.0
    cpu_seconds: float = 0.0
    late_ms: list[float] = field(default_factory=list)
    tasks: tuple[int, int] = (0, 0)
    files: tuple[int, int] | None = None

    def leftovers(self, at_once: int) -> list[str]:
        """What was not given back. Idle connections may stay for the next calls: to each server, one for each call."""
        idle = at_once * _SERVERS
        tasks = self.tasks[1] - self.tasks[0]
        files = self.files[1] - self.files[0] if self.files else 0
        return [
            *([f"{tasks} tasks were left over"] if tasks > idle else []),
            *([f"{files} sockets were left open"] if files > idle * _ENDS else []),
        ]


@asynccontextmanager
async def measured(*, at_once: int) -> AsyncIterator[Load]:
    """Measure `at_once` calls at a time, for as long as the context lasts."""
    loop = asyncio.get_running_loop()
    load = Load()
    tasks, files = len(asyncio.all_tasks()), _open_files()
    began, cpu_began = loop.time(), time.process_time()
    async with asyncio.TaskGroup() as group:
        watch = group.create_task(_watch(load.late_ms), name="lateness")
        yield load
        load.seconds, load.cpu_seconds = loop.time() - began, time.process_time() - cpu_began
        watch.cancel()
    load.late_ms.sort()
    settled_at = loop.time() + SETTLE_SECONDS
    while True:
        left = _open_files()
        load.tasks = (tasks, len(asyncio.all_tasks()))
        load.files = None if files is None or left is None else (files, left)
        if not load.leftovers(at_once) or loop.time() > settled_at:
            return
        await asyncio.sleep(_LOOK_SECONDS)


async def _watch(late_ms: list[float]) -> None:
    loop = asyncio.get_running_loop()
    due = loop.time()
    while True:
        due = max(due + _FRAME_SECONDS, loop.time())
        await asyncio.sleep(due - loop.time())
        late_ms.append(max(0.0, loop.time() - due) * 1000)


def _open_files() -> int | None:
    try:
        return sum(1 for _ in _OPEN_FILES.iterdir())
    except OSError:
        return None
