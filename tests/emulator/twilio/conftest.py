"""The twin on a stage: a test plays the bridge, on real sockets and virtual time."""

import asyncio
import base64
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import WSMsgType, web
from multidict import MultiMapping
from twilio.request_validator import RequestValidator

from ringbridge.emulator.addresses import AddressBook
from ringbridge.emulator.clock import VirtualTimeLoop
from ringbridge.emulator.faults import Faults
from ringbridge.emulator.twilio.phone import PhoneCall
from ringbridge.emulator.twilio.twin import TwilioTwin

ACCOUNT = "AC" + "0" * 32
TOKEN = "0123456789abcdef0123456789abcdef"
HOST = "bridge.test"
CALLER = "+15550100001"
NUMBER = "+15550100002"

CONNECT = """<Response><Connect action="/call-ended"><Stream url="wss://bridge.test/media-stream"
 statusCallback="https://bridge.test/stream-status">
 <Parameter name="token" value="t0ken"/></Stream></Connect></Response>"""


def now() -> float:
    return asyncio.get_running_loop().time()


@dataclass
class Hit:
    """One request that the bridge got."""

    at: float
    method: str
    path: str
    url: str
    headers: MultiMapping[str]
    form: MultiMapping[str]
    genuine: bool


class MediaEnd:
    """The bridge's end of a media socket: what came, and when."""

    def __init__(self, request: web.Request) -> None:
        self.request = request
        self.ws = web.WebSocketResponse(timeout=0.5, autoping=False)
        self.messages: list[tuple[float, dict[str, Any]]] = []
        self.counts: Counter[str] = Counter()
        self.pongs: list[bytes] = []
        self.code: int | None = None
        self.closed = asyncio.Event()
        self.news = asyncio.Event()
        self.reading = asyncio.Event()
        self.reading.set()

    async def read(self) -> None:
        await self.ws.prepare(self.request)
        while True:
            await self.reading.wait()
            frame = await self.ws.receive()
            if frame.type is WSMsgType.PONG:
                self.pongs.append(frame.data)
                continue
            if frame.type is not WSMsgType.TEXT:
                self.code = frame.data if frame.type is WSMsgType.CLOSE else None
                break
            try:
                message = json.loads(frame.data)
            except ValueError:
                message = {"event": "unreadable", "text": frame.data}
            self.messages.append((now(), message))
            self.counts[message["event"]] += 1
            self._tell()
        self.closed.set()
        self._tell()

    def _tell(self) -> None:
        self.news.set()
        self.news = asyncio.Event()

    def of(self, event: str) -> list[dict[str, Any]]:
        return [message for _, message in self.messages if message["event"] == event]

    def times(self, event: str) -> list[float]:
        return [at for at, message in self.messages if message["event"] == event]

    async def until(self, event: str, count: int = 1) -> dict[str, Any]:
        """The `count`th message of this kind."""
        async with asyncio.timeout(3600):
            while self.counts[event] < count:
                assert not self.closed.is_set(), f"closed without {event}"
                await self.news.wait()
        return self.of(event)[count - 1]

    @property
    def stream_sid(self) -> str:
        return self.of("start")[0]["streamSid"]

    @property
    def audio(self) -> bytes:
        return b"".join(base64.b64decode(message["media"]["payload"]) for message in self.of("media"))

    async def say(self, audio: bytes) -> None:
        payload = base64.b64encode(audio).decode()
        await self.ws.send_json({"event": "media", "streamSid": self.stream_sid, "media": {"payload": payload}})

    async def mark(self, name: str) -> None:
        await self.ws.send_json({"event": "mark", "streamSid": self.stream_sid, "mark": {"name": name}})

    async def clear(self) -> None:
        await self.ws.send_json({"event": "clear", "streamSid": self.stream_sid})


Script = Callable[[Hit], web.Response | str] | str


class Bridge:
    """Answers each path with what `script` has for it: TwiML, or a function of the request."""

    def __init__(self) -> None:
        self.script: dict[str, Script] = {
            "/incoming-call": CONNECT,
            "/call-ended": "<Response/>",
            "/dial-ended": "<Response/>",
            "/stream-status": "",
            "/status": "",
        }
        self.hits: list[Hit] = []
        self.media: list[MediaEnd] = []
        self.refuse_media = 0
        self.news = asyncio.Event()

    def of(self, path: str) -> list[Hit]:
        return [hit for hit in self.hits if hit.path == path]

    async def until(self, path: str, count: int = 1) -> Hit:
        async with asyncio.timeout(3600):
            while len(self.of(path)) < count:
                await self.news.wait()
        return self.of(path)[count - 1]

    async def stream(self, count: int = 1) -> MediaEnd:
        """The bridge's end of the `count`th media socket, once its `start` is there."""
        async with asyncio.timeout(3600):
            while len(self.media) < count:
                await self.news.wait()
        await self.media[count - 1].until("start")
        return self.media[count - 1]

    def _tell(self) -> None:
        self.news.set()
        self.news = asyncio.Event()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Upgrade"):
            return await self._upgrade(request)
        form = await request.post()
        url = f"https://{HOST}{request.raw_path}"
        signature = request.headers["X-Twilio-Signature"]
        genuine = RequestValidator(TOKEN).validate(url, form, signature)
        hit = Hit(now(), request.method, request.path, url, request.headers, form, genuine)
        self.hits.append(hit)
        self._tell()
        answer = self.script.get(request.path, "")
        if callable(answer):
            answer = answer(hit)
            if asyncio.iscoroutine(answer):
                answer = await answer
        if isinstance(answer, str):
            return web.Response(text=answer, content_type="text/xml")
        return answer

    async def _upgrade(self, request: web.Request) -> web.StreamResponse:
        if self.refuse_media:
            return web.Response(status=self.refuse_media)
        end = MediaEnd(request)
        self.media.append(end)
        self._tell()
        await end.read()
        return end.ws


@dataclass
class Stage:
    """Bridge and twin, wired together."""

    twin: TwilioTwin
    bridge: Bridge
    faults: Faults
    addresses: AddressBook = field(default_factory=AddressBook)

    async def dial(self, **more: Any) -> PhoneCall:
        more = {"status_callback": f"https://{HOST}/status"} | more
        return await self.twin.dial(f"https://{HOST}/incoming-call", **more)

    async def talk(self, **more: Any) -> tuple[PhoneCall, MediaEnd]:
        """A call whose stream is up."""
        call = await self.dial(**more)
        await call.streaming()
        return call, await self.bridge.stream(len(self.bridge.media))


@asynccontextmanager
async def staged(**more: Any) -> AsyncIterator[Stage]:
    bridge, faults = Bridge(), Faults()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", bridge.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    addresses = AddressBook({HOST: f"http://127.0.0.1:{port}"})
    loop = asyncio.get_running_loop()
    clock = loop.wall if isinstance(loop, VirtualTimeLoop) else time.time
    try:
        async with TwilioTwin(
            account_sid=ACCOUNT, auth_token=TOKEN, addresses=addresses, clock=clock, faults=faults, **more
        ) as twin:
            yield Stage(twin, bridge, faults, addresses)
    finally:
        await runner.cleanup()


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with staged() as stage:
        yield stage


@pytest.fixture(name="staged")
def staged_fixture() -> Callable[..., Any]:
    """For a test that raises its own stage, and sees it taken down."""
    return staged
