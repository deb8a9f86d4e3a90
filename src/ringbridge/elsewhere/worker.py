"""A process of brains as the bridge has it: kept running, asked for words, and told when a call is over."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from dataclasses import replace
from itertools import count
from typing import Any

from structlog.contextvars import get_contextvars

from ringbridge.elsewhere.grants import Grants
from ringbridge.elsewhere.messages import (
    WINDOW,
    Begin,
    Begun,
    CallOver,
    Cancel,
    Ended,
    Failed,
    FailedElsewhere,
    FromBrain,
    Hello,
    NotFound,
    OfTurn,
    Ready,
    Released,
    Said,
    Taken,
)
from ringbridge.elsewhere.process import Child, Start
from ringbridge.errors import BrainNotFound
from ringbridge.ids import CallSid
from ringbridge.live.tasks import Tasks
from ringbridge.log import get_logger
from ringbridge.turn import Turn

__all__ = ["Worker"]

log = get_logger(__name__)

LOAD_SECONDS = 120.0
"""What loading the brain may take; some bring a model of their own along."""

START_SECONDS = 10.0
"""How long a turn waits for a process that is being started again; it fails then, as a brain does."""

STUCK_SECONDS = 60.0
"""A process that has not taken in a turn for so long is killed: a brain blocks it, for ever by all appearances."""

LET_GO_SECONDS = 10.0
"""How long a cancelled turn is waited for. The next turn begins long before, as for any brain."""

MAX_WAITING_BYTES = 16 * 1024 * 1024
"""What may wait for a process that is blocked; further turns fail at once."""

_NO_LINE: Any = None

FIRST_PAUSE_SECONDS = 0.1
"""Before a process that has ended is started again. The pause doubles each time."""

MAX_PAUSE_SECONDS = 10.0
"""The pause grows up to this, until one has run for so long."""


class Worker:
    """One process after another, and the turns that are asked of it."""

    def __init__(self, hello: Hello, start: Start, tasks: Tasks) -> None:
        """`tasks` owns the process, and whatever its brains want of their lines."""
        self._hello = hello
        self._start = start
        self._tasks = tasks
        self._numbers = count()
        self._running: _Life | None = None
        self._is_running = asyncio.Event()

    async def start(self) -> None:
        """Start the process. Raises `BrainNotFound` when it can't load the brain; once it has, it is kept running."""
        started: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._tasks.start(self._keep(started), name="keep a process of brains")
        await started

    async def speak(self, turn: Turn) -> AsyncGenerator[str]:
        """Answer a turn. Raises `FailedElsewhere`; closed before its end, it has the brain let go, and waits for that.

        What the brain wants of the line is done after the words that it said before.
        """
        life = await self._alive()
        number = next(self._numbers)
        exchange = life.begin(number, turn)
        taken = 0
        try:
            while True:
                match message := await exchange.next():
                    case Said(text=text):
                        yield text
                        taken += 1
                        if taken == WINDOW // 2:
                            life.child.send(Taken(number, taken))
                            taken = 0
                    case Failed(cause=cause):
                        raise FailedElsewhere(cause)
                    case Ended():
                        return
                    case _:
                        life.grants.see_to(message)
        finally:
            await life.let_go(number)

    def call_over(self, sid: CallSid) -> None:
        """Have the call's state forgotten."""
        if self._running is not None:
            self._running.child.send(CallOver(sid))

    async def _alive(self) -> "_Life":
        try:
            async with asyncio.timeout(START_SECONDS):
                while self._running is None:
                    await self._is_running.wait()
        except TimeoutError:
            raise FailedElsewhere("its process does not run") from None
        if self._running.child.waiting > MAX_WAITING_BYTES:
            raise FailedElsewhere("its process is blocked, and takes nothing in")
        return self._running

    async def _keep(self, started: asyncio.Future[None]) -> None:
        now = asyncio.get_running_loop().time
        pause = FIRST_PAUSE_SECONDS
        try:
            while True:
                began = now()
                try:
                    how = await self._live(started)
                except BrainNotFound as error:
                    if not started.done():
                        started.set_exception(error)
                        return
                    log.error("the brain can't be loaded again, and no call has one", problem=str(error))  # noqa: TRY400
                else:
                    log.error("a process of brains has ended, and is started again", how=how)
                pause = FIRST_PAUSE_SECONDS if now() - began > MAX_PAUSE_SECONDS else pause
                await asyncio.sleep(pause)
                pause = min(2 * pause, MAX_PAUSE_SECONDS)
        finally:
            started.cancel()

    async def _live(self, started: asyncio.Future[None]) -> str:
        """One process, until it has ended by itself; gives how it did. Raises `BrainNotFound`."""
        life = _Life()
        async with self._start(life.receive) as child:
            life.settle(child, self._tasks)
            child.send(self._hello)
            ending = self._tasks.start(child.ended(), name="a process of brains")
            await asyncio.wait((life.loaded, ending), timeout=LOAD_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            if not life.loaded.done():
                how = ending.result() if ending.done() else f"took more than {LOAD_SECONDS:g} s"
                raise BrainNotFound(f"the process that was to load the brain {how}")
            if problem := life.loaded.result():
                raise BrainNotFound(problem)
            self._running = life
            self._is_running.set()
            if not started.done():
                started.set_result(None)
            how = "is ended"
            try:
                how = await ending
            finally:
                self._running = None
                self._is_running.clear()
                life.end(how)
            return how


class _Life:
    """One process, the turns that it is asked, and what they want."""

    child: Child
    grants: Grants

    def __init__(self) -> None:
        self.loaded: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        """What is wrong with the brain; empty when it is loaded."""
        self._exchanges: dict[int, _Exchange] = {}
        self._alarm: asyncio.TimerHandle | None = None

    def settle(self, child: Child, tasks: Tasks) -> None:
        self.child = child
        self.grants = Grants(child.send, tasks)

    def begin(self, number: int, turn: Turn) -> "_Exchange":
        line = turn.call.line
        bare = replace(turn, call=replace(turn.call, state={}, line=_NO_LINE))
        self.child.send(Begin(number, bare, line.transfer_names, get_contextvars()))
        self.grants.add(number, line)
        exchange = self._exchanges[number] = _Exchange()
        if self._alarm is None:
            self._alarm = asyncio.get_running_loop().call_later(STUCK_SECONDS, self._stuck)
        return exchange

    async def let_go(self, number: int) -> None:
        """The turn is over: what it still wants is seen to at once. Wait until the brain has let go of it."""
        exchange = self._exchanges[number]
        for message in exchange.rest():
            self.grants.see_to(message)
        if not exchange.ended.is_set():
            self.child.send(Cancel(number))
            try:
                async with asyncio.timeout(LET_GO_SECONDS):
                    await exchange.ended.wait()
            except TimeoutError:
                pass  # the reply has said so, long ago
        del self._exchanges[number]

    def receive(self, message: FromBrain) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        match message:
            case Ready():
                self.loaded.set_result("")
            case NotFound(text=text):
                self.loaded.set_result(text)
            case Released(number=number):
                self.grants.released(number)
            case Begun():
                pass
            case _:
                exchange = self._exchanges.get(message.number)
                if exchange is None or not exchange.take(message):
                    self.grants.see_to(message)

    def end(self, how: str) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        self.grants.end()
        for number, exchange in self._exchanges.items():
            exchange.take(Failed(number, f"its process {how}"))

    def _stuck(self) -> None:
        log.error("a brain has blocked its process for too long, which is killed", seconds=STUCK_SECONDS)
        self.child.kill()


class _Exchange:
    """What was said of one turn and has not been given out."""

    def __init__(self) -> None:
        self.ended = asyncio.Event()
        """The brain has let go of the turn."""
        self._arrived: deque[OfTurn] = deque()
        self._news = asyncio.Event()
        self._is_read = True

    def take(self, message: OfTurn) -> bool:
        """Keep a message for whoever reads; `False` when nobody does any more."""
        if isinstance(message, Ended | Failed):
            self.ended.set()
        if self._is_read:
            self._arrived.append(message)
            self._news.set()
        return self._is_read

    async def next(self) -> OfTurn:
        while not self._arrived:
            self._news.clear()
            await self._news.wait()
        return self._arrived.popleft()

    def rest(self) -> deque[OfTurn]:
        """What was not read; from now on nothing is kept."""
        self._is_read = False
        return self._arrived
