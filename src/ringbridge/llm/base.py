"""A language model, as the rest of the package knows it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal, Protocol, TypeAlias

from ringbridge.errors import RingbridgeError

__all__ = [
    "Asked",
    "Entry",
    "Failure",
    "Model",
    "ModelFailed",
    "Piece",
    "Request",
    "Said",
    "Text",
    "ToolCall",
    "ToolResult",
    "ToolSchema",
    "Used",
]


@dataclass(frozen=True, slots=True)
class Said:
    """Words of the caller (`user`), of the agent, or of whoever made the line (`system`)."""

    role: Literal["user", "agent", "system"]
    text: str


@dataclass(frozen=True, slots=True)
class ToolCall:
    """The model wants a tool to be run. `arguments` is the JSON text as the model wrote it, which may be broken."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Asked:
    """The model asked for tools, all at once, after saying `text`. A `ToolResult` for each follows it."""

    calls: tuple[ToolCall, ...]
    text: str = ""


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What came of one tool call."""

    id: str
    text: str


Entry: TypeAlias = Said | Asked | ToolResult
"""One entry of a prompt, oldest first."""


@dataclass(frozen=True, slots=True)
class ToolSchema:
    """A tool as a model is told of it. `parameters` is a JSON Schema of an object."""

    name: str
    description: str
    parameters: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Request:
    """What a model is asked: the instructions, the conversation, the tools that it may call."""

    instructions: str
    entries: tuple[Entry, ...]
    tools: tuple[ToolSchema, ...] = ()


@dataclass(frozen=True, slots=True)
class Text:
    """A piece of the answer, as the model makes it: never empty."""

    text: str


@dataclass(frozen=True, slots=True)
class Used:
    """What the answer took, in the server's own count; told at most once, at the end."""

    tokens: int


Piece: TypeAlias = Text | ToolCall | Used
"""What a stream gives. A tool call comes whole, when the model has written all of it."""


class Failure(Enum):
    """How a model can fail. Each has one outcome for the caller."""

    UNREACHABLE = "the server can't be reached"
    SILENT = "the server was silent for too long"
    BROKE_OFF = "the server broke off its answer"
    REFUSED_KEY = "the key is not accepted"
    RATE_LIMITED = "too many requests, or no credit left"
    TOO_LONG = "the conversation is too long for the model"
    FILTERED = "the server's content filter stopped the answer"
    REJECTED = "the server did not accept the request"
    SERVER = "the server has an error"


class ModelFailed(RingbridgeError):
    """A model did not answer. `retry_after` is how many seconds its server wants to be left alone, where it said so.

    The text says which model, why, and the mend; it holds no key and no words of caller or model.
    """

    def __init__(self, failure: Failure, text: str, *, retry_after: float | None = None) -> None:
        super().__init__(text)
        self.failure = failure
        self.retry_after = retry_after


class Model(Protocol):
    """One model on one server, or several that stand in for each other."""

    @property
    def name(self) -> str:
        """What the log calls it."""
        ...

    def stream(self, request: Request) -> AsyncIterator[Piece]:
        """Ask; gives the answer as it is made. Closing the iterator closes the request: nothing more is paid for.

        Raises `ModelFailed`. An answer that the server cut (its length limit) just ends.
        """
        ...

    def warm(self) -> None:
        """Load what it takes to ask, so that no caller waits for it."""
        ...

    async def close(self) -> None:
        """Close its connections."""
        ...
