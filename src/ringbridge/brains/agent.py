"""The brain that runs a model with tools."""

from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Sequence
from contextlib import aclosing, asynccontextmanager
from datetime import datetime

from ringbridge.brains.prompt import INSTRUCTIONS, instructions_for, newest, weave
from ringbridge.llm.base import Failure, Model, ModelFailed, Piece, Request, Text, ToolCall, Used
from ringbridge.phrases import for_language
from ringbridge.tools.budget import Budget
from ringbridge.tools.builtin import builtin_tools, hang_up
from ringbridge.tools.exchange import Exchange
from ringbridge.tools.tool import AnyTool, Tool
from ringbridge.tools.toolbox import Next, Toolbox
from ringbridge.turn import Call, Turn

__all__ = ["Agent"]

MAX_ROUNDS = 8
"""So often is the model asked in one turn."""

MAX_ENTRIES = 60
"""Of the talk, so many entries are told to the model."""

TOKEN_LETTERS = 4
"""Of English, about so many letters make a token: for answers that nobody counts, as when the caller cuts in."""


class Agent:
    """A brain, to be put into a file: `reply = Agent(tools=[book])`.

    `models` is asked; where it is left out, those that LLMS or OPENAI_MODEL name. What one call may use up is in
    `budget`: after that the agent says so and hangs up. `tools` are what `@tool` makes; with `builtin`, the model can
    also end and transfer the call, use the keypad, and remember the caller.
    """

    def __init__(
        self,
        instructions: str = INSTRUCTIONS,
        tools: Iterable[AnyTool] = (),
        *,
        builtin: bool = True,
        models: Model | None = None,
        budget: Budget = Budget(),  # noqa: B008 - frozen
    ) -> None:
        """Raises `TypeError` for something that is no tool, `ValueError` for two of one name."""
        self.models = models
        self._instructions = instructions
        self._tools = _named(tools)
        self._builtin = builtin
        self._budget = budget

    async def __call__(self, turn: Turn) -> AsyncIterator[str]:
        """Answer one turn. Closing the generator closes the model's request; tools go on or not, as they declare.

        Raises `ModelFailed` when no model answers, and `NoLine` when there is none, as the call was made up.
        """
        models = turn.call.line.models if self.models is None else self.models
        answer = _Answer(turn, models, self._instructions, self._toolbox(turn.call))
        async with aclosing(answer.pieces()) as pieces:
            async for piece in pieces:
                yield piece

    def _toolbox(self, call: Call) -> Toolbox:
        key = f"ringbridge.agent.{id(self)}"
        if key not in call.state:
            builtin = {tool.name: tool for tool in builtin_tools(call)} if self._builtin else {}
            call.state[key] = Toolbox({**builtin, **self._tools}.values(), self._budget)
        toolbox: Toolbox = call.state[key]
        return toolbox


class _Answer:
    """The answer to one turn: as many of the model's answers as its tool calls make necessary."""

    def __init__(self, turn: Turn, models: Model, instructions: str, toolbox: Toolbox) -> None:
        self._turn = turn
        self._models = models
        self._instructions = instructions
        self._toolbox = toolbox
        self._before = len(toolbox.exchanges)
        self._phrases = for_language(turn.call.language)
        self._calls: list[ToolCall] = []
        self._words = ""
        """What the model said in its last answer."""
        self._said = ""
        """All that was said in this turn."""

    async def pieces(self) -> AsyncGenerator[str]:
        """What is to be spoken."""
        for _ in range(MAX_ROUNDS):
            if not self._toolbox.covers(len(self._calls)):
                yield self._joined(self._phrases.budget_spent)
                await self._turn.call.hang_up()
                return
            last = await self._see_to_tools()
            if isinstance(last, str):
                yield self._joined(last)
                return
            if last is not None:
                if last.tool is hang_up and not self._spoke:
                    yield self._joined(self._phrases.farewell)
                if await self._toolbox.close(self._turn, last):
                    return
            async with aclosing(self._ask()) as pieces:
                async for piece in pieces:
                    yield piece
            if not self._calls:
                break
        if not self._spoke and not all(slot.done for exchange in self._exchanges for slot in exchange.slots):
            yield self._phrases.tool_failed

    async def _see_to_tools(self) -> Next:
        if self._calls:
            return await self._toolbox.answer(self._turn, self._calls, self._words)
        return await self._toolbox.open(self._turn)

    async def _ask(self) -> AsyncGenerator[str]:
        """Ask the model once; its tool calls are kept for later."""
        request = self._request()
        self._calls, self._words = [], ""
        used = 0
        try:
            async with _closed(self._models.stream(request)) as pieces:
                async for piece in pieces:
                    match piece:
                        case Text(text=text):
                            yield self._added(text) if self._words else self._joined(text)
                            self._words += text
                        case ToolCall():
                            self._calls.append(piece)
                        case Used(tokens=tokens):
                            used = tokens
        except ModelFailed as error:
            if error.failure is not Failure.FILTERED:
                raise
            self._calls = []
            yield self._joined(self._phrases.declined)
        finally:
            self._toolbox.spend(used or _estimate(request, self._words))

    def _request(self) -> Request:
        turn = self._turn
        talk = weave(turn.history, self._toolbox.exchanges[: self._before])
        now = (entry for exchange in self._exchanges for entry in exchange.entries(with_words=True))
        return Request(
            instructions_for(turn.call, self._instructions, now=datetime.now().astimezone()),
            newest((*talk, *now), MAX_ENTRIES),
            self._toolbox.schemas,
        )

    @property
    def _exchanges(self) -> Sequence[Exchange]:
        """Those of this turn."""
        return self._toolbox.exchanges[self._before :]

    @property
    def _spoke(self) -> bool:
        return any(map(str.isalnum, self._said))

    def _joined(self, text: str) -> str:
        """The beginning of something new, apart from what was said before."""
        apart = not self._said or self._said[-1].isspace() or text[:1].isspace()
        return self._added(text if apart else f" {text}")

    def _added(self, text: str) -> str:
        self._said += text
        return text


def _named(tools: Iterable[AnyTool]) -> dict[str, AnyTool]:
    named: dict[str, AnyTool] = {}
    for tool in tools:
        if not isinstance(tool, Tool):
            raise TypeError(f"{getattr(tool, '__name__', tool)!r} is no tool: decorate it with @tool")
        if tool.name in named:
            raise ValueError(f"two tools are called {tool.name}: give one of them another name")
        named[tool.name] = tool
    return named


def _estimate(request: Request, words: str) -> int:
    return (len(request.instructions) + len(repr(request.entries)) + len(words)) // TOKEN_LETTERS


@asynccontextmanager
async def _closed(pieces: AsyncIterator[Piece]) -> AsyncIterator[AsyncIterator[Piece]]:
    """Close a model's stream at the end, if it can be closed."""
    try:
        yield pieces
    finally:
        if (close := getattr(pieces, "aclose", None)) is not None:
            await close()
