"""The calls, as they are talked: who calls, what is said, what each answer was waited for, errors in words."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from rich.console import Console
from rich.text import Text

from ringbridge import facts
from ringbridge.facts import Fact
from ringbridge.ids import CallSid
from ringbridge.screen.paper import PLAIN, entry, put
from ringbridge.screen.words import Kind, row_of

__all__ = ["CallScreen"]

_STYLES: Final[dict[Kind, str]] = {"call": "bold", "caller": "green", "agent": "cyan", "note": "dim", "bad": "red"}
_LAST_DIGITS: Final = 4


@dataclass(frozen=True, slots=True)
class _Line:
    caller: str
    since: float


class CallScreen:
    """Its `observe` is an observer of the bridge's facts."""

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` gives seconds that only rise."""
        self._console = console
        self._clock = clock
        self._calls: dict[CallSid, _Line] = {}

    def observe(self, sid: CallSid, fact: Fact) -> None:
        """Print the row that a fact is worth. While there are several calls, it says whose."""
        if isinstance(fact, facts.CallBegan):
            self._calls[sid] = _Line(fact.caller, self._clock())
            put(self._console, Text())
        row = row_of(fact)
        if row is not None:
            put(self._console, entry(self._console, self._margin(sid, row.who), row.text, _STYLES[row.kind]))
        if isinstance(fact, facts.CallEnded):
            self._calls.pop(sid, None)

    def notice(self, text: str, style: str = PLAIN) -> None:
        """A paragraph that is no call's."""
        put(self._console, Text(), entry(self._console, Text(), text, style))

    def _margin(self, sid: CallSid, who: str) -> Text:
        line = self._calls.get(sid)
        seconds = 0.0 if line is None else self._clock() - line.since
        whose = f"…{line.caller[-_LAST_DIGITS:]}  " if line is not None and len(self._calls) > 1 else ""
        return Text.assemble((f"{seconds:6.1f} s  {whose}", "dim"), f"{who:<8}")
