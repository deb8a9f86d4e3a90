"""One process of brains, from its start to its end, by whichever side."""

import asyncio
import signal
import socket
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any, Protocol, TypeAlias

from ringbridge.elsewhere.messages import ToBrain
from ringbridge.elsewhere.pipe import Pipe, open_pipe
from ringbridge.errors import BrainNotFound

__all__ = ["Child", "Start", "start_process"]

EXIT_SECONDS = 5.0
"""What a process may take to end when its pipe is closed; then it is killed."""


class Child(Protocol):
    """A process that runs, or has run."""

    @property
    def waiting(self) -> int:
        """Bytes that it has not taken in."""
        ...

    def send(self, message: ToBrain) -> None:
        """Tell it something; where it is gone, nothing happens."""
        ...

    def kill(self) -> None:
        """End it at once."""
        ...

    async def ended(self) -> str:
        """Wait for its end; gives how it ended, like `was killed by SIGSEGV`."""
        ...


Start: TypeAlias = Callable[[Callable[[Any], None]], AbstractAsyncContextManager[Child]]
"""Starts one; what it says is told to the argument."""


@asynccontextmanager
async def start_process(receive: Callable[[Any], None]) -> AsyncIterator[Child]:
    """Start a process; `receive` takes what it says. Leaving the context ends it.

    It has a session of its own, so that a terminal's Ctrl-C is for us alone. Its output is ours. Raises `BrainNotFound`
    when the system gives us no process.
    """
    ours, theirs = socket.socketpair()
    pipe = await open_pipe(ours, receive)
    try:
        with theirs:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", "ringbridge.elsewhere", str(theirs.fileno())),
                pass_fds=(theirs.fileno(),),
                stdin=DEVNULL,
                start_new_session=True,
            )
    except OSError as error:
        pipe.close()
        raise BrainNotFound(f"no process can be started for the brain: {error.strerror}") from error
    child = _Process(process, pipe)
    try:
        yield child
    finally:
        child.close()
        await child.ended()


class _Process:
    def __init__(self, process: Process, pipe: Pipe) -> None:
        self._process = process
        self._pipe = pipe

    @property
    def waiting(self) -> int:
        return self._pipe.waiting

    def send(self, message: ToBrain) -> None:
        self._pipe.send(message)

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            self._process.kill()

    def close(self) -> None:
        self._pipe.close()

    async def ended(self) -> str:
        await self._pipe.ended()
        try:
            async with asyncio.timeout(EXIT_SECONDS):
                code = await self._process.wait()
        except TimeoutError:
            self.kill()
            code = await self._process.wait()
        return f"exited with {code}" if code >= 0 else f"was killed by {_name(-code)}"


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
