"""Chat Completions as OpenAI and those after it write them: a request's messages, an answer's chunks.

Source: <https://platform.openai.com/docs/api-reference/chat-streaming>. Other servers leave out what they don't need.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from ringbridge.llm.base import (
    Asked,
    Failure,
    ModelFailed,
    Piece,
    Request,
    Said,
    Text,
    ToolCall,
    ToolResult,
    ToolSchema,
    Used,
)

if TYPE_CHECKING:
    from openai.types.chat import ChatCompletionChunk

__all__ = ["Answer", "messages_of", "tool_of"]

_ROLES = {"user": "user", "agent": "assistant", "system": "system"}


def messages_of(request: Request) -> list[Any]:
    """The instructions and the conversation. Entries without words are left out, as some servers refuse them."""
    entries = (Said("system", request.instructions), *request.entries)
    return [message for message in map(_message, entries) if message is not None]


def tool_of(tool: ToolSchema) -> Any:
    """A tool as the server is told of it."""
    function = {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
    return {"type": "function", "function": function}


class Answer:
    """What comes of the chunks of one answer."""

    def __init__(self, model: str) -> None:
        """`model` is what errors call it."""
        self._model = model
        self._calls: list[_Writing] = []
        self._at: dict[int, _Writing] = {}
        self._finished = False
        self._tokens: int | None = None

    def take(self, chunk: "ChatCompletionChunk") -> Sequence[Piece]:
        """What a chunk holds that can be used at once.

        Raises `ModelFailed`: the filter stopped the answer, or the chunk is not understood.
        """
        try:
            return list(self._read(chunk))
        except (AttributeError, TypeError):  # the SDK does not check what servers send
            text = f"{self._model} sent what is not Chat Completions: check its address"
            raise ModelFailed(Failure.BROKE_OFF, text) from None

    def end(self) -> Sequence[Piece]:
        """What is known when there are no more chunks. Raises `ModelFailed` if the answer is not whole."""
        if not self._finished:
            raise ModelFailed(Failure.BROKE_OFF, f"{self._model} broke off its answer")
        calls = [ToolCall(call.id or f"call_{uuid4().hex}", call.name, call.arguments or "{}") for call in self._calls]
        return calls if self._tokens is None else [*calls, Used(self._tokens)]

    def _read(self, chunk: "ChatCompletionChunk") -> Iterator[Piece]:
        if chunk.usage is not None:
            self._tokens = chunk.usage.total_tokens
        for choice in chunk.choices or ():
            if choice.delta is not None:
                if choice.delta.content:
                    yield Text("" + choice.delta.content)
                for part in choice.delta.tool_calls or ():
                    self._write(part)
            if choice.finish_reason == "content_filter":
                raise ModelFailed(Failure.FILTERED, f"{self._model}: its content filter stopped the answer")
            self._finished = self._finished or choice.finish_reason is not None

    def _write(self, part: Any) -> None:
        """A part of a tool call. The vendor tells by the index whose; others leave it out, or give all calls the same.

        Then a name begins another call, unless its id is that of the call before.
        """
        name = part.function.name if part.function is not None else None
        arguments = part.function.arguments if part.function is not None else None
        call = self._calls[-1] if part.index is None and self._calls else self._at.get(part.index)
        if call is None or (name and _is_another(call, part)):
            call = _Writing()
            self._calls.append(call)
            self._at[part.index] = call
        call.id = call.id or part.id or ""
        call.name = call.name or name or ""
        call.arguments += json.dumps(arguments) if isinstance(arguments, dict) else arguments or ""


@dataclass(eq=False, slots=True)
class _Writing:
    """A tool call as it comes in pieces."""

    id: str = ""
    name: str = ""
    arguments: str = ""


def _is_another(call: _Writing, part: Any) -> bool:
    if part.id:
        return bool(call.id) and part.id != call.id
    return part.index is None


def _message(entry: Said | Asked | ToolResult) -> dict[str, Any] | None:
    match entry:
        case Said(role=role, text=text):
            return {"role": _ROLES[role], "content": text} if text.strip() else None
        case Asked(calls=calls, text=text):
            return {"role": "assistant", "content": text or None, "tool_calls": list(map(_asked, calls))}
        case ToolResult(id=call_id, text=text):
            return {"role": "tool", "tool_call_id": call_id, "content": text}


def _asked(call: ToolCall) -> dict[str, Any]:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": _readable(call.arguments)}}


def _readable(arguments: str) -> str:
    """Arguments that some servers (vLLM, llama.cpp) can read back: they refuse the whole request for broken ones."""
    try:
        return arguments if isinstance(json.loads(arguments), dict) else json.dumps({"unreadable": arguments})
    except (ValueError, RecursionError):
        return json.dumps({"unreadable": arguments})
