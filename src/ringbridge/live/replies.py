"""One brain socket, running: what ElevenLabs asks goes to the brain, what the brain says goes back piece by piece."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Protocol, TypeAlias, assert_never

from structlog.stdlib import BoundLogger

from ringbridge import facts
from ringbridge.brain import commands, events
from ringbridge.brain.commands import Command
from ringbridge.brain.events import Event, Timer
from ringbridge.brain.talk import Talk, Told
from ringbridge.brain.turns import Patience, State, Turns
from ringbridge.errors import BrokenMessage
from ringbridge.ids import ConversationId
from ringbridge.live.line import Facilities, TurnLine
from ringbridge.live.reply import Reply
from ringbridge.live.socket import Socket
from ringbridge.live.timers import Timers
from ringbridge.log import bind_ids, get_logger
from ringbridge.plans import Plan
from ringbridge.turn import Brain, Call, Message, Turn
from ringbridge.wire import brain as wire

__all__ = ["Attached", "BrainSession", "CallView", "FindCall"]

log = get_logger(__name__)

GOING_AWAY = 1001
"""The close code of RFC 6455, 7.4.1, for a server that goes down."""


class Attached(Protocol):
    """What a call tells the brain socket that serves it."""

    def replaced(self) -> None:
        """A newer socket serves the conversation."""

    def call_over(self) -> None:
        """The call has ended."""

    def overheard(self, text: str) -> None:
        """The engine has understood this of what the caller is saying; the transcript may say otherwise."""

    def note(self, fact: facts.Fact) -> None:
        """Something has happened on the call."""


class CallView(Protocol):
    """What a brain socket needs of the call that its conversation belongs to.

    When the call ends it tells the session that it attached last: `call_over()`.
    """

    talk: Talk
    """What was said on the call, by whichever socket."""

    @property
    def ids(self) -> Mapping[str, str]:
        """What stands on each line of the log that is about this call."""

    def card(self) -> Call:
        """The call as it is now, without its line; digits may have been added since the last look."""

    def tell(self, fact: facts.Fact) -> None:
        """Tell whoever listens to the call."""

    async def ask(self, plan: Plan, event_id: int | None) -> bool:
        """Carry out a plan once the reply was heard; whether it was done. To be cancelled when it isn't wanted."""

    def fail(self, reason: str) -> None:
        """The call can't go on."""

    def brain_attached(self, session: "BrainSession") -> None:
        """A brain socket serves this call from now on. The call tells an older one that it is `replaced()`."""

    def brain_detached(self, session: "BrainSession") -> None:
        """That socket is over. It may be one that was replaced long ago."""

    def brain_asked(self) -> None:
        """The brain has begun to look for an answer."""

    def brain_said(self, *, words: bool, complete: bool) -> None:
        """Words went to the engine, or the end of a reply; `complete` where it can be spoken now."""


FindCall: TypeAlias = Callable[[ConversationId], Awaitable[CallView | None]]
"""Looks for a conversation's call, and waits a little for it, as the brain may be dialled before the call knows its own
conversation. `None`: no call knows it."""


class BrainSession:
    """Runs one machine of turns over one socket. It owns its reply, and lets go of it when the socket ends."""

    def __init__(
        self,
        socket: Socket,
        *,
        brain: Brain,
        find_call: FindCall,
        patience: Patience,
        facilities: Facilities,
        speculates: bool = False,
    ) -> None:
        """`patience` is how long the caller is made to wait, `facilities` what the brain can use on any call.

        `speculates`: the brain is asked before the caller's words are final.
        """
        self._socket = socket
        self._brain = brain
        self._find_call = find_call
        self._facilities = facilities
        self._turns = Turns(patience, speculates=speculates)
        self._tasks = asyncio.TaskGroup()
        self._timers: Timers[Timer] = Timers(self._timer_fired)
        self._conversation_id = ConversationId("(not yet known)")
        self._call: CallView | None = None
        self._search: asyncio.Task[None] | None = None
        self._replies: dict[int, Reply] = {}
        """Those that run: one, or a guess, or either besides some that the brain has not let go of yet."""
        self._guessed: TurnLine | None = None
        """The line of the newest guess."""
        self._asked: dict[int, int | None] = {}
        self._history: tuple[Message, ...] = ()
        """Of the newest transcript."""
        self._is_cut_off = False

    async def run(self) -> None:
        """Serve the socket until it ends, and then until the brain has let go of what it was saying."""
        async with self._tasks:
            try:
                self._handle(events.Opened())
                self._socket.listen(self._read)
                await self._socket.closed()
            finally:
                self._end()

    def replaced(self) -> None:
        """A newer socket serves the conversation: stop talking, and close this one."""
        self._handle(events.Replaced())

    def call_over(self) -> None:
        """The call has ended: stop talking, and close the socket."""
        self._handle(events.CallOver())

    async def leave(self) -> None:
        """The process stops: close the socket, so that another may be dialled in its place."""
        await self._socket.close(GOING_AWAY, "the process stops")

    def overheard(self, text: str) -> None:
        """The engine has understood this of what the caller is saying; the transcript may say otherwise."""
        self._handle(events.Overheard(text))

    def note(self, fact: facts.Fact) -> None:
        """Something has happened on the call."""
        match fact:
            case facts.Interrupted() | facts.DigitsPressed():
                self._handle(events.Doubted())
            case _:
                pass

    async def act(self, number: int, plan: Plan) -> bool:
        """The reply `number` wants a plan carried out after its words; `False` when that reply is over."""
        self._handle(events.PlanAsked(number, plan))
        if number not in self._asked:
            return False
        assert self._call is not None
        return await self._call.ask(plan, self._asked.pop(number))

    def noted(self, number: int, fact: facts.Fact) -> None:
        """The reply `number` tells what has happened."""
        match fact:
            case facts.ToolBegan():
                self._handle(events.ToolBegan(number))
            case facts.ToolEnded():
                self._handle(events.ToolEnded(number))
            case _:
                pass
        assert self._call is not None
        self._call.tell(fact)

    def _end(self) -> None:
        self._handle(events.SocketEnded())
        self._timers.close()
        if self._search is not None:
            self._search.cancel()
        if self._call is not None:
            self._call.brain_detached(self)

    def _read(self, text: bytes) -> None:
        try:
            message = wire.decode(text, self._history)
        except BrokenMessage as error:
            self._handle(events.BrokenArrived(str(error)))
        else:
            if isinstance(message, wire.UserTranscript):
                self._history = message.history
                if self._call is not None:
                    self._call.tell(facts.TranscriptCame(message.event_id))
            self._handle(message)

    def _handle(self, event: Event) -> None:
        for command in self._turns.handle(event):
            self._carry_out(command)

    def _carry_out(self, command: Command) -> None:
        match command:
            case commands.Send(message=message):
                self._send(message)
            case commands.Report(fact=fact):
                if self._call is not None and isinstance(fact, commands.TurnFact):
                    self._call.tell(fact)
                self._note(fact)
            case commands.SetTimer(timer=timer, seconds=seconds):
                self._timers.set(timer, seconds)
            case commands.DropTimer(timer=timer):
                self._timers.drop(timer)
            case commands.StartReply(number=number, told=told, guessed=guessed):
                self._start_reply(number, told, guessed=guessed)
            case commands.ConfirmReply():
                assert self._call is not None
                assert self._guessed is not None
                self._call.brain_asked()
                self._guessed.confirm()
            case commands.CancelReply(number=number):
                self._replies[number].cancel()
            case commands.AskLine(number=number, plan=plan, event_id=event_id):
                self._ask_line(number, plan, event_id)
            case commands.GiveUp(reason=reason):
                assert self._call is not None
                self._call.fail(reason)
            case commands.FindCall(conversation_id=conversation_id):
                self._conversation_id = conversation_id
                self._search = self._tasks.create_task(self._find(), name=f"call of {conversation_id}")
            case commands.CloseSocket(code=code, reason=reason):
                self._tasks.create_task(
                    self._socket.close(code, reason), name=f"close brain of {self._conversation_id}"
                )
            case _:
                assert_never(command)

    def _send(self, message: wire.Outgoing) -> None:
        if self._is_cut_off:
            return
        if not self._socket.send(wire.encode(message)):
            self._is_cut_off = True
            self._log.warning("ElevenLabs is too slow to be told more, and is cut off")
            self._socket.abort()
        if self._call is not None and isinstance(message, wire.AgentResponse):
            self._call.brain_said(words=message.is_spoken, complete=message.is_complete)

    @property
    def _ids(self) -> Mapping[str, str]:
        return {"conversation_id": self._conversation_id} if self._call is None else self._call.ids

    @property
    def _log(self) -> BoundLogger:
        """For a line about this socket. It is made for those alone: to make it for each fact would cost each turn."""
        return log.bind(**self._ids)

    def _timer_fired(self, timer: Timer) -> None:
        self._handle(events.TimerFired(timer))

    def _ask_line(self, number: int | None, plan: Plan, event_id: int | None) -> None:
        if number is not None:
            self._asked[number] = event_id  # its reply awaits the answer
            return
        assert self._call is not None
        self._tasks.create_task(
            self._ask_unanswered(self._call, plan, event_id), name=f"end of {self._conversation_id}"
        )

    @staticmethod
    async def _ask_unanswered(call: CallView, plan: Plan, event_id: int | None) -> None:
        await call.ask(plan, event_id)

    async def _find(self) -> None:
        call = await self._find_call(self._conversation_id)
        if self._turns.state is State.ENDED:
            return  # it must not replace a socket that lives
        if call is None:
            self._handle(events.CallUnknown())
            return
        self._call = call
        call.brain_attached(self)
        self._handle(events.CallFound(call.talk))

    def _start_reply(self, number: int, told: Told, *, guessed: bool) -> None:
        assert self._call is not None
        card = self._call.card()
        line = TurnLine(number, card, self, self._facilities, confirmed=not guessed)
        turn = Turn(
            told.history,
            replace(card, line=line),
            interrupted=told.interrupted,
            heard=told.heard,
            heard_out=told.heard_out,
            utterance=told.utterance,
        )
        if guessed:
            self._guessed = line
        else:
            self._call.brain_asked()
        self._replies[number] = Reply(
            number,
            lambda: self._begin(turn),
            tell=self._of_reply,
            tasks=self._tasks,
            name=f"reply {number} of {self._conversation_id}",
        )

    def _of_reply(self, event: events.ReplyEvent) -> None:
        if isinstance(event, events.ReplyEnd):
            self._replies.pop(event.number, None)
        self._handle(event)

    def _begin(self, turn: Turn) -> AsyncIterator[str]:
        bind_ids(self._ids)  # for whatever the brain, its models and its tools log in the reply's task
        return self._brain(turn)

    def _note(self, fact: commands.Fact) -> None:
        match fact:
            case (
                facts.TurnBegan()
                | facts.BrainAsked()
                | facts.BrainBegan()
                | facts.WordsSent()
                | facts.TurnAnswered(by="brain")
                | facts.TurnSuperseded()
                | facts.FillerSpoken()
                | facts.Speculated()
            ):
                pass  # they hold words, or are everyday; whoever cares listens to the call
            case facts.TurnFailed(event_id=event_id, cause=cause, after_words=after_words):
                when = "after some words" if after_words else "before its first word"
                self._log.warning("the brain failed", turn=event_id, when=when, cause=cause)
            case commands.UnknownConversation():
                self._log.warning(
                    "no call knows this conversation, so its brain socket is closed: is the speech engine used by"
                    " another program too, or does another process of ours have the call?"
                )
            case commands.NeverInitiated():
                self._log.warning("a brain socket did not say which conversation it serves, and is closed")
            case commands.EngineGaveUp(message=message):
                self._log.warning("ElevenLabs ends the brain socket", complaint=message)
            case commands.MessagePassedOver(why=why):
                self._log.info("a message on the brain socket was passed over", problem=why)
            case commands.SocketReplaced():
                self._log.info("a newer brain socket took over")
            case facts.TurnAnswered(event_id=event_id, by=by):
                self._log.debug("a turn was answered by a phrase of ours", turn=event_id, by=by)
            case commands.TranscriptPassedOver(event_id=event_id):
                self._log.debug("a transcript came again", turn=event_id)
            case _:
                assert_never(fact)
