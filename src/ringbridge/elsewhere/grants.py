"""What brains in one process want of their lines, seen to here."""

import asyncio
from collections.abc import Callable
from typing import Final, assert_never

from ringbridge.elsewhere.messages import (
    Answered,
    Asked,
    Dropped,
    Ended,
    Failed,
    Noted,
    OfTurn,
    Refused,
    Said,
    ToBrain,
)
from ringbridge.elsewhere.pipe import can_travel
from ringbridge.facts import Fact
from ringbridge.live.tasks import Tasks
from ringbridge.log import get_logger
from ringbridge.turn import Line

__all__ = ["METHODS", "Grants"]

log = get_logger(__name__)

METHODS: Final = frozenset(
    {
        "confirmed",
        "hang_up",
        "transfer_call",
        "send_digits",
        "collect_digits",
        "play",
        "remember",
        "recall",
        "recall_all",
        "forget",
    }
)
"""What can be wanted of `turn.Line` from another process: all that is awaited there."""


class Grants:
    """The lines of one process, each for as long as something there holds it."""

    def __init__(self, send: Callable[[ToBrain], None], tasks: Tasks) -> None:
        self._send = send
        self._tasks = tasks
        self._lines: dict[int, Line] = {}
        self._wishes: dict[int, asyncio.Task[None]] = {}

    def add(self, number: int, line: Line) -> None:
        """The line of a turn that begins."""
        self._lines[number] = line

    def released(self, number: int) -> None:
        """Nothing will be wanted of this line any more."""
        self._lines.pop(number, None)

    def see_to(self, message: OfTurn) -> None:
        """Begin to do what is wanted; words and ends are not for the line."""
        match message:
            case Noted(number=number, fact=fact):
                self._note(number, fact)
            case Asked(number=number, wish=wish):
                work = self._see_to(message, self._lines[number])
                self._wishes[wish] = self._tasks.start(work, name=f"{message.method} of turn {number}")
            case Dropped(wish=wish):
                if wish in self._wishes:
                    self._wishes[wish].cancel()
            case Said() | Failed() | Ended():
                pass
            case _:
                assert_never(message)

    def end(self) -> None:
        """The process is gone, and so is whoever wanted something."""
        self._lines.clear()
        for task in self._wishes.values():
            task.cancel()

    def _note(self, number: int, fact: Fact) -> None:
        try:
            if number in self._lines:
                self._lines[number].note(fact)
        except Exception as error:  # it must not end what is said of other calls
            log.error("what a brain noted could not be told", exc_info=error)  # noqa: TRY400

    async def _see_to(self, asked: Asked, line: Line) -> None:
        try:
            assert asked.method in METHODS
            value = await getattr(line, asked.method)(*asked.args, **asked.options)
        except asyncio.CancelledError:
            self._send(Refused(asked.wish, asyncio.CancelledError()))  # the call may have taken it back
            raise
        except Exception as error:  # it is the brain's, which meets it where it asked
            self._send(Refused(asked.wish, error if can_travel(error) else RuntimeError(type(error).__name__)))
        else:
            self._send(Answered(asked.wish, value))
        finally:
            del self._wishes[asked.wish]
