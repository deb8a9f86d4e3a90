"""The clock on which waits are measured."""

import asyncio
import time
from collections.abc import Callable

__all__ = ["fine_clock"]


def fine_clock() -> Callable[[], float]:
    """What tells the running loop's time, in seconds, as finely as the machine does."""
    loop = asyncio.get_running_loop()
    # uvloop's own is the same clock, but has whole milliseconds and stands still until the loop turns again.
    return time.monotonic if type(loop).__module__.partition(".")[0] == "uvloop" else loop.time
