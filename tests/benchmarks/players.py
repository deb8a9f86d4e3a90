"""Both vendors as far as one short talk of a few calls goes, and what each of them said and heard."""

import asyncio
import base64
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree as ET

from aiohttp import ClientSession, WSMsgType, web
from aiohttp.test_utils import TestServer
from benchmarks.speed.players.brain import proofs
from benchmarks.speed.players.lookup import speech_engine
from twilio.request_validator import RequestValidator

ACCOUNT_SID = "AC" + "1" * 32
AUTH_TOKEN = "a-token-of-the-test"
API_KEY = "a-key-of-the-test"
SECRET = "a-secret-of-the-test"
PUBLIC_HOST = "bench.example"

SIZES = (160, 161, 162, 1, 2, 3, 320, 1600)
"""Bytes of a frame: with no padding in base64, with one character, with two, and of other lengths than 20 ms."""


SPEECH_BYTES = 6400
"""What each side says in a call, a multiple of 40 ms: Pipecat would keep the rest of one for later."""


def speech(seed: int) -> list[bytes]:
    """Frames that no other seed has. Every value that a byte may have is in them."""
    chance = random.Random(seed)
    frames = [chance.randbytes(160), bytes(range(256))]
    left = SPEECH_BYTES - sum(map(len, frames))
    while left:
        frames.append(chance.randbytes(min(left, chance.choice(SIZES))))
        left -= len(frames[-1])
    return frames


@dataclass(slots=True)
class Talk:
    """One call as a vendor saw it. `full` is set once it has heard as much as the other side says."""

    said: list[bytes]
    heard: bytearray = field(default_factory=bytearray)
    full: asyncio.Event = field(default_factory=asyncio.Event)
    pongs: list[int] = field(default_factory=list)
    first: str = ""
    answer: list[dict[str, Any]] = field(default_factory=list)
    """What the brain said when it was asked."""

    def hear(self, payload: str) -> None:
        self.heard += base64.b64decode(payload, validate=True)
        if len(self.heard) >= SPEECH_BYTES:
            self.full.set()


class Engine:
    """ElevenLabs: gives a signed URL to whoever has the key, and talks with whoever dials it.

    `brain` is the URL of what it asks for words in each talk, if there is one.
    """

    def __init__(self) -> None:
        self.talks: list[Talk] = []
        self.brain: str | None = None
        self._sockets: list[web.WebSocketResponse] = []
        self._server: TestServer

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["Engine"]:
        app = web.Application()
        app.router.add_get("/v1/convai/conversation/get-signed-url", self._signed_url)
        app.router.add_get("/talk", self._talk)
        app.router.add_get("/v1/speech-engine/{engine_id}", self._look_up)
        self._server = TestServer(app)
        async with self._server:
            yield self

    @property
    def url(self) -> str:
        return str(self._server.make_url("")).rstrip("/")

    async def _signed_url(self, request: web.Request) -> web.Response:
        assert request.headers["xi-api-key"] == API_KEY
        assert request.query["agent_id"]
        return web.json_response({"signed_url": str(self._server.make_url("/talk")).replace("http", "ws", 1)})

    async def _look_up(self, request: web.Request) -> web.Response:
        assert request.headers["xi-api-key"] == API_KEY
        return web.Response(body=speech_engine(request.match_info["engine_id"]), content_type="application/json")

    async def _talk(self, request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        talk = Talk(said=speech(1000 + len(self.talks)))
        self.talks.append(talk)
        number = len(self.talks)
        self._sockets.append(ws)
        talk.first = (await ws.receive_json())["type"]
        await ws.send_json(self._metadata(number))
        speaking = False
        async for message in ws:
            event = message.json()
            if chunk := event.get("user_audio_chunk"):
                talk.hear(chunk)
                if not speaking:
                    speaking = True
                    talk.answer = await self._ask(number)
                    await self._speak(ws, talk)
            elif event.get("type") == "pong":
                talk.pongs.append(event["event_id"])
        return ws

    async def _ask(self, number: int) -> list[dict[str, Any]]:
        """Dial the brain of a talk, and ask it something that no other is asked."""
        if self.brain is None:
            return []
        history = [{"role": "agent", "content": "Hello!"}, {"role": "user", "content": f"question {number}"}]
        async with ClientSession() as http, http.ws_connect(self.brain, headers=proofs(SECRET, API_KEY)) as brain:
            await brain.send_json({"type": "init", "conversation_id": f"conv_{number}"})
            await brain.send_json({"type": "user_transcript", "user_transcript": history, "event_id": number})
            answer = [await brain.receive_json()]
            while not answer[-1]["is_final"]:
                answer.append(await brain.receive_json())
            await brain.send_json({"type": "close"})
        return answer

    async def interrupt(self) -> None:
        """Every caller has begun to speak, or so it seems."""
        for ws in self._sockets:
            await ws.send_json({"type": "interruption", "interruption_event": {"event_id": 1000}})

    @staticmethod
    async def _speak(ws: web.WebSocketResponse, talk: Talk) -> None:
        for number, frame in enumerate(talk.said, 1):
            audio = {"audio_base_64": base64.b64encode(frame).decode(), "event_id": number}
            await ws.send_json({"type": "audio", "audio_event": audio})
            if number % 10 == 0:
                await ws.send_json({"type": "ping", "ping_event": {"event_id": number, "ping_ms": 20}})

    @staticmethod
    def _metadata(number: int) -> dict[str, Any]:
        metadata = {
            "conversation_id": f"conv_{number}",
            "agent_output_audio_format": "ulaw_8000",
            "user_input_audio_format": "ulaw_8000",
        }
        return {
            "type": "conversation_initiation_metadata",
            "conversation_initiation_metadata_event": metadata,
        }


class Caller:
    """Twilio: one call, from its webhook to its `stop`. It hears until its queue is cleared."""

    def __init__(self, base: str, number: int) -> None:
        self.talk = Talk(said=speech(number))
        self._base = base
        self._validator = RequestValidator(AUTH_TOKEN)
        self._call_sid = f"CA{number:032x}"
        self._stream_sid = f"MZ{number:032x}"

    async def play(self) -> None:
        async with ClientSession() as http:
            parameters = await self._webhook(http)
            signature = self._validator.compute_signature(f"wss://{PUBLIC_HOST}/media-stream", {})
            headers = {"Host": PUBLIC_HOST, "X-Twilio-Signature": signature}
            async with http.ws_connect(f"{self._base}/media-stream", headers=headers) as ws:
                await ws.send_json({"event": "connected", "protocol": "Call", "version": "1.0.0"})
                await ws.send_json(self._start(parameters))
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(self._speak(ws))
                    await self._hear(ws)
                stop = {"accountSid": ACCOUNT_SID, "callSid": self._call_sid}
                await ws.send_json({"event": "stop", "streamSid": self._stream_sid, "stop": stop})

    async def _webhook(self, http: ClientSession) -> dict[str, str]:
        fields = {
            "CallSid": self._call_sid,
            "AccountSid": ACCOUNT_SID,
            "From": "+15550100001",
            "To": "+15550100002",
            "CallStatus": "ringing",
            "Direction": "inbound",
        }
        signature = self._validator.compute_signature(f"https://{PUBLIC_HOST}/incoming-call", fields)
        headers = {"Host": PUBLIC_HOST, "X-Twilio-Signature": signature}
        async with http.post(f"{self._base}/incoming-call", data=fields, headers=headers) as answer:
            assert answer.status == 200
            stream = ET.fromstring(await answer.text()).find("Connect/Stream")
        assert stream is not None
        assert stream.get("url") == f"wss://{PUBLIC_HOST}/media-stream"
        return {each.get("name", ""): each.get("value", "") for each in stream}

    def _start(self, parameters: dict[str, str]) -> dict[str, Any]:
        start = {
            "streamSid": self._stream_sid,
            "accountSid": ACCOUNT_SID,
            "callSid": self._call_sid,
            "tracks": ["inbound"],
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
            "customParameters": parameters,
        }
        return {"event": "start", "sequenceNumber": "1", "streamSid": self._stream_sid, "start": start}

    async def _speak(self, ws: Any) -> None:
        for number, frame in enumerate(self.talk.said, 1):
            payload = base64.b64encode(frame).decode()
            media = {"track": "inbound", "chunk": str(number), "timestamp": str(20 * number), "payload": payload}
            envelope = {"event": "media", "sequenceNumber": str(number + 1), "streamSid": self._stream_sid}
            await ws.send_json({**envelope, "media": media})

    async def _hear(self, ws: Any) -> None:
        async for message in ws:
            assert message.type is WSMsgType.TEXT
            event = message.json()
            assert event["streamSid"] == self._stream_sid
            match event["event"]:
                case "media":
                    assert event.keys() == {"event", "streamSid", "media"}
                    assert event["media"].keys() == {"payload"}
                    self.talk.hear(event["media"]["payload"])
                case "mark":
                    await ws.send_json(event)
                case "clear":
                    return
        raise AssertionError(f"{self._call_sid} was cut short: {ws.close_code}")
