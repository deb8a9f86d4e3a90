"""Where a brain in another service sits at a call, joined to it by one socket after another."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, assert_never

from ringbridge import facts
from ringbridge.callers.base import CallerMemory
from ringbridge.errors import BrokenMessage
from ringbridge.live.call import Call
from ringbridge.live.socket import POLICY_VIOLATION, Closed, Socket
from ringbridge.live.tasks import Tasks
from ringbridge.log import get_logger
from ringbridge.plans import Plan, PlaySound, Transfer
from ringbridge.split import messages, values
from ringbridge.split.delivery import Delivery
from ringbridge.split.messages import FromBridge, ToBridge
from ringbridge.split.talk import joined
from ringbridge.split.unplayed import Unplayed
from ringbridge.split.wishes import grant

if TYPE_CHECKING:
    from ringbridge.turn import Message

__all__ = ["MAX_ASKED", "Seat"]

log = get_logger(__name__)

MAX_ASKED = 100
"""What a brain may wait for at once; it gets no answer to more."""

ANSWER_SECONDS = 0.05
"""What is being asked for when a call ends is answered within that, or not at all."""

LEFT = 1000
"""The close code of a brain that has no more use for its seat."""


class Seat:
    """One brain's, for as long as it serves the conversation; it outlives its socket, and remembers what was missed."""

    def __init__(
        self,
        call: Call,
        *,
        tasks: Tasks,
        memory: CallerMemory,
        transfer_numbers: Mapping[str, str],
        vacated: Callable[[], object],
    ) -> None:
        """`tasks` owns what the brain asks for; `vacated` is called once nobody can come back."""
        self._call = call
        self._tasks = tasks
        self._memory = memory
        self._transfer_numbers = transfer_numbers
        self._vacated = vacated
        self._delivery = Delivery()
        self._socket: Socket | None = None
        self._history: tuple[Message, ...] = ()
        self._is_gathering = call.talk.gathering
        self._unplayed = Unplayed()
        self._asked: dict[int, asyncio.Task[None]] = {}
        self._is_over = False
        card = call.card()
        self._caller = card.caller
        self._send(
            messages.Found(
                card.sid,
                card.caller,
                card.called,
                card.conversation_id,
                card.digits,
                card.language,
                dict(call.ids),
                call.talk.kept(),
            )
        )

    def comes_back(self, taken: int) -> bool:
        """The brain has taken so many of our messages: whether it can be told the rest. Otherwise it is given up."""
        try:
            self._delivery.has_taken(taken)
        except BrokenMessage:
            self.give_up()
            return False
        return True

    def give_up(self) -> None:
        """The brain can't come back."""
        self._call.brain_detached(self)
        self._end()

    async def serve(self, socket: Socket) -> None:
        """Be joined to the brain by this socket, until it ends."""
        replaced, self._socket = self._socket, socket
        if replaced is not None:
            replaced.abort()
        try:
            socket.send(self._delivery.word())
            for frame in self._delivery.again():
                socket.send(frame)
            self._call.brain_attached(self)
            socket.listen(partial(self._read, socket))
            closed = await socket.closed()
        finally:
            is_newest = self._socket is socket
            self._socket = None if is_newest else self._socket
        if is_newest and not self._is_over:
            self._lost(closed)

    def _lost(self, closed: Closed) -> None:
        if closed.code == LEFT:
            self.give_up()
        else:
            log.warning("the socket to a brain is lost; the brain may come back", **self._call.ids)
            self._call.brain_lost(self)

    # What the call tells

    def replaced(self) -> None:
        """Another brain serves the conversation."""
        self._leave(messages.Replaced())

    def call_over(self) -> None:
        """The call has ended."""
        self._leave(messages.Over())

    def overheard(self, text: str) -> None:
        """The engine has understood this of what the caller is saying."""
        self._send(messages.Overheard(text))

    def note(self, fact: facts.Fact) -> None:
        """Something has happened on the call."""
        if isinstance(fact, facts.DigitsPressed):
            self._send(messages.Keyed(self._call.card().digits))
        if (message := values.fact_for_brain(fact)) is not None:
            self._send(message)
        self._look_soon()

    def _look_soon(self) -> None:
        # The call changes its mind about that after it has told what has happened.
        asyncio.get_running_loop().call_soon(self._look)

    def _look(self) -> None:
        if self._call.talk.gathering is not self._is_gathering:
            self._is_gathering = self._call.talk.gathering
            self._send(messages.Gathering(self._is_gathering))

    # What the brain tells

    def _read(self, socket: Socket, text: bytes) -> None:
        try:
            body = self._delivery.take(text)
        except BrokenMessage as error:
            log.warning("a brain loses count of what was said, and is cut off", problem=str(error), **self._call.ids)
            self._tasks.start(socket.close(POLICY_VIOLATION, "out of order"), name="close the socket of a brain")
            return
        try:
            if body is not None and not self._is_over:
                self._take(messages.read_from_brain(body))
        except BrokenMessage as error:
            log.warning("a message of a brain's is broken, and is passed over", problem=str(error), **self._call.ids)
        if self._delivery.owes_word:
            self._write(self._delivery.word())

    def _take(self, message: ToBridge | messages.Unknown) -> None:
        call = self._call
        match message:
            case messages.Said(words=words, complete=complete):
                call.brain_said(words=words, complete=complete)
            case messages.Piece(event_id=event_id, text=text, filler=filler):
                call.talk.sent(event_id, text, filler=filler)
            case messages.Told():
                self._told(values.told_fact(message))
            case messages.History():
                self._history = joined(self._history, message)
                call.talk.tell(self._history)
            case messages.Counted():
                call.talk.answered, call.talk.silences = message.answered, message.silences
                call.talk.failures, call.talk.wordless = message.failures, message.wordless
            case messages.BrainAsked():
                call.brain_asked()
            case messages.Asked(number=number):
                self._start(number, partial(self._ask, number, self._plan(message), message.event_id))
            case messages.Sound(number=number, pieces=pieces):
                self._add(number, pieces)
            case messages.Dropped(number=number):
                self._drop(number)
            case messages.Failed(reason=reason):
                call.fail(reason)
            case messages.Wished(number=number):
                self._start(number, partial(grant, self._memory, self._caller, message))
            case messages.Unknown():
                log.info("a message of a brain's is of no known kind, and is passed over", kind=message.type[:40])
            case _:
                assert_never(message)

    def _told(self, fact: facts.Fact) -> None:
        if isinstance(fact, facts.FillerSpoken):
            self._call.talk.next_filler()  # so that a brain that takes over begins with another
        self._call.tell(fact)

    # What the brain asks

    def _start(self, number: int, work: Callable[[], Awaitable[FromBridge]]) -> None:
        if number in self._asked or len(self._asked) >= MAX_ASKED:
            raise BrokenMessage("number: it is taken, or too much is asked for at once")
        task = self._tasks.start(self._answer(number, work), name=f"what a brain asks of {self._call.sid}")
        self._asked[number] = task
        task.add_done_callback(partial(self._answered, number))  # it may be dropped before it has begun

    async def _answer(self, number: int, work: Callable[[], Awaitable[FromBridge]]) -> None:
        try:
            answer = await work()
        except Exception:
            self._send(messages.Refused(number, "the bridge has failed at it; see its log"))
            raise
        self._send(answer)

    def _answered(self, number: int, _task: object) -> None:
        del self._asked[number]
        self._look_soon()

    async def _ask(self, number: int, plan: Plan | None, event_id: int | None) -> FromBridge:
        return messages.Settled(number, plan is not None and await self._call.ask(plan, event_id))

    def _plan(self, message: messages.Asked) -> Plan | None:
        """What is to be done; whom callers may be put through to, and what may be played, is ours to say."""
        try:
            plan = values.plan_of(message)
        except BrokenMessage as error:
            log.warning("a brain wants what we don't understand", problem=str(error), **self._call.ids)
            return None
        match plan:
            case Transfer(name=name):
                number = self._transfer_numbers.get(name)
                if number is None:
                    log.warning("a brain wants to transfer a call to a name that is not in our TRANSFER_NUMBERS")
                return None if number is None else Transfer(name, number)
            case PlaySound():
                return PlaySound(self._unplayed.take(message.number))
            case _:
                return plan

    def _add(self, number: int, pieces: tuple[str, ...]) -> None:
        self._unplayed.add(number, pieces)
        if self._unplayed.is_too_much:
            log.error("a brain sends more sound than can be played, and is given up", **self._call.ids)
            self.give_up()

    def _drop(self, number: int) -> None:
        self._unplayed.take(number)
        if number in self._asked:
            self._asked[number].cancel()

    # Sending, and the end

    def _send(self, message: FromBridge) -> None:
        if self._is_over:
            return
        if self._delivery.is_full:
            log.error("a brain does not come back to its call, and is given up", **self._call.ids)
            self.give_up()
            return
        self._write(self._delivery.send(messages.encode(message)))

    def _write(self, frame: bytes) -> None:
        if self._socket is not None and not self._socket.send(frame):
            self._socket.abort()  # it is said again over the next

    def _leave(self, last: FromBridge) -> None:
        self._tasks.start(self._answer_and_leave(last), name=f"leave the brain of {self._call.sid}")

    async def _answer_and_leave(self, last: FromBridge) -> None:
        """What was done as the call ended is still answered."""
        if self._asked:
            await asyncio.wait(self._asked.values(), timeout=ANSWER_SECONDS)
        self._send(last)
        self._end()

    def _end(self) -> None:
        if self._is_over:
            return
        self._is_over = True
        for task in tuple(self._asked.values()):
            task.cancel()
        if self._socket is not None:
            self._tasks.start(self._socket.close(), name=f"close the brain of {self._call.sid}")
        self._vacated()
