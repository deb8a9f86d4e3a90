"""A call's conversation: dialled, opened, lost, dialled again; and the brain that finds its words."""

import base64

from ringbridge import facts
from ringbridge.relay import events
from ringbridge.relay.commands import CloseEngine, Command, DropTimer, OpenEngine, Report, SetTimer, ToEngine
from ringbridge.relay.ending import Ending
from ringbridge.relay.events import Timer
from ringbridge.relay.state import Engine, Phase, Stream
from ringbridge.relay.watchdog import START_QUIET_SECONDS, Debtor
from ringbridge.wire import engine

__all__ = ["Conversation"]

START_SECONDS = 10.0
"""A conversation that was made ready waits so long for its stream."""

FORGET_SECONDS = 95.0
"""A call without a stream is forgotten then: its token has expired (90 s)."""

ENGINE_SECONDS = 5.0
"""A conversation that is not open so long after the stream's start is a failed engine."""

SILENCE_SECONDS = 1.0
"""How often an engine without a stream gets silence, and how much of it."""

REDIALS = 2
"""A conversation that the engine closes while nobody listens is dialled anew so many times in a call."""

PROVEN_SECONDS = 60.0
"""A conversation that has lasted so long may be dialled again when it is lost, whatever was before it."""

BRAIN_SECONDS = 5.0
"""A turn that finds no brain waits so long for one: nobody knows when ElevenLabs dials it."""

FORMAT = "ulaw_8000"

_SILENCE = engine.encode(engine.UserAudio(base64.b64encode(b"\xff" * int(8000 * SILENCE_SECONDS)).decode()))
_ACTIVITY = engine.encode(engine.UserActivity())


class Conversation(Ending):
    """The layer of the engine and of the brain behind it."""

    def _announced(self, *, ringing: bool) -> list[Command]:
        if self._stream is not Stream.AWAITED:
            return []
        forget = SetTimer(Timer.FORGET, FORGET_SECONDS)
        if self._engine is not Engine.IDLE:
            return [forget]
        return [forget, SetTimer(Timer.START_DUE, START_SECONDS), *self._dial()] if ringing else [forget]

    def _give_back(self) -> list[Command]:
        if self._engine is Engine.IDLE:
            return []
        self._engine = Engine.IDLE
        self.lane.forget_agent()
        self.lane.hold_caller()
        return [CloseEngine(), DropTimer(Timer.SILENCE), Report(facts.ConversationGivenBack())]

    def _dial(self) -> list[Command]:
        self._engine = Engine.DIALLING
        return [OpenEngine()]

    def _engine_awaited(self) -> list[Command]:
        due = SetTimer(Timer.ENGINE_DUE, ENGINE_SECONDS)
        match self._engine:
            case Engine.IDLE:
                return [due, *self._dial()]
            case Engine.DIALLING:
                return [due]
            case Engine.OPEN:
                return []
            case Engine.CLOSED:
                return self._part(farewell=not self._greeted)

    def _engine_connected(self) -> list[Command]:
        if self._engine is not Engine.DIALLING:
            return []
        greeting = "" if self._greeted and self._greeting is not None else self._greeting
        override = {} if greeting is None else {"agent": {"first_message": greeting}}
        return [ToEngine(engine.encode(engine.Initiate(self._variables, override)))]

    def _engine_unreached(self, reason: str) -> list[Command]:
        if self._stream is not Stream.AWAITED:
            return self._lost(reason, was_open=False)
        return [Report(facts.EngineComplained("unreached", reason)), *self._not_ready()]

    def _not_ready(self) -> list[Command]:
        """Nobody listens yet: the stream's start dials anew."""
        self._engine = Engine.IDLE
        self._may_redial = False
        self.lane.forget_agent()
        return [DropTimer(Timer.SILENCE)]

    def _metadata(self, metadata: engine.MetadataEvent) -> list[Command]:
        if self._engine is not Engine.DIALLING:
            return []
        formats = (metadata.user_input_audio_format, metadata.agent_output_audio_format)
        if formats != (FORMAT, FORMAT):
            hears, speaks = formats
            return self._fault(
                f"the speech engine hears {hears!r} and speaks {speaks!r}, a phone call needs {FORMAT!r} both ways:"
                f" set asr.user_input_audio_format and tts.agent_output_audio_format of the engine to {FORMAT}"
            )
        self._engine = Engine.OPEN
        waiting = [*self.lane.open_to_engine(), *self._unsaid]
        asks = bool(self._unsaid)
        self._unsaid.clear()
        return [
            DropTimer(Timer.ENGINE_DUE),
            SetTimer(Timer.PROVEN, PROVEN_SECONDS),
            Report(facts.ConversationOpened(metadata.conversation_id)),
            *map(ToEngine, waiting),
            *self._silence_due(),
            *self._go_on(asks=asks),
        ]

    def _go_on(self, *, asks: bool) -> list[Command]:
        """The caller may wait already. In a conversation begun anew nobody knows for what, unless it `asks`."""
        if not self._watchdog.is_owed or self._stream is not Stream.ATTACHED:
            return []
        if asks or not self._greeted:
            return self._owe(self._watchdog.debtor)
        return [*self._say("still_here"), *self._paid()]

    def _engine_late(self) -> list[Command]:
        return self._fault(f"no conversation was open {ENGINE_SECONDS:g} s after it was needed")

    def _send_silence(self) -> list[Command]:
        """Without a stream, the engine would take the line for dead."""
        due = self._silence_due()
        return [ToEngine(_SILENCE), ToEngine(_ACTIVITY), *due] if due else []

    def _silence_due(self) -> list[Command]:
        if self._engine is not Engine.OPEN or self._stream is Stream.ATTACHED:
            return []
        return [SetTimer(Timer.SILENCE, SILENCE_SECONDS)]

    def _write(self, text: str) -> list[Command]:
        """Open a turn with words that were not spoken."""
        self.lane.unmute()
        message = engine.encode(engine.UserMessage(text))
        if self._engine is Engine.OPEN:
            return [ToEngine(message), *self._turn_opened()]
        self._unsaid.append(message)
        return self._turn_opened()

    def _turn_opened(self) -> list[Command]:
        """The caller has said something, by voice or by keys: an answer is due."""
        works = self._brain_works or not self._has_brain
        owed = self._owe(Debtor.BRAIN if works else Debtor.ENGINE if self._unanswered else Debtor.TURN)
        if self._has_brain or self._brain_is_due or self._phase is not Phase.LIVE:
            return owed
        self._brain_is_due = True
        return [*owed, SetTimer(Timer.BRAIN_DUE, BRAIN_SECONDS)]

    def _brain_attached(self) -> list[Command]:
        self._has_brain, self._brain_is_due = True, False
        return [DropTimer(Timer.BRAIN_DUE), Report(facts.BrainAttached())]

    def _brain_detached(self) -> list[Command]:
        self._has_brain = self._brain_works = False
        return [Report(facts.BrainDetached())]

    def _brain_missing(self) -> list[Command]:
        self._brain_is_due = False
        return self._fault(
            f"no brain socket has come {BRAIN_SECONDS:g} s after the caller's words: the engine's ws_url must lead to"
            " /ws, its request_headers must hold SHARED_SECRET, and ELEVENLABS_API_KEY must be the key that made it"
        )

    def _engine_closed(self, event: events.EngineClosed) -> list[Command]:
        was_open, self._engine = self._engine is Engine.OPEN, Engine.CLOSED
        self.lane.hold_caller()
        told: list[Command] = [Report(facts.ConversationClosed(event.code, event.reason))] if was_open else []
        if self._phase is not Phase.LIVE:
            return told
        refused = event.code != 1000 and (self._greeting_refused or "override" in event.reason.lower())
        if self._greeting is not None and refused:
            return [*told, *self._without_greeting()]
        if was_open and self._is_redirecting:
            self._conversation_lost()  # the stream's return dials it
            return [*told, DropTimer(Timer.SILENCE)]
        if was_open and self._stream is Stream.LOST and self._redials < REDIALS:
            self._redials += 1
            self._conversation_lost()
            return [*told, *self._dial()]
        if was_open and self._stream is not Stream.LOST and self._is_goodbye(event.code):
            return [*told, *([] if self._stream is Stream.AWAITED else self._part(farewell=not self._ends_by_plan))]
        if self._stream is Stream.AWAITED:
            return [*told, *self._not_ready()]
        how = "without a close frame" if event.code is None else f"with {event.code} {event.reason}".rstrip()
        return [*told, *self._lost(f"the speech engine closed the conversation {how}", was_open=was_open)]

    def _without_greeting(self) -> list[Command]:
        self._greeting = None
        self.lane.begin_conversation()
        if self._greeted:
            self.lane.mute()
        self._engine = Engine.IDLE
        again = self._engine_awaited() if self._stream is Stream.ATTACHED else self._dial()
        return [Report(facts.GreetingRefused()), *again]

    def _is_goodbye(self, code: int | None) -> bool:
        """Whether this close ends the call: with 1000 in the middle of a talk, it may be the engine's longest duration.

        Before the stream has come, what the engine has said meanwhile is heard to its end.
        """
        return self._ends_by_plan or (code == 1000 and (self._stream is Stream.AWAITED or not self._is_talking))

    def _lost(self, reason: str, *, was_open: bool) -> list[Command]:
        """The caller has lost the conversation: another is dialled in its place, once; then it is a fault."""
        if self._phase is not Phase.LIVE or not self._may_redial:
            return self._fault(reason)
        self._may_redial = False
        waits = self._watchdog.is_owed or not self.lane.playout.silent
        self._conversation_lost()
        return [
            Report(facts.ConversationRedialled(reason)),
            *map(DropTimer, (Timer.PROVEN, Timer.MUTE)),
            *([SetTimer(Timer.ENGINE_DUE, ENGINE_SECONDS)] if was_open else []),
            *(self._owe(Debtor.ENGINE, START_QUIET_SECONDS) if waits else []),
            *self._dial(),
        ]

    def _mute(self) -> list[Command]:
        self._is_mute_timed = False
        owes = self._watchdog.debtor is Debtor.ENGINE and self._stream is Stream.ATTACHED
        if not owes or self._engine is not Engine.OPEN or self._phase is not Phase.LIVE:
            return []
        reason = "the speech engine has not spoken, although it was its turn"
        return [CloseEngine(), *self._lost(reason, was_open=True)]

    def _conversation_lost(self) -> None:
        """The talk goes on in another conversation, which does not greet again who was greeted."""
        self._engine = Engine.IDLE
        self._has_brain = self._brain_works = False  # the other conversation dials one of its own
        self._begun = -1
        self.lane.hold_caller()
        self.lane.begin_conversation()
        if self._greeting is None and self._greeted:
            self.lane.mute()

    def _give_up_conversation(self) -> list[Command]:
        """Nobody needs it while two humans talk; should the caller come back, there is another."""
        if self._engine is Engine.IDLE:
            return []
        self._conversation_lost()
        dropped = map(DropTimer, (Timer.SILENCE, Timer.PROVEN))
        return [CloseEngine(), *dropped, Report(facts.ConversationGivenBack())]
