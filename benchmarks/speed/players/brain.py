"""The engine's line to the brain: dials `/ws`, asks for a reply, and takes the time to its first words.

https://elevenlabs.io/docs/agents-platform/customization/llm/speech-engine. The token is made by hand, as the vendor's
own check reads it: HS256, keyed with the SHA-256 digest of the API key.
"""

import base64
import hashlib
import hmac
import json
import time
from typing import TYPE_CHECKING, Any, Final

from benchmarks.speed.players.clock import now_us
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

if TYPE_CHECKING:
    from array import array

__all__ = ["BrainLine", "dial"]

HISTORY: Final = tuple(
    {"role": ("user", "agent")[n % 2], "content": f"entry {n} of the talk, as long as such a sentence is."}
    for n in range(20)
)


class BrainLine(WSListener):
    """The brain socket of one conversation."""

    def __init__(self, waits: "array[int]") -> None:
        self._waits = waits
        self._asked_us = 0
        self._wire: WSTransport

    def on_ws_connected(self, transport: WSTransport) -> None:
        self._wire = transport

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.CLOSE:
            transport.disconnect()
        elif self._asked_us and b'"agent_response"' in frame.get_payload_as_bytes():
            self._waits.append(now_us() - self._asked_us)
            self._asked_us = 0

    def begin(self, conversation_id: str) -> None:
        """Say which conversation this is."""
        self._say({"type": "init", "conversation_id": conversation_id})

    def ask(self, event_id: int) -> None:
        """Send what the caller said."""
        self._asked_us = now_us()
        said = {"role": "user", "content": f"Question {event_id}, please."}
        self._say({"type": "user_transcript", "user_transcript": [*HISTORY, said], "event_id": event_id})

    def _say(self, message: dict[str, Any]) -> None:
        self._wire.send(WSMsgType.TEXT, json.dumps(message).encode())


async def dial(line: BrainLine, port: int, *, host: str, secret: str, api_key: str) -> None:
    """Open the socket, with both proofs."""
    headers = {
        "Host": host,
        "X-Forwarded-Proto": "https",
        "x-api-key": secret,
        "X-Elevenlabs-Speech-Engine-Authorization": f"Bearer {_token(api_key)}",
    }
    await ws_connect(lambda: line, f"ws://127.0.0.1:{port}/ws", extra_headers=headers)


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
