"""Tasks that have an owner, a name, and an end. The one home of `create_task`."""

import asyncio
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self, TypeVar

from ringbridge.log import get_logger

__all__ = ["Tasks"]

log = get_logger(__name__)

_Result = TypeVar("_Result")


class Tasks:
    """A group of tasks, none of whose failures ends the others: each is one call's, or one part of a call's.

    An `asyncio.TaskGroup` cancels all when one fails, which is wrong where two hundred calls share a group.
    """

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close(grace=0)

    def start(self, coroutine: Coroutine[Any, Any, _Result], *, name: str) -> asyncio.Task[_Result]:
        """Run a coroutine. If it raises, that is logged under its name."""
        task = asyncio.create_task(coroutine, name=name)  # noqa: TID251
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    async def close(self, *, grace: float) -> None:
        """Give the tasks `grace` seconds to end by themselves, then cancel and await them. May be called twice."""
        own = asyncio.current_task()
        tasks = [task for task in self._tasks if task is not own]
        if tasks and grace:
            await asyncio.wait(tasks, timeout=grace)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a task failed", task=task.get_name(), exc_info=error)
