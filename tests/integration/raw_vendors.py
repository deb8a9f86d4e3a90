"""The servers of Twilio and ElevenLabs, written by hand on bare sockets.

They share no line with the bridge or the twins: whatever these two believe in common is not believed here.
"""

import asyncio
import base64
import itertools
import json
from contextlib import suppress
from typing import Any, Self

from .raw_http import SECONDS, Message, head, read_message
from .raw_proofs import API_KEY
from .raw_websocket import RawSocket, odd_json, switching

_numbers = itertools.count(1)


class Vendor:
    """A server that notes every connection, and the one request that it takes on each.

    Where a request's target begins as one of `instead` does, it gets those bytes for an answer; none at all when they
    are empty.
    """

    def __init__(self) -> None:
        self.connections = 0
        self.requests: list[Message] = []
        self.instead: dict[str, bytes] = {}
        self._writers: list[asyncio.StreamWriter] = []

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        for writer in self._writers:
            writer.transport.abort()
        self._server.close()
        await self._server.wait_closed()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def answer(self, request: Message, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        raise NotImplementedError

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.append(writer)
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            request = await read_message(reader)
            self.requests.append(request)
            answers = [answer for target, answer in self.instead.items() if request.target.startswith(target)]
            if not answers:
                self.answer(request, reader, writer)
            elif answers[0]:
                writer.write(answers[0])
                writer.close()


def text_answer(status: str, text: str) -> bytes:
    body = text.encode()
    return head(f"HTTP/1.1 {status}", {"Content-Length": str(len(body)), "Connection": "close"}) + body


def json_answer(value: object) -> bytes:
    return text_answer("200 OK\r\nContent-Type: application/json", json.dumps(value))


class TwilioRest(Vendor):
    """Twilio's REST, as far as ending a call goes."""

    def answer(self, request: Message, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(json_answer({"sid": _call_sid(request), "status": "completed"}))
        writer.close()

    @property
    def ended_calls(self) -> list[str]:
        """The CallSids that were asked to be ended, in order."""
        return [_call_sid(request) for request in self.requests if request.body == b"Status=completed"]


def _call_sid(request: Message) -> str:
    return request.target.rpartition("/")[2].removesuffix(".json")


class Conversation(RawSocket):
    """The engine's end of one conversation; `initiation` is what it was begun with."""

    id: str
    initiation: dict[str, Any]

    def say(self, audio: bytes, event_id: int | str) -> None:
        """A piece of a reply, as one message."""
        self.send(type="audio", audio_event={"audio_base_64": base64.b64encode(audio).decode(), "event_id": event_id})

    async def hear(self, size: int) -> bytes:
        """So much of the caller's audio, in the order in which it came."""
        audio = b""
        while len(audio) < size:
            audio += base64.b64decode((await self.until("user_audio_chunk"))["user_audio_chunk"], validate=True)
        return audio


class ElevenLabs(Vendor):
    """The signed URL and the conversation socket, on one port.

    `early` is said, and `formats` are told, in the very segment that answers the upgrade.
    """

    def __init__(self) -> None:
        super().__init__()
        self.early: tuple[dict[str, Any], ...] = ()
        self.formats = ("ulaw_8000", "ulaw_8000")
        self.signed_url: str | None = None
        self._conversations: asyncio.Queue[Conversation] = asyncio.Queue()

    async def conversation(self) -> Conversation:
        """The next one that the bridge opened, and its first message."""
        async with asyncio.timeout(SECONDS):
            conversation = await self._conversations.get()
        conversation.initiation = await conversation.receive()
        assert conversation.initiation["type"] == "conversation_initiation_client_data"
        return conversation

    def answer(self, request: Message, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if request.target.startswith("/v1/convai/conversation/get-signed-url?"):
            assert request.headers["xi-api-key"] == API_KEY
            own = f"ws://127.0.0.1:{self.port}/talk?signature={next(_numbers)}"
            writer.write(json_answer({"signed_url": self.signed_url or own}))
            writer.close()
        else:
            assert request.target.startswith("/talk?signature=")
            conversation = Conversation(reader, writer, masks=False)
            conversation.id = f"conv_{request.target.partition('=')[2]}"
            frames = [conversation.frame(odd_json(message)) for message in (self._metadata(conversation), *self.early)]
            conversation.write(switching(request) + b"".join(frames))
            self._conversations.put_nowait(conversation)

    def _metadata(self, conversation: Conversation) -> dict[str, Any]:
        inwards, outwards = self.formats
        event = {
            "conversation_id": conversation.id,
            "user_input_audio_format": inwards,
            "agent_output_audio_format": outwards,
        }
        return {"type": "conversation_initiation_metadata", "conversation_initiation_metadata_event": event}
