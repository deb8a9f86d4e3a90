"""One phone call: its conversation, its streams, and how it ends for the caller.

The call owns the conversation. Engine and stream each have a state; the phase says whether the call goes on:

    LIVE ── goodbye ──► PARTING ── the last words were heard ──► ENDING ── Twilio stopped ──► OVER
    LIVE ── a fault ──► APOLOGISING ── the sorry was heard ─────────────────────────────────► OVER
    LIVE ── the caller is gone ─────────────────────────────────────────────────────────────► OVER

A conversation that is lost is dialled again, once; only then it is a fault, and Twilio's next request gets the rest of
the ladder (`calls/documents.py`). A silence that nothing explains is broken by the bridge's own voice (`watchdog.py`).

The machine is told in layers, each a file that knows those below it:

    state ◄─ voice ◄─ sounds ◄─ ending ◄─ conversation ◄─ keys ◄─ away ◄─ machine

What the brain asks for waits until its words were heard, and is dropped when the caller cuts in (`errands.py`). While
Twilio rings somebody else or presses keys for us, the stream is AWAY: its end is expected, the conversation is held.

Whatever decides how the call ends for the caller is recorded before anything is closed.
"""

from typing import assert_never

from ringbridge import facts
from ringbridge.facts import Outcome
from ringbridge.plans import CollectDigits, PlaySound, SendDigits, Transfer
from ringbridge.plans import HangUp as HangUpPlan
from ringbridge.relay import events
from ringbridge.relay.away import Away
from ringbridge.relay.commands import (
    Apologised,
    CloseStream,
    Command,
    DropTimer,
    Overheard,
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
from ringbridge.relay.state import Dial, Engine, Phase, Stream
from ringbridge.relay.watchdog import START_QUIET_SECONDS, Debtor
from ringbridge.wire import engine, twilio

__all__ = ["SPEECH_SCORE", "Relay"]

HOLD_SECONDS = 5.0
"""A conversation is held so long for the stream that follows a lost one."""

SETTLED_SECONDS = 1.0
"""A reply is complete when no more audio of it came for so long after it was heard; the engine may not say so."""

WARNING_SECONDS = 30.0
"""So long before its time is up, or when half of it is, the caller is told that the call has to end."""

SPEECH_SCORE = 0.5
"""Above this the engine hears somebody speak."""


class Relay(Away):
    """The machine of one call: `handle(event)` gives the commands to carry out. `lane` carries its audio."""

    def handle(self, event: Event) -> list[Command]:
        """Take one event; give what is to be done, in order."""
        if self._phase is Phase.OVER:
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
            case events.Failed(reason=reason, apologised=apologised):
                return self._failed(reason) if apologised else self._fault(reason)
            case events.Leave(why=why):
                return self._leave(why)
            case events.EngineConnected():
                return self._engine_connected()
            case events.EngineUnreached(reason=reason):
                return self._engine_unreached(reason)
            case events.FromEngine(message=message):
                return self._from_engine(message)
            case events.EngineClosed():
                return self._engine_closed(event)
            case events.AudioSent(event_id=event_id):
                return self._audio_sent(event_id)
            case events.BrainAttached():
                return self._brain_attached()
            case events.BrainDetached():
                return self._brain_detached()
            case events.BrainAsked():
                return self._brain_asked()
            case events.BrainSaid(words=words, complete=complete):
                return self._brain_said(words=words, complete=complete)
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

    def _stream_started(self, event: events.StreamStarted) -> list[Command]:
        if self._phase is not Phase.LIVE:
            self._stream = Stream.LOST  # the one that it replaces is closed, too
            self.lane.shut_to_caller()
            return [CloseStream()]
        again = self._stream is not Stream.AWAITED
        replaced = self._stream is Stream.ATTACHED
        unheard = [*self._unheard(self.lane.shut_to_caller()), *self._stop_sound()] if replaced else []
        self._stream = Stream.ATTACHED
        waiting = (Timer.START_DUE, Timer.FORGET, Timer.HELD, Timer.SILENCE, Timer.AWAY)
        held = self.lane.open_to_caller(event.stream_sid)
        return [
            *map(DropTimer, waiting),
            *unheard,
            Report(facts.StreamAttached(event.stream_sid, again)),
            *([] if again else self._time_begins()),
            *map(ToTwilio, held),
            *(self._audio_sent(self.lane.playout.reply) if held else self._owe_from_start(again=again)),
            *self._engine_awaited(),
            *self._back(),
        ]

    def _time_begins(self) -> list[Command]:
        warned = max(self._max_seconds - WARNING_SECONDS, self._max_seconds / 2)
        return [SetTimer(Timer.WARNING, warned), SetTimer(Timer.TIME_UP, self._max_seconds)]

    def _owe_from_start(self, *, again: bool) -> list[Command]:
        if again:
            debtor = self._watchdog.debtor if self._watchdog.is_owed else Debtor.UNKNOWN
            self._watchdog.paid()
            return [] if self._is_redirecting else self._owe(debtor, START_QUIET_SECONDS)
        return self._owe(Debtor.ENGINE if self._greeting else Debtor.UNKNOWN, START_QUIET_SECONDS)

    def _stream_closed(self, code: int | None) -> list[Command]:
        if self._stream is not Stream.ATTACHED:
            return []
        if self._is_redirecting:
            return self._away()
        self._stream = Stream.LOST
        lost = [*self._unheard(self.lane.shut_to_caller()), *self._stop_sound(), Report(facts.StreamLost(code))]
        match self._phase:
            case Phase.LIVE:
                return [*lost, SetTimer(Timer.HELD, HOLD_SECONDS), *self._silence_due()]
            case Phase.PARTING:
                return [*lost, *self._hang_up()]
            case Phase.APOLOGISING:
                return [*lost, *self._finish()]
            case _:
                return lost

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
        if not heard:
            return []
        told = [*map(Report, heard), *self._sound_heard(name), *self._perhaps_whole()]
        return [*told, *self._fell_silent()] if self.lane.playout.silent else told

    def _fell_silent(self) -> list[Command]:
        """All that was sent has been heard."""
        match self._phase:
            case Phase.LIVE:
                return self._spoken()
            case Phase.PARTING:
                return self._hang_up()
            case Phase.APOLOGISING:
                return [Apologised(), *self._finish()]
            case _:
                return []

    def _perhaps_whole(self, *, settled: bool = False) -> list[Command]:
        """A reply may just have been heard to its end."""
        reply = self.lane.playout.is_over(settled=settled)
        if reply is None:
            waits = self.lane.playout.silent and not settled
            return [SetTimer(Timer.SETTLED, SETTLED_SECONDS)] if waits else []
        due = self._waiting is not None and (self._waiting.event_id is None or self._waiting.event_id <= reply)
        return [DropTimer(Timer.SETTLED), Report(facts.ReplyHeard(reply)), *(self._begin() if due else [])]

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
            case engine.TentativeUserTranscript(tentative_user_transcription_event=heard):
                return [*self._caller_began(), *([Overheard(heard.user_transcript)] if heard.user_transcript else [])]
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

    def _reply_complete(self, reply: int) -> list[Command]:
        self.lane.playout.ended(reply)
        return self._perhaps_whole() if self.lane.playout.silent else [*map(ToTwilio, self.lane.mark_rest())]

    def _interrupted(self, event_id: int) -> list[Command]:
        clear, cut = self.lane.interrupt(event_id)
        dropped = self._drop_waiting(done=False) if self._waiting and self._waiting.is_cut_by(event_id) else []
        return [
            *([ToTwilio(clear)] if clear else []),
            Report(facts.Interrupted(event_id, cut.dropped_ms, cut.reply, cut.heard)),
            *dropped,
            *self._sound_over(cut=True),
            *self._paid(),
        ]

    def _caller_began(self) -> list[Command]:
        if self._caller_speaks:
            return self._stop_sound()
        self._caller_speaks = True
        return [Report(facts.CallerBegan()), *self._stop_sound(), *self._paid(), *self._spoken()]

    def _caller_said(self, said: engine.UserTranscriptionEvent) -> list[Command]:
        self._caller_speaks = False
        self.lane.unmute()
        event_id = said.event_id
        cuts = self._waiting is not None and event_id is not None and self._waiting.is_cut_by(event_id)
        dropped = self._drop_waiting(done=False) if cuts else []
        told = Report(facts.CallerSpoke(said.user_transcript))
        return [told, *dropped, *self._stop_sound(), *self._spoken(), *self._turn_opened()]

    def _asked(self, asked: events.Asked) -> list[Command]:
        errand = Errand(asked.number, self._as_secret(asked.plan))
        gives_way = self._drop_waiting(done=False)
        if self._phase is not Phase.LIVE or self._running is not None or self.lane.is_stale(asked.event_id):
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

    def _needs_stream(self, errand: Errand) -> bool:
        """Whether it can't begin now: Twilio is about to ask for a stream, or the caller would not hear of it."""
        return self._stream is not Stream.ATTACHED and not isinstance(errand.plan, HangUpPlan)

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
                self._running, self._human = errand, Dial.RINGING
                return [*self._stop_gathering(), Report(facts.Transferring(name)), Redirect(errand.plan)]
            case SendDigits():
                self._running = errand
                return [*self._stop_gathering(), Redirect(errand.plan)]
            case CollectDigits(timeout=timeout):
                self._gathering = errand.plan
                return [Settled(errand.number, done=True), SetTimer(Timer.DIGITS, timeout), *self._paid()]
            case PlaySound():
                return self._play(errand, errand.plan)
            case _:
                assert_never(errand.plan)

    def _unwanted(self, number: int) -> list[Command]:
        if self._waiting is not None and self._waiting.errand.number == number:
            return self._drop_waiting(done=False)
        if self._running is not None and self._running.number == number:
            return self._stop_sound()
        return []

    def _timer_fired(self, timer: Timer) -> list[Command]:
        match timer:
            case Timer.START_DUE if self._stream is Stream.AWAITED:
                return self._give_back()
            case Timer.FORGET if self._stream is Stream.AWAITED:
                return self._finish()
            case Timer.ENGINE_DUE if self._engine is Engine.DIALLING:
                return self._engine_late()
            case Timer.HELD if self._stream is Stream.LOST and self._phase is Phase.LIVE:
                return self._rescue(f"the stream was lost, and no other came within {HOLD_SECONDS:g} s")
            case Timer.SILENCE:
                return self._send_silence()
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
            case Timer.PLAYED if self._phase is Phase.PARTING:
                return self._hang_up()
            case Timer.PLAYED if self._phase is Phase.APOLOGISING:
                return self._finish()
            case Timer.QUIET:
                return self._quiet()
            case Timer.MUTE:
                return self._mute()
            case Timer.LATELY:
                self._spoke_lately = False
                return [] if self.lane.playout.silent else self._spoken()
            case Timer.PROVEN:
                self._may_redial = True
                return []
            case Timer.BRAIN_DUE if self._brain_is_due:
                return self._brain_missing()
            case Timer.WARNING if self._phase is Phase.LIVE and self._stream is Stream.ATTACHED:
                return self._say("time_nearly_up")
            case Timer.TIME_UP if not self.is_transferring:
                return self._leave("time is up")
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
