"""Up until a signal comes, and then down again."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final

from ringbridge.errors import RingbridgeError
from ringbridge.loops import on_signals
from ringbridge.screen.calls import CallScreen
from ringbridge.screen.steps import StepScreen
from ringbridge.up.lookout import look_out
from ringbridge.up.plan import Request, Surroundings
from ringbridge.up.rise import risen

__all__ = ["CUT_OFF", "up"]

CUT_OFF: Final = 130
"""The exit code of one that was stopped before it was up."""


async def up(
    request: Request,
    around: Surroundings,
    steps: StepScreen,
    calls: CallScreen,
    *,
    meanwhile: Callable[[], Coroutine[Any, Any, None]] | None = None,
) -> int:
    """Be up until a signal comes; gives the exit code. `meanwhile` is run once everything is up.

    Raises `RingbridgeError` unless `steps` has shown it.
    """
    ends = _Ends()
    try:
        async with risen(request, around, steps, calls, hurry=ends.hurry) as there:
            ends.is_up()
            back = ", and puts everything back" if request.restores else ""
            calls.notice(f"Call {there.phone_number}. Ctrl-C ends it{back}.", "bold")
            async with asyncio.TaskGroup() as tasks:
                looking = look_out(there.url, around.outside, calls.notice)
                beside = [tasks.create_task(looking, name="look at the public address")]
                if meanwhile is not None:
                    beside.append(tasks.create_task(meanwhile(), name="meanwhile"))
                await ends.stop.wait()
                for task in beside:
                    task.cancel()
            calls.notice("Going down.", "bold")
    except asyncio.CancelledError:
        if not ends.has_cancelled():
            raise
        return CUT_OFF
    except RingbridgeError:
        if not steps.has_failed:
            raise
        return 1
    return 1 if steps.has_failed else 0


class _Ends:
    """What signals do: the first one takes everything back, be it half up; the next hurries the calls that go on."""

    def __init__(self) -> None:
        self.stop, self.hurry = asyncio.Event(), asyncio.Event()
        self._rising = asyncio.current_task()
        on_signals(self._signalled, "SIGHUP")  # the last: a terminal is closed

    def is_up(self) -> None:
        """From now on there are calls, which are not to be cut off."""
        self._rising = None

    def has_cancelled(self) -> bool:
        """Whether it was a signal that cancelled what was rising; that is dealt with then."""
        if self._rising is None or not self.stop.is_set():
            return False
        self._rising.uncancel()
        return True

    def _signalled(self) -> None:
        if self.stop.is_set():
            self.hurry.set()
            return
        self.stop.set()
        if self._rising is not None:
            self._rising.cancel()
