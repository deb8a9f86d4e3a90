"""A WebSocket whose messages are handled where they are read, and answered without a task in between.

aiohttp's own way wakes a task for each message. Fifty frames a second in each call make that the largest cost of a
relay, so here the reader's callback hands every text message to a listener at once, in order, and `Socket.send` writes
into the transport before it returns. Only opening and closing are awaited.

This file, and no other, leans on private names of aiohttp: the queue between its parser and `receive()`.
"""

import asyncio
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeAlias

from aiohttp import (
    ClientError,
    ClientSession,
    ClientWebSocketResponse,
    ClientWSTimeout,
    TCPConnector,
    TraceConfig,
    TraceRequestRedirectParams,
    WSMessage,
    WSMsgType,
    WSServerHandshakeError,
    web,
)
from aiohttp._websocket.reader import WebSocketDataQueue, WebSocketReader

from ringbridge.log import get_logger

__all__ = ["POLICY_VIOLATION", "Bounds", "Closed", "Listener", "Socket", "accept", "client_session", "connect"]

log = get_logger(__name__)

CLOSE_SECONDS = 0.5
"""How long a peer may take to answer our close frame before the connection is cut."""

HEARTBEAT_SECONDS = 20.0
"""A peer that sends nothing for so long is pinged; one that does not answer half as long is gone."""

MAX_MESSAGE_BYTES = 16 * 1024 * 1024
"""The limit of the ElevenLabs SDK for its conversation socket; aiohttp's own is a quarter of it."""

MAX_UNSENT_BYTES = 1024 * 1024
"""What may wait for a slow peer. Beyond it `Socket.send` refuses, so that one stuck peer can't fill the memory."""

CONTROL_FRAMES_PER_SECOND = 1000
"""Pings, pongs and binary messages that a peer may send, in all. It has use for one in some seconds."""

POLICY_VIOLATION = 1008
"""The close code of RFC 6455, 7.4.1, for a peer that we serve no further."""

NO_CODE = 1005
"""What RFC 6455 (7.1.5) calls the code of a close frame that has none."""

_QUEUE_LIMIT_BYTES = 2**16

_ENDS = frozenset({WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR})

Listener: TypeAlias = Callable[[bytes], None]
"""Takes one text message, undecoded UTF-8. It is called by the reader: it must not block."""


@dataclass(frozen=True, slots=True)
class Closed:
    """How a socket ended: the close frame's code and reason; `code` is `None` when it ended without such a frame."""

    code: int | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the peer of an accepted socket may send.

    A longer message ends the socket with 1009 before it is read. More text messages in a second than `texts_per_second`
    (`None`: as many as come) end it with 1008.
    """

    message_bytes: int = MAX_MESSAGE_BYTES
    texts_per_second: int | None = None


class _Meter:
    """Counts what comes within each second, which begins with its first."""

    def __init__(self, limit: int, clock: Callable[[], float]) -> None:
        self._limit = limit
        self._clock = clock
        self._since = float("-inf")
        self._count = 0

    def is_over(self) -> bool:
        """Count one; whether it is one too many."""
        now = self._clock()
        if now - self._since >= 1.0:
            self._since, self._count = now, 0
        self._count += 1
        return self._count > self._limit


class _Tap(WebSocketDataQueue):
    """aiohttp's queue of received messages, past which text goes straight to the listener.

    Text that comes before anybody listens (in the same segment as the upgrade's answer) waits in `early`.
    """

    def __init__(self, protocol: Any, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(protocol, _QUEUE_LIMIT_BYTES, loop=loop)
        self.listener: Listener | None = None
        self.early: list[bytes] = []
        self.close_frame = Closed(None)
        self.is_flooded = False
        """Whether the peer has sent more than it may: nothing more of it is read."""
        self._controls = _Meter(CONTROL_FRAMES_PER_SECOND, loop.time)

    def feed_data(self, data: Any, size: int) -> None:
        if data.type is WSMsgType.TEXT:
            if self.listener is None:
                self.early.append(data.data)
            else:
                self._deliver(self.listener, data.data)
            return
        if data.type is WSMsgType.CLOSE:
            self.close_frame = Closed(data.data or NO_CODE, data.extra or "")
        elif self._controls.is_over():
            self.stop_reading()
            return
        super().feed_data(data, size)

    def stop_reading(self) -> None:
        """Take nothing more from a peer that sends too much, and end its socket."""
        if self.is_flooded:
            return
        log.warning("a peer sends more messages than it may, and is cut off")
        self.is_flooded = True
        self.early.clear()
        self.listener = _ignore
        if (transport := self._protocol.transport) is not None:
            transport.pause_reading()
        super().feed_data(WSMessage(WSMsgType.ERROR, None, None), 0)

    def listen(self, listener: Listener) -> None:
        self.listener = listener
        early, self.early = self.early, []
        for text in early:
            self._deliver(self.listener, text)  # the first may have handed the socket on to another listener

    def _deliver(self, listener: Listener, text: bytes) -> None:
        try:
            listener(text)
        except Exception as error:  # the compiled parser can't carry it up: it ends the socket instead
            log.exception("the listener of a socket failed")
            super().feed_data(WSMessage(WSMsgType.ERROR, error, None), 0)


class _MeteredTap(_Tap):
    """A tap that counts text messages, too."""

    def __init__(self, protocol: Any, loop: asyncio.AbstractEventLoop, texts_per_second: int) -> None:
        super().__init__(protocol, loop)
        self._texts = _Meter(texts_per_second, loop.time)

    def feed_data(self, data: Any, size: int) -> None:
        if data.type is WSMsgType.TEXT and self._texts.is_over():
            self.stop_reading()
        else:
            super().feed_data(data, size)


def _ignore(_text: bytes) -> None:
    """Listen to a peer that is being cut off."""


class _Accepted(web.WebSocketResponse):
    """aiohttp's server socket, reading through a tap."""

    tap: _Tap

    def __init__(self, bounds: Bounds) -> None:
        super().__init__(heartbeat=HEARTBEAT_SECONDS, timeout=CLOSE_SECONDS, compress=False)
        self._bounds = bounds

    def _post_start(self, request: Any, protocol: str | None, writer: Any) -> None:
        # As in aiohttp 3.14, but for the class of the queue.
        self._ws_protocol = protocol
        self._writer = writer
        self._reset_heartbeat()
        assert self._loop is not None
        texts = self._bounds.texts_per_second
        tap = _Tap(request.protocol, self._loop) if texts is None else _MeteredTap(request.protocol, self._loop, texts)
        self._reader = self.tap = tap
        self._parser = WebSocketReader(tap, self._bounds.message_bytes, compress=False, decode_text=False)
        request.protocol.set_parser(self._parser, data_received_cb=self._on_data_received)
        request.protocol.keep_alive(False)  # noqa: FBT003


class _Connected(ClientWebSocketResponse):
    """aiohttp's client socket, reading through a tap."""

    tap: _Tap
    _tapped: WebSocketReader | None = None

    @property
    def _parser(self) -> WebSocketReader | None:
        return self._tapped

    @_parser.setter
    def _parser(self, parser: WebSocketReader | None) -> None:
        # The session hands us a parser that feeds a plain queue, right before the first byte is parsed.
        if parser is not None:
            assert self._conn is not None
            self._reader = self.tap = _Tap(self._conn.protocol, self._loop)
            parser = WebSocketReader(self.tap, MAX_MESSAGE_BYTES, compress=False, decode_text=False)
        self._tapped = parser


class Socket:
    """One open WebSocket, either side of it.

    Its owner awaits `closed()`, in one task, for as long as the socket lives: that keeps the protocol going (pings,
    the answer to a close frame) and tells the end.
    """

    def __init__(self, ws: _Accepted | _Connected) -> None:
        self._ws = ws
        assert ws._writer is not None  # noqa: SLF001
        self._transport: asyncio.Transport = ws._writer.transport  # noqa: SLF001
        ws._writer._limit = sys.maxsize  # noqa: SLF001 - it never waits for room: `send` judges that itself

    @property
    def response(self) -> web.StreamResponse:
        """What the handler of an accepted socket must return."""
        assert isinstance(self._ws, _Accepted)
        return self._ws

    def listen(self, listener: Listener) -> None:
        """Hand every text message to `listener`, in order, first of all those that have come already."""
        self._ws.tap.listen(listener)

    @property
    def unsent(self) -> int:
        """Bytes that wait until a slow peer reads."""
        return self._transport.get_write_buffer_size()

    def send(self, text: bytes) -> bool:
        """Write one text message (UTF-8) at once.

        False when the peer is too slow to be sent more. What is sent to a peer that is gone is lost without a word:
        `closed()` tells.
        """
        if self._transport.get_write_buffer_size() > MAX_UNSENT_BYTES:
            return False
        frame = self._ws.send_frame(text, WSMsgType.TEXT)
        with suppress(StopIteration, ClientError, ConnectionError):
            frame.send(None)
        return True

    async def closed(self) -> Closed:
        """Wait for the end, by whichever side; tell how the peer ended it."""
        with suppress(ClientError, ConnectionError):  # the peer was gone before aiohttp had answered its ping
            while (await self._ws.receive()).type not in _ENDS and not self._ws.tap.is_flooded:
                pass
            if self._ws.tap.is_flooded:
                await self.close(POLICY_VIOLATION, "too many messages")
        self._ws._cancel_heartbeat()  # noqa: SLF001 - aiohttp forgets it where a connection is lost
        return self._ws.tap.close_frame

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Send a close frame and await its answer, for half a second at most; then the connection is cut."""
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._ws.close(code=code, message=reason.encode())
        except TimeoutError:
            log.debug("a peer did not answer our close frame")
        finally:
            self.abort()

    def abort(self) -> None:
        """Cut the connection without a word."""
        self._ws._cancel_heartbeat()  # noqa: SLF001 - as above
        self._transport.abort()


async def accept(request: web.Request, bounds: Bounds = Bounds()) -> Socket:
    """Upgrade a request. Raises aiohttp's `HTTPBadRequest` when it is no WebSocket handshake, or its peer is gone."""
    ws = _Accepted(bounds)
    try:
        await ws.prepare(request)
    except ConnectionError:  # the peer has gone meanwhile
        raise web.HTTPBadRequest(text="") from None
    return Socket(ws)


async def connect(session: ClientSession, url: str, *, seconds: float, heartbeat: float) -> Socket:
    """Open a WebSocket to `url` within `seconds`.

    A peer that sends nothing for `heartbeat` seconds is pinged; one that does not answer half as long is gone.
    `session` must have been made by `client_session()`. Raises `TimeoutError` or aiohttp's `ClientError`.
    """
    async with asyncio.timeout(seconds):
        ws = await session.ws_connect(
            url,
            heartbeat=heartbeat,
            timeout=ClientWSTimeout(ws_close=CLOSE_SECONDS),
            max_msg_size=MAX_MESSAGE_BYTES,
        )
    assert isinstance(ws, _Connected)
    return Socket(ws)


def client_session() -> ClientSession:
    """A session whose WebSockets can be tapped. One serves the whole process; its maker closes it.

    It follows no redirect: where a call's audio may go is settled before it is dialled.
    """
    tracing = TraceConfig()
    tracing.on_request_redirect.append(_refuse_redirect)
    # Each conversation holds a connection as long as it lasts: how many there may be is not the pool's to say.
    return ClientSession(connector=TCPConnector(limit=0), ws_response_class=_Connected, trace_configs=[tracing])


async def _refuse_redirect(_session: ClientSession, _context: object, redirect: TraceRequestRedirectParams) -> None:
    response = redirect.response
    response.close()
    raise WSServerHandshakeError(response.request_info, response.history, status=response.status, message="redirected")
