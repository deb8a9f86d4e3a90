"""One call's media stream, as Twilio feeds it.

The JSON is written by hand, as the vendor writes it: https://www.twilio.com/docs/voice/media-streams/websocket-messages
"""

import asyncio
import json
import secrets
from collections import deque
from collections.abc import Mapping
from typing import Any, Final

from benchmarks.speed.players.audio import DOWN, UP, Ear, Mouth, Tally
from benchmarks.speed.players.clock import now_us
from picows import WSFrame, WSListener, WSMsgType, WSTransport

__all__ = ["FRAME_MS", "Leg"]

FRAME_MS: Final = 20


class Leg(WSListener):
    """One call's media stream."""

    def __init__(self, number: int, sid: str, account_sid: str, parameters: Mapping[str, str], tally: Tally) -> None:
        self.ear = Ear(DOWN, tally, number)
        self.mouth = Mouth(UP, number)
        self.started_us = 0
        self.first_audio_us = 0
        self.spoken_to = asyncio.Event()
        self.over = asyncio.Event()
        self._sid, self._account_sid, self._parameters = sid, account_sid, parameters
        self._stream_sid = f"MZ{secrets.token_hex(16)}"
        self._sequence = 1
        self._played_us = 0
        self._marks: deque[tuple[int, str]] = deque()
        self._wire: WSTransport

    def on_ws_connected(self, transport: WSTransport) -> None:
        self._wire = transport
        self._say({"event": "connected", "protocol": "Call", "version": "1.0.0"})
        start = {
            "accountSid": self._account_sid,
            "streamSid": self._stream_sid,
            "callSid": self._sid,
            "tracks": ["inbound"],
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
            "customParameters": dict(self._parameters),
        }
        self.started_us = now_us()
        self._say({"event": "start", "sequenceNumber": "1", "start": start, "streamSid": self._stream_sid})

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.CLOSE:
            transport.disconnect()
            return
        now = now_us()
        message = frame.get_payload_as_bytes()
        at = message.find(b'"payload"')
        if at >= 0:
            start = message.index(b'"', at + 9) + 1
            payload = message[start : message.index(b'"', start)]
            if not self.first_audio_us:
                self.first_audio_us = now
                self.spoken_to.set()
            self._played_us = max(self._played_us, now) + len(payload) * 3 // 4 * 125
            self.ear.take(payload, now)
        elif frame.msg_type == WSMsgType.TEXT:
            self._command(json.loads(message), now)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self.over.set()

    def tick(self, now: int) -> None:
        """Say 20 ms, and echo the marks whose audio has been played."""
        if self.over.is_set():
            return
        self._sequence = number = self._sequence + 1
        self._wire.send(
            WSMsgType.TEXT,
            b'{"event":"media","sequenceNumber":"%d","media":{"track":"inbound","chunk":"%d","timestamp":"%d",'
            b'"payload":"%b"},"streamSid":"%b"}'
            % (number, number - 1, (number - 1) * FRAME_MS, self.mouth.frame(now), self._stream_sid.encode()),
        )
        while self._marks and self._marks[0][0] <= now:
            self._echo(self._marks.popleft()[1])

    @property
    def is_up(self) -> bool:
        """Whether its stream has begun, and is still there."""
        return self.started_us > 0 and not self.over.is_set()

    def hang_up(self) -> None:
        """As the caller does: Twilio says stop, and closes."""
        if not self.is_up:
            return
        self._sequence += 1
        stop = {"accountSid": self._account_sid, "callSid": self._sid}
        self._say({"event": "stop", "sequenceNumber": str(self._sequence), "streamSid": self._stream_sid, "stop": stop})
        self._wire.send_close()
        self._wire.disconnect()

    def _command(self, message: dict[str, Any], now: int) -> None:
        match message["event"]:
            case "mark":
                self._marks.append((self._played_us, message["mark"]["name"]))
            case "clear":
                self._played_us = now
                while self._marks:
                    self._echo(self._marks.popleft()[1])

    def _echo(self, name: str) -> None:
        self._sequence += 1
        mark = {"name": name}
        self._say({"event": "mark", "sequenceNumber": str(self._sequence), "mark": mark, "streamSid": self._stream_sid})

    def _say(self, message: Mapping[str, Any]) -> None:
        self._wire.send(WSMsgType.TEXT, json.dumps(message, separators=(",", ":")).encode())
