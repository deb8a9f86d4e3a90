"""One phone call: its conversation, its streams, and how it ends for the caller. All transitions are here.

The call owns the conversation. Engine and stream each have a state; the phase says whether the call goes on:

    LIVE ── the engine closed with 1000 ──► PARTING ── all was played ──► ENDING ── Twilio stopped ──► OVER
    LIVE ── the caller is gone, or a fault ─────────────────────────────────────────────────────────► OVER

Whatever decides how the call ends for the caller is recorded before anything is closed.
"""

import base64
from collections.abc import Mapping
from enum import Enum
from typing import assert_never

from ringbridge import facts
from ringbridge.facts import Outcome
from ringbridge.relay import events
from ringbridge.relay.commands import (
    CloseEngine,
    CloseStream,
    Command,
    DropTimer,
    Finish,
    HangUp,
    OpenEngine,
    Record,
    Report,
    SetTimer,
    ToEngine,
    ToTwilio,
)
from ringbridge.relay.events import Event, Timer
from ringbridge.relay.keypad import PAUSE_SECONDS, Keypad
from ringbridge.relay.lane import Lane
from ringbridge.wire import engine, twilio

__all__ = ["Relay"]

START_SECONDS = 10.0
"""A conversation that was made ready waits so long for its stream."""

FORGET_SECONDS = 95.0
"""A call without a stream is forgotten then: its token has expired (90 s)."""

ENGINE_SECONDS = 5.0
"""A conversation that is not open so long after the stream's start is a failed engine."""

HOLD_SECONDS = 5.0
"""A conversation is held so long for the stream that follows a lost one."""

SILENCE_SECONDS = 1.0
"""How often an engine without a stream gets silence, and how much of it."""

PLAYED_SLACK_SECONDS = 2.0
"""How much later than its own length queued audio may have been played."""

STOP_SECONDS = 2.0
"""How long Twilio may take to stop the stream of a call that it has ended."""

FORMAT = "ulaw_8000"

_SILENCE = engine.encode(engine.UserAudio(base64.b64encode(b"\xff" * int(8000 * SILENCE_SECONDS)).decode()))
_ACTIVITY = engine.encode(engine.UserActivity())


class _Engine(Enum):
    IDLE = "not dialled"
    DIALLING = "dialled, and not open yet"
    OPEN = "open"
    CLOSED = "closed by the engine, as it had said all"


class _Stream(Enum):
    AWAITED = "none yet"
    ATTACHED = "carrying audio"
    LOST = "dropped, the caller still on the line"


class _Phase(Enum):
    LIVE = "going on"
    PARTING = "the last words are being played"
    ENDING = "Twilio was asked to end it"
    OVER = "everything is given back"


class Relay:
    """The machine of one call: `handle(event)` gives the commands to carry out. `lane` carries its audio."""

    def __init__(self, *, variables: Mapping[str, str], greeting: str | None) -> None:
        """`variables` tell the engine about the call; `greeting` overrides its first message, if it allows that."""
        self.lane = Lane()
        self._variables = dict(variables)
        self._greeting = greeting
        self._greeting_refused = False
        self._engine = _Engine.IDLE
        self._stream = _Stream.AWAITED
        self._phase = _Phase.LIVE
        self._keypad = Keypad()
        self._unsaid: list[bytes] = []

    def handle(self, event: Event) -> list[Command]:
        """Take one event; give what is to be done, in order."""
        if self._phase is _Phase.OVER:
            return [CloseStream()] if isinstance(event, events.StreamStarted) else []
        match event:
            case events.Announced(ringing=ringing):
                return self._announced(ringing=ringing)
            case events.StreamStarted():
                return self._stream_started(event)
            case events.FromTwilio(message=message):
                return self._from_twilio(message)
            case events.StreamClosed(code=code):
                return self._stream_closed(code)
            case events.CallOver():
                return self._caller_gone()
            case events.Failed(reason=reason):
                return self._fault(reason)
            case events.EngineConnected():
                return self._engine_connected()
            case events.EngineUnreached(reason=reason):
                return self._engine_unreached(reason)
            case events.FromEngine(message=message):
                return self._from_engine(message)
            case events.EngineClosed():
                return self._engine_closed(event)
            case events.Unreadable(peer=peer, problem=problem):
                return [Report(facts.Broken(peer, problem))]
            case events.Unwritten(peer=peer):
                return [Report(facts.Unsent(peer))]
            case events.HungUp():
                return self._hung_up()
            case events.HangUpFailed():
                return self._finish()
            case events.TimerFired(timer=timer):
                return self._timer_fired(timer)
            case _:
                assert_never(event)

    # The call and its streams

    def _announced(self, *, ringing: bool) -> list[Command]:
        if self._stream is not _Stream.AWAITED or self._engine is not _Engine.IDLE:
            return []
        forget = SetTimer(Timer.FORGET, FORGET_SECONDS)
        return [forget, SetTimer(Timer.START_DUE, START_SECONDS), *self._dial()] if ringing else [forget]

    def _stream_started(self, event: events.StreamStarted) -> list[Command]:
        if self._phase is not _Phase.LIVE:
            return [CloseStream()]
        again = self._stream is not _Stream.AWAITED
        if self._stream is _Stream.ATTACHED:
            self.lane.shut_to_caller()
        self._stream = _Stream.ATTACHED
        waiting = (Timer.START_DUE, Timer.FORGET, Timer.HELD, Timer.SILENCE)
        return [
            *map(DropTimer, waiting),
            Report(facts.StreamAttached(event.stream_sid, again)),
            *map(ToTwilio, self.lane.open_to_caller(event.stream_sid)),
            *self._engine_awaited(),
        ]

    def _engine_awaited(self) -> list[Command]:
        due = SetTimer(Timer.ENGINE_DUE, ENGINE_SECONDS)
        match self._engine:
            case _Engine.IDLE:
                return [due, *self._dial()]
            case _Engine.DIALLING:
                return [due]
            case _Engine.OPEN:
                return []
            case _Engine.CLOSED:
                return self._part()

    def _stream_closed(self, code: int | None) -> list[Command]:
        if self._stream is not _Stream.ATTACHED:
            return []
        self._stream = _Stream.LOST
        self.lane.shut_to_caller()
        lost = Report(facts.StreamLost(code))
        match self._phase:
            case _Phase.LIVE:
                return [lost, SetTimer(Timer.HELD, HOLD_SECONDS), *self._silence_due()]
            case _Phase.PARTING:
                return [lost, *self._hang_up()]
            case _:
                return [lost]

    def _from_twilio(self, message: twilio.Incoming) -> list[Command]:
        match message:
            case twilio.Stop():
                return self._caller_gone()
            case twilio.Mark(mark=mark):
                return self._mark_echoed(mark.name)
            case twilio.Dtmf(dtmf=dtmf):
                number = self._keypad.press(dtmf.digit)
                return self._digits(number) if number else [SetTimer(Timer.DIGITS, PAUSE_SECONDS)]
            case _:
                return []

    def _mark_echoed(self, name: str) -> list[Command]:
        heard = self.lane.playout.echoed(name)
        if heard is None:
            return []
        played = self._phase is _Phase.PARTING and self.lane.playout.silent
        return [Report(heard), *(self._hang_up() if played else [])]

    def _digits(self, number: str | None) -> list[Command]:
        if number is None:
            return []
        message = engine.encode(engine.UserMessage(f"Caller pressed {number}"))
        if self._engine is not _Engine.OPEN:
            self._unsaid.append(message)
            send: list[Command] = []
        else:
            send = [ToEngine(message)]
        return [DropTimer(Timer.DIGITS), Report(facts.DigitsPressed(number)), *send]

    # The engine

    def _dial(self) -> list[Command]:
        self._engine = _Engine.DIALLING
        return [OpenEngine()]

    def _engine_connected(self) -> list[Command]:
        if self._engine is not _Engine.DIALLING:
            return []
        override = {} if self._greeting is None else {"agent": {"first_message": self._greeting}}
        return [ToEngine(engine.encode(engine.Initiate(self._variables, override)))]

    def _engine_unreached(self, reason: str) -> list[Command]:
        if self._stream is not _Stream.AWAITED:
            return self._fault(reason)
        self._engine = _Engine.IDLE  # nobody listens yet: the stream's start dials anew
        return [Report(facts.EngineComplained("unreached", reason))]

    def _from_engine(self, message: engine.Incoming) -> list[Command]:
        match message:
            case engine.Metadata(conversation_initiation_metadata_event=metadata):
                return self._metadata(metadata)
            case engine.Ping(ping_event=ping):
                return [] if ping.event_id is None else [ToEngine(engine.encode(engine.Pong(ping.event_id)))]
            case engine.Interruption(interruption_event=interruption):
                return self._interrupted(interruption.event_id)
            case engine.UserTranscript(user_transcription_event=said):
                return [Report(facts.CallerSpoke(said.user_transcript))]
            case engine.AgentResponse(agent_response_event=said):
                return [Report(facts.AgentSpoke(said.agent_response))]
            case engine.AgentResponseCorrection(agent_response_correction_event=heard):
                return [Report(facts.AgentCorrected(heard.corrected_agent_response))]
            case engine.QueueStatus(queue_status_event=queue):
                return [Report(facts.EngineComplained("queue_status", queue.status))]
            case engine.Error():
                self._greeting_refused |= message.kind == "override_error"
                return [Report(facts.EngineComplained(message.kind, message.text))]
            case engine.Audio() | engine.Unknown():
                return []
            case _:
                assert_never(message)

    def _metadata(self, metadata: engine.MetadataEvent) -> list[Command]:
        if self._engine is not _Engine.DIALLING:
            return []
        formats = (metadata.user_input_audio_format, metadata.agent_output_audio_format)
        if formats != (FORMAT, FORMAT):
            hears, speaks = formats
            return self._fault(
                f"the speech engine hears {hears!r} and speaks {speaks!r}, a phone call needs {FORMAT!r} both ways:"
                f" set asr.user_input_audio_format and tts.agent_output_audio_format of the engine to {FORMAT}"
            )
        self._engine = _Engine.OPEN
        waiting = [*self.lane.open_to_engine(), *self._unsaid]
        self._unsaid.clear()
        return [
            DropTimer(Timer.ENGINE_DUE),
            Report(facts.ConversationOpened(metadata.conversation_id)),
            *map(ToEngine, waiting),
            *self._silence_due(),
        ]

    def _silence_due(self) -> list[Command]:
        if self._engine is not _Engine.OPEN or self._stream is _Stream.ATTACHED:
            return []
        return [SetTimer(Timer.SILENCE, SILENCE_SECONDS)]

    def _interrupted(self, event_id: int) -> list[Command]:
        clear, dropped_ms = self.lane.interrupt(event_id)
        return [*([ToTwilio(clear)] if clear else []), Report(facts.Interrupted(event_id, dropped_ms))]

    def _engine_closed(self, event: events.EngineClosed) -> list[Command]:
        was_open, self._engine = self._engine is _Engine.OPEN, _Engine.CLOSED
        self.lane.hold_caller()
        if self._phase is not _Phase.LIVE:
            return []
        if self._greeting is not None and (self._greeting_refused or "override" in event.reason.lower()):
            self._greeting = None
            return [Report(facts.GreetingRefused()), *self._dial()]
        if not was_open or event.code != 1000:
            how = "without a close frame" if event.code is None else f"with {event.code} {event.reason}".rstrip()
            return self._fault(f"the speech engine closed the conversation {how}")
        return [] if self._stream is _Stream.AWAITED else self._part()

    # The end

    def _part(self) -> list[Command]:
        self._phase = _Phase.PARTING
        goodbye = Record(Outcome.GOODBYE)
        if self.lane.playout.silent:
            return [goodbye, *self._hang_up()]
        return [goodbye, SetTimer(Timer.PLAYED, self.lane.playout.unheard_ms / 1000 + PLAYED_SLACK_SECONDS)]

    def _hang_up(self) -> list[Command]:
        self._phase = _Phase.ENDING
        return [DropTimer(Timer.PLAYED), HangUp()]

    def _hung_up(self) -> list[Command]:
        if self._stream is _Stream.ATTACHED:
            return [SetTimer(Timer.STOP_DUE, STOP_SECONDS)]
        return self._finish()

    def _caller_gone(self) -> list[Command]:
        gone = [Record(Outcome.CALLER_GONE)] if self._phase is _Phase.LIVE else []
        return [*gone, *self._finish()]

    def _fault(self, reason: str) -> list[Command]:
        return [Record(Outcome.FAULT), Report(facts.Faulted(reason)), *self._finish()]

    def _finish(self) -> list[Command]:
        self._phase = _Phase.OVER
        return [CloseEngine(), CloseStream(), Finish()]

    def _timer_fired(self, timer: Timer) -> list[Command]:
        match timer:
            case Timer.START_DUE if self._stream is _Stream.AWAITED:
                return self._give_back()
            case Timer.FORGET if self._stream is _Stream.AWAITED:
                return self._finish()
            case Timer.ENGINE_DUE if self._engine is _Engine.DIALLING:
                return self._fault(f"no conversation was open {ENGINE_SECONDS:g} s after the stream's start")
            case Timer.HELD if self._stream is _Stream.LOST and self._phase is _Phase.LIVE:
                return self._fault(f"the stream was lost, and no other came within {HOLD_SECONDS:g} s")
            case Timer.SILENCE if self._silence_due():
                return [ToEngine(_SILENCE), ToEngine(_ACTIVITY), *self._silence_due()]
            case Timer.DIGITS:
                return self._digits(self._keypad.complete())
            case Timer.PLAYED if self._phase is _Phase.PARTING:
                return self._hang_up()
            case Timer.STOP_DUE:
                return self._finish()
            case _:
                return []

    def _give_back(self) -> list[Command]:
        if self._engine is _Engine.IDLE:
            return []
        self._engine = _Engine.IDLE
        self.lane.forget_agent()
        self.lane.hold_caller()
        return [CloseEngine(), DropTimer(Timer.SILENCE), Report(facts.ConversationGivenBack())]
