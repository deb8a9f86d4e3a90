"""ElevenLabs' REST API, as far as a bridge needs it: who may ask, signed URLs, the speech engine resource.

https://elevenlabs.io/docs/api-reference/conversations/get-signed-url
"""

import asyncio
import hmac
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Protocol

from aiohttp import web

from ringbridge.emulator.elevenlabs.answers import Refused, detail, json_body, paged, unprocessable
from ringbridge.emulator.elevenlabs.engine import BadBody, Engine, apply, as_made, body, summary
from ringbridge.emulator.elevenlabs.messages import Message
from ringbridge.emulator.elevenlabs.rest_strikes import strike
from ringbridge.emulator.elevenlabs.text_to_speech import TextToSpeech
from ringbridge.emulator.elevenlabs.workspace import Permission, Workspace
from ringbridge.emulator.elevenlabs.workspace_rest import WorkspaceRequests
from ringbridge.emulator.faults import Faults
from ringbridge.emulator.refusals import Refusals
from ringbridge.emulator.speech.base import Voice

__all__ = ["Owner", "Request", "Rest"]

_ELSEWHERE: Final = "stranger.example"
"""A host that is not the vendor's."""

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Request:
    """One REST request that was answered: `at` in seconds since the epoch."""

    at: float
    method: str
    path: str
    query: dict[str, str]
    status: int


class Owner(Protocol):
    """Whose engines these are: the twin."""

    api_key: str
    engines: dict[str, Engine]
    faults: Faults
    requests: list[Request]
    refusals: Refusals
    workspace: Workspace

    def now(self) -> float:
        """Seconds since the epoch."""
        ...

    def full(self, engine: Engine) -> bool:
        """Whether the engine has as many conversations as it may."""
        ...

    def sign_url(self, engine: Engine, host: str, *, single_use: bool) -> str:
        """A signed URL on `host` for one conversation with `engine`."""
        ...


class Rest:
    """The routes and their handlers."""

    def __init__(self, owner: Owner, voice: Voice) -> None:
        """`voice` speaks whatever text to speech is asked for."""
        self._owner = owner
        self._speech = TextToSpeech(voice)

    def routes(self) -> list[web.RouteDef]:
        """What to add to an application."""
        speech = "/v1/text-to-speech/{voice_id}"
        return [
            web.get("/v1/convai/conversation/get-signed-url", self._answering(self._signed_url, "convai_read")),
            web.post(speech, self._answering(self._speech.convert, "text_to_speech")),
            web.post(f"{speech}/stream", self._answering(self._speech.stream, "text_to_speech")),
            *self._engine_routes(),
            *self._workspace_routes(),
        ]

    def _engine_routes(self) -> list[web.RouteDef]:
        every, one = "/v1/speech-engine", "/v1/speech-engine/{engine_id}"
        return [
            web.get(every, self._answering(self._list, "convai_read")),
            web.post(every, self._answering(self._create, "convai_write")),
            web.get(one, self._answering(self._get, "convai_read")),
            web.patch(one, self._answering(self._update, "convai_write")),
            web.delete(one, self._answering(self._delete, "convai_write")),
        ]

    def _workspace_routes(self) -> list[web.RouteDef]:
        asked = WorkspaceRequests(self._owner.workspace)
        number = "/v1/convai/phone-numbers/{number_id}"
        return [
            web.get("/v1/user", self._answering(asked.user, "user_read")),
            web.get("/v1/user/subscription", self._answering(asked.subscription, "user_read")),
            web.get("/v1/models", self._answering(asked.models, "models_read")),
            web.get("/v1/convai/phone-numbers", self._answering(asked.numbers, "convai_read")),
            web.get("/v1/convai/v2/phone-numbers", self._answering(asked.numbers_page, "convai_read")),
            web.get(number, self._answering(asked.number, "convai_read")),
            web.delete(number, self._answering(asked.delete_number, "convai_write")),
        ]

    def _answering(self, handler: _Handler, needed: Permission) -> _Handler:
        """`handler`, for those who have the API key and may do what is `needed`, its answer written down."""

        async def answer(request: web.Request) -> web.StreamResponse:
            response: web.StreamResponse
            try:
                await self._strike(request)
                self._check_key(request, needed)
                response = await handler(request)
            except Refused as refused:
                response = refused.response
            self._owner.requests.append(
                Request(self._owner.now(), request.method, request.path, dict(request.query), response.status)
            )
            return response

        return answer

    async def _strike(self, request: web.Request) -> None:
        refusal = self._owner.refusals.take(request.method, request.path)
        if refusal is not None:
            await asyncio.sleep(refusal.seconds)
            raise Refused(refusal.status, web.json_response(dict(refusal.body), status=refusal.status))

    def _check_key(self, request: web.Request, needed: Permission) -> None:
        given = request.headers.get("xi-api-key", "").strip()
        if not hmac.compare_digest(given.encode(), self._owner.api_key.strip().encode()):
            raise Refused(401)
        if needed not in self._owner.workspace.permissions:
            text = f"The API key you used is missing the permission {needed} to execute this operation."
            raise Refused(401, detail(401, "missing_permissions", text))
        if needed == "text_to_speech" and self._owner.workspace.spent:
            raise Refused(401, detail(401, "quota_exceeded", "This request exceeds your quota."))

    async def _signed_url(self, request: web.Request) -> web.Response:
        faults = self._owner.faults.take("signed_url")
        for fault in faults:
            if (response := await strike(fault, request)) is not None:
                return response
        engine_id = request.query.get("agent_id")
        if not engine_id:
            return unprocessable(("query", "agent_id"), "Field required")
        engine = self._engine(engine_id)
        if self._owner.full(engine):
            raise Refused(429)
        single_use = request.query.get("include_conversation_id", "false").lower() == "true"
        host = next((fault.text or _ELSEWHERE for fault in faults if fault.kind == "wrong_host"), request.host)
        url = self._owner.sign_url(engine, host, single_use=single_use)
        return web.json_response({"signed_url": url})

    async def _list(self, request: web.Request) -> web.Response:
        search = request.query.get("search", "").lower()
        found = [summary(e) for e in self._owner.engines.values() if search in e.name.lower()]
        return paged(request, "speech_engines", found)

    async def _create(self, request: web.Request) -> web.Response:
        change = await json_body(request)
        if change.get("speech_engine") is None:
            return unprocessable(("body", "speech_engine"), "Field required")
        now = int(self._owner.now())
        engine = as_made(f"seng_{secrets.token_hex(14)}", now)
        _apply(engine, change, new=True)
        self._owner.engines[engine.id] = engine
        return web.json_response(body(engine))

    async def _get(self, request: web.Request) -> web.Response:
        return web.json_response(body(self._engine(request.match_info["engine_id"])))

    async def _update(self, request: web.Request) -> web.Response:
        engine = self._engine(request.match_info["engine_id"])
        _apply(engine, await json_body(request))
        engine.updated = int(self._owner.now())
        return web.json_response(body(engine))

    async def _delete(self, request: web.Request) -> web.Response:
        del self._owner.engines[self._engine(request.match_info["engine_id"]).id]
        return web.Response(status=204)

    def _engine(self, engine_id: str) -> Engine:
        engine = self._owner.engines.get(engine_id)
        if engine is None:
            raise Refused(404)
        return engine


def _apply(engine: Engine, change: Message, *, new: bool = False) -> None:
    try:
        apply(engine, change, new=new)
    except BadBody as bad:
        raise Refused(422, unprocessable(("body", *bad.path), str(bad))) from bad
