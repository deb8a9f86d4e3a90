"""One phone call, running: carries out what its machine decides, over a conversation socket and Twilio's streams."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, assert_never

from ringbridge import facts
from ringbridge.apis.base import EngineAPI, PhoneAPI
from ringbridge.apis.dialling import Dialler
from ringbridge.brain.talk import Talk
from ringbridge.calls.documents import Documents, Party
from ringbridge.calls.languages import EngineChoice
from ringbridge.calls.waits import Waits
from ringbridge.errors import BrokenMessage
from ringbridge.facts import Fact, Outcome
from ringbridge.ids import CallSid, ConversationId, StreamSid
from ringbridge.live.audience import Audience
from ringbridge.live.clock import fine_clock
from ringbridge.live.pulse import Pulse
from ringbridge.live.socket import Closed, Socket, ignore
from ringbridge.live.tasks import Tasks
from ringbridge.live.timers import Timers
from ringbridge.live.vendors import hang_up, open_conversation, redirect
from ringbridge.phrases import for_language
from ringbridge.plans import Plan
from ringbridge.relay import commands, events
from ringbridge.relay.clips import Clips
from ringbridge.relay.commands import Command
from ringbridge.relay.events import Event, Timer
from ringbridge.relay.lane import Gate, caller_audio
from ringbridge.relay.machine import SPEECH_SCORE, Relay
from ringbridge.turn import Call as CallCard
from ringbridge.wire import engine, twilio

if TYPE_CHECKING:
    from ringbridge.live.replies import Attached

__all__ = ["Call", "Services"]

PAUSE_SECONDS = 0.5
"""No audio of the agent's for so long, or for twice as long: what has come gets its mark."""

GIVE_BACK_SECONDS = 0.8
"""Everything that a call held is given back within a second of its end: sockets get so long to close politely."""


@dataclass(frozen=True, slots=True)
class Services:
    """What every call leans on."""

    engine: EngineAPI
    phone: PhoneAPI
    dialler: Dialler
    documents: Documents
    record: Callable[[CallSid, Outcome], None]
    apologised: Callable[[CallSid], None]
    clips: Callable[[str], Clips]
    max_call_seconds: float
    audience: Audience


class Call:
    """The owner of one call's conversation, streams, timers and tasks. Known by its CallSid.

    Every method but `run` is synchronous: what it decides is done when it returns, save for closing.
    """

    def __init__(self, party: Party, *, choice: EngineChoice, greeting: str | None, services: Services) -> None:
        """`choice` is the engine that takes the call; `greeting` overrides its first message."""
        self.sid = party.call_sid
        self.conversation_id: ConversationId | None = None
        self.talk = Talk(for_language(choice.language))
        self._party = party
        self._choice = choice
        self._services = services
        self._clock = fine_clock()
        self._pulse = Pulse.every(PAUSE_SECONDS)
        variables = {"caller": party.caller, "called": party.called, "call_sid": party.call_sid}
        self._relay = Relay(
            variables=variables,
            greeting=greeting,
            clips=services.clips(choice.language),
            max_seconds=services.max_call_seconds,
            clock=self._clock,
        )
        self._lane = self._relay.lane
        self._tasks = Tasks()
        self._timers: Timers[Timer] = Timers(self._timer_fired)
        self._stream: Socket | None = None
        self._stream_sid: StreamSid | None = None
        self._engine: Socket | None = None
        self._dialling: asyncio.Task[None] | None = None
        self._brain: Attached | None = None
        self._digits: list[str] = []
        self._brains_own: dict[str, Any] = {}
        self._asked: dict[int, asyncio.Future[bool]] = {}
        self._numbers = itertools.count(1)
        self._outcome: Outcome | None = None
        self._slow: set[str] = set()
        self._waits = Waits()
        self._over = asyncio.Event()
        self._quiet_twilio = self._quiet_engine = -1
        self._is_audio_awaited = True
        """Whether audio of the reply that is being played is news; of another one it always is."""
        self.tell(facts.CallBegan(party.caller, party.called, choice.language))

    # What others tell the call

    def announce(self, *, ringing: bool) -> None:
        """The call's webhook was answered; while it is still `ringing`, the call is made ready."""
        self._quiet_twilio = -1
        self._handle(events.Announced(ringing))

    def attach(self, stream: Socket, stream_sid: StreamSid) -> None:
        """A stream with a good token began: it carries the call's audio from now on, in place of any other."""
        replaced, self._stream = self._stream, stream
        self._stream_sid = stream_sid
        if replaced is not None:
            replaced.listen(ignore)  # what is still on its way there is nobody's: a `stop` would end the call
            self._tasks.start(replaced.close(), name=f"close stream of {self.sid}")
        self._handle(events.StreamStarted(stream_sid))
        stream.listen(self._from_twilio)
        self._carry()
        self._pulse.add(self)

    def detached(self, stream: Socket, closed: Closed) -> None:
        """The socket of a stream ended, whoever closed it."""
        if stream is self._stream:
            self._stream = None
            self._handle(events.StreamClosed(closed.code))

    def over(self) -> None:
        """Twilio says, on a webhook, that the call is over."""
        self._handle(events.CallOver())

    def fail(self, reason: str, *, apologised: bool = False) -> None:
        """The call can't go on. `apologised`: Twilio tells the caller already."""
        self._handle(events.Failed(reason, apologised))

    def leave(self, why: str) -> None:
        """The call has to end, with a goodbye."""
        self._handle(events.Leave(why))

    @property
    def is_held(self) -> bool:
        """Whether it has, or is to have, a stream or a conversation; otherwise it is only remembered."""
        return self._relay.is_held

    @property
    def ids(self) -> dict[str, str]:
        """What stands on each line of the log that is about this call."""
        ids = {"call_sid": self.sid, "stream_sid": self._stream_sid, "conversation_id": self.conversation_id}
        return {name: value for name, value in ids.items() if value is not None}

    @property
    def unsent(self) -> int:
        """Bytes that wait in its sockets until a slow peer reads."""
        return sum(socket.unsent for socket in (self._stream, self._engine) if socket is not None)

    def look(self) -> tuple[int, int]:
        """For how many looks in a row Twilio, and the engine, have said nothing. To be called at an even pace."""
        self._quiet_twilio = 0 if _has_spoken(self._stream) else self._quiet_twilio + 1
        self._quiet_engine = 0 if _has_spoken(self._engine) else self._quiet_engine + 1
        return self._quiet_twilio, self._quiet_engine

    @property
    def is_transferring(self) -> bool:
        """Whether the caller is being put through to a human, or talks with one."""
        return self._relay.is_transferring

    def dial_ended(self, *, taken: bool) -> None:
        """The human to whom the caller was put through took the call, which has ended; or nobody did."""
        self._handle(events.DialEnded(taken))

    # What the brain asks the call

    def card(self) -> CallCard:
        """The call as a brain sees it now."""
        assert self.conversation_id is not None
        return CallCard(
            self.sid,
            self._party.caller,
            self._party.called,
            self.conversation_id,
            tuple(self._digits),
            self._choice.language,
            self._brains_own,
        )

    async def ask(self, plan: Plan, event_id: int | None) -> bool:
        """Carry out a plan once the reply `event_id` was heard; at once when that is `None` and nothing is being said.

        Gives whether it was done. Cancelled, it is not done, unless it has begun.
        """
        number = next(self._numbers)
        answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._asked[number] = answer
        try:
            self._handle(events.Asked(number, plan, event_id))
            if self._over.is_set() and not answer.done():
                return False
            return await answer
        finally:
            del self._asked[number]
            if answer.cancelled():
                self._handle(events.Unwanted(number))

    def brain_attached(self, session: "Attached") -> None:
        """A brain socket came for this conversation: the newest wins, an older one is closed."""
        if self._over.is_set():
            session.call_over()
            return
        replaced, self._brain = self._brain, session
        if replaced is not None and replaced is not session:
            replaced.replaced()
        self._handle(events.BrainAttached())

    def brain_lost(self, session: "Attached") -> None:
        """That socket is lost and may come back. Until then no brain is there, but it is still told what happens."""
        if session is self._brain:
            self._handle(events.BrainDetached())

    def brain_detached(self, session: "Attached") -> None:
        """A brain socket ended."""
        if session is self._brain:
            self._brain = None
            self._handle(events.BrainDetached())

    def brain_asked(self) -> None:
        """The brain has begun to look for an answer."""
        self._handle(events.BrainAsked())

    def brain_said(self, *, words: bool, complete: bool) -> None:
        """Words of the brain's went to the engine, or the end of its reply; `complete` where it can be spoken now."""
        self._handle(events.BrainSaid(words, complete))

    # The call's life

    async def run(self) -> None:
        """Live until the machine is done, then give everything back."""
        try:
            await self._over.wait()
        except asyncio.CancelledError:
            if self._outcome is None:
                self._services.record(self.sid, Outcome.FAULT)
            raise
        finally:
            self._over.set()
            self._pulse.remove(self)
            self._timers.close()
            self._close_engine()
            self._close_stream()
            if self._brain is not None:
                self._brain.call_over()
            await self._tasks.close(grace=GIVE_BACK_SECONDS)
            self.tell(facts.CallEnded(self._outcome))

    def _handle(self, event: Event) -> None:
        for command in self._relay.handle(event):
            self._carry_out(command)
        self.talk.gathering = self._relay.is_gathering
        self._is_audio_awaited = self._relay.awaits_audio(self._lane.playout.reply)
        self._carry()

    def _carry_out(self, command: Command) -> None:
        match command:
            case commands.Report(fact=fact):
                if isinstance(fact, facts.ConversationOpened):
                    self.conversation_id = fact.conversation_id
                self.talk.note(fact)
                if self._brain is not None:
                    self._brain.note(fact)
                self.tell(fact)
            case commands.SetTimer(timer=timer, seconds=seconds):
                self._timers.set(timer, seconds)
            case commands.DropTimer(timer=timer):
                self._timers.drop(timer)
            case commands.ToEngine(message=message):
                self._write(self._engine, message, "engine")
            case commands.ToTwilio(message=message):
                self._write(self._stream, message, "twilio")
            case commands.OpenEngine():
                self._dialling = self._tasks.start(self._converse(), name=f"conversation of {self.sid}")
            case commands.CloseEngine():
                self._close_engine()
            case commands.CloseStream():
                self._close_stream()
            case commands.Redirect(plan=plan):
                document = self._services.documents.redirect(self._party, plan)
                self._redirect(document, name=f"redirect {self.sid}")
            case commands.Rescue():
                document = self._services.documents.sorry(self._party, self.talk.phrases)
                self._redirect(document, name=f"rescue {self.sid}")
            case commands.Settled(number=number, done=done):
                if number in self._asked and not self._asked[number].done():
                    self._asked[number].set_result(done)
            case commands.Overheard(text=text):
                if self._brain is not None:
                    self._brain.overheard(text)
            case commands.KeepDigits(digits=digits):
                self._digits.append(digits)
            case commands.HangUp():
                asked = hang_up(self._services.phone, self.sid, self.ids)
                self._tasks.start(self._ask(asked), name=f"hang up {self.sid}")
            case commands.Record(outcome=outcome):
                self._outcome = outcome
                self._services.record(self.sid, outcome)
            case commands.Apologised():
                self._services.apologised(self.sid)
            case commands.Finish():
                self._over.set()
            case _:
                assert_never(command)

    def _timer_fired(self, timer: Timer) -> None:
        self._handle(events.TimerFired(timer))

    def tell(self, fact: Fact) -> None:
        """Tell whoever listens; before it, of the wait that ends with it."""
        if (waited := self._waits.note(fact, self._clock())) is not None:
            self._services.audience.tell(self.sid, waited)
        self._services.audience.tell(self.sid, fact)

    # Twilio's stream

    def _carry(self) -> None:
        """The caller's audio goes from socket to socket by itself while its gate is open and nobody is slow."""
        if self._stream is not None:
            passes = self._lane.from_caller is Gate.OPEN and not self._slow
            self._stream.carry(self._engine if passes else None, caller_audio)

    def _from_twilio(self, text: bytes) -> None:
        try:
            message = twilio.decode(text)
        except BrokenMessage as error:
            self._handle(events.Unreadable("twilio", str(error)))
            return
        if type(message) is not twilio.Media:
            self._handle(events.FromTwilio(message))
        elif (frame := self._lane.caller(message.media.payload)) is not None:
            self._write(self._engine, frame, "engine")

    def beat(self) -> None:
        """Some time has passed: what has no mark behind it, though no more has come, gets one."""
        for mark in self._lane.mark_pause():
            self._write(self._stream, mark, "twilio")

    def _close_stream(self) -> None:
        if self._stream is not None:
            stream, self._stream = self._stream, None
            stream.listen(ignore)
            self._tasks.start(stream.close(), name=f"close stream of {self.sid}")

    def _redirect(self, document: str, *, name: str) -> None:
        self._tasks.start(self._ask(redirect(self._services.phone, self.sid, document, self.ids)), name=name)

    async def _ask(self, asked: Awaitable[Event]) -> None:
        self._handle(await asked)

    # The conversation

    async def _converse(self) -> None:
        services = self._services
        opened = await open_conversation(services.engine, services.dialler, self._choice.engine_id, self.ids)
        if isinstance(opened, events.EngineUnreached):
            self._handle(opened)
            return
        try:
            self._engine = opened
            self._handle(events.EngineConnected())
            opened.listen(self._from_engine)
            closed = await opened.closed()
            self._engine = None
            self._handle(events.EngineClosed(closed.code, closed.reason))
        finally:
            await opened.close()

    def _from_engine(self, text: bytes) -> None:
        try:
            message = engine.decode(text)
        except BrokenMessage as error:
            self._handle(events.Unreadable("engine", str(error)))
            return
        if type(message) is engine.Audio:
            awaited = self._is_audio_awaited or message.audio_event.event_id != self._lane.playout.reply
            if awaited:
                self._waits.audio_at = self._clock()
            wires = self._lane.agent(message)
            for wire in wires or ():
                self._write(self._stream, wire, "twilio")
            if wires and awaited and message.audio_event.audio_base_64:
                self._handle(events.AudioSent(message.audio_event.event_id))
            if not message.audio_event.is_final:
                return
        elif type(message) is engine.VadScore and message.vad_score_event.vad_score > SPEECH_SCORE:
            self._waits.spoke_at = self._clock()
        self._handle(events.FromEngine(message))

    def _close_engine(self) -> None:
        self._engine = None
        if self._dialling is not None:
            self._dialling.cancel()
            self._dialling = None

    def _write(self, socket: Socket | None, message: bytes, peer: str) -> None:
        if socket is None or socket.send(message):
            if peer in self._slow:
                self._slow.discard(peer)
                self._carry()
        elif peer not in self._slow:
            self._slow.add(peer)
            self._handle(events.Unwritten(peer))


def _has_spoken(socket: Socket | None) -> bool:
    return socket is not None and socket.has_spoken()
