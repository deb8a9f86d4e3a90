"""Accepted WebSockets by what aiohttp promises to keep, and no more: the way that is left when the faster one is not.

A task is woken for each message, and what is sent waits for another to write it.
"""

import asyncio
import socket as sockets
from collections import deque
from contextlib import suppress

from aiohttp import ClientError, WSMsgType, web

from ringbridge.live.socket import (
    CLOSE_SECONDS,
    HEARTBEAT_SECONDS,
    MAX_UNSENT_BYTES,
    NO_CODE,
    POLICY_VIOLATION,
    Bounds,
    Closed,
    Socket,
    Translation,
)
from ringbridge.log import get_logger

__all__ = ["accept"]

log = get_logger(__name__)

_ENDS = frozenset({WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR})


class AiohttpSocket(Socket):
    """One open WebSocket; its messages are read, and what is sent is written, while `closed()` is awaited."""

    def __init__(self, ws: web.WebSocketResponse[bool], bounds: Bounds) -> None:
        super().__init__(bounds)
        self._ws = ws
        self._outbox: deque[bytes] = deque()
        self._unsent = 0
        self._wake = asyncio.Event()
        self._ended = asyncio.Event()

    @property
    def response(self) -> web.StreamResponse:
        return self._ws

    @property
    def unsent(self) -> int:
        return self._unsent

    def carry(self, to: Socket | None, translation: Translation) -> None:
        """Knows no short cut: the listener gets everything."""

    def send(self, text: bytes) -> bool:
        if self._unsent > MAX_UNSENT_BYTES:
            return False
        self._outbox.append(text)
        self._unsent += len(text)
        self._wake.set()
        return True

    async def closed(self) -> Closed:
        async with asyncio.TaskGroup() as tasks:
            writer = tasks.create_task(self._write(), name="write to a socket")
            try:
                await self._read()
            finally:
                writer.cancel()
                self._ended.set()
        if self._is_flooded:
            await self.close(POLICY_VIOLATION, "too many messages")
        return self._closed

    async def close(self, code: int = 1000, reason: str = "") -> None:
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                with suppress(ClientError, ConnectionError):
                    await self._flush()
                    await self._ws.close(code=code, message=reason.encode())
        except TimeoutError:
            log.debug("a peer did not answer our close frame")
        finally:
            self.abort()

    def abort(self) -> None:
        opened = self._ws.get_extra_info("socket")
        if opened is not None:
            with suppress(OSError):
                opened.shutdown(sockets.SHUT_RDWR)

    def _cut_off(self) -> None:
        self._ended.set()

    async def _read(self) -> None:
        while not self._ended.is_set():
            message = await self._ws.receive()
            if message.type in _ENDS:
                if message.type is WSMsgType.CLOSE:
                    self._closed = Closed(message.data or NO_CODE, message.extra or "")
                return
            if message.type is WSMsgType.TEXT:
                self._take(message.data)
            else:
                self._counted()

    async def _write(self) -> None:
        with suppress(ClientError, ConnectionError):
            while True:
                await self._wake.wait()
                self._wake.clear()
                await self._flush()

    async def _flush(self) -> None:
        while self._outbox:
            text = self._outbox[0]
            await self._ws.send_frame(text, WSMsgType.TEXT)
            if self._outbox and self._outbox[0] is text:
                self._outbox.popleft()
                self._unsent -= len(text)


async def accept(request: web.Request, bounds: Bounds) -> Socket:
    """Upgrade a request. Raises aiohttp's `HTTPBadRequest` when it is no WebSocket handshake, or its peer is gone."""
    ws = web.WebSocketResponse(
        heartbeat=HEARTBEAT_SECONDS,
        timeout=CLOSE_SECONDS,
        compress=False,
        max_msg_size=bounds.message_bytes,
        decode_text=False,
    )
    try:
        await ws.prepare(request)
    except ConnectionError:  # the peer has gone meanwhile
        raise web.HTTPBadRequest(text="") from None
    return AiohttpSocket(ws, bounds)
