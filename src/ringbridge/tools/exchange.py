"""What a model asked of its tools in one answer, and what it is told of each: the part of a talk that nobody hears."""

import json
from dataclasses import dataclass, replace
from typing import Protocol, TypeAlias

from ringbridge.llm.base import Asked, Entry, ToolCall, ToolResult

__all__ = ["DROPPED", "Exchange", "Slot"]

DROPPED = "Not done: the caller spoke before it began."


class Told(Protocol):
    """Something whose result may still be to come."""

    @property
    def text(self) -> str:
        """What a model is told of it now."""
        ...

    @property
    def done(self) -> bool:
        """Whether it has ended well."""
        ...


Source: TypeAlias = str | Told


@dataclass(slots=True)
class Slot:
    """One call of the model's; `source` is what came of it, as far as that is known."""

    call: ToolCall
    source: Source = DROPPED

    @property
    def text(self) -> str:
        """What the model is told of it now."""
        return self.source if isinstance(self.source, str) else self.source.text

    @property
    def done(self) -> bool:
        """Whether the tool ran, and ended well."""
        return not isinstance(self.source, str) and self.source.done


@dataclass(frozen=True, slots=True)
class Exchange:
    """One answer's calls. `after` counts the caller's entries before it in the history; `words` were said with it."""

    after: int
    words: str
    slots: tuple[Slot, ...]

    def entries(self, *, with_words: bool) -> tuple[Entry, ...]:
        """As a prompt has it. Without words where the history has them, as they were heard."""
        asked = Asked(tuple(_readable(slot.call) for slot in self.slots), self.words if with_words else "")
        return (asked, *(ToolResult(slot.call.id, slot.text) for slot in self.slots))


def _readable(call: ToolCall) -> ToolCall:
    """Servers read the arguments of past calls anew, and some refuse the whole request over broken ones."""
    try:
        whole = isinstance(json.loads(call.arguments), dict)
    except (ValueError, RecursionError):
        whole = False
    return call if whole else replace(call, arguments="{}")
