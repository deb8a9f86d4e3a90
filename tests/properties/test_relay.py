"""The machine of a call against a model of two sockets, which may open, speak and close at any point."""

import base64
import json

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from ringbridge import facts
from ringbridge.facts import Outcome
from ringbridge.ids import StreamSid
from ringbridge.plans import CollectDigits, HangUp, PlaySound, SendDigits, Transfer
from ringbridge.relay import commands, events
from ringbridge.relay.clips import Clips
from ringbridge.relay.machine import Relay
from ringbridge.relay.state import Phase, Stream
from ringbridge.wire import engine, twilio

METADATA = engine.Metadata(engine.MetadataEvent("conv_1", "ulaw_8000", "ulaw_8000"))
WRONG_METADATA = engine.Metadata(engine.MetadataEvent("conv_1", "pcm_16000", "ulaw_8000"))

PLANS = [
    HangUp(),
    Transfer("sales", "+15550124"),
    SendDigits("1w2"),
    CollectDigits(2, "#", 5.0, secret=False),
    CollectDigits(4, "", 5.0, secret=True),
    PlaySound((base64.b64encode(b"\x10" * 80).decode(),) * 2),
    PlaySound(()),
]


CLIPS = Clips(*((base64.b64encode(bytes([number]) * 800).decode(),) for number in range(5)))


class CallModel(RuleBasedStateMachine):
    """Carries out what the machine asks, as the shell does, and plays Twilio, the engine and the clock."""

    def __init__(self):
        super().__init__()
        self.now = 0.0
        self.relay = Relay(variables={}, greeting="Hello", clips=CLIPS, max_seconds=40, clock=lambda: self.now)
        self.timers = {}
        self.engine = None  # None, "dialling", "connected"
        self.stream = None  # the attached stream's SID
        self.streams = 0
        self.served = False
        self.outcome = None
        self.hanging_up = False
        self.finished = False
        self.marks = []
        self.event_id = 0
        self.interrupted = -1
        self.asked = 0
        self.unanswered = set()
        self.redirecting = False
        self.brain = False
        self.clips = []
        self.apologised = False
        self.pressed = self.kept = ""

    def tell(self, event):
        for command in self.relay.handle(event):
            self.carry_out(command)

    def carry_out(self, command):  # noqa: PLR0915
        assert not self.finished or command == commands.CloseStream(), "asked for something after the end"
        match command:
            case commands.OpenEngine():
                assert self.engine is None, "dialled a second conversation beside the first"
                self.engine = "dialling"
            case commands.CloseEngine():
                self.engine = None
            case commands.ToEngine(message=message):
                assert self.engine == "connected", f"spoke to an engine that is not there: {message[:40]}"
            case commands.ToTwilio(message=message):
                assert self.stream is not None, "spoke into a stream that is not there"
                self.sent_to_twilio(message)
            case commands.CloseStream():
                recorded = self.finished or self.outcome is not None
                assert self.stream is None or recorded, "closed a stream without an outcome"
                self.stream = None
            case commands.HangUp():
                assert self.outcome is Outcome.GOODBYE
                assert not self.hanging_up, "hung up twice"
                assert not self.redirecting, "hung up on a caller whom it sent elsewhere"
                self.hanging_up = True
            case commands.Record(outcome=outcome):
                assert self.outcome is None, "recorded a second outcome"
                self.outcome = outcome
            case commands.Redirect():
                assert self.outcome is None, "sent a caller elsewhere whose call ends"
                assert not self.redirecting
                self.redirecting = True
            case commands.Rescue():
                assert self.outcome is Outcome.FAULT
                assert self.stream is None
                self.redirecting = True
            case commands.Settled(number=number):
                assert number in self.unanswered, "answered what nobody asked, or twice"
                self.unanswered.remove(number)
            case commands.KeepDigits(digits=digits):
                self.kept += digits
            case commands.SetTimer(timer=timer, seconds=seconds):
                assert seconds > 0
                self.timers[timer] = seconds
            case commands.DropTimer(timer=timer):
                self.timers.pop(timer, None)
            case commands.Report(fact=facts.ClipPlayed(clip=clip)):
                assert self.stream is not None, "spoke to nobody"
                self.clips.append(clip)
            case commands.Apologised():
                assert self.outcome is Outcome.FAULT
                assert self.clips[-1] == "sorry"
                self.apologised = True
            case commands.Finish():
                self.finished = True
                self.timers.clear()

    def sent_to_twilio(self, message):
        message = json.loads(message)
        assert message["streamSid"] == self.stream
        if message["event"] == "mark":
            self.marks.append(message["mark"]["name"])

    @rule(ringing=st.booleans())
    def webhook(self, ringing):
        self.tell(events.Announced(ringing))

    @rule()
    def stream_starts(self):
        if self.redirecting and not self.finished:
            self.rest_answers_a_redirect(done=True)  # it does so sooner than the stream comes back
        self.streams += 1
        self.served |= not self.finished
        self.stream = StreamSid(f"MZ{self.streams}")
        self.marks = []
        self.tell(events.StreamStarted(self.stream))

    @precondition(lambda self: self.stream)
    @rule(code=st.sampled_from([None, 1000, 1006]))
    def stream_drops(self, code):
        self.stream = None
        self.tell(events.StreamClosed(code))

    @precondition(lambda self: self.stream)
    @rule()
    def twilio_stops(self):
        elsewhere = self.relay._is_redirecting
        self.tell(events.FromTwilio(twilio.Stop()))
        assert self.finished or elsewhere

    @rule()
    def twilio_says_it_is_over(self):
        self.tell(events.CallOver())
        assert self.finished

    @precondition(lambda self: self.streams or self.timers)
    @rule(plan=st.sampled_from(PLANS), step=st.none() | st.integers(-1, 1))
    def brain_asks(self, plan, step):
        self.asked += 1
        self.unanswered.add(self.asked)
        self.tell(events.Asked(self.asked, plan, None if step is None else max(0, self.event_id + step)))
        if self.finished:
            self.unanswered.discard(self.asked)  # the shell answers for the machine that is over

    @precondition(lambda self: self.unanswered)
    @rule(data=st.data())
    def brain_does_not_want_it_any_more(self, data):
        self.tell(events.Unwanted(data.draw(st.sampled_from(sorted(self.unanswered)))))

    @precondition(lambda self: self.redirecting)
    @rule(done=st.booleans())
    def rest_answers_a_redirect(self, done):
        self.redirecting = False
        self.tell(events.Redirected() if done else events.RedirectFailed())

    @precondition(lambda self: self.engine == "connected" and not self.brain)
    @rule()
    def brain_comes(self):
        self.brain = True
        self.tell(events.BrainAttached())

    @precondition(lambda self: self.brain)
    @rule()
    def brain_goes(self):
        self.brain = False
        self.tell(events.BrainDetached())

    @precondition(lambda self: self.brain)
    @rule(said=st.booleans(), words=st.booleans(), complete=st.booleans())
    def brain_works(self, said, words, complete):
        self.tell(events.BrainSaid(words, complete) if said else events.BrainAsked())

    @rule()
    def we_have_to_leave(self):
        self.tell(events.Leave("the process stops"))

    @rule(apologised=st.booleans())
    def somebody_gives_up(self, apologised):
        self.tell(events.Failed("no more", apologised))

    @rule(taken=st.booleans())
    def human_is_done(self, taken):
        self.tell(events.DialEnded(taken))

    @precondition(lambda self: self.stream)
    @rule(key=st.sampled_from("0123456789*#"))
    def key(self, key):
        if not self.finished and key != "#":
            self.pressed += key
        self.tell(events.FromTwilio(twilio.Dtmf(twilio.Digit(key))))

    @precondition(lambda self: self.stream and self.marks)
    @rule(data=st.data())
    def mark_echoes(self, data):
        name = data.draw(st.sampled_from(self.marks))
        self.marks.remove(name)
        self.tell(events.FromTwilio(twilio.Mark(self.stream, twilio.MarkName(name))))

    @rule(seconds=st.floats(0.01, 3.0))
    def time_passes(self, seconds):
        before = self.relay.lane.playout.unheard_ms
        self.now += seconds
        assert 0 <= self.relay.lane.playout.unheard_ms <= before

    @precondition(lambda self: self.stream)
    @rule()
    def pulse_beats(self):
        for mark in self.relay.lane.mark_pause():
            self.sent_to_twilio(mark)

    @invariant()
    def what_was_sent_will_be_told(self):
        playout = self.relay.lane.playout
        if self.stream is not None and not self.finished and not playout.silent:
            assert playout._pending or playout._marked_ms < playout._queued_ms

    @rule()
    def caller_speaks(self):
        if (frame := self.relay.lane.caller("AAAA")) is not None:
            assert self.engine == "connected" or self.finished, "carried the caller's words to nobody"
            assert json.loads(frame) == {"user_audio_chunk": "AAAA"}

    @precondition(lambda self: self.engine == "dialling")
    @rule()
    def engine_connects(self):
        self.engine = "connected"
        self.tell(events.EngineConnected())

    @precondition(lambda self: self.engine == "dialling")
    @rule()
    def engine_is_not_reached(self):
        self.engine = None
        self.tell(events.EngineUnreached("refused"))

    @precondition(lambda self: self.engine == "connected")
    @rule(
        message=st.sampled_from(
            [METADATA, METADATA, WRONG_METADATA, engine.Ping(engine.PingEvent(1)), engine.Unknown("x")]
        )
    )
    def engine_speaks(self, message):
        self.tell(events.FromEngine(message))

    @precondition(lambda self: self.engine == "connected")
    @rule(refused=st.booleans())
    def engine_errs(self, refused):
        error = engine.ErrorEvent(error_type="override_error" if refused else "llm_error")
        self.tell(events.FromEngine(engine.Error(error)))

    @precondition(lambda self: self.engine == "connected")
    @rule(step=st.integers(-2, 2), ms=st.integers(0, 600))
    def agent_speaks(self, step, ms):
        event_id = max(0, self.event_id + step)
        self.event_id = max(self.event_id, event_id)
        payload = base64.b64encode(b"\x10" * ms * 8).decode()
        wires = self.relay.lane.agent(engine.Audio(engine.AudioEvent(payload, event_id)))
        if wires is not None:
            assert self.stream is not None or self.finished
            assert event_id >= self.interrupted, "played a stale reply"
            if self.stream:
                for message in wires:
                    self.sent_to_twilio(message)
            if self.relay.awaits_audio(event_id):
                self.tell(events.AudioSent(event_id))

    @precondition(lambda self: self.engine == "connected")
    @rule(step=st.integers(-1, 2))
    def caller_barges_in(self, step):
        event_id = max(0, self.event_id + step)
        self.event_id = max(self.event_id, event_id)
        if not self.finished:
            self.interrupted = max(self.interrupted, event_id)
        self.tell(events.FromEngine(engine.Interruption(engine.EventId(event_id))))

    @precondition(lambda self: self.engine == "connected")
    @rule(code=st.sampled_from([None, 1000, 1000, 1002, 1008, 1011]))
    def engine_closes(self, code):
        self.engine = None
        self.tell(events.EngineClosed(code))

    @precondition(lambda self: self.timers)
    @rule(data=st.data())
    def timer_fires(self, data):
        timer = data.draw(st.sampled_from(sorted(self.timers, key=lambda timer: timer.name)))
        del self.timers[timer]
        self.tell(events.TimerFired(timer))
        if timer is events.Timer.START_DUE and not self.finished:
            self.interrupted = -1

    @precondition(lambda self: self.hanging_up)
    @rule(ended=st.booleans())
    def rest_answers(self, ended):
        self.hanging_up = False
        self.tell(events.HungUp() if ended else events.HangUpFailed())

    @precondition(lambda self: self.engine == "connected")
    @rule(reply=st.booleans(), step=st.integers(-1, 0), final=st.booleans())
    def engine_has_said_all(self, reply, step, final):
        event_id = max(0, self.event_id + step)
        if final:
            message = engine.Audio(engine.AudioEvent("", event_id, is_final=True))
        else:
            message = engine.AgentResponseComplete(event_id=event_id if reply else None)
        self.tell(events.FromEngine(message))

    @precondition(lambda self: self.engine == "connected")
    @rule(score=st.sampled_from([0.2, 0.9]), event_id=st.none() | st.integers(0, 9), words=st.booleans())
    def caller_says(self, score, event_id, words):
        said = engine.UserTranscript(engine.UserTranscriptionEvent("Hm", event_id))
        self.tell(events.FromEngine(said if words else engine.VadScore(engine.VadScoreEvent(score))))

    @invariant()
    def no_key_is_lost(self):
        if not self.finished:
            waiting = self.relay._keypad._keys
            assert len(self.kept.replace("#", "")) + len(waiting.replace("#", "")) == len(self.pressed)

    @invariant()
    def a_silence_that_is_owed_is_watched(self):
        waits = self.relay._watchdog.is_owed and self.relay._stream is Stream.ATTACHED
        if waits and self.relay._phase is Phase.LIVE and not self.finished:
            assert events.Timer.QUIET in self.timers

    @invariant()
    def a_call_with_a_stream_has_its_end(self):
        if self.stream is not None and not self.finished and self.relay._phase is Phase.LIVE:
            assert events.Timer.TIME_UP in self.timers

    @invariant()
    def nothing_is_left_after_the_end(self):
        if self.finished:
            assert self.engine is None
            assert self.stream is None
            assert not self.timers
            assert not self.unanswered, "left somebody without an answer"

    def teardown(self):
        """Left to the clock alone, every call comes to its end."""
        for _ in range(200):
            waiting = [timer for timer in self.timers if timer is not events.Timer.SILENCE]
            if self.hanging_up:
                self.hanging_up = False
                self.tell(events.HangUpFailed())
            elif self.redirecting:
                self.rest_answers_a_redirect(done=False)
            elif waiting:
                timer = min(waiting, key=lambda timer: self.timers[timer])
                passed = self.timers.pop(timer)
                self.timers = {other: left - passed for other, left in self.timers.items()}
                self.tell(events.TimerFired(timer))
            else:
                break
        untouched = self.engine is None and self.stream is None and not self.timers
        assert self.finished or untouched
        assert self.outcome is not None or not self.served, "the caller was left without an outcome"


DEEP = settings.default.max_examples > 1000

TestCall = CallModel.TestCase
TestCall.settings = settings(max_examples=1500 if DEEP else 150, stateful_step_count=60 if DEEP else 40, deadline=None)
