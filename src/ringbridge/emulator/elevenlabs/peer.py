"""One WebSocket of the twin's, either side of it: sending never waits, reading can be made slow or deaf."""

import asyncio
from collections.abc import Callable
from typing import Any, Final, TypeAlias

from aiohttp import ClientError, ClientWebSocketResponse, WSMsgType, web

__all__ = ["CLOSE_SECONDS", "MAX_MESSAGE_BYTES", "Peer", "WebSocket"]

CLOSE_SECONDS: Final = 1.0
"""How long a peer may take over what was sent to it last, our close frame included."""

MAX_MESSAGE_BYTES: Final = 16 * 1024 * 1024

_MAX_UNSENT: Final = 2000
"""Messages that may wait for a peer that does not read; one more, and the connection is cut."""

_WRITE_SECONDS: Final = 30.0
_LOOK_SECONDS: Final = 0.1

WebSocket: TypeAlias = web.WebSocketResponse[Any] | ClientWebSocketResponse[Any]


class Peer:
    """Whoever is at the other end. Its owner runs `write` and `read`, each in one task, and closes it at last.

    The socket must have been opened with `autoping=False, autoclose=False`, so that a deaf one answers nothing.
    """

    def __init__(self, socket: WebSocket, transport: asyncio.Transport) -> None:
        self._socket = socket
        self._transport = transport
        self._outbox: asyncio.Queue[str | bytes] = asyncio.Queue(_MAX_UNSENT)
        self.deaf = False
        """Connected, but nothing is sent or answered any more."""
        self._paused_until = 0.0
        self._leaving = False
        self._left = asyncio.Event()

    def send(self, message: str | bytes) -> None:
        """Queue one message, text or binary."""
        if self.deaf:
            return
        try:
            self._outbox.put_nowait(message)
        except asyncio.QueueFull:
            self.abort()

    async def write(self) -> None:
        """Send what is queued, as long as the peer takes it."""
        try:
            while True:
                message = await self._outbox.get()
                if not self.deaf:
                    async with asyncio.timeout(_WRITE_SECONDS):
                        await self._write(message)
        except (ClientError, ConnectionError, TimeoutError):
            self.abort()

    async def _write(self, message: str | bytes) -> None:
        if isinstance(message, bytes):
            await self._socket.send_bytes(message)
        else:
            await self._socket.send_str(message)

    async def read(self, listener: Callable[[str], None]) -> int | None:
        """Hand every text message to `listener`. The peer's close code at the end; `None` when it sent none first."""
        loop = asyncio.get_running_loop()
        while True:
            message = await self._socket.receive()
            if self._paused_until > loop.time():
                await asyncio.sleep(self._paused_until - loop.time())
            if self.deaf:
                await self._outlast(message.type)
            elif message.type is WSMsgType.TEXT:
                listener(message.data)
                continue
            elif message.type is WSMsgType.PING:
                await self._pong(message.data)
            if message.type is WSMsgType.CLOSE:
                return int(message.data)
            if message.type in {WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR}:
                if self._leaving:
                    await self._left.wait()
                return None

    async def _outlast(self, kind: WSMsgType) -> None:
        """A close frame gets no answer from one who is deaf: wait until the connection itself is gone."""
        while kind is WSMsgType.CLOSE and not self._transport.is_closing():  # noqa: ASYNC110 - it tells nobody else
            await asyncio.sleep(_LOOK_SECONDS)

    async def _pong(self, data: bytes) -> None:
        try:
            async with asyncio.timeout(_WRITE_SECONDS):
                await self._socket.pong(data)
        except (ClientError, ConnectionError, TimeoutError):
            self.abort()

    def pause(self, seconds: float) -> None:
        """Read nothing for so long."""
        self._paused_until = asyncio.get_running_loop().time() + seconds

    def deafen(self) -> None:
        """From here on be deaf, and mute."""
        self.deaf = True

    def abort(self) -> None:
        """Cut the connection without a word."""
        self._transport.abort()

    async def close(self, code: int, reason: str = "") -> None:
        """Send what is queued, then a close frame, and await the answer for a while; that ends `read`, too.

        `read` must not have been cancelled before: a client's socket of aiohttp's would not wait for the answer then.
        """
        self._leaving = True
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                while not self.deaf and not self._outbox.empty():
                    await self._write(self._outbox.get_nowait())
                if not self.deaf:
                    await self._socket.close(code=code, message=_short(reason))
        except (ClientError, ConnectionError, TimeoutError):
            pass  # whoever does not take a close frame is cut off
        finally:
            self.abort()
            if isinstance(self._socket, ClientWebSocketResponse):
                self._socket._response.close()  # noqa: SLF001 - a client's connection is not let go of otherwise
            self._left.set()


def _short(reason: str) -> bytes:
    """A close frame holds 123 bytes of reason, and whole letters only (RFC 6455, 5.5.1)."""
    return reason.encode()[:123].decode(errors="ignore").encode()
