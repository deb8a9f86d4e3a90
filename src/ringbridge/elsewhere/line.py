"""The line of a call as a brain has it in another process: each wish travels to the bridge, which knows the rules."""

import asyncio
import os
from collections.abc import Callable, Coroutine
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

from ringbridge.elsewhere.messages import Answered, Asked, Dropped, FromBrain, Noted, Refused
from ringbridge.facts import Fact
from ringbridge.live.tasks import Tasks
from ringbridge.llm.base import Model
from ringbridge.turn import Work

__all__ = ["FarLine", "Wishes"]

_Result = TypeVar("_Result")


class Wishes:
    """What brains have asked of their lines, and still wait for."""

    def __init__(self, send: Callable[[FromBrain], None]) -> None:
        self.send = send
        self._numbers = count()
        self._answers: dict[int, asyncio.Future[Any]] = {}

    async def ask(self, turn: int, method: str, *args: Any, **options: Any) -> Any:
        """Have a method of the turn's line called; gives what it gives, and raises what it raises."""
        wish = next(self._numbers)
        answer = self._answers[wish] = asyncio.get_running_loop().create_future()
        try:
            self.send(Asked(turn, wish, method, args, options))
            return await answer
        finally:
            del self._answers[wish]
            if answer.cancelled():
                self.send(Dropped(turn, wish))

    def answered(self, message: Answered | Refused) -> None:
        """The bridge answers; where nobody waits for it any more, nothing happens."""
        answer = self._answers.get(message.wish)
        if answer is None or answer.done():
            return
        match message:
            case Answered(value=value):
                answer.set_result(value)
            case Refused(error=asyncio.CancelledError()):
                answer.cancel()
            case Refused(error=error):
                answer.set_exception(error)


class FarLine:
    """The line of one turn. `models` are this process's own, and so is the work that is to outlive the turn."""

    def __init__(
        self, number: int, wishes: Wishes, tasks: Tasks, models: Model, transfer_names: tuple[str, ...]
    ) -> None:
        self._number = number
        self._wishes = wishes
        self._tasks = tasks
        self._is_certain = False
        self.models = models
        self.transfer_names = transfer_names

    async def confirmed(self) -> None:
        """See `Turn.confirmed`."""
        if not self._is_certain:
            await self._ask("confirmed")
            self._is_certain = True

    async def hang_up(self) -> bool:
        """See `Call.hang_up`."""
        return bool(await self._ask("hang_up"))

    async def transfer_call(self, name: str) -> bool:
        """See `Call.transfer_call`."""
        return bool(await self._ask("transfer_call", name))

    async def send_digits(self, digits: str) -> bool:
        """See `Call.send_digits`."""
        return bool(await self._ask("send_digits", digits))

    async def collect_digits(self, n: int, finish_on: str, timeout: float, *, secret: bool) -> None:  # noqa: ASYNC109
        """See `Call.collect_digits`."""
        await self._ask("collect_digits", n, finish_on, timeout, secret=secret)

    async def play(self, sound: str | Path) -> bool:
        """See `Call.play`."""
        return bool(await self._ask("play", os.fspath(sound)))

    async def remember(self, key: str, value: str) -> None:
        """See `Call.remember`."""
        await self._ask("remember", key, value)

    async def recall(self, key: str) -> str | None:
        """See `Call.recall`."""
        value: str | None = await self._ask("recall", key)
        return value

    async def recall_all(self) -> dict[str, str]:
        """Everything that is kept about this caller."""
        entries: dict[str, str] = await self._ask("recall_all")
        return entries

    async def forget(self) -> None:
        """See `Call.forget`."""
        await self._ask("forget")

    def start(self, work: Coroutine[Any, Any, _Result], *, name: str) -> Work[_Result]:
        """Run something that is not to end with the turn."""
        return self._tasks.start(work, name=name)

    def note(self, fact: Fact) -> None:
        """Tell whoever listens to this call."""
        self._wishes.send(Noted(self._number, fact))

    def _ask(self, method: str, *args: Any, **options: Any) -> Coroutine[Any, Any, Any]:
        return self._wishes.ask(self._number, method, *args, **options)
