"""The server: `POST /v1/messages`, streamed: <https://docs.anthropic.com/en/api/messages-streaming>.

Its model is a function that gives steps, the same as for the twin of OpenAI.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from ringbridge.emulator.openai.script import Answer, Asked, Call, Say, Stall, Step

__all__ = ["AnthropicTwin"]

PIECE = 5


class AnthropicTwin:
    """An async context manager; `base_url` is where it answers. `asked` are the requests that it took."""

    def __init__(self, answer: Answer, *, api_key: str = "sk-ant-twin") -> None:
        """`answer` is the model; it can `Say`, `Call` and `Stall`."""
        self.asked: list[Asked] = []
        self.base_url = ""
        self._answer = answer
        self._api_key = api_key
        app = web.Application()
        app.router.add_post("/v1/messages", self._messages)
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.base_url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._runner.cleanup()

    async def _messages(self, request: web.Request) -> web.StreamResponse:
        shown = request.headers.get("x-api-key") or request.headers.get("Authorization", "").removeprefix("Bearer ")
        if shown != self._api_key:
            return _refusal(401, "authentication_error", "invalid x-api-key")
        body = await request.json()
        if wrong := _problem(body):
            return _refusal(400, "invalid_request_error", wrong)
        asked = Asked(body["model"], [{"role": "system", "content": body.get("system", "")}, *body["messages"]], [])
        self.asked.append(asked)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        async for event in _events(list(self._answer(asked)), asked.model):
            await response.write(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode())
        return response


def _problem(body: dict[str, Any]) -> str | None:
    if not body.get("stream"):
        return "this twin only streams"
    if not isinstance(body.get("max_tokens"), int):
        return "max_tokens: Field required"
    messages = body.get("messages") or []
    if not messages or messages[0]["role"] != "user":
        return "messages: first message must use the user role"
    if any(not message["content"] for message in messages):
        return "messages: text content blocks must be non-empty"
    return None


async def _events(steps: list[Step], model: str) -> AsyncIterator[dict[str, Any]]:
    usage = {"input_tokens": 1, "output_tokens": 1}
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": model, "content": [], "usage": usage}
    yield {"type": "message_start", "message": {**message, "stop_reason": None, "stop_sequence": None}}
    index = 0
    for step in steps:
        match step:
            case Stall(seconds=seconds):
                await asyncio.sleep(seconds)
                continue
            case Say(text=text, every=every, first=first):
                block: dict[str, Any] = {"type": "text", "text": ""}
                deltas = [{"type": "text_delta", "text": text[at : at + PIECE]} for at in range(0, len(text), PIECE)]
                pause, pauses = first, every
            case Call(name=name):
                block = {"type": "tool_use", "id": f"toolu_{index}", "name": name, "input": {}}
                deltas, pause, pauses = [{"type": "input_json_delta", "partial_json": step.text}], 0.0, 0.0
            case _:
                raise ValueError(f"this twin has no {type(step).__name__}")
        yield {"type": "content_block_start", "index": index, "content_block": block}
        for delta in deltas:
            await asyncio.sleep(pause)
            pause = pauses
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
        index += 1
    stop = {"stop_reason": "end_turn", "stop_sequence": None}
    yield {"type": "message_delta", "delta": stop, "usage": {"output_tokens": 1}}
    yield {"type": "message_stop"}


def _refusal(status: int, kind: str, text: str) -> web.Response:
    return web.json_response({"type": "error", "error": {"type": kind, "message": text}}, status=status)
