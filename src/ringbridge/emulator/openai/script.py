"""What a model does with a request, as a list of steps; and the request, as whoever writes the steps sees it."""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

__all__ = [
    "Answer",
    "Asked",
    "Call",
    "Drop",
    "ErrorInStream",
    "Fail",
    "Filter",
    "Length",
    "Say",
    "Stall",
    "Step",
]


@dataclass(frozen=True, slots=True)
class Say:
    """Text, in pieces of a word or less: the first after `first` seconds, the others `every` so many seconds."""

    text: str
    every: float = 0.02
    first: float = 0.15


@dataclass(frozen=True, slots=True)
class Call:
    """A tool is called; its arguments (a dict, or JSON text, which may be broken) come in so many pieces at most.

    Several in one answer are several calls of it. Without `id` it gets one that no other has.
    """

    name: str
    arguments: dict[str, Any] | str = field(default_factory=dict)
    pieces: int = 4
    id: str | None = None

    @property
    def text(self) -> str:
        """The arguments' JSON."""
        return self.arguments if isinstance(self.arguments, str) else json.dumps(self.arguments)


@dataclass(frozen=True, slots=True)
class Stall:
    """Nothing comes for so long."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Fail:
    """The request is refused. As the only step."""

    status: int
    code: str = ""
    message: str = "Something went wrong."
    retry_after: float | None = None
    """Seconds, for the header `Retry-After`."""


@dataclass(frozen=True, slots=True)
class Drop:
    """The connection breaks."""


@dataclass(frozen=True, slots=True)
class ErrorInStream:
    """An error in place of the next piece; the stream ends with it."""

    message: str = "The server had an error while processing your request."


@dataclass(frozen=True, slots=True)
class Filter:
    """The content filter ends the answer."""


@dataclass(frozen=True, slots=True)
class Length:
    """The answer is as long as it may be, and ends."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request."""

    model: str
    messages: list[dict[str, Any]]
    tools: list[dict[str, Any]]

    @property
    def text(self) -> str:
        """The caller's newest words."""
        return next((_plain(message) for message in reversed(self.messages) if message["role"] == "user"), "")

    @property
    def tool_results(self) -> list[str]:
        """What tools gave since the caller's newest words, in order."""
        return [_plain(message) for message in self._since if message["role"] == "tool"]

    @property
    def calls(self) -> list[Call]:
        """The tools that were called since the caller's newest words, in order."""
        calls = (call for message in self._since for call in message.get("tool_calls") or ())
        return [Call(call["function"]["name"], call["function"]["arguments"], id=call["id"]) for call in calls]

    def offers(self, name: str) -> bool:
        """Whether a tool of that name may be called."""
        return any(function["name"] == name for function in self._functions)

    def parameters(self, name: str) -> frozenset[str]:
        """The names of what that tool takes; empty, too, where it is not offered."""
        schemas = (function.get("parameters", {}) for function in self._functions if function["name"] == name)
        return frozenset(key for schema in schemas for key in schema.get("properties", {}))

    @property
    def _functions(self) -> Iterator[dict[str, Any]]:
        return (tool["function"] for tool in self.tools)

    @property
    def _since(self) -> list[dict[str, Any]]:
        """The messages after the caller's newest words."""
        last = max((place for place, message in enumerate(self.messages) if message["role"] == "user"), default=-1)
        return self.messages[last + 1 :]


def _plain(message: dict[str, Any]) -> str:
    """A message's content as text; some clients send it in parts."""
    content = message.get("content") or ""
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


Step: TypeAlias = Say | Call | Stall | Fail | Drop | ErrorInStream | Filter | Length
Answer: TypeAlias = Callable[[Asked], Iterable[Step]]
"""A model. It is asked once for each request, when that has arrived."""
