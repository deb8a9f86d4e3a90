"""The brain whose words are found in processes of their own."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from zlib import crc32

from ringbridge.elsewhere.messages import Hello
from ringbridge.elsewhere.process import Start, start_process
from ringbridge.elsewhere.worker import Worker
from ringbridge.facts import CallEnded, Fact, hears
from ringbridge.ids import CallSid
from ringbridge.live.tasks import Tasks
from ringbridge.turn import Turn

__all__ = ["BrainElsewhere", "open_brain"]


class BrainElsewhere:
    """A `Brain`, and an observer of calls. All turns of a call are answered by the same process."""

    def __init__(self, workers: list[Worker]) -> None:
        self._workers = workers

    def __call__(self, turn: Turn) -> AsyncIterator[str]:
        """Answer a turn. Raises `FailedElsewhere` when the brain does, or its process."""
        return self._of(turn.call.sid).speak(turn)

    @hears(CallEnded)
    def observe(self, sid: CallSid, fact: Fact) -> None:
        """Forget the state of a call that has ended."""
        if isinstance(fact, CallEnded):
            self._of(sid).call_over(sid)

    def _of(self, sid: CallSid) -> Worker:
        return self._workers[crc32(sid.encode()) % len(self._workers)]


@asynccontextmanager
async def open_brain(hello: Hello, processes: int, start: Start = start_process) -> AsyncIterator[BrainElsewhere]:
    """Start so many processes, each of which has loaded the brain when this yields; they end with the context.

    Raises `BrainNotFound`.
    """
    async with Tasks() as tasks:
        workers = [Worker(hello, start, tasks) for _ in range(processes)]
        try:
            async with asyncio.TaskGroup() as group:
                for worker in workers:
                    group.create_task(worker.start())
        except BaseExceptionGroup as failures:
            raise failures.exceptions[0] from None
        yield BrainElsewhere(workers)
