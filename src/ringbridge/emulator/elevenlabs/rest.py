"""ElevenLabs' REST API, as far as a bridge needs it: signed URLs and the speech engine resource.

https://elevenlabs.io/docs/api-reference/conversations/get-signed-url
"""

import asyncio
import hmac
import json
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Protocol

from aiohttp import web

from ringbridge.emulator.elevenlabs.engine import BadBody, Engine, apply, body, summary
from ringbridge.emulator.elevenlabs.messages import Message
from ringbridge.emulator.faults import Fault, Faults

__all__ = ["Owner", "Request", "Rest"]

_LOOK_SECONDS: Final = 0.25

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_STATUSES: Final = {
    401: ("invalid_api_key", "Invalid API key"),
    404: ("not_found", "The requested resource was not found."),
    429: ("too_many_concurrent_requests", "Too many concurrent requests."),
    503: ("system_busy", "The system is busy."),
}


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

    def __init__(self, owner: Owner) -> None:
        self._owner = owner

    def routes(self) -> list[web.RouteDef]:
        """What to add to an application."""
        one = "/v1/speech-engine/{engine_id}"
        return [
            web.get("/v1/convai/conversation/get-signed-url", self._answering(self._signed_url)),
            web.get("/v1/speech-engine", self._answering(self._list)),
            web.post("/v1/speech-engine", self._answering(self._create)),
            web.get(one, self._answering(self._get)),
            web.patch(one, self._answering(self._update)),
            web.delete(one, self._answering(self._delete)),
        ]

    def _answering(self, handler: Callable[[web.Request], Awaitable[web.Response]]) -> _Handler:
        """`handler`, for those who have the API key, its answer written down."""

        async def answer(request: web.Request) -> web.Response:
            try:
                self._check_key(request)
                response = await handler(request)
            except _Refused as refused:
                response = refused.response
            self._owner.requests.append(
                Request(self._owner.now(), request.method, request.path, dict(request.query), response.status)
            )
            return response

        return answer

    def _check_key(self, request: web.Request) -> None:
        given = request.headers.get("xi-api-key", "").strip()
        if not hmac.compare_digest(given.encode(), self._owner.api_key.strip().encode()):
            raise _Refused(401)

    async def _signed_url(self, request: web.Request) -> web.Response:
        for fault in self._owner.faults.take("signed_url"):
            if (response := await _strike(fault, request)) is not None:
                return response
        engine_id = request.query.get("agent_id")
        if not engine_id:
            return _unprocessable(("query", "agent_id"), "Field required")
        engine = self._engine(engine_id)
        if self._owner.full(engine):
            raise _Refused(429)
        single_use = request.query.get("include_conversation_id", "false").lower() == "true"
        url = self._owner.sign_url(engine, request.host, single_use=single_use)
        return web.json_response({"signed_url": url})

    async def _list(self, request: web.Request) -> web.Response:
        search = request.query.get("search", "").lower()
        found = [summary(e) for e in self._owner.engines.values() if search in e.name.lower()]
        try:
            size = min(100, int(request.query.get("page_size", "30")))
            start = int(request.query.get("cursor") or "0")
        except ValueError:
            return _unprocessable(("query", "page_size"), "Input should be a valid integer")
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
        change = await _json(request)
        if change.get("speech_engine") is None:
            return _unprocessable(("body", "speech_engine"), "Field required")
        now = int(self._owner.now())
        engine = Engine(f"seng_{secrets.token_hex(14)}", ws_url="", created=now, updated=now)
        _apply(engine, change, new=True)
        self._owner.engines[engine.id] = engine
        return web.json_response(body(engine))

    async def _get(self, request: web.Request) -> web.Response:
        return web.json_response(body(self._engine(request.match_info["engine_id"])))

    async def _update(self, request: web.Request) -> web.Response:
        engine = self._engine(request.match_info["engine_id"])
        _apply(engine, await _json(request))
        engine.updated = int(self._owner.now())
        return web.json_response(body(engine))

    async def _delete(self, request: web.Request) -> web.Response:
        del self._owner.engines[self._engine(request.match_info["engine_id"]).id]
        return web.Response(status=204)

    def _engine(self, engine_id: str) -> Engine:
        engine = self._owner.engines.get(engine_id)
        if engine is None:
            raise _Refused(404)
        return engine


class _Refused(Exception):
    """The request ends here, with this response."""

    def __init__(self, status: int, response: web.Response | None = None) -> None:
        self.response = response or _detail(status)


async def _strike(fault: Fault, request: web.Request) -> web.Response | None:
    """Carry a fault out. A response when it puts one in place of the true one."""
    match fault.kind:
        case "delay":
            await asyncio.sleep(fault.ms / 1000)
        case "refuse":
            return _detail(fault.status, fault.text)
        case "quota":
            return _detail(401, "quota_exceeded", "This request exceeds your quota.")
        case "garble":
            return web.Response(text=fault.text or '{"signed_url": ', content_type="application/json")
        case "drop" if request.transport is not None:
            request.transport.abort()
        case "half_open":
            await _outlast(request)
        case kind:
            raise ValueError(f"a request for a signed URL can't fail like this: {kind}")
    return None


async def _outlast(request: web.Request) -> None:
    """Say nothing until the client has gone, of which nobody else tells."""
    while request.transport is not None and not request.transport.is_closing():  # noqa: ASYNC110
        await asyncio.sleep(_LOOK_SECONDS)


def _detail(status: int, name: str = "", text: str = "") -> web.Response:
    """An error as the vendor writes it: https://elevenlabs.io/docs/eleven-api/resources/errors."""
    usual, message = _STATUSES.get(status, ("internal_error", "Something went wrong."))
    detail = {"status": name or usual, "message": text or message}
    return web.json_response({"detail": detail}, status=status)


def _unprocessable(path: tuple[str, ...], text: str) -> web.Response:
    problem = {"type": "missing" if text == "Field required" else "value_error", "loc": path, "msg": text}
    return web.json_response({"detail": [problem]}, status=422)


def _apply(engine: Engine, change: Message, *, new: bool = False) -> None:
    try:
        apply(engine, change, new=new)
    except BadBody as bad:
        raise _Refused(422, _unprocessable(("body", *bad.path), str(bad))) from bad


async def _json(request: web.Request) -> Message:
    try:
        change = json.loads(await request.text())
    except ValueError:
        change = None
    if not isinstance(change, dict):
        raise _Refused(422, _unprocessable(("body",), "Input should be a valid dictionary"))
    return change
