"""WebSockets by picows, whose parser calls us with each frame and whose `send` writes into the kernel.

picows accepts sockets on a port of its own only. Ours is aiohttp's, with all its requests and guards; so an upgrade
that was let in is handed over: the connection's protocol is changed for picows', which is told of the handshake. That,
and no more, leans on a name that picows does not promise to keep: `WSProtocol`. Where it is not what it was, `accept`
raises `Unsupported` before anything is touched.
"""

import asyncio
import logging
import socket as sockets
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, Final, cast

from aiohttp import hdrs, web
from picows import (
    WSAutoPingStrategy,
    WSCloseCode,
    WSFrame,
    WSHandshakeError,
    WSListener,
    WSMsgType,
    WSTransport,
    ws_connect,
)
from picows import WSError as PicowsError
from picows import WSProtocolError as Violation

from ringbridge.live.pulse import BEAT_SECONDS, Pulse
from ringbridge.live.socket import (
    CLOSE_SECONDS,
    HEARTBEAT_SECONDS,
    MAX_UNSENT_BYTES,
    NO_CODE,
    POLICY_VIOLATION,
    Bounds,
    Closed,
    Listener,
    Socket,
    Translation,
    UpgradeFailed,
)
from ringbridge.log import get_logger

__all__ = ["Unsupported", "accept", "connect"]

log = get_logger(__name__)

READ_BUFFER_BYTES: Final = 2048
"""What a socket reads into at first, and the least that picows takes. It doubles by need and stays so: a caller's
messages have 300 bytes, an agent's 2200."""

_TEXT: Final = WSMsgType.TEXT
_silent = logging.getLogger("ringbridge.picows")
_silent.setLevel(logging.CRITICAL + 1)
_NOTHING: Final = logging.LoggerAdapter(_silent)
"""picows would tell of each connection, and of each mistake of a stranger's. Of a plain logger it makes a copy for each
socket, which has to learn anew at which levels it says nothing."""

_UPGRADE: Final = web.WebSocketResponse(compress=False)
"""Knows a handshake; it is never sent."""


class Unsupported(Exception):
    """Picows, in this release, can't be handed a connection in the way that we know."""


class _Ear(WSListener):
    """What picows calls. Text in one piece, which is all that the vendors send, goes on without another look.

    What each frame needs is here, in slots: until a call's next frame comes, the processor has forgotten its objects,
    and to fetch another one from memory costs as much as to decode a message.
    """

    __slots__ = ("has_spoken", "is_plain", "listener", "socket", "to", "translation", "was_heard")

    def __init__(self, socket: "PicowsSocket", listener: Listener, *, is_plain: bool) -> None:
        self.socket = socket
        self.listener = listener
        self.is_plain = is_plain
        """Whether a text frame is a message that need not be counted."""
        self.was_heard = self.has_spoken = False
        self.to: WSTransport | None = None
        self.translation: Translation = _untranslated

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.socket.opened(transport)

    def on_ws_frame(self, _transport: WSTransport, frame: WSFrame) -> None:
        self.was_heard = True
        if self.is_plain and frame.msg_type is _TEXT and frame.fin and not (frame.rsv1 or frame.rsv2 or frame.rsv3):
            self.has_spoken = True
            text = frame.get_payload_as_bytes()
            try:
                if self.to is None or (translated := self.translation(text)) is None:
                    self.listener(text)
                else:
                    self.to.send(_TEXT, translated)
            except Exception:
                log.exception("the listener of a socket failed")
                self.socket.abort()
        else:
            self.socket.take(frame)

    def on_ws_disconnected(self, _transport: WSTransport) -> None:
        self.socket.lost()

    def pause_writing(self) -> None:
        self.socket.filled()

    def resume_writing(self) -> None:
        self.socket.is_full = False


class PicowsSocket(Socket):
    """One open WebSocket. `heartbeat` is the seconds of silence after which the peer is pinged."""

    def __init__(self, bounds: Bounds, heartbeat: float, *, lost: Callable[[], None] | None = None) -> None:
        """`lost` is called when the connection is gone."""
        super().__init__(bounds)
        self._loop = asyncio.get_running_loop()
        self._bounds = bounds
        self._lost = lost
        self._patient_beats = round(heartbeat / BEAT_SECONDS)
        self._pulse = Pulse.of_running_loop()
        self._silent_beats = 0
        self._cut: asyncio.TimerHandle | None = None
        self._parts: bytearray | None = None
        self._is_text = False
        self.ear = _Ear(self, self._listener, is_plain=self._texts is None)
        self.is_open = False
        self._feeder: _Ear | None = None
        self.is_full = False
        """Whether more than `MAX_UNSENT_BYTES` wait for the peer."""

    # What the ear tells

    def opened(self, transport: WSTransport) -> None:
        """The handshake is done."""
        self.is_open = True
        self._transport = transport
        transport.underlying_transport.set_write_buffer_limits(high=MAX_UNSENT_BYTES)
        self._pulse.add(self)

    def take(self, frame: WSFrame) -> None:
        """A frame that is not simply a message."""
        if self._is_flooded:
            return
        if frame.rsv1 or frame.rsv2 or frame.rsv3:  # no extension was agreed upon (RFC 6455, 5.2)
            raise Violation(WSCloseCode.PROTOCOL_ERROR, "a reserved bit is set")
        match frame.msg_type:
            case WSMsgType.CLOSE:
                self._answer_close(frame)
            case WSMsgType.PING:
                if self._counted():
                    self._pong(frame.get_payload_as_bytes())
            case WSMsgType.PONG:
                self._counted()
            case _:
                self._collect(frame)

    def beat(self) -> None:
        """Some time has passed: whoever has been silent for long is asked, and then given up."""
        if self.ear.was_heard:
            self.ear.was_heard, self._silent_beats = False, 0
            return
        self._silent_beats += 1
        if self._silent_beats == self._patient_beats:
            self._transport.send_ping()
        elif self._silent_beats >= self._patient_beats * 3 // 2:
            self.abort()

    def filled(self) -> None:
        """The peer is slow: nothing more is carried to it before `carry` says so again."""
        self.is_full = True
        if self._feeder is not None:
            self._feeder.to = None

    def lost(self) -> None:
        """The connection is gone."""
        self._rest()
        if self._lost is not None:
            self._lost()

    # What the owner calls

    @property
    def response(self) -> web.StreamResponse:
        return super().response if self._lost is None else _Answered()

    @property
    def unsent(self) -> int:
        return self._transport.underlying_transport.get_write_buffer_size()

    def listen(self, listener: Listener) -> None:
        self.ear.to = None
        super().listen(listener)
        self.ear.listener = self._listener

    def carry(self, to: Socket | None, translation: Translation) -> None:
        self.ear.translation = translation
        self.ear.to = to.fed_by(self.ear) if isinstance(to, PicowsSocket) else None

    def fed_by(self, ear: _Ear) -> WSTransport | None:
        """What `ear` may write to until the peer is slow, if it is not."""
        self._feeder = ear
        return None if self.is_full else self._transport

    def has_spoken(self) -> bool:
        spoken, self.ear.has_spoken = self.ear.has_spoken, False
        return super().has_spoken() or spoken

    def send(self, text: bytes) -> bool:
        if self.is_full:
            return False
        self._transport.send(_TEXT, text)
        return True

    async def closed(self) -> Closed:
        with suppress(Exception):  # picows raises here whatever it has closed the socket for
            await self._transport.wait_disconnected()
        return self._closed

    async def close(self, code: int = 1000, reason: str = "") -> None:
        try:
            self._send_close(code, reason)
            async with asyncio.timeout(CLOSE_SECONDS):
                await self.closed()
        except TimeoutError:
            log.debug("a peer did not answer our close frame")
        finally:
            self.abort()

    def abort(self) -> None:
        self._rest()
        self._transport.disconnect(graceful=False)

    # Inside

    def _pong(self, payload: bytes) -> None:
        if self.is_full:
            self.abort()  # it asks, and does not read the answers
        else:
            self._transport.send_pong(payload)

    def _collect(self, frame: WSFrame) -> None:
        """A frame of a message, which may have several (RFC 6455, 5.4); a binary one is read, counted and forgotten."""
        continues = frame.msg_type is WSMsgType.CONTINUATION
        if continues != (self._parts is not None):
            raise Violation(WSCloseCode.PROTOCOL_ERROR, "a frame out of order")
        if self._parts is None:
            self._parts, self._is_text = bytearray(), frame.msg_type is _TEXT
        if len(self._parts) + frame.payload_size > self._bounds.message_bytes:
            raise Violation(WSCloseCode.MESSAGE_TOO_BIG, "the message is too long")
        self._parts += frame.get_payload_as_memoryview()
        self.ear.is_plain = frame.fin and self._texts is None
        if not frame.fin:
            self._counted()  # an endless message of empty frames is a flood, too
            return
        message, self._parts = bytes(self._parts), None
        if self._is_text:
            self._take(message)
        else:
            self._counted()

    def _answer_close(self, frame: WSFrame) -> None:
        code = cast("int", frame.get_close_code())  # its stubs say WSCloseCode, which has but the codes of the RFC
        self._closed = Closed(code, frame.get_close_reason() or "")
        self._send_close(1000 if code == NO_CODE else code, "")
        self._transport.disconnect()
        self._cut_after()

    def _cut_off(self) -> None:
        self.ear.is_plain = False
        self._transport.underlying_transport.pause_reading()
        self._send_close(POLICY_VIOLATION, "too many messages")
        self._cut_after()

    def _send_close(self, code: int, reason: str) -> None:
        if not self._transport.is_close_frame_sent:
            self._transport.send_close(cast("WSCloseCode", code), reason.encode())

    def _cut_after(self) -> None:
        """Cut the connection of a peer that does not take our last words."""
        if self._cut is None and not self._transport.is_disconnected:
            self._cut = self._loop.call_later(CLOSE_SECONDS, self.abort)

    def _rest(self) -> None:
        self._pulse.remove(self)
        if self._cut is not None:
            self._cut.cancel()


def _untranslated(_text: bytes) -> None:
    """Nothing is passed on yet."""


class _Answered(web.StreamResponse):
    """What is left to be sent once a socket has ended: nothing, as picows has answered the upgrade."""

    async def prepare(self, request: web.BaseRequest) -> None:
        return

    async def write_eof(self, data: bytes = b"") -> None:
        return


def accept(request: web.Request, bounds: Bounds) -> Socket:
    """Take over an upgrade that aiohttp has read.

    Raises aiohttp's `HTTPBadRequest` when it is no WebSocket handshake, or its peer is gone, and `Unsupported`.
    """
    transport = request.transport
    if not _UPGRADE.can_prepare(request) or transport is None or transport.is_closing():
        raise web.HTTPBadRequest(text="")
    http = request.protocol
    socket = PicowsSocket(bounds, HEARTBEAT_SECONDS, lost=lambda: http.connection_lost(None))
    protocol = _protocol(socket, bounds)
    transport.pause_reading()  # uvloop looks at its protocol's kind when it begins to read
    transport.set_protocol(protocol)
    protocol.connection_made(transport)
    _feed(protocol, _handshake(request) + http._message_tail)  # noqa: SLF001 - what came with the request
    if not socket.is_open:  # picows is stricter about the key, and has answered
        transport.set_protocol(http)
        raise web.HTTPBadRequest(text="")
    transport.resume_reading()
    return socket


def _protocol(socket: PicowsSocket, bounds: Bounds) -> Any:
    try:
        from picows.picows import WSProtocol  # type: ignore[attr-defined]  # noqa: PLC0415 - it may not be there one day

        return WSProtocol(
            None,
            None,
            False,  # noqa: FBT003 - no client's
            lambda _request: socket.ear,
            _NOTHING,
            True,  # noqa: FBT003 - a listener that raises ends it
            None,
            False,  # noqa: FBT003 - pings are ours
            0,
            0,
            WSAutoPingStrategy.PING_WHEN_IDLE,
            False,  # noqa: FBT003 - and pongs
            bounds.message_bytes,
            None,
            READ_BUFFER_BYTES,
        )
    except (ImportError, TypeError) as error:
        raise Unsupported(str(error)) from None


def _handshake(request: web.Request) -> bytes:
    """The request as picows reads it; aiohttp has found nothing wrong with it."""
    key = request.headers[hdrs.SEC_WEBSOCKET_KEY]
    return (
        "GET / HTTP/1.1\r\nHost: ringbridge\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key.strip()}\r\n\r\n"
    ).encode()


def _feed(protocol: Any, data: bytes) -> None:
    while data:
        buffer = protocol.get_buffer(-1)
        size = min(len(buffer), len(data))
        buffer[:size] = data[:size]
        data = data[size:]
        protocol.buffer_updated(size)


async def connect(
    url: str,
    *,
    dial: Callable[[str, int], Awaitable[sockets.socket]],
    tls: Any,
    heartbeat: float,
    headers: Mapping[str, str] | None = None,
) -> Socket:
    """Open a WebSocket to `url` over a connection that `dial` makes to a host and port, with these `headers` more.

    Raises `UpgradeFailed` or `OSError`.
    """
    dialled: list[sockets.socket] = []

    async def open_tcp(parsed: Any) -> sockets.socket:
        dialled.append(await dial(parsed.host, parsed.port))
        return dialled[0]

    try:
        _, ear = await ws_connect(
            lambda: PicowsSocket(Bounds(), heartbeat).ear,
            url,
            ssl_context=tls,
            websocket_handshake_timeout=None,
            logger_name=_NOTHING,
            enable_auto_pong=False,
            max_frame_size=Bounds().message_bytes,
            extra_headers=headers,
            max_redirects=0,
            read_buffer_init_size=READ_BUFFER_BYTES,
            socket_factory=open_tcp,
        )
    except WSHandshakeError as error:
        raise UpgradeFailed(None if error.response is None else error.response.status) from None
    except PicowsError:
        raise UpgradeFailed(None) from None
    except BaseException:
        for opened in dialled:
            with suppress(OSError):
                opened.shutdown(sockets.SHUT_RDWR)  # whoever waits for it learns that it is over
        raise
    if not isinstance(ear, _Ear):  # none was made: the connection was lost before the answer
        raise UpgradeFailed(None)
    return ear.socket
