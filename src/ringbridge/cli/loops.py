"""The event loop that the commands run on."""

import asyncio
import signal
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

__all__ = ["loop_factory", "run"]

_Result = TypeVar("_Result")


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """What makes the loop: uvloop's where it is there, else asyncio's own (`None`)."""
    try:
        import uvloop  # noqa: PLC0415 - not on every platform
    except ImportError:
        return None
    return uvloop.new_event_loop


def run(main: Coroutine[Any, Any, _Result]) -> _Result:
    """Run a command that takes back what it has begun when it is cancelled: SIGTERM does that as Ctrl-C does."""
    if threading.current_thread() is not threading.main_thread():  # no other may say what a signal does
        return asyncio.run(main)
    before = signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        return asyncio.run(main)
    finally:
        signal.signal(signal.SIGTERM, before)
