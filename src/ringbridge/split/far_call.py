"""A call as a brain in another service has it: joined to its bridge by one socket, which is dialled again when lost."""

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any, assert_never

from ringbridge import facts
from ringbridge.errors import BrokenMessage, NotAllowed
from ringbridge.live.socket import Socket
from ringbridge.log import get_logger
from ringbridge.phrases import for_language
from ringbridge.plans import Plan, PlaySound
from ringbridge.split import messages, values
from ringbridge.split.delivery import Delivery
from ringbridge.split.messages import FromBridge, ToBridge
from ringbridge.split.talk import FarTalk
from ringbridge.turn import Call

if TYPE_CHECKING:
    from ringbridge.brain.talk import Talk
    from ringbridge.live.replies import BrainSession

__all__ = ["FarCall"]

log = get_logger(__name__)

MOST_UNSENT_BYTES = 256 * 1024
"""A sound waits for a socket on which no more than this waits: the words of the talk go over the same."""

PIECES_EACH = 16
"""Seconds of a sound in one message, some 170 KB."""

ROOM_SECONDS = 0.02
"""How often it looks: a socket does not tell when it has room."""


class FarCall:
    """One call of a bridge's, as `live.replies.CallView` has it. Made when the bridge has told of it."""

    def __init__(
        self, found: messages.Found, state: dict[str, Any], *, delivery: Delivery, left: Callable[[], object]
    ) -> None:
        """`state` is the brain's own; `left` is called once, when the brain has no more to do with the call."""
        self.sid = found.sid
        self.caller = found.caller
        self.state = state
        self.is_over = False
        """Whether the call has ended, or is not this brain's any more."""
        self.has_ended = False
        """Whether the bridge has said that it is the former."""
        self._talk = FarTalk(for_language(found.language), self._send)
        self._talk.restore(found.talk)
        self.talk: Talk = self._talk
        self._counted = self._talk.counted
        self._found = found
        self._digits = found.digits
        self._delivery = delivery
        self._left = left
        self._socket: Socket | None = None
        self._session: BrainSession | None = None
        self._numbers = count(1)
        self._answers: dict[int, asyncio.Future[Any]] = {}

    # What the session asks

    @property
    def ids(self) -> Mapping[str, str]:
        """What stands on each line of the log that is about this call."""
        return self._found.ids

    def card(self) -> Call:
        """The call as it is now, without its line."""
        found = self._found
        return Call(
            found.sid, found.caller, found.called, found.conversation_id, self._digits, found.language, self.state
        )

    def tell(self, fact: facts.Fact) -> None:
        """Tell whoever listens to the call, where it is."""
        if (counted := self._talk.counted) != self._counted:
            self._counted = counted
            self._send(counted)
        self._send(values.fact_for_bridge(fact))

    async def ask(self, plan: Plan, event_id: int | None) -> bool:
        """Carry out a plan once the reply was heard; whether it was done. To be cancelled when it isn't wanted."""
        number = next(self._numbers)
        if isinstance(plan, PlaySound):
            await self._hand_over(number, plan)
            plan = PlaySound(())
        return bool(await self._answer(values.asked(number, plan, event_id)))

    async def wish(self, method: messages.MemoryMethod, key: str = "", value: str = "") -> messages.Granted:
        """Have something done with what is kept about this caller. Raises `NotAllowed`."""
        message = messages.Wished(next(self._numbers), method, key, value)
        granted: messages.Granted | None = await self._answer(message)
        if granted is None:
            raise NotAllowed("the call is over, and so is what can be done for its caller")
        return granted

    def fail(self, reason: str) -> None:
        """The call can't go on."""
        self._send(messages.Failed(reason))

    def brain_attached(self, session: "BrainSession") -> None:
        """ElevenLabs has a socket that serves the call."""
        self._session = session
        if self.is_over:
            session.call_over()

    def brain_detached(self, _session: "BrainSession") -> None:
        """It is over."""
        self._session = None
        self.end()
        self._left()

    def brain_asked(self) -> None:
        """The brain has begun to look for an answer."""
        self._send(messages.BrainAsked())

    def brain_said(self, *, words: bool, complete: bool) -> None:
        """Words went to the engine, or the end of a reply; `complete` where it can be spoken now."""
        self._send(messages.Said(words, complete))

    def leave_unless_attached(self) -> None:
        """ElevenLabs may have gone while the call was found."""
        if self._session is None:
            self.end()
            self._left()

    async def leave(self) -> None:
        """The process stops: another brain may be dialled for the call."""
        if self._session is not None:
            await self._session.leave()

    # The socket to the bridge

    def joined(self, socket: Socket) -> None:
        """Another socket leads to the bridge from now on, which has said what it has taken."""
        self._socket = socket
        for frame in self._delivery.again():
            socket.send(frame)
        socket.listen(partial(self._read, socket))

    def parted(self) -> None:
        """It is lost; another may be dialled."""
        self._socket = None

    def end(self) -> None:
        """Nothing more can be had of the call: whoever waits for an answer gets none."""
        if self.is_over:
            return
        self.is_over = True
        for answer in self._answers.values():
            if not answer.done():
                answer.set_result(None)
        if self._session is not None:
            self._session.call_over()

    def _read(self, socket: Socket, text: bytes) -> None:
        try:
            body = self._delivery.take(text)
        except BrokenMessage as error:
            log.warning("the bridge loses count of what was said, and is dialled again", problem=str(error), **self.ids)
            socket.abort()
            return
        try:
            if body is not None:
                self._take(messages.read_from_bridge(body))
        except BrokenMessage as error:
            log.warning("a message of the bridge's is broken, and is passed over", problem=str(error), **self.ids)
        if self._delivery.owes_word:
            self._write(self._delivery.word())

    def _take(self, message: FromBridge | messages.Unknown) -> None:
        match message:
            case messages.Noted():
                fact = values.noted_fact(message)
                self.talk.note(fact)
                if self._session is not None:
                    self._session.note(fact)
            case messages.Overheard(text=text):
                if self._session is not None:
                    self._session.overheard(text)
            case messages.Keyed(digits=digits):
                self._digits = digits
            case messages.Gathering(is_on=is_on):
                self.talk.gathering = is_on
            case messages.Settled(number=number, done=done):
                self._answered(number, done)
            case messages.Granted(number=number):
                self._answered(number, message)
            case messages.Refused(number=number, problem=problem):
                self._answered(number, NotAllowed(problem))
            case messages.Replaced():
                if self._session is not None:
                    self._session.replaced()
                self.end()
            case messages.Over():
                self.has_ended = True
                asyncio.get_running_loop().call_soon(self.end)  # whoever was answered just now goes on first
            case messages.Found():
                raise BrokenMessage("found: it is said once")
            case messages.Unknown():
                log.info("a message of the bridge's is of no known kind, and is passed over", kind=message.type[:40])
            case _:
                assert_never(message)

    def _answered(self, number: int, answer: object) -> None:
        waiting = self._answers.get(number)
        if waiting is None or waiting.done():
            return
        if isinstance(answer, Exception):
            waiting.set_exception(answer)
        else:
            waiting.set_result(answer)

    async def _answer(self, message: messages.Asked | messages.Wished) -> Any:
        """What the bridge says to it; `None` where it does not, as the call is over."""
        if self.is_over:
            return None
        answer = self._answers[message.number] = asyncio.get_running_loop().create_future()
        try:
            self._send(message)
            return await answer
        finally:
            del self._answers[message.number]
            if answer.cancelled():
                self._send(messages.Dropped(message.number))

    async def _hand_over(self, number: int, sound: PlaySound) -> None:
        try:
            for start in range(0, len(sound.pieces), PIECES_EACH):
                while not (self.is_over or self._has_room):  # noqa: ASYNC110
                    await asyncio.sleep(ROOM_SECONDS)
                self._send(messages.Sound(number, sound.pieces[start : start + PIECES_EACH]))
        except asyncio.CancelledError:
            self._send(messages.Dropped(number))
            raise

    @property
    def _has_room(self) -> bool:
        return self._socket is not None and self._socket.unsent <= MOST_UNSENT_BYTES

    def _send(self, message: ToBridge) -> None:
        if self.is_over:
            return
        if self._delivery.is_full:
            log.error("the bridge does not come back to a call, which is given up here", **self.ids)
            self.end()
            return
        self._write(self._delivery.send(messages.encode(message)))

    def _write(self, frame: bytes) -> None:
        if self._socket is not None and not self._socket.send(frame):
            self._socket.abort()  # it is said again over the next
