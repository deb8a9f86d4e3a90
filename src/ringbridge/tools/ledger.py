"""What runs, and what ran, for one utterance of the caller's: one wish, however often it is transcribed."""

import asyncio
from collections.abc import Iterable

from ringbridge import facts
from ringbridge.tools.parameters import Arguments
from ringbridge.tools.run import CANCELLED, Run
from ringbridge.tools.tool import AnyTool
from ringbridge.turn import Turn

__all__ = ["Ledger", "join", "wait"]


class Ledger:
    """Runs by tool and arguments. Cancelled ones are not in it."""

    def __init__(self) -> None:
        self._utterance: int | None = None
        self._runs: dict[tuple[str, str], Run] = {}

    def enter(self, utterance: int) -> bool:
        """A turn of this utterance begins; whether it is a new one."""
        if utterance == self._utterance:
            return False
        self._utterance = utterance
        # What still runs is the same wish, even if the agent was heard meanwhile.
        self._runs = {key: run for key, run in self._runs.items() if run.end is None}
        return True

    @property
    def running(self) -> tuple[Run, ...]:
        """Those that have not ended."""
        return tuple(run for run in self._runs.values() if run.end is None)

    def find(self, tool: AnyTool, arguments: Arguments) -> Run | None:
        """The equal call that was made already."""
        run = self._runs.get((tool.name, arguments.text))
        return None if run is None or run.end is CANCELLED else run

    def begin(self, tool: AnyTool, arguments: Arguments, turn: Turn) -> Run:
        """Run a tool."""
        run = self._runs[tool.name, arguments.text] = Run(tool, arguments, turn)
        return run


async def wait(runs: Iterable[Run]) -> None:
    """Wait for runs of this turn. When it is cancelled, those that declare so are stopped; the others run on."""
    runs = tuple(runs)
    try:
        for run in runs:
            await run.ended()
    except asyncio.CancelledError:
        for run in runs:
            if run.tool.on_cancel == "cancel":
                run.cancel()
        raise


async def join(run: Run, turn: Turn) -> None:
    """Wait for a run that an equal call has begun. Its end is told in this turn, too."""
    line, clock = turn.call.line, asyncio.get_running_loop().time
    began = clock()
    line.note(facts.ToolBegan(run.tool.name, run.arguments.text))
    try:
        await run.ended()
    finally:
        ms = round((clock() - began) * 1000)
        line.note(facts.ToolEnded(run.tool.name, "cancelled" if run.end is None else "reused", ms, run.text))
