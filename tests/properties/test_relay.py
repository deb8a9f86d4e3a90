"""The machine of a call against a model of two sockets, which may open, speak and close at any point."""

import base64
import json

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from ringbridge.facts import Outcome
from ringbridge.ids import StreamSid
from ringbridge.relay import commands, events
from ringbridge.relay.machine import Relay
from ringbridge.wire import engine, twilio

METADATA = engine.Metadata(engine.MetadataEvent("conv_1", "ulaw_8000", "ulaw_8000"))
WRONG_METADATA = engine.Metadata(engine.MetadataEvent("conv_1", "pcm_16000", "ulaw_8000"))


class CallModel(RuleBasedStateMachine):
    """Carries out what the machine asks, as the shell does, and plays Twilio, the engine and the clock."""

    def __init__(self):
        super().__init__()
        self.relay = Relay(variables={}, greeting="Hello")
        self.timers = {}
        self.engine = None  # None, "dialling", "connected"
        self.stream = None  # the attached stream's SID
        self.streams = 0
        self.outcome = None
        self.hanging_up = False
        self.finished = False
        self.marks = []
        self.event_id = 0
        self.interrupted = -1

    def tell(self, event):
        for command in self.relay.handle(event):
            self.carry_out(command)

    def carry_out(self, command):
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
                self.hanging_up = True
            case commands.Record(outcome=outcome):
                assert self.outcome is None, "recorded a second outcome"
                self.outcome = outcome
            case commands.SetTimer(timer=timer, seconds=seconds):
                assert seconds > 0
                self.timers[timer] = seconds
            case commands.DropTimer(timer=timer):
                self.timers.pop(timer, None)
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
        self.streams += 1
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
        self.tell(events.FromTwilio(twilio.Stop()))
        assert self.finished

    @rule()
    def twilio_says_it_is_over(self):
        self.tell(events.CallOver())
        assert self.finished

    @precondition(lambda self: self.stream)
    @rule(key=st.sampled_from("0123456789*#"))
    def key(self, key):
        self.tell(events.FromTwilio(twilio.Dtmf(twilio.Digit(key))))

    @precondition(lambda self: self.stream and self.marks)
    @rule(data=st.data())
    def mark_echoes(self, data):
        name = data.draw(st.sampled_from(self.marks))
        self.marks.remove(name)
        self.tell(events.FromTwilio(twilio.Mark(self.stream, twilio.MarkName(name))))

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
    @rule(step=st.integers(-2, 2), ms=st.integers(0, 400))
    def agent_speaks(self, step, ms):
        event_id = max(0, self.event_id + step)
        self.event_id = max(self.event_id, event_id)
        payload = base64.b64encode(b"\x10" * ms * 8).decode()
        pair = self.relay.lane.agent(engine.Audio(engine.AudioEvent(payload, event_id)))
        if pair is not None:
            assert self.stream is not None or self.finished
            assert event_id >= self.interrupted, "played a stale reply"
            if self.stream:
                self.sent_to_twilio(pair[0])
                self.sent_to_twilio(pair[1])

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

    @invariant()
    def nothing_is_left_after_the_end(self):
        if self.finished:
            assert self.engine is None
            assert self.stream is None
            assert not self.timers

    def teardown(self):
        """Left to the clock alone, every call comes to its end, unless caller and engine go on talking."""
        for _ in range(30):
            waiting = [timer for timer in self.timers if timer is not events.Timer.SILENCE]
            if self.hanging_up:
                self.hanging_up = False
                self.tell(events.HangUpFailed())
            elif waiting:
                timer = min(waiting, key=lambda timer: self.timers[timer])
                del self.timers[timer]
                self.tell(events.TimerFired(timer))
        talking = self.engine == "connected" and self.stream is not None
        untouched = self.engine is None and self.stream is None and not self.timers
        assert self.finished or talking or untouched


TestCall = CallModel.TestCase
TestCall.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
