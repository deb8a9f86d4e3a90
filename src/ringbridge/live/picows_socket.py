"""A WebSocket by picows, whose parser calls us with each frame and whose `send` writes into the kernel."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final, cast

from aiohttp import web
from picows import (
    WSCloseCode,
    WSFrame,
    WSListener,
    WSMsgType,
    WSTransport,
)
from picows import WSProtocolError as Violation

from ringbridge.live.pulse import Pulse
from ringbridge.live.socket import (
    CLOSE_SECONDS,
    MAX_UNSENT_BYTES,
    NO_CODE,
    POLICY_VIOLATION,
    Bounds,
    Closed,
    Listener,
    Socket,
    Translation,
    ignore,
)
from ringbridge.log import get_logger

__all__ = ["PicowsSocket"]

log = get_logger(__name__)

BEAT_SECONDS: Final = 1.0
"""How often each socket is asked whether its peer was heard."""

_TEXT: Final = WSMsgType.TEXT


class _Ear(WSListener):
    """What picows calls. Text in one piece, which is all that the vendors send, goes on without another look.

    What each frame needs is here, in slots: until a call's next frame comes, the processor has forgotten its objects,
    and to fetch another one from memory costs as much as to decode a message.
    """

    __slots__ = ("has_spoken", "is_plain", "listener", "socket", "to", "translation", "was_heard")

    def __init__(self, socket: "PicowsSocket", listener: Listener, *, is_plain: bool) -> None:
        self.socket: PicowsSocket | None = socket
        self.listener = listener
        self.is_plain = is_plain
        """Whether a text frame is a message that need not be counted."""
        self.was_heard = self.has_spoken = False
        self.to: WSTransport | None = None
        self.translation: Translation = _untranslated

    def on_ws_connected(self, transport: WSTransport) -> None:
        if self.socket is not None:
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
                if self.socket is not None:
                    self.socket.abort()
        elif self.socket is not None:
            self.socket.take(frame)

    def on_ws_disconnected(self, _transport: WSTransport) -> None:
        socket, self.socket = self.socket, None  # each knows the other: what is over goes at once, not by a collection
        if socket is not None:
            socket.lost()

    def pause_writing(self) -> None:
        if self.socket is not None:
            self.socket.filled()

    def resume_writing(self) -> None:
        if self.socket is not None:
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
        self._pulse = Pulse.every(BEAT_SECONDS)
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
        """The connection is gone: nothing more is heard."""
        self._rest()
        self._listener = self.ear.listener = ignore
        self.ear.to = self._feeder = None
        if self._lost is not None:
            self._lost()

    # What the owner calls

    @property
    def response(self) -> web.StreamResponse:
        """What is left to be returned: nothing of it is sent."""
        return super().response if self._lost is None else _Answered()

    @property
    def unsent(self) -> int:
        """Bytes in the transport."""
        return self._transport.underlying_transport.get_write_buffer_size()

    def listen(self, listener: Listener) -> None:
        """From now on, and first of all with what came early."""
        self.ear.to = None
        super().listen(listener)
        self.ear.listener = self._listener

    def carry(self, to: Socket | None, translation: Translation) -> None:
        """Take the short cut, if the other socket is of this kind, too."""
        self.ear.translation = translation
        self.ear.to = to.fed_by(self.ear) if isinstance(to, PicowsSocket) else None

    def fed_by(self, ear: _Ear) -> WSTransport | None:
        """What `ear` may write to until the peer is slow, if it is not."""
        self._feeder = ear
        return None if self.is_full else self._transport

    def has_spoken(self) -> bool:
        """Since this was last asked."""
        spoken, self.ear.has_spoken = self.ear.has_spoken, False
        return super().has_spoken() or spoken

    def send(self, text: bytes) -> bool:
        """Into the kernel, if that takes it at once."""
        if self.is_full:
            return False
        self._transport.send(_TEXT, text)
        return True

    async def closed(self) -> Closed:
        """Wait until picows has seen the end."""
        with suppress(Exception):  # picows raises here whatever it has closed the socket for
            await self._transport.wait_disconnected()
        return self._closed

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Politely, but not for long."""
        if self._transport.is_disconnected:
            self._rest()
            return
        try:
            self._send_close(code, reason)
            self._cut_after()
            await self.closed()
        finally:
            self.abort()

    def abort(self) -> None:
        """At once."""
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
        """Cut the connection of a peer that does not take our last words, or does not answer them."""
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
