"""An application on a port, and how many strangers may hold on to it for how long."""

import asyncio
import logging
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from aiohttp import hdrs, web

from ringbridge.log import get_logger
from ringbridge.web.guards import malformed_is_no_incident

__all__ = ["serving"]

log = get_logger(__name__)

SHUTDOWN_SECONDS = 3.0
"""How long requests under way may take when we stop; calls are ended before that."""

HEAD_SECONDS = 10.0
"""From the beginning of a connection to the last byte of its first request's head."""

KEEP_ALIVE_SECONDS = 620.0
"""From an answer to the last byte of the next request's head.

Longer than a load balancer keeps a connection that it means to use again: if we closed it in the very moment of that,
a call's webhook would fail (Google's keeps one for 600 s).
"""

LINGER_SECONDS = 2.0
"""How long the rest of a body is read past that nobody wants, so that its sender sees our answer."""

MAX_CONNECTIONS: Final = 4000
"""All that strangers, proxies, Twilio and ElevenLabs have open to us. A call has two."""

MAX_LINE_BYTES: Final = 8190
"""A longer request line is answered with 400."""

MAX_HEADER_BYTES: Final = 8190
"""A longer header is answered with 400."""

MAX_HEADERS: Final = 64
"""Twilio and ElevenLabs send about ten, a proxy adds as many."""

BACKLOG: Final = 128
"""Connections that the kernel may hold ready for us."""


@asynccontextmanager
async def serving(app: web.Application, *, host: str, port: int) -> AsyncIterator[int]:
    """Serve an application while the context lasts; gives the port, which is a free one for `port` 0.

    Raises `OSError` when the address can't be had.
    """
    logging.getLogger("aiohttp.server").addFilter(malformed_is_no_incident)
    runner = web.AppRunner(app, shutdown_timeout=SHUTDOWN_SECONDS)
    await runner.setup()
    assert runner.server is not None
    try:
        gate = _Gate(runner.server, size=_connections())
        listener = await asyncio.get_running_loop().create_server(gate.connection, host, port, backlog=BACKLOG)
        try:
            yield listener.sockets[0].getsockname()[1]
        finally:
            listener.close()
    finally:
        await runner.cleanup()


def _connections() -> int:
    """How many there may be: half of the process's descriptors stay free for what we open ourselves."""
    if sys.platform == "win32":
        return MAX_CONNECTIONS
    import resource  # noqa: PLC0415 - Unix alone has it

    descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MAX_CONNECTIONS if descriptors == resource.RLIM_INFINITY else min(MAX_CONNECTIONS, descriptors // 2)


class _Gate:
    """Counts connections. Where one comes too many, the one goes that has waited longest without a request.

    A connection whose request is being answered stays, and so does a socket, as long as it is open.
    """

    def __init__(self, server: web.Server, *, size: int) -> None:
        self._server = server
        self._answer = server.request_handler
        server.request_handler = self._handle
        self._size = size
        self._open = 0
        self._waiting: dict[web.RequestHandler, asyncio.TimerHandle | None] = {}
        self._is_full = False

    def connection(self) -> "_Connection":
        """What reads and answers a new connection."""
        return _Connection(self, self._server)

    def opened(self, connection: "_Connection") -> None:
        self._open += 1
        loop = asyncio.get_running_loop()
        self._waiting[connection] = loop.call_later(HEAD_SECONDS, self._cut, connection)
        if self._open > self._size:
            if not self._is_full:
                log.warning(
                    "there are too many connections, and those that wait longest are cut", connections=self._open
                )
            self._is_full = True
            self._cut(next(iter(self._waiting)))  # the new one, where no other waits

    def lost(self, connection: "_Connection") -> None:
        self._open -= 1
        self._is_full &= self._open > self._size // 2  # told once, not each time that one goes and one comes
        self._wait_no_more(connection)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        connection = request.protocol
        self._wait_no_more(connection)
        try:
            return await self._answer(request)
        finally:
            if connection.connected:
                self._waiting[connection] = None  # from here on aiohttp's keep-alive watches it

    def _wait_no_more(self, connection: web.RequestHandler) -> None:
        timer = self._waiting.pop(connection, None)
        if timer is not None:
            timer.cancel()

    def _cut(self, connection: web.RequestHandler) -> None:
        self._wait_no_more(connection)
        connection.force_close()


class _Connection(web.RequestHandler):
    """aiohttp's, with our bounds; it tells the gate when it comes and goes.

    Bodies are not unpacked: neither vendor packs them, and a small one may hold gigabytes.
    """

    __slots__ = ("_gate",)

    def __init__(self, gate: _Gate, server: web.Server) -> None:
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            access_log=None,  # type: ignore[arg-type]  # as aiohttp's own runner hands it on
            tcp_keepalive=False,  # who says nothing is asked by a ping, or let go: the kernel need not ask, too
            keepalive_timeout=KEEP_ALIVE_SECONDS,
            lingering_time=LINGER_SECONDS,
            max_line_size=MAX_LINE_BYTES,
            max_field_size=MAX_HEADER_BYTES,
            max_headers=MAX_HEADERS,
            auto_decompress=False,
        )
        self._gate = gate

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what is no request with its status alone: aiohttp's own answer quotes it."""
        super().handle_error(request, status, exc, message)
        answer = web.Response(status=status, headers={hdrs.SERVER: ""})
        answer.force_close()
        return answer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._gate.opened(self)

    def connection_lost(self, exc: BaseException | None) -> None:
        self._gate.lost(self)
        super().connection_lost(exc)
