"""One brain socket, running: what ElevenLabs asks goes to the brain, what the brain says goes back piece by piece."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeAlias, assert_never

from ringbridge.brain import commands, events
from ringbridge.brain.commands import Command, Fact
from ringbridge.brain.events import Event
from ringbridge.brain.turns import State, Turns
from ringbridge.errors import BrokenMessage
from ringbridge.ids import ConversationId
from ringbridge.live.reply import Reply
from ringbridge.live.sockets import Socket
from ringbridge.phrases import Phrases
from ringbridge.turn import Brain, Call, Message, Turn
from ringbridge.wire import brain as wire

__all__ = ["BrainSession", "CallView", "FindCall"]

log = logging.getLogger(__name__)


class CallView(Protocol):
    """What a brain socket needs of the call that its conversation belongs to.

    When the call ends it tells the session that it attached last: `call_over()`.
    """

    def card(self) -> Call:
        """The call as it is now; digits may have been added since the last look."""

    answered: int | None
    """The event id of the newest turn that has been answered, by whichever socket."""

    def brain_attached(self, session: "BrainSession") -> None:
        """A brain socket serves this call from now on. The call tells an older one that it is `replaced()`."""

    def brain_detached(self, session: "BrainSession") -> None:
        """That socket is over. It may be one that was replaced long ago."""


FindCall: TypeAlias = Callable[[ConversationId], Awaitable[CallView | None]]
"""Looks for a conversation's call, and waits a little for it, as the brain may be dialled before the call knows its own
conversation. `None`: no call knows it."""


class BrainSession:
    """Runs one machine of turns over one socket. It owns its reply, and lets go of it when the socket ends."""

    def __init__(self, socket: Socket, *, brain: Brain, find_call: FindCall, phrases: Phrases) -> None:
        """`phrases` are what the caller hears where the brain has no words."""
        self._socket = socket
        self._brain = brain
        self._find_call = find_call
        self._turns = Turns(phrases)
        self._tasks = asyncio.TaskGroup()
        self._conversation_id = ConversationId("(not yet known)")
        self._call: CallView | None = None
        self._search: asyncio.Task[None] | None = None
        self._reply: Reply | None = None

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

    def _end(self) -> None:
        self._handle(events.SocketEnded())
        if self._search is not None:
            self._search.cancel()
        if self._call is not None:
            self._call.brain_detached(self)

    def _read(self, text: bytes) -> None:
        try:
            message = wire.decode(text)
        except BrokenMessage as error:
            self._handle(events.BrokenArrived(str(error)))
        else:
            self._handle(message)

    def _handle(self, event: Event) -> None:
        for command in self._turns.handle(event):
            self._carry_out(command)

    def _carry_out(self, command: Command) -> None:
        match command:
            case commands.Send(message=message):
                if not self._socket.send(wire.encode(message)):
                    log.warning("%s: ElevenLabs is too slow to be told more, and is cut off", self._conversation_id)
                    self._socket.abort()
            case commands.StartReply(number=number, history=history):
                self._start_reply(number, history)
            case commands.CancelReply():
                assert self._reply is not None
                self._reply.cancel()
            case commands.FindCall(conversation_id=conversation_id):
                self._conversation_id = conversation_id
                self._search = self._tasks.create_task(self._find(), name=f"call of {conversation_id}")
            case commands.SetTimer(seconds=seconds):
                asyncio.get_running_loop().call_later(seconds, self._handle, events.TimerFired())
            case commands.CloseSocket(code=code, reason=reason):
                self._tasks.create_task(
                    self._socket.close(code, reason), name=f"close brain of {self._conversation_id}"
                )
            case commands.Report(fact=fact):
                if isinstance(fact, commands.TurnAnswered) and self._call is not None and fact.event_id is not None:
                    self._call.answered = fact.event_id
                _note(self._conversation_id, fact)
            case _:
                assert_never(command)

    async def _find(self) -> None:
        call = await self._find_call(self._conversation_id)
        if self._turns.state is State.ENDED:
            return  # it must not replace a socket that lives
        if call is None:
            self._handle(events.CallUnknown())
            return
        self._call = call
        call.brain_attached(self)
        self._handle(events.CallFound(call.answered))

    def _start_reply(self, number: int, history: tuple[Message, ...]) -> None:
        assert self._call is not None
        turn = Turn(history, self._call.card())
        self._reply = Reply(
            number,
            lambda: self._brain(turn),
            tell=self._handle,
            tasks=self._tasks,
            name=f"reply {number} of {self._conversation_id}",
        )


def _note(conversation_id: ConversationId, fact: Fact) -> None:
    match fact:
        case commands.TurnFailed(event_id=event_id, cause=cause, after_words=after_words):
            when = "after some words" if after_words else "before its first word"
            log.warning("%s: the brain failed at turn %s %s: %s", conversation_id, event_id, when, cause)
        case commands.UnknownConversation():
            log.warning(
                "%s: no call knows this conversation, so its brain socket is closed: is the speech engine used by"
                " another program too, or does another process of ours have the call?",
                conversation_id,
            )
        case commands.NeverInitiated():
            log.warning("a brain socket did not say which conversation it serves, and is closed")
        case commands.EngineGaveUp(message=message):
            log.warning("%s: ElevenLabs ends the brain socket: %s", conversation_id, message)
        case commands.MessagePassedOver(why=why):
            log.info("%s: a message on the brain socket was passed over: %s", conversation_id, why)
        case commands.SocketReplaced():
            log.info("%s: a newer brain socket took over", conversation_id)
        case commands.TurnAnswered(event_id=event_id, by=by) if by != "brain":
            log.info("%s: turn %s was answered by a phrase of ours: %s", conversation_id, event_id, by)
        case _:
            log.debug("%s: %s", conversation_id, fact)
