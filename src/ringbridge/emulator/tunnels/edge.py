"""The far end of a tunnel: made-up public names that really lead to local ports, for HTTP and WebSockets.

Nobody resolves such a name. Who has an address book of the twins dials `Edge.origin` for it, as for any other host of
theirs; the edge itself writes it there. Who would rather see a certificate gives the edge one, and dials `tls_port`.
"""

import asyncio
import ssl
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

from ringbridge.emulator.addresses import VENDOR_ADDRESS, AddressBook

__all__ = ["Edge", "Kind"]

HEAD_SECONDS: Final = 10.0
CONNECT_SECONDS: Final = 5.0

_CHUNK: Final = 65536
_PUT_BY_US: Final = ("x-forwarded-", "cf-", "cdn-loop:")


@dataclass(frozen=True, slots=True)
class Kind:
    """What one vendor's edge adds to a request, and says when nobody is behind a name, or nobody answers there.

    `headers` are lines with `{host}` and `{client}` in them; `offline` and `unreachable` a status line and a text.
    """

    headers: tuple[str, ...]
    offline: tuple[str, str]
    unreachable: tuple[str, str]


@dataclass(slots=True)
class Edge:
    """Listens on 127.0.0.1 while entered; leaving it cuts every connection.

    `idle_seconds` is how long a connection may stay silent both ways before it is cut; None for ever.
    """

    kind: Kind
    addresses: AddressBook = field(default_factory=AddressBook)
    port: int = 0
    tls: ssl.SSLContext | None = None
    tls_port: int = 0
    idle_seconds: float | None = None
    _upstreams: dict[str, tuple[str, int]] = field(default_factory=dict, init=False)
    _live: set[asyncio.Task[object]] = field(default_factory=set, init=False)
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack, init=False)

    @property
    def origin(self) -> str:
        """Where all its names are reached without TLS."""
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        """Listen. Raises `OSError` when a port is taken."""
        async with AsyncExitStack() as stack:
            self.port = await self._listen(stack, self.port, None)
            if self.tls is not None:
                self.tls_port = await self._listen(stack, self.tls_port, self.tls)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._live:
            task.cancel()
        await asyncio.gather(*self._live, return_exceptions=True)
        await self._stack.aclose()

    def open(self, host: str, upstream: str) -> None:
        """Let `host` lead to `upstream`: `http://localhost:3001`, `localhost:3001` or `3001`. Raises `ValueError`."""
        address = _address(upstream)
        self._upstreams[host] = address
        self.addresses.add(host, self.origin)

    def close(self, host: str) -> None:
        """Let `host` lead nowhere. What is connected stays so."""
        del self._upstreams[host]

    async def _listen(self, stack: AsyncExitStack, port: int, tls: ssl.SSLContext | None) -> int:
        server = await asyncio.start_server(self._serve, "127.0.0.1", port, ssl=tls)
        stack.callback(server.close)
        listening: int = server.sockets[0].getsockname()[1]
        return listening

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None:
            return
        self._live.add(task)
        try:
            await self._carry(reader, writer)
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # whoever it was has gone
        except asyncio.CancelledError:
            writer.transport.abort()  # the edge is left, and there is nobody to hand this on to
        finally:
            writer.close()
            self._live.discard(task)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request, or one WebSocket: the connection ends with it."""
        async with asyncio.timeout(HEAD_SECONDS):
            head = await reader.readuntil(b"\r\n\r\n")
        first, *headers = head.decode("latin-1").rstrip().split("\r\n")
        host = next((line.partition(":")[2].strip() for line in headers if line.lower().startswith("host:")), "")
        upstream = self._upstreams.get(host.partition(":")[0].lower())
        if upstream is None:
            await _answer(writer, *self.kind.offline)
            return
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                up_reader, up_writer = await asyncio.open_connection(*upstream)
        except (OSError, TimeoutError):
            await _answer(writer, *self.kind.unreachable)
            return
        try:
            up_writer.write(self._forwarded(first, headers, host))
            await self._join((reader, up_writer), (up_reader, writer))
        finally:
            up_writer.close()

    def _forwarded(self, first: str, headers: Iterable[str], host: str) -> bytes:
        kept = [line for line in headers if not line.lower().startswith(_PUT_BY_US)]
        if not any(line.lower().startswith("upgrade:") for line in kept):
            kept = [line for line in kept if not line.lower().startswith("connection:")] + ["Connection: close"]
        added = [line.format(host=host, client=VENDOR_ADDRESS) for line in self.kind.headers]
        return "\r\n".join([first, *kept, *added, "", ""]).encode("latin-1")

    async def _join(self, *ways: tuple[asyncio.StreamReader, asyncio.StreamWriter]) -> None:
        """Carry both ways until the second ends, or nothing passes for too long."""
        async with asyncio.timeout(self.idle_seconds) as idle, asyncio.TaskGroup() as pumps:

            def passed() -> None:
                if self.idle_seconds is not None and not idle.expired():
                    idle.reschedule(asyncio.get_running_loop().time() + self.idle_seconds)

            inwards, outwards = (pumps.create_task(_pump(*way, passed)) for way in ways)
            await outwards
            inwards.cancel()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, passed: Callable[[], None]) -> None:
    try:
        while data := await reader.read(_CHUNK):
            passed()
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
    except OSError:
        writer.transport.abort()


async def _answer(writer: asyncio.StreamWriter, status: str, text: str) -> None:
    body = text.encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: text/html\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    writer.write(head.encode() + body)
    await writer.drain()


def _address(upstream: str) -> tuple[str, int]:
    text = upstream if "//" in upstream else f"//{upstream}" if ":" in upstream else f"//localhost:{upstream}"
    parts = urlsplit(text, scheme="http")
    if parts.scheme != "http" or not parts.hostname or parts.port is None:
        raise ValueError(f"the edge forwards to http://host:port only: {upstream!r}")
    # The stand-ins' bridge listens on IPv4, and the name may mean the other first.
    return "127.0.0.1" if parts.hostname == "localhost" else parts.hostname, parts.port
