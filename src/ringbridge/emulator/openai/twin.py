"""The server: Chat Completions, streamed or not, and its refusals. Its model is a function that gives steps.

<https://platform.openai.com/docs/api-reference/chat>, <https://platform.openai.com/docs/guides/error-codes>.
"""

import asyncio
import json
import secrets
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Final, Self

from aiohttp import web

from ringbridge.emulator.openai.checks import problem
from ringbridge.emulator.openai.documents import Head, Message, Usage, error
from ringbridge.emulator.openai.exchange import Exchange
from ringbridge.emulator.openai.making import Delta, Dropped, Finish, StreamBroken, made
from ringbridge.emulator.openai.script import Answer, Asked, Call, Fail, Say, Step

__all__ = ["OpenAITwin"]

MAX_BODY_BYTES: Final = 16 * 1024 * 1024
TOKEN_LETTERS: Final = 4
CLOSE_SECONDS: Final = 0.1

_REMEMBERED: Final = 2000
"""Exchanges that are kept; beyond it the oldest that are over are forgotten, as each holds its whole talk."""


class OpenAITwin:
    """An async context manager; `base_url` is where it answers. `exchanges` are the requests that its models got."""

    def __init__(
        self,
        answer: Answer,
        *,
        answers: Mapping[str, Answer] | None = None,
        api_key: str = "sk-twin",
        models: set[str] | None = None,
        max_context_chars: int | None = None,
        port: int = 0,
    ) -> None:
        """`answer` is the model, `answers` are others by their names, `models` are the names that are known.

        Without `models`, it is those in `answers`; without these, too, any name is the one model's.
        `max_context_chars` is the longest JSON of messages. `port` 0 takes any free one.
        """
        self.exchanges: list[Exchange] = []
        self.refused: list[str] = []
        """What was wrong with requests that no model got."""
        self._answer = answer
        self._answers = dict(answers or {})
        self._names = self._answers.keys() if models is None else models
        self._api_key = api_key
        self._most = max_context_chars
        self._port = port
        self._leaving = False
        self._changed = asyncio.Event()
        app = web.Application(client_max_size=MAX_BODY_BYTES)
        app.router.add_post("/v1/chat/completions", self._complete)
        app.router.add_get("/v1/models", self._list_models)
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=CLOSE_SECONDS)

    @property
    def base_url(self) -> str:
        """What a client sets as `OPENAI_BASE_URL`; known once it has started."""
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}/v1"

    @property
    def open(self) -> int:
        """How many requests are being answered."""
        return sum(exchange.ended_at is None for exchange in self.exchanges)

    async def __aenter__(self) -> Self:
        """Serve."""
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        except OSError:
            await self._runner.cleanup()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Break off what is being answered, and close the server."""
        self._leaving = True
        await self._runner.cleanup()

    async def until(self, holds: Callable[[], bool], *, seconds: float = 30) -> None:
        """Wait for something that a request brings about. Raises `TimeoutError`."""
        async with asyncio.timeout(seconds):
            while not holds():
                await self._changed.wait()

    async def _list_models(self, request: web.Request) -> web.Response:
        if (refusal := self._wrong_key(request)) is not None:
            return refusal
        data = [{"id": name, "object": "model", "created": 0, "owned_by": "twin"} for name in sorted(self._names)]
        return web.json_response({"object": "list", "data": data})

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        if (refusal := self._wrong_key(request)) is not None:
            return refusal
        try:
            body = json.loads(await request.text())
        except (ValueError, RecursionError):
            body = None
        if (wrong := problem(body)) is not None:
            return self._refuse(Fail(400, wrong.code or "", wrong.message), param=wrong.param)
        asked = Asked(body["model"], body["messages"], body.get("tools") or [])
        if (refusal := self._unfit(asked)) is not None:
            return refusal
        exchange = Exchange(asked, _without_key(request), _now())
        self._remember(exchange)
        self._notify()
        try:
            return await self._respond(request, exchange, body)
        except (asyncio.CancelledError, ConnectionError):
            exchange.closed_by_client = not self._leaving
            raise
        finally:
            exchange.ended_at = _now()
            self._notify()

    def _remember(self, exchange: Exchange) -> None:
        if len(self.exchanges) >= _REMEMBERED and self.exchanges[0].ended_at is not None:
            del self.exchanges[0]
        self.exchanges.append(exchange)

    def _wrong_key(self, request: web.Request) -> web.Response | None:
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or not key:
            return self._refuse(Fail(401, "", "You didn't provide an API key."))
        if key != self._api_key:
            text = f"Incorrect API key provided: {_masked(key)}. You can find your API key in your account."
            return self._refuse(Fail(401, "invalid_api_key", text))
        return None

    def _unfit(self, asked: Asked) -> web.Response | None:
        if self._names and asked.model not in self._names:
            text = f"The model `{asked.model}` does not exist or you do not have access to it."
            return self._refuse(Fail(404, "model_not_found", text))
        if self._most is not None and (size := len(json.dumps(asked.messages))) > self._most:
            text = (
                f"This model's maximum context length is {self._most} characters. However, your messages resulted in"
                f" {size} characters. Please reduce the length of the messages."
            )
            return self._refuse(Fail(400, "context_length_exceeded", text), param="messages")
        return None

    def _refuse(self, fail: Fail, *, param: str | None = None) -> web.Response:
        self.refused.append(fail.message)
        return _refusal(fail, param=param)

    async def _respond(self, request: web.Request, exchange: Exchange, body: dict[str, Any]) -> web.StreamResponse:
        steps = list(self._answers.get(exchange.asked.model, self._answer)(exchange.asked))
        match steps:
            case [Fail() as fail]:
                return _refusal(fail)
        counts = bool((body.get("stream_options") or {}).get("include_usage"))
        head = Head(f"chatcmpl-{secrets.token_hex(12)}", exchange.asked.model, int(time.time()), counts)
        try:
            if body.get("stream"):
                return await self._stream(request, exchange, head, steps)
            return await self._whole(exchange, head, steps)
        except Dropped:
            if request.transport is not None:
                request.transport.abort()
            return web.Response()  # nobody reads it

    async def _stream(
        self, request: web.Request, exchange: Exchange, head: Head, steps: list[Step]
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "x-request-id": head.id})
        await response.prepare(request)
        speaks = any(isinstance(step, Say) for step in steps) or not any(isinstance(step, Call) for step in steps)
        await response.write(_event(head.opening(speaks=speaks)))
        try:
            async for piece in made(steps):
                self._count(exchange, piece)
                await response.write(_event(head.chunk(piece)))
        except StreamBroken as broken:
            await response.write(_event(error(Fail(500, "", str(broken)))))
            return response
        if head.counts:
            await response.write(_event(head.last(_usage(exchange))))
        await response.write(b"data: [DONE]\n\n")
        return response

    async def _whole(self, exchange: Exchange, head: Head, steps: list[Step]) -> web.Response:
        message = Message()
        finish = Finish("stop")
        try:
            async for piece in made(steps):
                self._count(exchange, piece)
                if isinstance(piece, Finish):
                    finish = piece
                else:
                    message.add(piece)
        except StreamBroken as broken:
            return _refusal(Fail(500, "", str(broken)))
        document = head.whole(message, finish, _usage(exchange))
        return web.json_response(document, headers={"x-request-id": head.id})

    def _count(self, exchange: Exchange, piece: Delta | Finish) -> None:
        if isinstance(piece, Finish):
            return
        if exchange.first_at is None:
            exchange.first_at = _now()
        exchange.pieces += 1
        self._notify()

    def _notify(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


def _now() -> float:
    return asyncio.get_running_loop().time()


def _usage(exchange: Exchange) -> Usage:
    asked = len(json.dumps([exchange.asked.messages, exchange.asked.tools])) // TOKEN_LETTERS
    return Usage(asked, exchange.pieces)


def _without_key(request: web.Request) -> dict[str, str]:
    return {name.lower(): value for name, value in request.headers.items() if name.lower() != "authorization"}


def _masked(key: str) -> str:
    """As the vendor shows it: the first eight letters and the last four, and a short one whole."""
    return key if len(key) <= 12 else f"{key[:8]}{'*' * (len(key) - 12)}{key[-4:]}"


def _event(document: dict[str, Any]) -> bytes:
    return f"data: {json.dumps(document)}\n\n".encode()


def _refusal(fail: Fail, *, param: str | None = None) -> web.Response:
    headers = {} if fail.retry_after is None else {"Retry-After": f"{fail.retry_after:g}"}
    return web.json_response(error(fail, param=param), status=fail.status, headers=headers)
