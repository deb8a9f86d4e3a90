"""Several models that stand in for each other: whoever fails, or is late, is not noticed on the phone."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import cast

from ringbridge.llm.base import Failure, Model, ModelFailed, Piece, Request, Said, Text
from ringbridge.llm.breaker import Breaker
from ringbridge.llm.trim import without_oldest_turns

__all__ = ["Chain"]

log = logging.getLogger(__name__)

REFUSED_KEY_SECONDS = 300.0
"""A key that is refused will be refused again."""

SHORT_WAIT_SECONDS = 1.5
"""So long the only model that there is may want to be left alone, without the caller noticing."""

MOST_TRIMS = 3

GO_ON = (
    "The words above are the beginning of your answer, which the caller has heard already. Go on from exactly there:"
    " repeat nothing of it, and do not begin anew."
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
        waiting = self._candidates()
        while True:
            opened = await self._open(waiting, _going_on(request, said), may_hedge=not said)
            try:
                async with aclosing(opened.pieces) as pieces:
                    piece = opened.first
                    while piece is not None:
                        if isinstance(piece, Text):
                            said.append(piece.text)
                        yield piece
                        piece = await anext(pieces, None)
            except ModelFailed as error:
                self._failed(opened.slot, error)
                if not waiting:
                    raise
                _stands_in(opened.slot, waiting[0], error, after_words=bool(said))
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
                return await _begin(slot, request)
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
        winner: _Opened | None = None
        failures: dict[str, ModelFailed] = {}
        async with asyncio.TaskGroup() as tasks:
            pending = {tasks.create_task(_attempt(slot, request), name=slot.model.name)}
            done, _ = await asyncio.wait(pending, timeout=seconds)
            hedge = None if done else waiting[0]
            if hedge is not None:
                log.info("%s is late, and %s is asked, too", slot.model.name, hedge.model.name)
                pending.add(tasks.create_task(_attempt(hedge, request), name=hedge.model.name))
            while pending and winner is None:
                done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    result = task.result()
                    if isinstance(result, ModelFailed):
                        failures[task.get_name()] = result
                    elif winner is None:
                        winner = result
                    else:
                        await result.pieces.aclose()
            for task in pending:
                task.cancel()
        if hedge is not None and (hedge.model.name in failures or (winner and winner.slot is hedge)):
            waiting.remove(hedge)
        if winner is None:
            if hedge is not None:
                self._failed(hedge, failures[hedge.model.name])
            raise failures[slot.model.name]
        if winner.slot is not slot and slot.model.name in failures:
            self._failed(slot, failures[slot.model.name])
        return winner

    def _failed(self, slot: _Slot, error: ModelFailed) -> None:
        now = asyncio.get_running_loop().time()
        if error.failure in _NOT_THE_MODELS_FAULT:
            return
        if error.failure is Failure.REFUSED_KEY:
            log.error("%s", error)
            slot.breaker.rest(now, REFUSED_KEY_SECONDS)
            return
        slot.breaker.failed(now)
        if error.retry_after is not None:
            slot.breaker.rest(now, error.retry_after)


async def _begin(slot: _Slot, request: Request) -> _Opened:
    pieces = cast("AsyncGenerator[Piece, None]", slot.model.stream(request))
    try:
        return _Opened(slot, pieces, await anext(pieces, None))
    except BaseException:
        await pieces.aclose()
        raise


async def _attempt(slot: _Slot, request: Request) -> _Opened | ModelFailed:
    """The same, with its failure as a value, so that it ends nobody else's attempt."""
    try:
        return await _begin(slot, request)
    except ModelFailed as error:
        return error


def _going_on(request: Request, said: list[str]) -> Request:
    if not said:
        return request
    begun = (Said("agent", "".join(said)), Said("system", GO_ON))
    return replace(request, entries=(*request.entries, *begun))


def _stands_in(failed: _Slot, following: _Slot, error: ModelFailed, *, after_words: bool) -> None:
    when = "in the midst of its answer" if after_words else "before its first word"
    log.warning("%s failed %s, and %s stands in for it: %s", failed.model.name, when, following.model.name, error)
