"""What is being written at a vendor is never cut off: nobody could know then whether it was written."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

__all__ = ["to_its_end"]

_Outcome = TypeVar("_Outcome")


async def to_its_end(writing: Coroutine[Any, Any, _Outcome]) -> _Outcome:
    """The outcome of `writing`, which must have a time limit. Cancelled meanwhile, this waits for its end first."""
    ended = asyncio.gather(writing, return_exceptions=True)
    try:
        (outcome,) = await asyncio.shield(ended)
    except asyncio.CancelledError:
        await asyncio.wait([ended])
        raise
    if isinstance(outcome, BaseException):
        raise outcome
    return outcome
