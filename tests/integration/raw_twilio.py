"""What Twilio asks of us, written by hand: webhooks, and the media streams of calls."""

import asyncio
import base64
import itertools
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from urllib.parse import quote_plus

from .raw_http import SECONDS, Message, head, read_message
from .raw_proofs import ACCOUNT_SID, AUTH_TOKEN, HOST, Fields, twilio_signature
from .raw_websocket import RawSocket, dial, odd_json

FORM_TYPE = "application/x-www-form-urlencoded; charset=UTF-8"

Connection: TypeAlias = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Connect: TypeAlias = Callable[[], Awaitable[Connection]]

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Twilio:
    """Twilio's side of the internet: `connect` makes a connection to what the public host's name leads to."""

    connect: Connect
    token: str = AUTH_TOKEN

    async def post(self, path: str, fields: Fields, *, signature: str | None = None, **headers: str) -> Message:
        """A webhook, signed unless another `signature` is given."""
        fields = list(fields)
        body = form_body(fields)
        sent = {
            "Host": HOST,
            "Content-Type": FORM_TYPE,
            "Content-Length": str(len(body)),
            "X-Twilio-Signature": signature or twilio_signature(f"https://{HOST}{path}", fields, self.token),
            "Connection": "close",
            **headers,
        }
        reader, writer = await self.connect()
        writer.write(head(f"POST {path} HTTP/1.1", sent) + body)
        async with asyncio.timeout(SECONDS):
            answer = await read_message(reader)
        writer.close()
        return answer

    async def upgrade(self, path: str = "/media-stream", *, signature: str | None = None) -> RawSocket | Message:
        """A media socket, whose opening request bears a lower-case header; an empty `signature` is left out."""
        if signature is None:
            signature = twilio_signature(f"wss://{HOST}{path}", token=self.token)
        headers = {"Host": HOST, **({"x-twilio-signature": signature} if signature else {})}
        return await dial(*await self.connect(), path, headers)


@dataclass
class RawStream:
    """One media stream of one call."""

    socket: RawSocket
    call_sid: str
    sid: str = field(default_factory=lambda: f"MZ{next(_numbers):032x}")
    _sequence: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def begin(self, token: str | None, **details: Any) -> None:
        self.socket.write(self.opening(token, **details))

    def opening(self, token: str | None, **details: Any) -> bytes:
        """`connected` and `start`. `details` go over those of the `start`."""
        connected = self.socket.frame(odd_json({"event": "connected", "protocol": "Call", "version": "1.0.0"}))
        start = {
            "accountSid": ACCOUNT_SID,
            "streamSid": self.sid,
            "callSid": self.call_sid,
            "tracks": ["inbound"],
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
            "customParameters": {} if token is None else {"token": token},
            **details,
        }
        return connected + self.message("start", start=start)

    def message(self, event: str, **content: Any) -> bytes:
        """One message of the stream, in one frame."""
        envelope = {"event": event, "sequenceNumber": str(next(self._sequence)), "streamSid": self.sid}
        return self.socket.frame(odd_json({**envelope, **content}))

    def media(self, audio: bytes) -> bytes:
        """The frames of this audio: 20 ms in each, as a phone makes them."""
        pieces = [audio[start : start + 160] for start in range(0, len(audio), 160)]
        return b"".join(self.message("media", media=self._media(piece)) for piece in pieces)

    def stop(self) -> bytes:
        return self.message("stop", stop={"accountSid": ACCOUNT_SID, "callSid": self.call_sid})

    @staticmethod
    def _media(audio: bytes) -> dict[str, str]:
        payload = base64.b64encode(audio).decode()
        return {"track": "inbound", "chunk": "2", "timestamp": "5", "payload": payload}

    async def next(self, event: str) -> dict[str, Any]:
        """The next message of this kind, read as strictly as Twilio reads it (error 31951)."""
        message = await self.socket.until("event", event)
        content = {"media": {"media": {"payload"}}, "mark": {"mark": {"name"}}, "clear": {}}[event]
        assert message.keys() == {"event", "streamSid", *content}
        assert message["streamSid"] == self.sid
        for name, keys in content.items():
            assert message[name].keys() == keys
        return message

    async def hear(self, size: int) -> bytes:
        """So much audio of the agent's."""
        audio = b""
        while len(audio) < size:
            audio += base64.b64decode((await self.next("media"))["media"]["payload"], validate=True)
        return audio


def form_body(fields: Fields) -> bytes:
    return "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in fields).encode()
