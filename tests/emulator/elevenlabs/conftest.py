"""The twin on a stage: a test plays the bridge, on real sockets and virtual time."""

import asyncio
import base64
import json
import ssl
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any, Self

import httpx
import pytest
from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType, web
from elevenlabs.client import AsyncElevenLabs

from ringbridge.emulator.addresses import AddressBook
from ringbridge.emulator.clock import VirtualTimeLoop
from ringbridge.emulator.elevenlabs.twin import ElevenLabsTwin
from ringbridge.emulator.faults import Fault, Faults
from ringbridge.emulator.speech.exact import ExactEars, ExactVoice, decode, encode

KEY = "sk_test_key"
ENGINE = "seng_test"
FRAME = 160

TLS = ssl.create_default_context()
"""Of all clients: to read the system's certificates takes longer than most tests, and the twin speaks plain HTTP."""


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"virtual": VirtualTimeLoop}


def now() -> float:
    return asyncio.get_running_loop().time()


class BrainServer:
    """The bridge's `/ws`. It answers each new id with the pieces that `reply` gives; `None` is no answer at all."""

    def __init__(self) -> None:
        self.reply: Callable[[list[dict[str, str]]], list[str] | None] = lambda history: [
            f"You said {history[-1]['content']}."
        ]
        self.statuses: list[int] = []
        self.vanishing = False
        self.headers: list[Any] = []
        self.received: list[tuple[float, dict[str, Any]]] = []
        self.closed: list[int | None] = []
        self.sockets: list[web.WebSocketResponse] = []
        self.answered: set[tuple[web.WebSocketResponse, int]] = set()
        self.accepting = asyncio.Event()
        self.accepting.set()

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [message for _, message in self.received if message.get("type") == kind]

    def times(self, kind: str) -> list[float]:
        return [at for at, message in self.received if message.get("type") == kind]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.headers.append(request.headers)
        await self.accepting.wait()
        if self.statuses:
            return web.Response(status=self.statuses.pop(0))
        ws = web.WebSocketResponse(timeout=1.0)
        await ws.prepare(request)
        if self.vanishing:
            request.transport.abort()
        self.sockets.append(ws)
        code = None
        while True:
            frame = await ws.receive()
            if frame.type is not WSMsgType.TEXT:
                code = frame.data if frame.type is WSMsgType.CLOSE else None
                break
            try:
                message = json.loads(frame.data)
            except ValueError:
                message = {"broken": frame.data}
            self.received.append((now(), message))
            await self.react(ws, message)
        self.closed.append(code)
        return ws

    async def react(self, ws: web.WebSocketResponse, message: dict[str, Any]) -> None:
        if message.get("type") == "ping":
            await ws.send_json({"type": "pong"})
        if message.get("type") != "user_transcript" or (ws, message["event_id"]) in self.answered:
            return
        pieces = self.reply(message["user_transcript"])
        if pieces is not None:
            self.answered.add((ws, message["event_id"]))
            for piece in pieces:
                await self.answer(message["event_id"], piece, ws=ws)
            await self.answer(message["event_id"], "", final=True, ws=ws)

    async def answer(self, event_id: int, text: str, *, final: bool = False, ws: Any = None) -> None:
        await (ws or self.sockets[-1]).send_json(
            {"type": "agent_response", "content": text, "event_id": event_id, "is_final": final}
        )


class Client:
    """The bridge's end of a conversation socket. Answers pings; `messages` has everything, with its time."""

    def __init__(self, ws: ClientWebSocketResponse, tasks: asyncio.TaskGroup) -> None:
        self.ws = ws
        self.messages: list[tuple[float, dict[str, Any]]] = []
        self.code: int | None = None
        self.closed = asyncio.Event()
        self.pongs = True
        self._news = asyncio.Condition()
        tasks.create_task(self._read())

    async def _read(self) -> None:
        while True:
            frame = await self.ws.receive()
            if frame.type is not WSMsgType.TEXT:
                break
            try:
                message = json.loads(frame.data)
            except ValueError:
                message = {"type": "unreadable", "text": frame.data}
            self.messages.append((now(), message))
            if message.get("type") == "ping" and self.pongs:
                await self.send({"type": "pong", "event_id": message["ping_event"]["event_id"]})
            async with self._news:
                self._news.notify_all()
        self.code = frame.data if frame.type is WSMsgType.CLOSE else None
        self.closed.set()
        async with self._news:
            self._news.notify_all()

    async def send(self, message: dict[str, Any]) -> None:
        await self.ws.send_str(json.dumps(message))

    async def begin(self, **data: Any) -> None:
        await self.send({"type": "conversation_initiation_client_data", **data})

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [message for _, message in self.messages if message["type"] == kind]

    def times(self, kind: str) -> list[float]:
        return [at for at, message in self.messages if message["type"] == kind]

    async def until(self, kind: str, count: int = 1, seconds: float = 20) -> dict[str, Any]:
        """The `count`-th message of its kind."""
        async with asyncio.timeout(seconds), self._news:
            await self._news.wait_for(lambda: len(self.of(kind)) >= count)
        return self.of(kind)[count - 1]

    def audio(self, event_id: int | None = None) -> bytes:
        events = [message["audio_event"] for message in self.of("audio")]
        return b"".join(
            base64.b64decode(e["audio_base_64"]) for e in events if event_id is None or e["event_id"] == event_id
        )

    def words(self, event_id: int | None = None) -> str:
        whole, cut = decode(self.audio(event_id))
        return " ".join([*whole, cut]).strip()

    async def feed(self, audio: bytes) -> None:
        """20 ms frames, in their time."""
        due = now()
        for start in range(0, len(audio), FRAME):
            chunk = base64.b64encode(audio[start : start + FRAME]).decode()
            await self.send({"user_audio_chunk": chunk})
            due += 0.02
            await asyncio.sleep(due - now())

    async def speak(self, text: str) -> None:
        await self.feed(encode(text) + b"\xff" * 8 * 540)


class Stage:
    """The twin, a brain's server at wss://bridge.test/ws, and as many clients as are dialled."""

    def __init__(self, *faults: Fault, **engine: Any) -> None:
        self.faults = Faults(faults)
        self.brain = BrainServer()
        self._settings = {"request_headers": {}, "client_events": None, **engine}
        self.stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        self._before = asyncio.all_tasks()
        self.tasks = await self.stack.enter_async_context(asyncio.TaskGroup())
        runner = web.AppRunner(web.Application(), shutdown_timeout=0.1)
        runner.app.router.add_get("/ws", self.brain.handle)
        await runner.setup()
        self.stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.addresses = AddressBook({"bridge.test": f"http://127.0.0.1:{runner.addresses[0][1]}"})
        self.session = await self.stack.enter_async_context(ClientSession())
        self.twin = await self.stack.enter_async_context(
            ElevenLabsTwin(
                api_key=KEY,
                voice=ExactVoice(),
                ears=ExactEars(),
                addresses=self.addresses,
                clock=asyncio.get_running_loop().wall,
                faults=self.faults,
            )
        )
        events = self._settings.pop("client_events")
        self.engine = self.twin.add_engine(ENGINE, ws_url="wss://bridge.test/ws", **self._settings)
        self.engine.client_events |= set(events or ALL_EVENTS)
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.stack.__aexit__(*error)
        assert asyncio.all_tasks() == self._before

    @property
    def talk(self) -> Any:
        return self.twin.conversations[-1]

    def kinds(self, *kinds: str) -> list[tuple[str, str]]:
        return [(event.kind, event.detail) for event in self.talk.events if event.kind in kinds]

    async def signed_url(self, *, single_use: bool = True) -> str:
        async with self.session.get(
            f"{self.twin.base_url}/v1/convai/conversation/get-signed-url",
            params={"agent_id": ENGINE, "include_conversation_id": str(single_use).lower()},
            headers={"xi-api-key": KEY},
        ) as response:
            return (await response.json())["signed_url"]

    async def connect(self, url: str | None = None) -> Client:
        ws = await self.session.ws_connect(url or await self.signed_url(), max_msg_size=2**24)
        return Client(ws, self.tasks)

    async def dial(self, **data: Any) -> Client:
        """A conversation that has begun."""
        client = await self.connect()
        await client.begin(**data)
        await client.until("conversation_initiation_metadata")
        return client


ALL_EVENTS = {"agent_response_correction", "agent_response_complete", "vad_score", "client_error"}


@pytest.fixture
def stage() -> type[Stage]:
    return Stage


@pytest.fixture
def key() -> str:
    return KEY


@pytest.fixture(name="now")
def clock() -> Callable[[], float]:
    return now


@pytest.fixture
def sdk(key: str) -> Callable[..., AsyncElevenLabs]:
    """The vendor's SDK, pointed at a stage's twin; its HTTP client ends with the stage."""

    def make(s: Stage, api_key: str = key) -> AsyncElevenLabs:
        http = httpx.AsyncClient(verify=TLS)
        s.stack.push_async_callback(http.aclose)
        return AsyncElevenLabs(api_key=api_key, base_url=s.twin.base_url, httpx_client=http)

    return make
