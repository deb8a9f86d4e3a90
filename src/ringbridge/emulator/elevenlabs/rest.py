"""ElevenLabs' REST API, as far as a bridge needs it: signed URLs, the speech engine resource, text to speech.

https://elevenlabs.io/docs/api-reference/conversations/get-signed-url
"""

import hmac
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Protocol

from aiohttp import web

from ringbridge.emulator.elevenlabs.answers import Refused, json_body, unprocessable
from ringbridge.emulator.elevenlabs.engine import BadBody, Engine, apply, body, summary
from ringbridge.emulator.elevenlabs.messages import Message
from ringbridge.emulator.elevenlabs.rest_strikes import strike
from ringbridge.emulator.elevenlabs.text_to_speech import TextToSpeech
from ringbridge.emulator.faults import Faults
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
        one = "/v1/speech-engine/{engine_id}"
        speech = "/v1/text-to-speech/{voice_id}"
        return [
            web.get("/v1/convai/conversation/get-signed-url", self._answering(self._signed_url)),
            web.get("/v1/speech-engine", self._answering(self._list)),
            web.post("/v1/speech-engine", self._answering(self._create)),
            web.get(one, self._answering(self._get)),
            web.patch(one, self._answering(self._update)),
            web.delete(one, self._answering(self._delete)),
            web.post(speech, self._answering(self._speech.convert)),
            web.post(f"{speech}/stream", self._answering(self._speech.stream)),
        ]

    def _answering(self, handler: _Handler) -> _Handler:
        """`handler`, for those who have the API key, its answer written down."""

        async def answer(request: web.Request) -> web.StreamResponse:
            response: web.StreamResponse
            try:
                self._check_key(request)
                response = await handler(request)
            except Refused as refused:
                response = refused.response
            self._owner.requests.append(
                Request(self._owner.now(), request.method, request.path, dict(request.query), response.status)
            )
            return response

        return answer

    def _check_key(self, request: web.Request) -> None:
        given = request.headers.get("xi-api-key", "").strip()
        if not hmac.compare_digest(given.encode(), self._owner.api_key.strip().encode()):
            raise Refused(401)

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
        try:
            size = min(100, int(request.query.get("page_size", "30")))
            start = int(request.query.get("cursor") or "0")
        except ValueError:
            return unprocessable(("query", "page_size"), "Input should be a valid integer")
        end = start + size
        more = end < len(found)
        return web.json_response(
            {
                "speech_engines": found[start:end],
                "has_more": more,
                "next_cursor": str(end) if more else None,
            }
        )

    async def _create(self, request: web.Request) -> web.Response:
        change = await json_body(request)
        if change.get("speech_engine") is None:
            return unprocessable(("body", "speech_engine"), "Field required")
        now = int(self._owner.now())
        engine = Engine(f"seng_{secrets.token_hex(14)}", ws_url="", created=now, updated=now)
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
