"""The real bridge between both twins: calls are dialled, and whoever took part in them can be asked afterwards."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple
from xml.etree import ElementTree as ET

import pytest
from aiohttp import ClientSession, ClientWebSocketResponse, TCPConnector, WSMsgType
from aiohttp.web_protocol import RequestHandler
from multidict import MultiDict
from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from ringbridge.emulator.elevenlabs.conversation import Conversation
from ringbridge.emulator.elevenlabs.jwt import upstream_token
from ringbridge.emulator.speech.base import Speech
from ringbridge.emulator.speech.exact import Decoder, ExactEars, ExactVoice, encode
from ringbridge.emulator.twilio.phone import PhoneCall
from ringbridge.emulator.world import ACCOUNT_SID, OWN_NUMBER, PUBLIC_HOST, SECRETS, World
from ringbridge.facts import AgentSpoke, CallEnded, Fact, Heard
from ringbridge.ids import CallSid
from ringbridge.plans import HangUp
from ringbridge.web.app import ROSTER

CALLER = "+15550100001"
SORRY = "I'm sorry, we're having a technical problem."


class Told(NamedTuple):
    """One fact, and when it was told, in seconds on the loop's clock."""

    sid: CallSid
    fact: Fact
    at: float


@dataclass(frozen=True)
class Answer:
    """What a route of ours answered to a request made by hand."""

    status: int
    text: str

    @property
    def root(self) -> ET.Element:
        return ET.fromstring(self.text)

    @property
    def verbs(self) -> list[str]:
        return [verb.tag for verb in self.root]

    @property
    def token(self) -> str | None:
        """The call token of a `<Connect>`."""
        parameter = self.root.find(".//Parameter")
        return None if parameter is None else parameter.get("value")


class Stream:
    """A media socket opened by hand, for what the twin of Twilio would never send."""

    def __init__(self, ws: ClientWebSocketResponse) -> None:
        self.ws = ws
        self.sid = "MZ" + "9" * 32

    async def start(self, token: str | None, call_sid: str, **details: Any) -> None:
        await self.send(event="connected", protocol="Call", version="1.0.0")
        start = {
            "streamSid": self.sid,
            "accountSid": ACCOUNT_SID,
            "callSid": call_sid,
            "tracks": ["inbound"],
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
            "customParameters": {} if token is None else {"token": token},
            **details,
        }
        await self.send(event="start", sequenceNumber="1", streamSid=self.sid, start=start)

    async def send(self, **message: Any) -> None:
        await self.ws.send_str(json.dumps(message))

    async def speak(self, audio: bytes) -> None:
        payload = base64.b64encode(audio).decode()
        await self.send(event="media", streamSid=self.sid, media={"track": "inbound", "payload": payload})

    async def ended(self) -> int | None:
        """The code of the bridge's close frame, once it has come."""
        while True:
            message = await self.ws.receive()
            if message.type in {WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR}:
                return self.ws.close_code

    async def until(self, event: str) -> dict[str, Any]:
        """The next message of this kind; those before it are passed over."""
        while True:
            message = await self.ws.receive_json()
            if message["event"] == event:
                return message


class Bridge(World):
    """Both twins and the bridge; `facts` is all that the bridge told of its calls.

    A story that is not over after `lasts` seconds of its own time will never be: `TimeoutError`.
    """

    sorry = SORRY

    def __init__(self, brain=None, *, settings=None, engine=None, model=None, faults=(), lasts=300.0) -> None:
        voice = ExactVoice()
        super().__init__(
            brain or echo,
            Speech(voice, voice, ExactEars()),
            settings={"GREETING": "Hello.", **(settings or {})},
            engine=engine,
            model=model,
            faults=faults,
            clock=asyncio.get_running_loop().wall,
            observers=(self._observe,),
        )
        self.facts: list[Told] = []
        self.on_fact: list[Callable[[Told], None]] = []
        self._lines: dict[str, Decoder] = {}
        self._news = asyncio.Event()
        self._lasts = asyncio.timeout(lasts)

    async def __aenter__(self):
        await self._lasts.__aenter__()
        await super().__aenter__()
        self.elevenlabs.on_event.append(lambda *_: self._notify())
        self._web = ClientSession(connector=TCPConnector(force_close=True))
        self._tasks_before = asyncio.all_tasks()
        return self

    async def __aexit__(self, *args) -> None:
        await self.settled()  # Python 3.11 loses a connection that comes while its server is closed
        await self._web.close()
        await super().__aexit__(*args)
        await self._lasts.__aexit__(*args)

    @property
    def now(self) -> float:
        return asyncio.get_running_loop().time()

    async def settled(self) -> None:
        """Whatever was sent has arrived, and what it sets off is done: time passes only when all is quiet."""
        await asyncio.sleep(0.001)

    # Callers

    async def dial(self, **call: Any) -> PhoneCall:
        return self._follow(await super().dial(**call))

    async def dial_out(self, to: str) -> PhoneCall:
        """Call somebody through Twilio's own SDK; the bridge's webhook is asked for the TwiML."""
        async with AsyncTwilioHttpClient() as http:
            client = Client(ACCOUNT_SID, SECRETS["TWILIO_AUTH_TOKEN"], http_client=http)
            client.api.base_url = self.twilio.rest_url
            made = await client.calls.create_async(
                to=to, from_=OWN_NUMBER, url=f"https://{PUBLIC_HOST}/incoming-call", timeout=30
            )
        return self._follow(self.twilio.calls[made.sid])

    async def talking(self, **call: Any) -> PhoneCall:
        """A call whose caller has heard the greeting to its last sample, which the bridge knows."""
        phone = await self.dial(**call)
        greeted = (phone.sid, Heard(1, len(encode("Hello.")) // 8))
        await self.until(lambda: greeted in [(sid, fact) for sid, fact, _ in self.facts], "the greeting is heard")
        return phone

    def heard(self, call: PhoneCall) -> str:
        """The words that came out of the earpiece so far."""
        return " ".join(self._lines[call.sid].words)

    async def hears(self, call: PhoneCall, text: str, *, seconds: float = 20) -> None:
        await self.until(lambda: text in self.heard(call), f"{text!r} is heard", seconds=seconds)

    async def says(self, call: PhoneCall, text: str) -> None:
        await call.speak(encode(text))

    def verbs(self, call: PhoneCall) -> list[str]:
        """The TwiML that was run, document after document."""
        return [event.detail["name"] for event in call.events if event.kind == "verb"]

    def answers(self, call: PhoneCall, path: str) -> list[Answer]:
        """What our route at `path` answered to Twilio's requests about this call."""
        url = f"https://{PUBLIC_HOST}{path}"
        responses = [event.detail for event in call.events if event.kind == "response" and event.detail["url"] == url]
        return [Answer(detail["status"], detail["body"]) for detail in responses]

    # What happened

    def told(self, kind: type[Fact]) -> list[Any]:
        """All facts of one kind, of whichever call."""
        return [fact for _, fact, _ in self.facts if isinstance(fact, kind)]

    def at(self, kind: type[Fact]) -> float:
        """When the newest fact of that kind was told."""
        return [at for _, fact, at in self.facts if isinstance(fact, kind)][-1]

    async def tells(self, kind: type[Fact], count: int = 1, *, seconds: float = 30) -> Any:
        """The `count`th fact of that kind, as soon as it is told."""
        await self.until(lambda: len(self.told(kind)) >= count, f"{kind.__name__} is told", seconds=seconds)
        return self.told(kind)[count - 1]

    async def until(self, holds: Callable[[], bool], what: str, *, seconds: float = 30) -> None:
        """Wait for something that one of the three parties makes happen."""
        try:
            async with asyncio.timeout(seconds):
                while not holds():
                    await self._news.wait()
        except TimeoutError:
            told = "\n".join(f"{at:.2f} {fact}" for _, fact, at in self.facts)
            pytest.fail(f"not within {seconds:g} s: {what}. What the bridge told:\n{told}")

    async def engine_says(self, text: str) -> None:
        """The agent speaks out of turn: its audio is on its way when this returns."""
        count = len(self.told(AgentSpoke))
        self.conversation.say(text)
        await self.tells(AgentSpoke, count + 1)

    async def engine_closes(self, code: int = 1000, reason: str = "") -> None:
        """The engine ends the conversation with a close frame: that is done when this returns."""
        self.conversation.close(code, reason)
        await self.conversation.gone.wait()

    async def hangs_up(self, call: PhoneCall) -> None:
        """The brain asks to hang up, once what is being said was heard."""
        roster = self.app[ROSTER]
        roster.tasks.start(roster.get(CallSid(call.sid)).ask(HangUp(), None), name="hang up")
        await self.settled()

    @property
    def conversation(self) -> Conversation:
        """The newest one that was let in."""
        return self.elevenlabs.conversations[-1]

    # What is left

    async def calls_in_progress(self) -> int:
        async with self._web.get(f"http://127.0.0.1:{self.port}/readyz") as response:
            return (await response.json())["calls"]

    async def left(self) -> list[object]:
        """Whatever calls still hold: their place in the roster, the bridge's tasks and sockets, conversations."""
        held: list[object] = [task for task in asyncio.all_tasks() - self._tasks_before if _is_ours(task)]
        held += [talk.id for talk in self.elevenlabs.conversations if not talk.gone.is_set()]
        return held + ["in the roster"] * await self.calls_in_progress()

    async def is_given_back(self, *, since: float, within: float = 1.0) -> None:
        """Nothing of any call is left so many seconds after `since`."""
        assert self.now <= since + within
        await asyncio.sleep(since + within - self.now)
        assert await self.left() == []
        assert {sid for sid, *_ in self.facts} == {sid for sid, fact, _ in self.facts if isinstance(fact, CallEnded)}

    # Requests made by hand, signed with Twilio's own SDK

    def form(self, call_sid: str = "CA" + "1" * 32, status: str = "ringing", **more: str) -> dict[str, str]:
        return {
            "CallSid": call_sid,
            "AccountSid": ACCOUNT_SID,
            "From": CALLER,
            "To": OWN_NUMBER,
            "CallStatus": status,
            "Direction": "inbound",
            **more,
        }

    async def post(self, path: str, form: dict[str, str], **headers: str) -> Answer:
        headers = {"X-Twilio-Signature": _sign(f"https://{PUBLIC_HOST}{path}", form), **headers}
        async with self._web.post(f"http://127.0.0.1:{self.port}{path}", data=form, headers=headers) as response:
            return Answer(response.status, await response.text())

    @asynccontextmanager
    async def stream(self, signed: str = f"wss://{PUBLIC_HOST}/media-stream") -> AsyncIterator[Stream]:
        """`/media-stream`, dialled with a signature over the URL `signed`."""
        headers = {"X-Twilio-Signature": _sign(signed, {})}
        async with self._web.ws_connect(f"http://127.0.0.1:{self.port}/media-stream", headers=headers) as ws:
            yield Stream(ws)

    @asynccontextmanager
    async def brain_socket(self) -> AsyncIterator[ClientWebSocketResponse]:
        """`/ws`, dialled as ElevenLabs does."""
        headers = {
            "x-api-key": SECRETS["SHARED_SECRET"],
            "X-Elevenlabs-Speech-Engine-Authorization": upstream_token(
                SECRETS["ELEVENLABS_API_KEY"], asyncio.get_running_loop().wall()
            ),
        }
        async with self._web.ws_connect(f"http://127.0.0.1:{self.port}/ws", headers=headers) as ws:
            yield ws

    # How that is done

    def _follow(self, call: PhoneCall) -> PhoneCall:
        line = self._lines[call.sid] = Decoder()

        def hear(frame: bytes) -> None:
            words = len(line.words)
            line.feed(frame)
            if len(line.words) > words:
                self._notify()

        call.on_heard.append(hear)
        call.on_event.append(lambda _: self._notify())
        return call

    def _observe(self, sid: CallSid, fact: Fact) -> None:
        told = Told(sid, fact, self.now)
        self.facts.append(told)
        for listener in self.on_fact:
            listener(told)
        self._notify()

    def _notify(self) -> None:
        self._news.set()
        self._news = asyncio.Event()


async def echo(turn):
    yield f"You said: {turn.text}."


def _sign(url: str, form: dict[str, str]) -> str:
    return RequestValidator(SECRETS["TWILIO_AUTH_TOKEN"]).compute_signature(url, MultiDict(form))


def _is_ours(task: asyncio.Task[Any]) -> bool:
    """Neither a twin's, nor the test's own, nor that of a connection which waits for its next request."""
    frame = getattr(task.get_coro(), "cr_frame", None)
    if frame is None or "/emulator/" in frame.f_code.co_filename or "/tests/" in frame.f_code.co_filename:
        return False
    handler = frame.f_locals.get("self")
    if not isinstance(handler, RequestHandler):
        return True
    request = handler._current_request
    return request is not None and not request.path.startswith(("/v1/", "/2010-04-01/"))


@pytest.fixture
def world() -> type[Bridge]:
    """Makes a bridge between both twins: `async with world(brain=…, settings=…, engine=…, faults=…) as w`."""
    return Bridge
