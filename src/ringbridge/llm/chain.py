"""Several models that stand in for each other: whoever fails, or is late, is not noticed on the phone."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import cast

from ringbridge.llm.base import Failure, Model, ModelFailed, Piece, Request, Said, Text, ToolCall
from ringbridge.llm.breaker import Breaker
from ringbridge.llm.trim import without_oldest_turns
from ringbridge.log import get_logger

__all__ = ["Chain"]

log = get_logger(__name__)

REFUSED_KEY_SECONDS = 300.0
"""A key that is refused will be refused again."""

SHORT_WAIT_SECONDS = 1.5
"""So long the only model that there is may want to be left alone, without the caller noticing."""

FIRST_PIECE_SECONDS = 5.0
"""So long a model may be silent while another waits that could be asked: it leaves that one time before the turn's
deadline."""

MOST_TRIMS = 3
"""How often a conversation is shortened that is too long for a model."""

GO_ON = (
    "The words above are the beginning of your answer, which the caller has heard already. Go on from exactly there:"
    " repeat nothing of it, and do not begin anew. If the next word is a new one, begin with a space."
)

_NOT_THE_MODELS_FAULT = {Failure.TOO_LONG, Failure.FILTERED}


@dataclass(frozen=True, slots=True)
class _Slot:
    model: Model
    breaker: Breaker


@dataclass(frozen=True, slots=True)
class _Opened:
    """A model that has begun to answer."""

    slot: _Slot
    pieces: AsyncGenerator[Piece, None]
    first: Piece | None


class Chain:
    """A `Model` made of several, in the order in which they are asked.

    `hedge_after`: when the first has given nothing for so many seconds, the second is asked, too. Whichever speaks
    first is heard, and the other's request is closed.
    """

    def __init__(self, models: Sequence[Model], *, hedge_after: float | None = None) -> None:
        """`models` are at least one. They are closed with the chain."""
        self._slots = [_Slot(model, Breaker()) for model in models]
        self._hedge_after = hedge_after

    @property
    def name(self) -> str:
        """All of their names."""
        return ", ".join(slot.model.name for slot in self._slots)

    def warm(self) -> None:
        """Warm all of them."""
        for slot in self._slots:
            slot.model.warm()

    async def close(self) -> None:
        """Close all of them."""
        for slot in self._slots:
            await slot.model.close()

    async def stream(self, request: Request) -> AsyncGenerator[Piece, None]:
        """Ask. Raises the last model's `ModelFailed` when none of them answers."""
        said: list[str] = []
        called = False
        waiting = self._candidates()
        while True:
            opened = await self._open(waiting, _going_on(request, said), may_hedge=not said)
            try:
                async with aclosing(opened.pieces) as pieces:
                    piece = opened.first
                    while piece is not None:
                        if isinstance(piece, Text):
                            said.append(piece.text)
                        called = called or isinstance(piece, ToolCall)
                        yield piece
                        piece = await anext(pieces, None)
            except ModelFailed as error:
                self._failed(opened.slot, error)
                if called:  # asked anew it would call the tools again; what they give brings the next question
                    return
                if not waiting:
                    raise
                _stands_in(opened.slot, waiting[0], error, after_words=bool(said))
            except (asyncio.CancelledError, GeneratorExit):  # cut short by the caller, not by the model
                opened.slot.breaker.succeeded()
                raise
            else:
                opened.slot.breaker.succeeded()
                return

    def _candidates(self) -> list[_Slot]:
        now = asyncio.get_running_loop().time()
        # If all of them are left alone, one is asked all the same: it can't be worse than silence.
        return [slot for slot in self._slots if slot.breaker.lets_through(now)] or self._slots[:1]

    async def _open(self, waiting: list[_Slot], request: Request, *, may_hedge: bool) -> _Opened:
        """The first model of those that wait which begins to answer; it and those before it wait no more."""
        trims, waited = 0, False
        while True:
            slot = waiting.pop(0)
            try:
                if may_hedge and waiting and self._hedge_after is not None:
                    return await self._race(slot, waiting, request, self._hedge_after)
                return await self._begin(slot, request, others_wait=bool(waiting))
            except ModelFailed as error:
                shorter = without_oldest_turns(request) if error.failure is Failure.TOO_LONG else None
                if shorter is not None and trims < MOST_TRIMS:
                    trims, request = trims + 1, shorter
                    waiting.insert(0, slot)
                    continue
                self._failed(slot, error)
                if waiting:
                    _stands_in(slot, waiting[0], error, after_words=False)
                    continue
                pause = error.retry_after
                if waited or pause is None or pause > SHORT_WAIT_SECONDS:
                    raise
                waited = True
                await asyncio.sleep(pause)
                waiting.append(slot)

    async def _race(self, slot: _Slot, waiting: list[_Slot], request: Request, seconds: float) -> _Opened:
        """The model, or the next one that waits if that speaks first. Raises the model's failure if neither does."""
        hedge = waiting[0]
        opened: list[_Opened] = []
        failures: dict[_Slot, ModelFailed] = {}

        async def attempt(runner: _Slot, *, others_wait: bool) -> None:
            try:
                opened.append(await self._begin(runner, request, others_wait=others_wait))
            except ModelFailed as error:
                failures[runner] = error

        winner = None
        try:
            async with asyncio.TaskGroup() as tasks:
                pending = {tasks.create_task(attempt(slot, others_wait=True), name=slot.model.name)}
                done, _ = await asyncio.wait(pending, timeout=seconds)
                if not done:
                    log.info(
                        "a model is late, and another is asked, too", model=slot.model.name, other=hedge.model.name
                    )
                    others_wait = len(waiting) > 1
                    pending.add(tasks.create_task(attempt(hedge, others_wait=others_wait), name=hedge.model.name))
                while pending and not opened:
                    _, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
                for task in pending:
                    task.cancel()
            winner = opened[0] if opened else None
        finally:
            for other in opened:
                if other is not winner:
                    await other.pieces.aclose()
        return self._result(slot, waiting, winner, failures)

    def _result(
        self, slot: _Slot, waiting: list[_Slot], winner: _Opened | None, failures: dict[_Slot, ModelFailed]
    ) -> _Opened:
        """What a race of the model with the next one that waits came to."""
        hedge = waiting[0]
        if hedge in failures:
            waiting.remove(hedge)
            self._failed(hedge, failures[hedge])
        if winner is None:
            raise failures[slot]
        if winner.slot is hedge:
            waiting.remove(hedge)
            if slot in failures:
                self._failed(slot, failures[slot])
                _stands_in(slot, hedge, failures[slot], after_words=False)
            else:  # it was only late, and can still go on for the other
                waiting.append(slot)
        return winner

    async def _begin(self, slot: _Slot, request: Request, *, others_wait: bool) -> _Opened:
        """Ask one model, and wait for the first that it gives. Raises `ModelFailed`."""
        slot.breaker.asked(asyncio.get_running_loop().time())
        pieces = cast("AsyncGenerator[Piece, None]", slot.model.stream(request))
        try:
            async with asyncio.timeout(FIRST_PIECE_SECONDS if others_wait else None):
                return _Opened(slot, pieces, await anext(pieces, None))
        except TimeoutError:
            await pieces.aclose()
            raise ModelFailed(Failure.SILENT, f"{slot.model.name} was silent for too long") from None
        except BaseException:
            await pieces.aclose()
            raise

    def _failed(self, slot: _Slot, error: ModelFailed) -> None:
        now = asyncio.get_running_loop().time()
        if error.failure in _NOT_THE_MODELS_FAULT:
            return
        if error.failure is Failure.REFUSED_KEY:
            if slot.breaker.lets_through(now):  # otherwise it is known
                log.error("a model refused our key", model=slot.model.name, problem=str(error))
            slot.breaker.rest(now, REFUSED_KEY_SECONDS)
            return
        slot.breaker.failed(now)
        if error.retry_after is not None:
            slot.breaker.rest(now, error.retry_after)


def _going_on(request: Request, said: list[str]) -> Request:
    if not said:
        return request
    begun = (Said("agent", "".join(said)), Said("system", GO_ON))
    return replace(request, entries=(*request.entries, *begun))


def _stands_in(failed: _Slot, following: _Slot, error: ModelFailed, *, after_words: bool) -> None:
    when = "in the midst of its answer" if after_words else "before its first word"
    log.warning(
        "a model failed, and another stands in for it",
        model=failed.model.name,
        other=following.model.name,
        when=when,
        problem=str(error),
    )
