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
        self._outbox: asyncio.Queue[str] = asyncio.Queue(_MAX_UNSENT)
        self._deaf = False
        self._paused_until = 0.0

    def send(self, text: str) -> None:
        """Queue one text message."""
        if self._deaf:
            return
        try:
            self._outbox.put_nowait(text)
        except asyncio.QueueFull:
            self.abort()

    async def write(self) -> None:
        """Send what is queued, as long as the peer takes it."""
        try:
            while True:
                text = await self._outbox.get()
                async with asyncio.timeout(_WRITE_SECONDS):
                    await self._socket.send_str(text)
        except (ClientError, ConnectionError, TimeoutError):
            self.abort()

    async def read(self, listener: Callable[[str], None]) -> int | None:
        """Hand every text message to `listener`. The close frame's code at the end; `None` when there was none."""
        loop = asyncio.get_running_loop()
        while True:
            message = await self._socket.receive()
            if self._paused_until > loop.time():
                await asyncio.sleep(self._paused_until - loop.time())
            if self._deaf:
                await self._outlast(message.type)
            elif message.type is WSMsgType.TEXT:
                listener(message.data)
                continue
            elif message.type is WSMsgType.PING:
                await self._pong(message.data)
            if message.type is WSMsgType.CLOSE:
                return int(message.data)
            if message.type in {WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR}:
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
        """Stay connected, but send nothing and answer nothing from here on."""
        self._deaf = True

    def abort(self) -> None:
        """Cut the connection without a word."""
        self._transport.abort()

    async def close(self, code: int, reason: str = "") -> None:
        """Send what is queued, then a close frame; await the answer for a while. `write` and `read` must be over."""
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                while not self._deaf and not self._outbox.empty():
                    await self._socket.send_str(self._outbox.get_nowait())
                if not self._deaf:
                    await self._socket.close(code=code, message=reason.encode()[:120])
        except (ClientError, ConnectionError, TimeoutError):
            pass  # whoever does not take a close frame is cut off
        finally:
            self.abort()
