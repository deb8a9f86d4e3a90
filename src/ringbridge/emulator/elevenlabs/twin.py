"""ElevenLabs on this machine: the REST API and the conversation socket on one port."""

import asyncio
import json
import secrets
from collections.abc import Callable
from dataclasses import asdict
from email.utils import formatdate
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import urlencode

from aiohttp import ClientSession, TCPConnector, web

from ringbridge.emulator.addresses import AddressBook
from ringbridge.emulator.elevenlabs import messages
from ringbridge.emulator.elevenlabs.conversation import Conversation
from ringbridge.emulator.elevenlabs.diary import Event
from ringbridge.emulator.elevenlabs.engine import Engine, HeaderValue, body
from ringbridge.emulator.elevenlabs.facilities import Facilities
from ringbridge.emulator.elevenlabs.peer import CLOSE_SECONDS, MAX_MESSAGE_BYTES, Peer
from ringbridge.emulator.elevenlabs.rest import Request, Rest
from ringbridge.emulator.elevenlabs.signed_urls import SignatureRefused, Signatures
from ringbridge.emulator.elevenlabs.workspace import Workspace
from ringbridge.emulator.faults import Fault, Faults
from ringbridge.emulator.refusals import Refusal, Refusals
from ringbridge.emulator.speech.base import Ears, Voice
from ringbridge.emulator.unanswered import outlast
from ringbridge.ids import ConversationId

__all__ = ["ElevenLabsTwin"]

_LEAVE_SECONDS: Final = 5.0

_REMEMBERED: Final = 200
"""Conversations that are kept; beyond it the oldest that are over are forgotten, as each holds its audio."""


class _NotAdmitted(Exception):
    """No conversation for whoever asks: the close code and, as text, the reason."""

    def __init__(self, code: int, text: str) -> None:
        self.code = code
        super().__init__(text)


class ElevenLabsTwin:
    """A server that does what ElevenLabs does. Enter it to start, leave it to end every conversation and give all back.

    `api_key` is what clients must show, and what brain tokens are signed with. `addresses` tells where public names are
    dialled, `clock` the seconds since the epoch. `port` 0 takes any free one; `base_url` is known once it has started.
    """

    def __init__(
        self,
        *,
        api_key: str,
        voice: Voice,
        ears: Ears,
        addresses: AddressBook,
        clock: Callable[[], float],
        faults: Faults,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self.api_key = api_key
        self.faults = faults
        self.engines: dict[str, Engine] = {}
        self.conversations: list[Conversation] = []
        """Those that were let in, newest last."""
        self.requests: list[Request] = []
        """Every REST request that was answered, newest last."""
        self.signed_urls: list[str] = []
        """Every signed URL that was given out, newest last."""
        self.workspace = Workspace()
        """What is left to spend, what the key may do, the imported numbers: to be changed at any time."""
        self.refusals = Refusals()
        """REST requests that shall be refused; `refuse` writes them in ElevenLabs' words."""
        self.on_event: list[Callable[[Conversation, Event], None]] = []
        """Called with each event of each conversation, as it happens."""
        self._voice = voice
        self._ears = ears
        self._addresses = addresses
        self._clock = clock
        self._host = host
        self._port = port
        self._signatures = Signatures()
        self._runner: web.AppRunner
        self._facilities: Facilities

    @property
    def base_url(self) -> str:
        """What a client sets as `ELEVENLABS_BASE_URL`."""
        host, port = self._runner.addresses[0][:2]
        return f"http://{f'[{host}]' if ':' in host else host}:{port}"

    def add_engine(
        self, engine_id: str, *, ws_url: str, request_headers: dict[str, HeaderValue], **settings: Any
    ) -> Engine:
        """A new engine, as its owner would make one. `settings` are further fields of `Engine`."""
        now = int(self.now())
        engine = Engine(engine_id, ws_url=ws_url, request_headers=request_headers, created=now, updated=now, **settings)
        self.engines[engine_id] = engine
        return engine

    def refuse(self, method: str, path: str, status: int, name: str, text: str, *, times: int = 1) -> None:
        """Refuse the next `times` (-1: all) REST requests of this method to `path`, where `*` is anything."""
        self.refusals.add(method, path, Refusal(status, {"detail": {"status": name, "message": text}}), times=times)

    def snapshot(self) -> bytes:
        """Engines, numbers and plan, but no dates: the same bytes for the same state, to be compared later."""
        engines = {name: body(engine) for name, engine in self.engines.items()}
        for engine in engines.values():
            del engine["metadata"]
        workspace = {**asdict(self.workspace), "permissions": sorted(self.workspace.permissions)}
        return json.dumps({"engines": engines, "workspace": workspace}, indent=1, sort_keys=True).encode() + b"\n"

    async def __aenter__(self) -> Self:
        """Serve."""
        app = web.Application()
        app.on_response_prepare.append(self._date)
        app.add_routes(Rest(self, self._voice).routes())
        app.router.add_get("/v1/convai/conversation", self._converse)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=CLOSE_SECONDS)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._host, self._port).start()
        except OSError:
            await self._runner.cleanup()
            raise
        self._facilities = Facilities(
            self.api_key,
            self._voice,
            self._ears,
            self._addresses,
            self._clock,
            self.faults,
            ClientSession(connector=TCPConnector(limit=0)),
            self.workspace.secrets,
            self._tell,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close every conversation with 1001, and then the server."""
        for conversation in self.conversations:
            conversation.close(1001, "going away")
        try:
            async with asyncio.timeout(_LEAVE_SECONDS):
                for conversation in self.conversations:
                    await conversation.gone.wait()
        finally:
            await self._facilities.session.close()
            await self._runner.cleanup()

    # What REST asks of its owner

    def now(self) -> float:
        """Seconds since the epoch."""
        return self._clock()

    def full(self, engine: Engine) -> bool:
        """Whether the engine, or the whole workspace, has as many conversations as it may."""
        live = [talk.engine.id for talk in self.conversations if not talk.gone.is_set()]
        return 0 <= engine.concurrency_limit <= live.count(engine.id) or len(live) >= self.workspace.convai_concurrency

    def sign_url(self, engine: Engine, host: str, *, single_use: bool) -> str:
        """A signed URL on `host` for a conversation with `engine`."""
        signature = self._signatures.issue(engine.id, self.now(), single_use=single_use)
        query = urlencode({"agent_id": engine.id, "conversation_signature": signature})
        url = f"ws://{host}/v1/convai/conversation?{query}"
        self.signed_urls.append(url)
        return url

    async def _date(self, _: web.Request, response: web.StreamResponse) -> None:
        """Tell the twin's own clock, as who sets theirs by it expects."""
        response.headers["Date"] = formatdate(self.now(), usegmt=True)

    # The conversation socket

    async def _converse(self, request: web.Request) -> web.StreamResponse:
        faults = self.faults.take("engine_socket")
        for fault in faults:
            if fault.kind == "refuse":
                return web.Response(status=fault.status, text=fault.text)
            if fault.kind == "hang":
                await outlast(request)
                return web.Response()
        socket = web.WebSocketResponse(
            timeout=CLOSE_SECONDS,
            autoping=False,
            autoclose=False,
            compress=False,
            protocols=("convai",),
            max_msg_size=MAX_MESSAGE_BYTES,
        )
        await socket.prepare(request)
        transport = request.transport
        if transport is None:
            return socket
        peer = Peer(socket, transport)
        try:
            engine = self._admit(request)
        except _NotAdmitted as refusal:
            peer.send(json.dumps(messages.error(refusal.code, "http_exception", str(refusal))))
            await peer.close(refusal.code, str(refusal))
            return socket
        name = ConversationId(f"conv_{secrets.token_hex(14)}")
        conversation = Conversation(name, engine, peer, self._facilities)
        self._remember(conversation)
        spent = [Fault("engine_socket", "quota")] if self.workspace.spent else []
        await conversation.run(faults + spent)
        return socket

    def _remember(self, conversation: Conversation) -> None:
        oldest = self.conversations[0] if len(self.conversations) >= _REMEMBERED else None
        if oldest is not None and oldest.gone.is_set():
            del self.conversations[0]
        self.conversations.append(conversation)

    def _admit(self, request: web.Request) -> Engine:
        """The engine to talk to. Without a signature only one that asks for none."""
        engine = self.engines.get(request.query.get("agent_id", ""))
        if engine is None:
            raise _NotAdmitted(1008, "The AI agent you are trying to reach does not exist.")
        signature = request.query.get("conversation_signature")
        if signature is not None or engine.enable_auth:
            try:
                self._signatures.redeem(signature or "", engine.id, self.now())
            except SignatureRefused as refused:
                raise _NotAdmitted(1008, f"Could not authorize the conversation: {refused}.") from refused
        if self.full(engine):
            raise _NotAdmitted(3008, "Too many concurrent connections.")
        return engine

    def _tell(self, conversation: Conversation, event: Event) -> None:
        for watch in self.on_event:
            watch(conversation, event)
