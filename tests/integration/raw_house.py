"""A bridge with hand-written vendors around it, and calls that go through it."""

import asyncio
import itertools
import json
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree as ET

from ringbridge.config import load_settings
from ringbridge.turn import Brain
from ringbridge.web.app import open_app
from ringbridge.web.server import serving
from ringbridge.wiring import open_parts

from .raw_http import Message, ask, head
from .raw_proofs import (
    ACCOUNT_SID,
    API_KEY,
    AUTH_TOKEN,
    CALLED,
    CALLER,
    ENGINE_ID,
    HOST,
    SHARED_SECRET,
    engine_token,
)
from .raw_twilio import Connect, Connection, RawStream, Twilio
from .raw_vendors import Conversation, ElevenLabs, TwilioRest, Vendor
from .raw_websocket import RawSocket, dial

_numbers = itertools.count(1)


@dataclass
class RawCall:
    """A call that is going on, from both ends."""

    sid: str
    stream: RawStream
    conversation: Conversation

    async def carries(self, audio: bytes) -> None:
        """Audio goes both ways as it is."""
        self.stream.socket.write(self.stream.media(audio))
        assert await self.conversation.hear(len(audio)) == audio
        self.conversation.say(audio, event_id=1)
        assert await self.stream.hear(len(audio)) == audio

    async def hang_up(self) -> None:
        """The caller does."""
        self.stream.socket.write(self.stream.stop())
        assert await self.conversation.ended() == 1000
        assert await self.stream.socket.ended() == 1000


@dataclass(frozen=True)
class House:
    """A bridge on a port of this machine, and both vendors around it."""

    port: int
    twilio: Twilio
    rest: TwilioRest
    elevenlabs: ElevenLabs
    clock: Callable[[], float]

    # A call, step by step

    def form(self, sid: str, status: str = "ringing", **more: str) -> list[tuple[str, str]]:
        fields = {
            "CallSid": sid,
            "AccountSid": ACCOUNT_SID,
            "From": CALLER,
            "To": CALLED,
            "CallStatus": status,
            "Direction": "inbound",
            "ApiVersion": "2010-04-01",
            "CallerName": "Zoë & Söhne",
            "FromCity": "",
            **more,
        }
        return list(fields.items())

    async def announce(self, sid: str) -> str:
        """The call's webhook; gives the call's token."""
        return call_token(await self.twilio.post("/incoming-call", self.form(sid)))

    async def stream(self, sid: str, *, signature: str | None = None) -> RawStream:
        """A media socket for this call, open and not begun."""
        socket = await self.twilio.upgrade(signature=signature)
        assert isinstance(socket, RawSocket), socket
        return RawStream(socket, sid)

    async def place_call(self) -> RawCall:
        """A call whose stream and conversation are open."""
        sid = new_call_sid()
        token = await self.announce(sid)
        conversation = await self.elevenlabs.conversation()
        assert conversation.initiation["dynamic_variables"] == {"caller": CALLER, "called": CALLED, "call_sid": sid}
        stream = await self.stream(sid)
        stream.begin(token)
        return RawCall(sid, stream, conversation)

    async def after_stream(self, sid: str, status: str = "in-progress") -> list[str]:
        """What Twilio is to do now that a stream of this call is over."""
        return verbs(await self.twilio.post("/call-ended", self.form(sid, status)))

    async def brain(self, conversation_id: str) -> RawSocket:
        """The brain socket of this conversation, dialled as ElevenLabs does."""
        socket = await self.dial_brain()
        assert isinstance(socket, RawSocket), socket
        socket.send(type="init", conversation_id=conversation_id)
        return socket

    async def dial_brain(self, **changes: str) -> RawSocket | Message:
        """`/ws` with the engine's headers, but for these `changes`; an empty one is left out."""
        proofs = {
            "x-api-key": SHARED_SECRET,
            "X-Elevenlabs-Speech-Engine-Authorization": f"Bearer {engine_token(self.clock())}",
        }
        headers = {name: value for name, value in {**proofs, **changes}.items() if value}
        return await dial(*await self.twilio.connect(), "/ws", {"Host": HOST, **headers})

    # A call at a stroke

    async def carries_a_call(self) -> None:
        """From the first ring to the last word, nothing is missing."""
        call = await self.place_call()
        await call.carries(noise(1600))
        brain = await self.brain(call.conversation.id)
        assert await answer_of(brain, "hello", event_id=1) == "You said hello."
        await call.hang_up()
        assert await brain.ended() == 1000
        assert await self.after_stream(call.sid, "completed") == []

    async def is_healthy(self) -> None:
        """The process answers, and would take calls."""
        assert (await self.get("/healthz")).status == 200
        assert (await self.get("/readyz")).status == 200

    async def calls_in_progress(self) -> int:
        count = json.loads((await self.get("/readyz")).body)["calls"]
        assert isinstance(count, int)
        return count

    async def has_given_back(self) -> None:
        """A second after its end nothing is left of a call, though nobody here answers a close frame."""
        await asyncio.sleep(1)
        assert await self.calls_in_progress() == 0

    async def get(self, path: str) -> Message:
        return await ask(self.port, head(f"GET {path} HTTP/1.1", {"Host": HOST, "Connection": "close"}))


async def answer_of(brain: RawSocket, text: str, event_id: int | str) -> str:
    """What the brain says to this; it is one answer to this turn, and its end is told once."""
    brain.send(type="user_transcript", user_transcript=[{"role": "user", "content": text}], event_id=event_id)
    said = ""
    while True:
        piece = await brain.until("type", "agent_response")
        assert piece["event_id"] == int(event_id)
        said += piece["content"]
        if piece["is_final"]:
            return said


def verbs(answer: Message) -> list[str]:
    """The verbs of a TwiML document."""
    assert answer.status == 200, answer
    return [verb.tag for verb in ET.fromstring(answer.body)]


def call_token(answer: Message) -> str:
    """The one parameter of a `<Connect>`, which leads to our public host."""
    assert verbs(answer) == ["Connect"]
    connect = ET.fromstring(answer.body)[0]
    assert connect.get("action") == f"https://{HOST}/call-ended"
    (stream,) = connect
    assert stream.get("url") == f"wss://{HOST}/media-stream"
    (parameter,) = stream
    assert parameter.get("name") == "token"
    return parameter.get("value") or ""


def new_call_sid() -> str:
    return f"CA{next(_numbers):032x}"


def noise(size: int) -> bytes:
    """Audio that no codec could have made: any byte may come, in any order."""
    return random.Random(size).randbytes(size)


async def reply(turn: Any) -> AsyncIterator[str]:
    yield "You said "
    yield f"{turn.text}."


def environment(elevenlabs: Vendor, rest: Vendor, **more: str) -> dict[str, str]:
    """The settings of a bridge that talks with these vendors."""
    return {
        "PUBLIC_URL": HOST,
        "ELEVENLABS_API_KEY": API_KEY,
        "ELEVENLABS_BASE_URL": elevenlabs.url,
        "SPEECH_ENGINE_ID": ENGINE_ID,
        "SHARED_SECRET": SHARED_SECRET,
        "TWILIO_ACCOUNT_SID": ACCOUNT_SID,
        "TWILIO_AUTH_TOKEN": AUTH_TOKEN,
        "TWILIO_PHONE_NUMBER": CALLED,
        "TWILIO_BASE_URL": rest.url,
        "BRAIN": "brain.py:reply",
        **more,
    }


@asynccontextmanager
async def vendors() -> AsyncIterator[tuple[ElevenLabs, TwilioRest]]:
    async with ElevenLabs() as elevenlabs, TwilioRest() as rest:
        yield elevenlabs, rest


@asynccontextmanager
async def connections(*address: Any, **options: Any) -> AsyncIterator[Connect]:
    """What makes connections to that address; all are closed in the end."""
    writers: list[asyncio.StreamWriter] = []

    async def connect() -> Connection:
        reader, writer = await asyncio.open_connection(*address, **options)
        writers.append(writer)
        return reader, writer

    try:
        yield connect
    finally:
        for writer in writers:
            writer.transport.abort()
            with suppress(ConnectionError):
                await writer.wait_closed()


@asynccontextmanager
async def house(brain: Brain = reply, **settings: str) -> AsyncIterator[House]:
    """The bridge in this very process, on the loop's own clock."""
    clock = asyncio.get_running_loop().wall
    async with vendors() as (elevenlabs, rest):
        read = load_settings(None, environment(elevenlabs, rest, **settings))
        async with (
            open_parts(read, brain=brain, clock=clock) as parts,
            open_app(read, parts) as app,
            serving(app, host="127.0.0.1", port=0) as port,
            connections("127.0.0.1", port) as connect,
        ):
            yield House(port, Twilio(connect), rest, elevenlabs, clock)
            # Time passes only when all is quiet. Python 3.11 loses a connection that comes while its server closes.
            await asyncio.sleep(0.001)
