"""One phone call: its conversation, its streams, and how it ends for the caller. All transitions are here.

The call owns the conversation. Engine and stream each have a state; the phase says whether the call goes on:

    LIVE ── the engine closed with 1000 ──► PARTING ── all was played ──► ENDING ── Twilio stopped ──► OVER
    LIVE ── the caller is gone, or a fault ─────────────────────────────────────────────────────────► OVER

What the brain asks for waits until its words were heard, and is dropped when the caller cuts in (`errands.py`). While
Twilio rings somebody else or presses keys for us, the stream is AWAY: its end is expected, the conversation is held.

Whatever decides how the call ends for the caller is recorded before anything is closed.
"""

import base64
from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from enum import Enum
from typing import assert_never

from ringbridge import facts
from ringbridge.facts import Outcome
from ringbridge.plans import CollectDigits, Plan, PlaySound, SendDigits, Transfer
from ringbridge.plans import HangUp as HangUpPlan
from ringbridge.relay import events
from ringbridge.relay.commands import (
    CloseEngine,
    CloseStream,
    Command,
    DropTimer,
    Finish,
    HangUp,
    KeepDigits,
    OpenEngine,
    Record,
    Redirect,
    Report,
    SetTimer,
    Settled,
    ToEngine,
    ToTwilio,
)
from ringbridge.relay.errands import SLACK_SECONDS, Errand, Waiting
from ringbridge.relay.events import Event, Timer
from ringbridge.relay.keypad import PAUSE_SECONDS, Keypad
from ringbridge.relay.lane import Lane
from ringbridge.relay.playout import Cut
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

SETTLED_SECONDS = 1.0
"""A reply is complete when no more audio of it came for so long after it was heard; the engine may not say so."""

RING_SECONDS = 30.0
"""A human to whom the caller is put through has taken the call when it has not come back so much later."""

TALK_SECONDS = 3700.0
"""A transferred call is forgotten then: the dial's own limit is an hour."""

KEY_SECONDS = 0.5
"""The longest that one key takes which is pressed for us, or one pause between two."""

BACK_SECONDS = 10.0
"""What Twilio may take on top to do as asked, and to bring the stream back."""

REDIALS = 2
"""A conversation that the engine closes while nobody listens is dialled anew so many times in a call."""

SOUND_AHEAD_MS = 10_000
"""So much of a sound waits at Twilio to be played."""

STOP_SECONDS = 2.0
"""How long Twilio may take to stop the stream of a call that it has ended."""

SPEECH_SCORE = 0.5
"""Above this the engine hears somebody speak."""

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
    AWAY = "gone, as Twilio does something else for us"


class _Dial(Enum):
    RINGING = "a human is being rung"
    TAKEN = "they took the call, for all we know"
    OVER = "nobody took it: the caller comes back"


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
        self._redials = 0
        self._caller_speaks = False
        self._waiting: Waiting | None = None
        self._running: Errand | None = None
        self._gathering: CollectDigits | None = None
        self._sound_ends = ""
        self._sound_left: deque[str] = deque()
        self._human = _Dial.RINGING

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
            case events.Asked():
                return self._asked(event)
            case events.Unwanted(number=number):
                return self._unwanted(number)
            case events.Redirected():
                return self._redirected()
            case events.RedirectFailed():
                return self._redirect_failed()
            case events.DialEnded(taken=taken):
                return self._dial_ended(taken=taken)
            case events.TimerFired(timer=timer):
                return self._timer_fired(timer)
            case _:
                assert_never(event)

    # The call and its streams

    def _announced(self, *, ringing: bool) -> list[Command]:
        if self._stream is not _Stream.AWAITED:
            return []
        forget = SetTimer(Timer.FORGET, FORGET_SECONDS)
        if self._engine is not _Engine.IDLE:
            return [forget]
        return [forget, SetTimer(Timer.START_DUE, START_SECONDS), *self._dial()] if ringing else [forget]

    def _stream_started(self, event: events.StreamStarted) -> list[Command]:
        if self._phase is not _Phase.LIVE:
            return [CloseStream()]
        again = self._stream is not _Stream.AWAITED
        replaced = self._stream is _Stream.ATTACHED
        unheard = [*self._unheard(self.lane.shut_to_caller()), *self._stop_sound()] if replaced else []
        self._stream = _Stream.ATTACHED
        waiting = (Timer.START_DUE, Timer.FORGET, Timer.HELD, Timer.SILENCE, Timer.AWAY)
        return [
            *map(DropTimer, waiting),
            *unheard,
            Report(facts.StreamAttached(event.stream_sid, again)),
            *map(ToTwilio, self.lane.open_to_caller(event.stream_sid)),
            *self._engine_awaited(),
            *self._back(),
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
        if self._is_redirecting:
            return self._away()
        self._stream = _Stream.LOST
        lost = [*self._unheard(self.lane.shut_to_caller()), *self._stop_sound(), Report(facts.StreamLost(code))]
        match self._phase:
            case _Phase.LIVE:
                return [*lost, SetTimer(Timer.HELD, HOLD_SECONDS), *self._silence_due()]
            case _Phase.PARTING:
                return [*lost, *self._hang_up()]
            case _:
                return lost

    def _unheard(self, cut: Cut) -> list[Command]:
        if cut.reply is None:
            return []
        return [Report(facts.Interrupted(cut.reply, cut.dropped_ms, cut.reply, cut.heard))]

    def _from_twilio(self, message: twilio.Incoming) -> list[Command]:
        match message:
            case twilio.Stop():
                return self._away() if self._is_redirecting else self._caller_gone()
            case twilio.Mark(mark=mark):
                return self._mark_echoed(mark.name)
            case twilio.Dtmf(dtmf=dtmf):
                return self._key_pressed(dtmf.digit)
            case _:
                return []

    def _mark_echoed(self, name: str) -> list[Command]:
        heard = self.lane.playout.echoed(name)
        if heard is None:
            return []
        return [Report(heard), *self._sound_heard(name), *self._perhaps_whole(), *self._perhaps_parted()]

    def _perhaps_parted(self) -> list[Command]:
        return self._hang_up() if self._phase is _Phase.PARTING and self.lane.playout.silent else []

    def _perhaps_whole(self, *, settled: bool = False) -> list[Command]:
        """A reply may just have been heard to its end."""
        reply = self.lane.playout.is_over(settled=settled)
        if reply is None:
            waits = self.lane.playout.silent and not settled
            return [SetTimer(Timer.SETTLED, SETTLED_SECONDS)] if waits else []
        due = self._waiting is not None and (self._waiting.event_id is None or self._waiting.event_id <= reply)
        return [DropTimer(Timer.SETTLED), Report(facts.ReplyHeard(reply)), *(self._begin() if due else [])]

    # Keys

    def _key_pressed(self, key: str) -> list[Command]:
        number = self._keypad.press(key)
        if number is not None:
            return self._digits(number)
        if self._asks_for_digits and self._gathering is None:
            return []  # the question is still being spoken
        return [SetTimer(Timer.DIGITS, PAUSE_SECONDS if self._gathering is None else self._gathering.timeout)]

    @property
    def _asks_for_digits(self) -> bool:
        return self._waiting is not None and isinstance(self._waiting.errand.plan, CollectDigits)

    def _digits(self, number: str | None) -> list[Command]:
        asked = self._gathering
        if asked is None and self._waiting is not None and isinstance(self._waiting.errand.plan, CollectDigits):
            asked = self._waiting.errand.plan  # keyed before the question was heard to its end
        if asked is not None:
            return self._gathered(asked, "" if number is None or number == asked.finish_on else number)
        if number is None:
            return []
        return self._keyed(number, f"Caller pressed {number}", secret=False)

    def _gathered(self, asked: CollectDigits, number: str) -> list[Command]:
        self._gathering = None
        self._keypad.expect_anything()
        settled = self._drop_waiting(done=True) if self._waiting and self._waiting.errand.plan is asked else []
        if not number:
            text = "Caller entered no digits"
        else:
            text = "Caller entered digits" if asked.secret else f"Caller pressed {number}"
        return [*settled, *self._keyed(number, text, secret=asked.secret)]

    def _keyed(self, number: str, text: str, *, secret: bool) -> list[Command]:
        return [*self._kept(number, secret=secret), *self._write(text)]

    def _kept(self, number: str, *, secret: bool) -> list[Command]:
        kept = [KeepDigits(number)] if number else []
        shown = "•" * len(number) if secret else number
        return [DropTimer(Timer.DIGITS), *kept, Report(facts.DigitsPressed(shown, secret))]

    def _write(self, text: str) -> list[Command]:
        """Open a turn with words that were not spoken."""
        self.lane.unmute()
        message = engine.encode(engine.UserMessage(text))
        if self._engine is _Engine.OPEN:
            return [ToEngine(message)]
        self._unsaid.append(message)
        return []

    # The engine

    def _dial(self) -> list[Command]:
        self._engine = _Engine.DIALLING
        return [OpenEngine()]

    def _engine_connected(self) -> list[Command]:
        if self._engine is not _Engine.DIALLING:
            return []
        greeting = "" if self._redials and self._greeting is not None else self._greeting
        override = {} if greeting is None else {"agent": {"first_message": greeting}}
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
                return self._caller_said(said)
            case engine.AgentResponse(agent_response_event=said):
                return [Report(facts.AgentSpoke(said.agent_response))]
            case engine.AgentResponseCorrection(agent_response_correction_event=heard):
                return [Report(facts.AgentCorrected(heard.original_agent_response, heard.corrected_agent_response))]
            case engine.AgentResponseComplete(reply=reply) if reply is not None:
                return self._reply_complete(reply)
            case engine.TentativeUserTranscript():
                return self._caller_began()
            case engine.VadScore(vad_score_event=vad):
                return self._caller_began() if vad.vad_score > SPEECH_SCORE else []
            case engine.QueueStatus(queue_status_event=queue):
                return [Report(facts.EngineComplained("queue_status", queue.status))]
            case engine.Error():
                self._greeting_refused |= message.kind == "override_error"
                return [Report(facts.EngineComplained(message.kind, message.text))]
            case engine.Audio(audio_event=audio) if audio.is_final and audio.event_id is not None:
                return self._reply_complete(audio.event_id)
            case engine.Audio() | engine.AgentResponseComplete() | engine.Unknown():
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

    def _reply_complete(self, reply: int) -> list[Command]:
        self.lane.playout.ended(reply)
        return self._perhaps_whole() if self.lane.playout.silent else []

    # What the caller does with the voice

    def _interrupted(self, event_id: int) -> list[Command]:
        clear, cut = self.lane.interrupt(event_id)
        dropped = self._drop_waiting(done=False) if self._waiting and self._waiting.is_cut_by(event_id) else []
        return [
            *([ToTwilio(clear)] if clear else []),
            Report(facts.Interrupted(event_id, cut.dropped_ms, cut.reply, cut.heard)),
            *dropped,
            *self._sound_over(cut=True),
        ]

    def _caller_began(self) -> list[Command]:
        news = [] if self._caller_speaks else [Report(facts.CallerBegan())]
        self._caller_speaks = True
        return [*news, *self._stop_sound()]

    def _caller_said(self, said: engine.UserTranscriptionEvent) -> list[Command]:
        self._caller_speaks = False
        self.lane.unmute()
        event_id = said.event_id
        cuts = self._waiting is not None and event_id is not None and self._waiting.is_cut_by(event_id)
        dropped = self._drop_waiting(done=False) if cuts else []
        return [Report(facts.CallerSpoke(said.user_transcript)), *dropped, *self._stop_sound()]

    def _engine_closed(self, event: events.EngineClosed) -> list[Command]:
        was_open, self._engine = self._engine is _Engine.OPEN, _Engine.CLOSED
        self.lane.hold_caller()
        if self._phase is not _Phase.LIVE:
            return []
        refused = event.code != 1000 and (self._greeting_refused or "override" in event.reason.lower())
        if self._greeting is not None and refused:
            self._greeting = None
            self.lane.begin_conversation()
            if self._redials:
                self.lane.mute()
            self._engine = _Engine.IDLE
            again = self._engine_awaited() if self._stream is _Stream.ATTACHED else self._dial()
            return [Report(facts.GreetingRefused()), *again]
        if was_open and self._is_redirecting:
            self._conversation_lost()  # the stream's return dials it
            return [DropTimer(Timer.SILENCE)]
        is_lost = self._stream is _Stream.LOST
        if was_open and is_lost and self._redials < REDIALS:
            self._conversation_lost()
            return self._dial()
        if not was_open or is_lost or event.code != 1000:
            how = "without a close frame" if event.code is None else f"with {event.code} {event.reason}".rstrip()
            return self._fault(f"the speech engine closed the conversation {how}")
        return [] if self._stream is _Stream.AWAITED else self._part()

    def _conversation_lost(self) -> None:
        """Nobody has heard the engine go: the talk goes on in another conversation, which does not greet again."""
        self._engine = _Engine.IDLE
        self._redials += 1
        self.lane.begin_conversation()
        if self._greeting is None:
            self.lane.mute()

    # What the brain asks for

    def _asked(self, asked: events.Asked) -> list[Command]:
        errand = Errand(asked.number, self._as_secret(asked.plan))
        gives_way = self._drop_waiting(done=False)
        if self._phase is not _Phase.LIVE or self._running is not None or self.lane.is_stale(asked.event_id):
            return [*gives_way, Report(facts.PlanDropped(errand.kind)), Settled(errand.number, done=False)]
        waiting = self._waiting = Waiting(errand, asked.event_id, self.lane.playout)
        if isinstance(errand.plan, CollectDigits):
            # Keys count from here on, though their question may still be spoken.
            self._gathering = None
            gives_way.append(DropTimer(Timer.DIGITS))
            if number := self._keypad.expect(errand.plan.n, errand.plan.finish_on):
                return [*gives_way, *self._digits(number)]
        begins = waiting.can_begin and not self._needs_stream(errand)
        return [*gives_way, *(self._begin() if begins else [SetTimer(Timer.ERRAND, waiting.seconds)])]

    def _as_secret(self, plan: Plan) -> Plan:
        """What was keyed for a secret stays one, though it is asked for again in the middle of it."""
        if isinstance(plan, CollectDigits) and self._gathering is not None and self._gathering.secret:
            return replace(plan, secret=True)
        return plan

    def _needs_stream(self, errand: Errand) -> bool:
        """Whether it can't begin now: Twilio is about to ask for a stream, or the caller would not hear of it."""
        return self._stream is not _Stream.ATTACHED and not isinstance(errand.plan, HangUpPlan)

    def _begin(self) -> list[Command]:
        """Its words were heard: carry out what waits."""
        assert self._waiting is not None
        errand, self._waiting = self._waiting.errand, None
        return [DropTimer(Timer.ERRAND), *self._carry_out(errand)]

    def _carry_out(self, errand: Errand) -> list[Command]:
        match errand.plan:
            case HangUpPlan():
                self._running = errand
                return [Record(Outcome.GOODBYE), *self._hang_up()]
            case Transfer(name=name):
                self._running, self._human = errand, _Dial.RINGING
                return [*self._stop_gathering(), Report(facts.Transferring(name)), Redirect(errand.plan)]
            case SendDigits():
                self._running = errand
                return [*self._stop_gathering(), Redirect(errand.plan)]
            case CollectDigits(timeout=timeout):
                self._gathering = errand.plan
                return [Settled(errand.number, done=True), SetTimer(Timer.DIGITS, timeout)]
            case PlaySound():
                return self._play(errand, errand.plan)
            case _:
                assert_never(errand.plan)

    def _stop_gathering(self) -> list[Command]:
        """The line is wanted for something else: what was keyed so far is kept, and opens no turn."""
        asked, self._gathering = self._gathering, None
        if asked is None:
            return []
        self._keypad.expect_anything()
        return self._kept(self._keypad.complete() or "", secret=asked.secret)

    @property
    def is_gathering(self) -> bool:
        """Whether the caller was asked for digits, and has not keyed them all."""
        return self._gathering is not None or self._asks_for_digits

    def _drop_waiting(self, *, done: bool) -> list[Command]:
        """What waits will not begin (or, digits, has been answered already)."""
        if self._waiting is None:
            return []
        errand, self._waiting = self._waiting.errand, None
        answered: list[Command] = [DropTimer(Timer.ERRAND), Settled(errand.number, done=done)]
        if done:
            return answered
        dropped = Report(facts.PlanDropped(errand.kind))
        if not isinstance(errand.plan, CollectDigits):
            return [dropped, *answered]
        self._keypad.expect_anything()
        keys = self._keypad.complete()
        return [dropped, *answered, *(self._gathered(errand.plan, keys) if keys else [])]

    def _unwanted(self, number: int) -> list[Command]:
        if self._waiting is not None and self._waiting.errand.number == number:
            return self._drop_waiting(done=False)
        if self._running is not None and self._running.number == number:
            return self._stop_sound()
        return []

    def _settle(self, *, done: bool) -> list[Command]:
        if self._running is None:
            return []
        errand, self._running = self._running, None
        return [Settled(errand.number, done=done)]

    # Sounds of our own

    def _play(self, errand: Errand, sound: PlaySound) -> list[Command]:
        if self._stream is not _Stream.ATTACHED or not sound.pieces:
            return [Settled(errand.number, done=False)]
        self._running = errand
        self._sound_left.extend(sound.pieces)
        self.lane.playout.begin_sound()
        return [*self._play_on(), *self._playing()]

    def _play_on(self) -> list[Command]:
        """A long sound goes out as it is played: all at once, it would not fit into a socket's buffer."""
        playout = self.lane.playout
        wires: list[bytes] = []
        while self._sound_left and playout.unheard_ms < SOUND_AHEAD_MS:
            wires += self.lane.play([self._sound_left.popleft()])
        self._sound_ends = playout.last_mark
        return [*map(ToTwilio, wires), SetTimer(Timer.ERRAND, playout.unheard_ms / 1000 + SLACK_SECONDS)]

    def _sound_heard(self, mark: str) -> list[Command]:
        if self._sound_left:
            return self._play_on()
        return self._sound_over(cut=False) if mark == self._sound_ends else []

    def _playing(self) -> list[Command]:
        """The engine hears nobody speak, and would ask whether anybody is there."""
        tell: list[Command] = [ToEngine(_ACTIVITY)] if self._engine is _Engine.OPEN else []
        return [*tell, SetTimer(Timer.PLAYING, SILENCE_SECONDS)]

    def _stop_sound(self) -> list[Command]:
        """The caller has something to say, or nobody wants to hear it."""
        if not self._sound_ends:
            return []
        clear, _ = self.lane.clear()
        return [*([ToTwilio(clear)] if clear else []), *self._sound_over(cut=True)]

    def _sound_over(self, *, cut: bool) -> list[Command]:
        if not self._sound_ends:
            return []
        self._sound_ends = ""
        self._sound_left.clear()
        heard = self.lane.playout.heard
        ms = heard.ms if heard is not None and heard.event_id is None else 0
        told = Report(facts.SoundPlayed(ms, cut))
        return [DropTimer(Timer.ERRAND), DropTimer(Timer.PLAYING), told, *self._settle(done=not cut)]

    # Twilio does something else for us

    @property
    def is_transferring(self) -> bool:
        """Whether the caller is being put through to a human, or talks with one."""
        return self._running is not None and isinstance(self._running.plan, Transfer)

    @property
    def _is_redirecting(self) -> bool:
        return self._running is not None and isinstance(self._running.plan, Transfer | SendDigits)

    def _redirected(self) -> list[Command]:
        return self._away() if self._is_redirecting else []

    def _away(self) -> list[Command]:
        """The stream ends, or will: not the call."""
        assert self._running is not None
        if self._stream is _Stream.AWAY:
            return []
        attached, self._stream = self._stream is _Stream.ATTACHED, _Stream.AWAY
        unheard = self._unheard(self.lane.shut_to_caller()) if attached else []
        plan = self._running.plan
        keys = len(plan.digits) * KEY_SECONDS if isinstance(plan, SendDigits) else RING_SECONDS
        return [*unheard, DropTimer(Timer.HELD), SetTimer(Timer.AWAY, keys + BACK_SECONDS), *self._silence_due()]

    def _redirect_failed(self) -> list[Command]:
        if not self._is_redirecting or self._stream is _Stream.AWAY:
            return []
        dial = self._engine_awaited() if self._engine is _Engine.IDLE and self._stream is _Stream.ATTACHED else []
        return [*dial, *self._not_transferred("failed; the caller is still with you")]

    def _not_transferred(self, how: str) -> list[Command]:
        assert self._running is not None
        plan = self._running.plan
        settled = self._settle(done=False)
        if not isinstance(plan, Transfer):
            return settled
        text = f"The transfer to {plan.name} {how}."
        return [*settled, Report(facts.Transferring(plan.name, ended=True)), *self._write(text)]

    def _back(self) -> list[Command]:
        """A stream is attached again: whatever Twilio did for us is over."""
        if not self._is_redirecting:
            return []
        assert self._running is not None
        if isinstance(self._running.plan, SendDigits):
            return [Report(facts.DigitsSent(self._running.plan.digits)), *self._settle(done=True)]
        return self._not_transferred("was not taken; the caller is back with you")

    def _dial_ended(self, *, taken: bool) -> list[Command]:
        if not self.is_transferring:
            return []
        if taken:
            return self._transferred()
        self._human = _Dial.OVER
        return [SetTimer(Timer.AWAY, BACK_SECONDS)]

    def _transferred(self) -> list[Command]:
        return [*self._settle(done=True), Record(Outcome.TRANSFERRED), *self._finish()]

    def _away_for_long(self) -> list[Command]:
        if self._stream is not _Stream.AWAY or self._running is None:
            return []
        if not self.is_transferring or self._human is _Dial.OVER:
            return self._fault(f"the stream did not come back within {BACK_SECONDS:g} s")
        if self._human is _Dial.TAKEN:
            return self._transferred()
        self._human = _Dial.TAKEN
        return [SetTimer(Timer.AWAY, TALK_SECONDS), *self._give_up_conversation()]

    def _give_up_conversation(self) -> list[Command]:
        """Nobody needs it while two humans talk; should the caller come back, there is another."""
        if self._engine is _Engine.IDLE:
            return []
        self.lane.hold_caller()
        self._conversation_lost()
        return [CloseEngine(), DropTimer(Timer.SILENCE), Report(facts.ConversationGivenBack())]

    # The end

    def _part(self) -> list[Command]:
        self._phase = _Phase.PARTING
        goodbye: list[Command] = [Record(Outcome.GOODBYE), *self._nothing_more_wanted()]
        if self.lane.playout.silent:
            return [*goodbye, *self._hang_up()]
        return [*goodbye, SetTimer(Timer.PLAYED, self.lane.playout.unheard_ms / 1000 + SLACK_SECONDS)]

    def _nothing_more_wanted(self) -> list[Command]:
        """The call ends by itself: who waits to end it has what they want, anything else is not done."""
        if self._waiting is None or not isinstance(self._waiting.errand.plan, HangUpPlan):
            return self._drop_waiting(done=False)
        self._running, self._waiting = self._waiting.errand, None
        return [DropTimer(Timer.ERRAND)]

    def _hang_up(self) -> list[Command]:
        self._phase = _Phase.ENDING
        return [DropTimer(Timer.PLAYED), HangUp()]

    def _hung_up(self) -> list[Command]:
        if self._stream is _Stream.ATTACHED:
            return [SetTimer(Timer.STOP_DUE, STOP_SECONDS)]
        return self._finish()

    def _caller_gone(self) -> list[Command]:
        if self.is_transferring and self._human is _Dial.TAKEN:
            return self._transferred()
        gone = [Record(Outcome.CALLER_GONE)] if self._phase is _Phase.LIVE else []
        return [*gone, *self._finish()]

    def _fault(self, reason: str) -> list[Command]:
        if self._phase is not _Phase.LIVE:
            return self._finish()  # goodbye was said
        return [Record(Outcome.FAULT), Report(facts.Faulted(reason)), *self._finish()]

    def _finish(self) -> list[Command]:
        self._phase = _Phase.OVER
        waiting = [Settled(self._waiting.errand.number, done=False)] if self._waiting else []
        ended = isinstance(self._running and self._running.plan, HangUpPlan)
        return [*waiting, *self._settle(done=ended), CloseEngine(), CloseStream(), Finish()]

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
            case Timer.SETTLED if self.lane.playout.silent:
                return self._perhaps_whole(settled=True)
            case Timer.ERRAND:
                return self._waited_long()
            case Timer.PLAYING if self._sound_ends:
                return self._playing()
            case Timer.AWAY:
                return self._away_for_long()
            case Timer.PLAYED if self._phase is _Phase.PARTING:
                return self._hang_up()
            case Timer.STOP_DUE:
                return self._finish()
            case _:
                return []

    def _waited_long(self) -> list[Command]:
        if self._sound_ends:
            return self._sound_over(cut=bool(self._sound_left))
        if self._waiting is None:
            return []
        if self._needs_stream(self._waiting.errand):
            return [SetTimer(Timer.ERRAND, SLACK_SECONDS)]
        if self._waiting.is_stuck:
            return self._begin()
        return [SetTimer(Timer.ERRAND, self._waiting.seconds)]

    def _give_back(self) -> list[Command]:
        if self._engine is _Engine.IDLE:
            return []
        self._engine = _Engine.IDLE
        self.lane.forget_agent()
        self.lane.hold_caller()
        return [CloseEngine(), DropTimer(Timer.SILENCE), Report(facts.ConversationGivenBack())]
