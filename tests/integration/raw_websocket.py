"""WebSockets by hand, after RFC 6455: frames may be cut, fragmented and joined in any way, as no library's are."""

import asyncio
import base64
import hashlib
import json
import secrets
from collections.abc import Iterable
from typing import Any, NamedTuple

from .raw_http import SECONDS, Message, head, read_message

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
VERSION = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}


class Frame(NamedTuple):
    opcode: int
    payload: bytes
    final: bool
    masked: bool


class Ended(Exception):
    """The peer ended the socket: with this code in its close frame, or without one."""

    def __init__(self, code: int | None) -> None:
        self.code = code
        super().__init__(f"close code {code}")


class RawSocket:
    """One end of a WebSocket. A client's end masks what it sends, as the RFC demands of it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, masks: bool) -> None:
        self._reader = reader
        self._writer = writer
        self._masks = masks
        self.answers_pings = True

    # What is sent

    def frame(self, payload: bytes, opcode: int = TEXT, *, final: bool = True) -> bytes:
        """The bytes of one frame, for `write`."""
        first = bytes([opcode | (0x80 if final else 0)])
        mask_bit, size = (0x80 if self._masks else 0), len(payload)
        if size < 126:
            length = bytes([mask_bit | size])
        elif size < 1 << 16:
            length = bytes([mask_bit | 126]) + size.to_bytes(2)
        else:
            length = bytes([mask_bit | 127]) + size.to_bytes(8)
        if not self._masks:
            return first + length + payload
        key = secrets.token_bytes(4)
        return first + length + key + _masked(payload, key)

    def write(self, data: bytes) -> None:
        """Send bytes as they are: a part of a frame, or many of them."""
        self._writer.write(data)

    def send(self, **message: Any) -> None:
        """Send one message in one frame."""
        self.write(self.frame(odd_json(message)))

    async def send_in(self, pieces: Iterable[bytes]) -> None:
        """Send bytes in pieces, each in a segment of its own."""
        for piece in pieces:
            self.write(piece)
            await self._writer.drain()
            await asyncio.sleep(0)

    def send_close(self, code: int | None) -> None:
        """Send a close frame; RFC 6455 allows one without a code."""
        self.write(self.frame(b"" if code is None else code.to_bytes(2), CLOSE))

    def half_close(self) -> None:
        """End our direction of the connection, and go on listening."""
        self._writer.write_eof()

    def abort(self) -> None:
        self._writer.transport.abort()

    # What comes

    async def next_frame(self) -> Frame:
        """The next frame, of whichever kind. Raises `Ended`."""
        try:
            async with asyncio.timeout(SECONDS):
                first, second = await self._reader.readexactly(2)
                size = second & 0x7F
                if size > 125:
                    size = int.from_bytes(await self._reader.readexactly(2 if size == 126 else 8))
                key = await self._reader.readexactly(4) if second & 0x80 else bytes(4)
                payload = _masked(await self._reader.readexactly(size), key)
        except (asyncio.IncompleteReadError, ConnectionError):
            raise Ended(None) from None
        assert first & 0x70 == 0, "no extension was agreed on"
        frame = Frame(first & 0x0F, payload, bool(first & 0x80), bool(second & 0x80))
        assert frame.masked is not self._masks, "only a client masks"
        return frame

    async def receive(self) -> dict[str, Any]:
        """The next message. Raises `Ended`."""
        while (frame := await self.next_frame()).opcode in {PING, PONG}:
            if frame.opcode == PING and self.answers_pings:
                self.write(self.frame(frame.payload, PONG))
        if frame.opcode == CLOSE:
            raise Ended(int.from_bytes(frame.payload[:2]) if frame.payload else None)
        assert (frame.opcode, frame.final) == (TEXT, True)
        message = json.loads(frame.payload)
        assert isinstance(message, dict)
        return message

    async def until(self, key: str, value: str | None = None) -> dict[str, Any]:
        """The next message that holds `key` (with that value); those before it are passed over."""
        while True:
            message = await self.receive()
            if key in message and value in {None, message[key]}:
                return message

    async def ended(self) -> int | None:
        """The code of the peer's close frame, or `None` when it ended the connection without one."""
        while True:
            try:
                await self.receive()
            except Ended as end:
                return end.code


def odd_json(message: object) -> bytes:
    """The same message as nobody else would write it: keys backwards, much space."""
    return json.dumps(_backwards(message), indent=3, separators=(" ,", " : ")).encode()


def _backwards(value: object) -> object:
    if isinstance(value, dict):
        return {key: _backwards(item) for key, item in reversed(value.items())}
    return [_backwards(item) for item in value] if isinstance(value, list) else value


async def dial(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, target: str, headers: dict[str, str]
) -> RawSocket | Message:
    """Ask for an upgrade on this connection: the socket, or the answer that refuses it."""
    writer.write(head(f"GET {target} HTTP/1.1", {**VERSION, "Sec-WebSocket-Key": KEY, **headers}))
    async with asyncio.timeout(SECONDS):
        answer = await read_message(reader)
    if answer.status != 101:
        return answer
    assert answer.headers["sec-websocket-accept"] == accept_key(KEY)
    assert "sec-websocket-extensions" not in answer.headers
    return RawSocket(reader, writer, masks=True)


def switching(request: Message) -> bytes:
    """The answer that lets an upgrade through."""
    accepted = accept_key(request.headers["sec-websocket-key"])
    headers = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Accept": accepted}
    return head("HTTP/1.1 101 Switching Protocols", headers)


def accept_key(key: str) -> str:
    digest = hashlib.sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest()
    return base64.b64encode(digest).decode()


def _masked(payload: bytes, key: bytes) -> bytes:
    if key == bytes(4):
        return payload
    size = len(payload)
    stream = (key * (size // 4 + 1))[:size]
    return (int.from_bytes(payload) ^ int.from_bytes(stream)).to_bytes(size)
