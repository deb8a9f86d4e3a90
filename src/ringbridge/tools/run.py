"""One tool, running: it has a deadline, an end, and a word for the model at every moment in between."""

import asyncio
from dataclasses import dataclass
from pathlib import PurePath
from traceback import extract_tb
from typing import Literal, TypeAlias

from ringbridge import facts
from ringbridge.errors import NotAllowed, RingbridgeError
from ringbridge.log import get_logger
from ringbridge.tools.parameters import Arguments
from ringbridge.tools.tool import AnyTool, as_text
from ringbridge.turn import Turn

__all__ = ["CANCELLED", "End", "Run", "failed"]

log = get_logger(__name__)

How: TypeAlias = Literal["done", "refused", "failed", "late", "cancelled"]

RUNNING = "Still running. To wait for its result, call it again with the same arguments."


@dataclass(frozen=True, slots=True)
class End:
    """How a tool ended, and what the model is told."""

    how: How
    text: str


CANCELLED = End("cancelled", "Stopped before it was done: the caller cut in.")


class Run:
    """A tool that has begun. Its task is the line's, so it can outlive the turn; its first end counts.

    It needs a running event loop. By its deadline it has ended for us, even if the function does not let go.
    """

    def __init__(self, tool: AnyTool, arguments: Arguments, turn: Turn) -> None:
        """Begins it."""
        loop = asyncio.get_running_loop()
        self.tool = tool
        self.arguments = arguments
        self.end: End | None = None
        self._ended = asyncio.Event()
        self._line = turn.call.line
        self._clock = loop.time
        self._began = loop.time()
        self._line.note(facts.ToolBegan(tool.name, arguments.text))
        self._work = self._line.start(self._run(turn), name=f"tool {tool.name}")
        self._deadline = loop.call_later(tool.timeout, self._late)

    @property
    def text(self) -> str:
        """What the model is told of it now."""
        return RUNNING if self.end is None else self.end.text

    @property
    def done(self) -> bool:
        """Whether it has ended well."""
        return self.end is not None and self.end.how == "done"

    async def ended(self) -> End:
        """Wait for its end, which the deadline brings at the latest."""
        await self._ended.wait()
        assert self.end is not None
        return self.end

    def cancel(self) -> None:
        """Stop it."""
        self._settle(CANCELLED)
        self._work.cancel()

    async def _run(self, turn: Turn) -> None:
        try:
            result = await self.tool.function(**self.arguments.values, **self.tool.parameters.fill(turn))
            end = End("done", as_text(result))
        except asyncio.CancelledError:
            self._settle(CANCELLED)
            raise
        except Exception as error:  # whatever a tool does wrong, its caller gets an answer
            end = failed(self.tool, error)
        self._settle(end)

    def _late(self) -> None:
        log.warning("a tool had no result in time", tool=self.tool.name, seconds=self.tool.timeout)
        self._settle(End("late", f"Failed: no result after {self.tool.timeout:g} s. It may or may not have been done."))
        self._work.cancel()

    def _settle(self, end: End) -> None:
        if self.end is not None:
            return
        self.end = end
        self._deadline.cancel()
        self._ended.set()
        ms = round((self._clock() - self._began) * 1000)
        self._line.note(facts.ToolEnded(self.tool.name, end.how, ms, end.text))


def failed(tool: AnyTool, error: Exception) -> End:
    """What the model is told of an error: the words of a refusal; of others the type, as their words may be secret."""
    if isinstance(error, NotAllowed):
        return End("refused", f"Not allowed: {error}")
    log.warning("a tool failed", tool=tool.name, cause=_cause(error))
    return End("failed", f"Failed: {type(error).__name__}. It may or may not have been done.")


def _cause(error: Exception) -> str:
    if isinstance(error, RingbridgeError):
        return str(error)
    frames = [frame for frame in extract_tb(error.__traceback__) if frame.filename != __file__]
    if not frames:
        return type(error).__name__
    return f"{type(error).__name__} in {frames[0].name} ({PurePath(frames[0].filename).name}:{frames[0].lineno})"
