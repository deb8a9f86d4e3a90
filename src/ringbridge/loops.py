"""The event loop that a process runs on, and the signals that end it."""

import asyncio
import signal
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

__all__ = ["loop_factory", "on_signals", "run"]

_Result = TypeVar("_Result")


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """What makes the loop: uvloop's where it is there, else asyncio's own (`None`)."""
    try:
        import uvloop  # noqa: PLC0415 - not on every platform
    except ImportError:
        return None
    return uvloop.new_event_loop


def on_signals(tell: Callable[[], object], *more: str) -> None:
    """Call `tell` on the running loop at each SIGINT (Ctrl-C), SIGTERM, and signal of these names that there is."""
    loop = asyncio.get_running_loop()
    for name in ("SIGINT", "SIGTERM", *more):
        if (number := getattr(signal, name, None)) is None:
            continue
        try:
            loop.add_signal_handler(number, tell)
        except NotImplementedError:  # Windows' loops have none
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(tell))


def run(main: Coroutine[Any, Any, _Result]) -> _Result:
    """Run a command that takes back what it has begun when it is cancelled, as SIGTERM and Ctrl-C do.

    Raises `KeyboardInterrupt` then.
    """

    async def cancellable() -> _Result:
        task = asyncio.current_task()
        assert task is not None
        if threading.current_thread() is threading.main_thread():  # no other may say what a signal does
            on_signals(task.cancel)
        return await main

    try:
        return asyncio.run(cancellable())
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
