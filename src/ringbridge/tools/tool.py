"""`@tool`: a typed async function becomes something that a model can call."""

import inspect
import re
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Generic, Literal, ParamSpec, TypeAlias, TypeVar, overload

from pydantic_core import to_json

from ringbridge.llm.base import ToolSchema
from ringbridge.tools.parameters import Parameters, describe, read_parameters
from ringbridge.tools.question import Question, read_question

__all__ = ["AnyTool", "OnCancel", "Tool", "as_text", "tool"]

_P = ParamSpec("_P")
_R = TypeVar("_R")

OnCancel: TypeAlias = Literal["finish", "cancel"]

TOOL_SECONDS = 6.0
"""As long as a caller waits for a tool, with a filler or two."""

MAX_RESULT = 8000
"""Characters of a result that a model is told: more would push the conversation out of its sight."""

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""What a function may be called (OpenAI, "Chat Completions", tools.function.name)."""


@dataclass(frozen=True, slots=True, eq=False)
class Tool(Generic[_P, _R]):
    """A function that a model can call; called by code, it is the function.

    `question` is asked before it runs, `timeout` are the seconds that it has. `ends_turn`: it does something with the
    line, which has deadlines of its own; the words before it are spoken first, and none come after it.
    """

    function: Callable[_P, Coroutine[Any, Any, _R]]
    name: str
    description: str
    parameters: Parameters
    question: Question | None
    timeout: float
    on_cancel: OnCancel
    ends_turn: bool

    def __call__(self, *args: _P.args, **kwargs: _P.kwargs) -> Coroutine[Any, Any, _R]:
        """Call the function."""
        return self.function(*args, **kwargs)

    @property
    def schema(self) -> ToolSchema:
        """The tool as a model is told of it."""
        return ToolSchema(self.name, self.description, self.parameters.schema)


AnyTool: TypeAlias = Tool[..., Any]


@overload
def tool(function: Callable[_P, Coroutine[Any, Any, _R]], /) -> Tool[_P, _R]: ...


@overload
def tool(
    *,
    confirm: str | None = None,
    timeout: float = TOOL_SECONDS,
    on_cancel: OnCancel = "finish",
    name: str | None = None,
    ends_turn: bool = False,
) -> Callable[[Callable[_P, Coroutine[Any, Any, _R]]], Tool[_P, _R]]: ...


def tool(
    function: Callable[..., Coroutine[Any, Any, Any]] | None = None,
    /,
    *,
    confirm: str | None = None,
    timeout: float = TOOL_SECONDS,
    on_cancel: OnCancel = "finish",
    name: str | None = None,
    ends_turn: bool = False,
) -> Any:
    """Make a tool of a typed async function; its name, hints and docstring are what a model is told of it.

    Parameters hinted `Call` or `Turn` are filled in by us. The model gets a returned string as it is, "Done." for
    `None`, JSON for anything else. It reads the text of a `NotAllowed` that is raised; of any other error only the
    type. `confirm` is a question with parameters in braces: only the caller's yes to it runs the tool. After `timeout`
    seconds it is cancelled. `on_cancel` says what becomes of it when the caller speaks before it is done. With
    `ends_turn`, as when it hands the call on, it runs after the model's words and without a deadline of ours, and the
    model is not asked again. Raises `TypeError` for a function that no model can call.
    """

    def make(function: Callable[..., Coroutine[Any, Any, Any]]) -> AnyTool:
        try:
            return _make(function, confirm, timeout, on_cancel, name, ends_turn=ends_turn)
        except TypeError as error:
            raise TypeError(f"{getattr(function, '__qualname__', function)} can't be a tool: {error}") from None

    return make if function is None else make(function)


def as_text(result: object) -> str:
    """What a model is told of a tool's result."""
    match result:
        case None:
            text = "Done."
        case str():
            text = result
        case _:
            text = to_json(result, fallback=str).decode()
    return text if len(text) <= MAX_RESULT else f"{text[:MAX_RESULT]}… (the rest is left out)"


def _make(
    function: Callable[..., Coroutine[Any, Any, Any]],
    confirm: str | None,
    timeout: float,
    on_cancel: OnCancel,
    name: str | None,
    *,
    ends_turn: bool,
) -> AnyTool:
    if not inspect.iscoroutinefunction(function):
        raise TypeError("it must be an async function that returns")
    name = name or function.__name__
    if not _NAME.fullmatch(name):
        raise TypeError(f"its name must be 1 to 64 of A-Z, a-z, 0-9, _ and -, not {name!r}")
    described = describe(function)
    parameters = read_parameters(function, described.parameters)
    return Tool(
        function,
        name,
        described.summary or name.replace("_", " "),
        parameters,
        read_question(confirm, parameters.names) if confirm else None,
        timeout,
        on_cancel,
        ends_turn,
    )
