"""The turns that a process of brains answers: each is a task of its own, as in the bridge."""

import asyncio
import weakref
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from types import TracebackType
from typing import Any, Final, assert_never

from cachetools import LRUCache

from ringbridge.elsewhere.line import FarLine, Wishes
from ringbridge.elsewhere.messages import (
    WINDOW,
    Answered,
    Begin,
    Begun,
    CallOver,
    Cancel,
    Ended,
    Failed,
    Hello,
    Refused,
    Released,
    Said,
    Taken,
    ToBrain,
)
from ringbridge.elsewhere.pipe import Pipe
from ringbridge.ids import CallSid
from ringbridge.live.reply import cause_of
from ringbridge.live.tasks import Tasks
from ringbridge.llm.base import Model
from ringbridge.log import bind_ids, get_logger
from ringbridge.turn import Brain

__all__ = ["Desk"]

log = get_logger(__name__)

MAX_STATES: Final = 10_000
"""Calls whose `state` is kept until they end. The bridge tells when they do; a turn that comes after that is rare, and
what it leaves behind makes room in the end."""


class Desk:
    """Carries out what the bridge says."""

    def __init__(self, pipe: Pipe, brain: Brain, models: Model, tasks: Tasks) -> None:
        """`tasks` owns the turns, and the work that outlives them."""
        self._pipe = pipe
        self._brain = brain
        self._models = models
        self._tasks = tasks
        self._wishes = Wishes(pipe.send)
        self._loop = asyncio.get_running_loop()
        self._turns: dict[int, _Answering] = {}
        self._states = LRUCache[CallSid, dict[str, Any]](MAX_STATES)

    def receive(self, message: ToBrain) -> None:
        """Take one message of the bridge's."""
        match message:
            case Begin():
                self._begin(message)
            case Cancel(number=number):
                if number in self._turns:
                    self._turns[number].task.cancel()
            case Taken(number=number, count=count):
                if number in self._turns:
                    self._turns[number].taken(count)
            case Answered() | Refused():
                self._wishes.answered(message)
            case CallOver(sid=sid):
                self._states.pop(sid, None)
            case Hello():
                raise AssertionError("it is said once")
            case _:
                assert_never(message)

    def _begin(self, asked: Begin) -> None:
        self._pipe.send(Begun(asked.number))
        number, call = asked.number, asked.turn.call
        line = FarLine(number, self._wishes, self._tasks, self._models, asked.transfer_names)
        weakref.finalize(line, self._released, number).atexit = False
        state = self._states.setdefault(call.sid, {})
        turn = replace(asked.turn, call=replace(call, line=line, state=state))

        def begin() -> AsyncIterator[object]:
            bind_ids(asked.ids)  # for whatever the brain, its models and its tools log
            return self._brain(turn)

        answering = self._turns[number] = _Answering(number, self._pipe)
        answering.task = self._tasks.start(answering.run(begin), name=f"turn {number}")
        answering.task.add_done_callback(lambda task: self._done(number, task))

    def _done(self, number: int, task: asyncio.Task[None]) -> None:
        del self._turns[number]
        if task.cancelled():
            self._pipe.send(Ended(number))

    def _released(self, number: int) -> None:
        """In whichever thread the last one let go of the line."""
        with suppress(RuntimeError):  # the loop is closed: the process ends
            self._loop.call_soon_threadsafe(self._pipe.send, Released(number))


class _Answering:
    """One run of the brain."""

    task: asyncio.Task[None]

    def __init__(self, number: int, pipe: Pipe) -> None:
        self._number = number
        self._pipe = pipe
        self._room = WINDOW
        self._has_room = asyncio.Event()

    def taken(self, count: int) -> None:
        self._room += count
        self._has_room.set()

    async def run(self, begin: Any) -> None:
        try:
            await self._speak(begin())
        except Exception as error:  # as in `live/reply.py`: whatever a brain does wrong, its caller gets an answer
            log.debug("the failure in full", reply=f"turn {self._number}", exc_info=error)
            cause = cause_of(error.with_traceback(_theirs(error.__traceback__)))
            self._pipe.send(Failed(self._number, cause))
        else:
            self._pipe.send(Ended(self._number))

    async def _speak(self, pieces: AsyncIterator[object]) -> None:
        own = asyncio.current_task()
        assert own is not None
        try:
            async for piece in pieces:
                if own.cancelling():
                    raise asyncio.CancelledError  # the brain caught the first one, and goes on talking
                if not isinstance(piece, str):
                    raise TypeError(f"a brain yields str, not {type(piece).__name__}")
                self._pipe.send(Said(self._number, piece))
                await self._pause()
        finally:
            if (close := getattr(pieces, "aclose", None)) is not None:
                await close()

    async def _pause(self) -> None:
        """Let others run; and wait where the bridge has enough to do with what was said."""
        self._room -= 1
        await asyncio.sleep(0)
        while self._room <= 0:
            self._has_room.clear()
            await self._has_room.wait()


def _theirs(traceback: TracebackType | None) -> TracebackType | None:
    """The part of a traceback that is not ours: its first line is what the log names."""
    while traceback is not None and traceback.tb_frame.f_code.co_filename == __file__:
        traceback = traceback.tb_next
    return traceback
