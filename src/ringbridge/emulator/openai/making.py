"""An answer as it is made: steps become pieces, in time."""

import asyncio
import re
import secrets
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from ringbridge.emulator.openai.script import Call, Drop, ErrorInStream, Fail, Filter, Length, Say, Stall, Step

__all__ = ["Delta", "Dropped", "Finish", "StreamBroken", "made", "tokens"]

CALL_PIECE_SECONDS: Final = 0.01

_TOKEN: Final = re.compile(r"\s*(?:\d{1,3}|[^\W\d_]{1,6}|[^\w\s]|_)|\s+")

Delta: TypeAlias = dict[str, Any]
"""A piece, as the vendor has it: <https://platform.openai.com/docs/api-reference/chat-streaming>."""


class Dropped(Exception):
    """The connection is to be broken."""


class StreamBroken(Exception):
    """The answer is to end with this error."""


@dataclass(frozen=True, slots=True)
class Finish:
    """The end of the answer, and why."""

    reason: str


def tokens(text: str) -> list[str]:
    """Cut as a model's tokens are: the space goes with what follows, no more than three digits go together."""
    return _TOKEN.findall(text)


async def made(steps: Iterable[Step]) -> AsyncIterator[Delta | Finish]:
    """Do the steps in their own time. Raises `Dropped`, and `StreamBroken` with the error's text."""
    calls = 0
    for step in steps:
        match step:
            case Say():
                async for delta in _said(step):
                    yield delta
            case Call():
                async for delta in _called(step, calls):
                    yield delta
                calls += 1
            case Stall(seconds=seconds):
                await asyncio.sleep(seconds)
            case Drop():
                raise Dropped
            case ErrorInStream(message=message):
                raise StreamBroken(message)
            case Filter():
                yield Finish("content_filter")
                return
            case Length():
                yield Finish("length")
                return
            case Fail():
                raise ValueError("a request can only be refused before its answer begins: let Fail be the only step")
    yield Finish("tool_calls" if calls else "stop")


async def _said(step: Say) -> AsyncIterator[Delta]:
    pause = step.first
    for piece in tokens(step.text):
        await asyncio.sleep(pause)
        yield {"content": piece}
        pause = step.every


async def _called(step: Call, index: int) -> AsyncIterator[Delta]:
    """The first piece names the tool, the others hold a part of the arguments each."""
    text = step.text
    size = max(1, -(-len(text) // step.pieces))
    name = {"id": step.id or f"call_{secrets.token_hex(12)}", "type": "function"}
    await asyncio.sleep(CALL_PIECE_SECONDS)
    yield {"tool_calls": [{"index": index, **name, "function": {"name": step.name, "arguments": ""}}]}
    for start in range(0, len(text), size):
        await asyncio.sleep(CALL_PIECE_SECONDS)
        yield {"tool_calls": [{"index": index, "function": {"arguments": text[start : start + size]}}]}
