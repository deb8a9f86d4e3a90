"""A brain that blocks for 10 ms at each token in ten of the calls, by waiting or by computing; the others are quick."""

import asyncio
import os
import time
from collections.abc import AsyncIterator

from ringbridge import Turn

BLOCKED_SECONDS = 0.01
SLOW_CALLS = 10
TOKENS = 10
"""In every turn, of which each call has one in two seconds: the slow calls block for half of the time."""

TOKEN_SECONDS = 0.02
"""From one token to the next, as of a fast model."""

KIND = os.environ["SLOW_BRAIN"]


async def reply(turn: Turn) -> AsyncIterator[str]:
    """Ten words, at a model's rhythm."""
    is_slow = int(turn.caller[-7:]) <= SLOW_CALLS
    for _ in range(TOKENS):
        await asyncio.sleep(TOKEN_SECONDS)
        if is_slow:
            _block()
        yield "word "


def _block() -> None:
    if KIND == "waits":
        time.sleep(BLOCKED_SECONDS)
    elif KIND == "computes":
        until = time.thread_time() + BLOCKED_SECONDS
        while time.thread_time() < until:
            pass
