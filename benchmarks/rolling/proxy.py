"""A small proxy: each connection goes to the process that is ready, and stays there as long as it lasts.

It passes bytes on, HTTP and WebSockets alike, so what Twilio has signed arrives as it was sent. Whether a process is
ready it asks at /readyz five times a second, as a balancer does.
"""

import asyncio
from asyncio import StreamReader, StreamWriter
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Self

from aiohttp import ClientError, ClientSession, ClientTimeout, TCPConnector

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Backend", "Proxy"]

POLL_SECONDS = 0.2
CONNECT_SECONDS = 1.0

_PIECE_BYTES = 2**16


@dataclass(slots=True)
class Backend:
    """A process that may serve."""

    name: str
    port: int
    ready: bool = False


class Proxy:
    """While entered, listens on `port` of 127.0.0.1, for the first backend that is ready, and sticks to it."""

    port: int

    def __init__(self, backends: list[Backend]) -> None:
        self.on_head: list[Callable[[bytes, str], None]] = []
        """Called with the head of each connection's first request, and the name of the backend that it goes to."""
        self._backends = backends
        self._current = backends[0]
        self._news = asyncio.Event()
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            # a connection for each question: one that is kept would outlive the process it leads to
            connector = TCPConnector(force_close=True)
            self._session = await stack.enter_async_context(ClientSession(connector=connector))
            tasks = await stack.enter_async_context(asyncio.TaskGroup())
            for backend in self._backends:
                poll = tasks.create_task(self._poll(backend), name=f"poll {backend.name}")
                stack.callback(poll.cancel)
            server = await stack.enter_async_context(await asyncio.start_server(self._serve, "127.0.0.1", 0))
            self.port = server.sockets[0].getsockname()[1]
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def until(self, backend: Backend, *, ready: bool) -> None:
        """Wait until a backend says that it is ready, or does so no more."""
        while backend.ready is not ready:
            await self._news.wait()

    async def _poll(self, backend: Backend) -> None:
        while True:
            ready = False
            with suppress(ClientError, TimeoutError):
                async with self._session.get(
                    f"http://127.0.0.1:{backend.port}/readyz", timeout=ClientTimeout(total=CONNECT_SECONDS)
                ) as answer:
                    ready = answer.status == 200
            self._learn(backend, ready=ready)
            await asyncio.sleep(POLL_SECONDS)

    def _learn(self, backend: Backend, *, ready: bool) -> None:
        if backend.ready is not ready:
            backend.ready = ready
            self._news.set()
            self._news = asyncio.Event()

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            if (onward := await self._connect()) is not None:
                for listener in self.on_head:
                    listener(head, self._current.name)
                onward[1].write(head)
                await _join((reader, writer), onward)
        except (OSError, asyncio.IncompleteReadError):
            pass  # whoever came has gone
        finally:
            writer.transport.abort()

    async def _connect(self) -> tuple[StreamReader, StreamWriter] | None:
        """A connection to the process that is ready; to another, if that one is not there any more."""
        for _ in self._backends:
            if not self._current.ready:
                self._current = next((backend for backend in self._backends if backend.ready), self._current)
            try:
                async with asyncio.timeout(CONNECT_SECONDS):
                    return await asyncio.open_connection("127.0.0.1", self._current.port)
            except (OSError, TimeoutError):
                self._learn(self._current, ready=False)
        return None


async def _join(one: tuple[StreamReader, StreamWriter], other: tuple[StreamReader, StreamWriter]) -> None:
    """Pass bytes on both ways until either side has no more."""
    try:
        async with asyncio.TaskGroup() as tasks:
            pumps = [tasks.create_task(_pump(one[0], other[1])), tasks.create_task(_pump(other[0], one[1]))]
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            for pump in pumps:
                pump.cancel()
    finally:
        for _, writer in (one, other):
            writer.close()
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(CONNECT_SECONDS):
                    await writer.wait_closed()
            writer.transport.abort()


async def _pump(reader: StreamReader, writer: StreamWriter) -> None:
    with suppress(OSError):
        while (piece := await reader.read(_PIECE_BYTES)) and not writer.is_closing():
            writer.write(piece)
            await writer.drain()
