"""The engine's lines to the brains: dials `/ws`, asks for replies, and takes the time to the first words.

https://elevenlabs.io/docs/agents-platform/customization/llm/speech-engine. The token is made by hand, as the vendor's
own check reads it: HS256, keyed with the SHA-256 digest of the API key.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from array import array
from dataclasses import dataclass
from typing import Any, Final

from benchmarks.speed.players.clock import now_us
from picows import WSError, WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

__all__ = ["BrainDoor", "BrainLine", "Brains", "proofs"]

DIAL_SECONDS: Final = 10.0

HISTORY: Final = tuple(
    {"role": ("user", "agent")[n % 2], "content": f"entry {n} of the talk, as long as such a sentence is."}
    for n in range(20)
)


@dataclass(frozen=True, slots=True)
class BrainDoor:
    """Where the bridge's brain is, and what opens it."""

    port: int
    host: str
    secret: str
    api_key: str


class BrainLine(WSListener):
    """The brain socket of one conversation, which may be over before it is open."""

    def __init__(self, conversation_id: str, waits: "array[int]") -> None:
        self._conversation_id = conversation_id
        self._waits = waits
        self._asked_us = 0
        self._is_over = False
        self._wire: WSTransport | None = None

    def on_ws_connected(self, transport: WSTransport) -> None:
        self._wire = transport
        self._say({"type": "init", "conversation_id": self._conversation_id})
        if self._is_over:
            self.end()

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.CLOSE:
            transport.disconnect()
        elif self._asked_us and b'"agent_response"' in frame.get_payload_as_bytes():
            self._waits.append(now_us() - self._asked_us)
            self._asked_us = 0

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self._wire = None

    def ask(self, event_id: int) -> None:
        """Send what the caller said."""
        self._asked_us = now_us()
        said = {"role": "user", "content": f"Question {event_id}, please."}
        self._say({"type": "user_transcript", "user_transcript": [*HISTORY, said], "event_id": event_id})

    def end(self) -> None:
        """The conversation is over: say so, and close."""
        self._is_over = True
        self._say({"type": "close"})
        if self._wire is not None:
            self._wire.send_close()

    def _say(self, message: dict[str, Any]) -> None:
        if self._wire is not None:
            self._wire.send(WSMsgType.TEXT, json.dumps(message).encode())


class Brains:
    """Dials the brain of every conversation, once there is a `door`. `group` owns the dialling."""

    def __init__(self, group: asyncio.TaskGroup) -> None:
        self.door: BrainDoor | None = None
        self.waits = array("q")
        """From a transcript to the first words of its answer, in µs."""
        self.reached = 0
        """How many brains have let us in."""
        self.problems: list[str] = []
        self._group = group

    def dial(self, conversation_id: str) -> BrainLine | None:
        """Begin to dial the brain of a conversation; None where the bridge has none."""
        if self.door is None:
            return None
        line = BrainLine(conversation_id, self.waits)
        self._group.create_task(self._connect(line, self.door))
        return line

    async def _connect(self, line: BrainLine, door: BrainDoor) -> None:
        headers = {"Host": door.host, "X-Forwarded-Proto": "https", **proofs(door.secret, door.api_key)}
        try:
            async with asyncio.timeout(DIAL_SECONDS):
                await ws_connect(lambda: line, f"ws://127.0.0.1:{door.port}/ws", extra_headers=headers)
            self.reached += 1
        except (WSError, OSError, TimeoutError) as problem:
            self.problems.append(repr(problem))


def proofs(secret: str, api_key: str) -> dict[str, str]:
    """The headers that show that it is the engine who dials: its owner's secret, and its own token."""
    return {"x-api-key": secret, "X-Elevenlabs-Speech-Engine-Authorization": f"Bearer {_token(api_key)}"}


def _token(api_key: str) -> str:
    now = int(time.time())
    claims = {
        "iss": "https://api.elevenlabs.io/convai/speech-engine",
        "sub": "convai_speech_engine_upstream",
        "iat": now,
        "exp": now + 300,
    }
    signed = f"{_part({'alg': 'HS256', 'typ': 'JWT'})}.{_part(claims)}"
    signature = hmac.digest(hashlib.sha256(api_key.encode()).digest(), signed.encode(), "sha256")
    return f"{signed}.{_url(signature)}"


def _part(content: dict[str, Any]) -> str:
    return _url(json.dumps(content, separators=(",", ":")).encode())


def _url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
