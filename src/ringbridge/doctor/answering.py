"""`/ws` for a moment: who dials it is let in by the bridge's own proofs, and gets one sentence as an answer."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from aiohttp import web

from ringbridge.config import Settings
from ringbridge.errors import BrainTokenRefused, BrokenMessage
from ringbridge.ids import ConversationId
from ringbridge.live.sockets import accept
from ringbridge.web.secret import SECRET_HEADER, has_secret, only
from ringbridge.wire import brain as wire
from ringbridge.wire import brain_token

__all__ = ["SENTENCE", "Answering"]

SENTENCE: Final = "This is a test of the line."


@dataclass(slots=True)
class Answering:
    """Answers every transcript. `dialled` is set when somebody has dialled; `problem` is why he was refused."""

    settings: Settings
    clock: Callable[[], float] = time.time
    dialled: asyncio.Event = field(default_factory=asyncio.Event)
    conversation_id: ConversationId | None = None
    problem: str = ""

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """One brain socket to its end, or 401."""
        self.problem = self._problem(request)
        self.dialled.set()
        if self.problem:
            return web.Response(status=401)
        socket = await accept(request)

        def hear(text: bytes) -> None:
            for message in self._answers(text):
                socket.send(wire.encode(message))

        socket.listen(hear)
        await socket.closed()
        return socket.response

    def _answers(self, text: bytes) -> list[wire.Outgoing]:
        try:
            message = wire.decode(text)
        except BrokenMessage:
            return []
        match message:
            case wire.Init(conversation_id=conversation_id):
                self.conversation_id = conversation_id
            case wire.Ping():
                return [wire.Pong()]
            case wire.UserTranscript(event_id=event_id):
                return [
                    wire.AgentResponse(SENTENCE, event_id, is_final=False),
                    wire.AgentResponse("", event_id, is_final=True),
                ]
            case _:
                pass
        return []

    def _problem(self, request: web.Request) -> str:
        if not has_secret(request.headers, self.settings.shared_secrets):
            how = "is not SHARED_SECRET" if only(request.headers, SECRET_HEADER) else "is missing"
            return f"{SECRET_HEADER} {how}; `ringbridge setup --apply` writes it to the engine"
        if self.settings.brain_auth == "secret":
            return ""
        refusals = [self._refusal(request, key) for key in self.settings.elevenlabs_api_keys]
        return "" if "" in refusals else refusals[0]

    def _refusal(self, request: web.Request, key: str) -> str:
        try:
            brain_token.verify(only(request.headers, brain_token.HEADER), key, self.clock())
        except BrainTokenRefused as refused:
            return str(refused)
        return ""
