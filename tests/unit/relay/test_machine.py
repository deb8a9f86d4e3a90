"""One call's decisions, told as the conversations that they answer."""

import base64
import json

import pytest

from ringbridge import facts
from ringbridge.facts import Outcome
from ringbridge.ids import StreamSid
from ringbridge.plans import HangUp as HangUpPlan
from ringbridge.relay import events
from ringbridge.relay.clips import Clips
from ringbridge.relay.commands import (
    Apologised,
    CloseEngine,
    CloseStream,
    DropTimer,
    Finish,
    HangUp,
    OpenEngine,
    Record,
    Report,
    Rescue,
    SetTimer,
    Settled,
    ToEngine,
    ToTwilio,
)
from ringbridge.relay.events import Timer
from ringbridge.relay.machine import Relay
from ringbridge.wire import engine, twilio

SID = StreamSid("MZ1")
OVER = [CloseEngine(), CloseStream(), Finish()]


def said(text):
    return events.FromEngine(engine.decode(json.dumps(text).encode()))


def twilio_says(text):
    return events.FromTwilio(twilio.decode(json.dumps(text).encode()))


def metadata(hears="ulaw_8000", speaks="ulaw_8000"):
    event = {"conversation_id": "conv_1", "user_input_audio_format": hears, "agent_output_audio_format": speaks}
    return said({"type": "conversation_initiation_metadata", "conversation_initiation_metadata_event": event})


def dtmf(key):
    return twilio_says({"event": "dtmf", "streamSid": SID, "dtmf": {"track": "inbound_track", "digit": key}})


def mark(name):
    return twilio_says({"event": "mark", "streamSid": SID, "mark": {"name": name}})


CLIPS = Clips(*((base64.b64encode(bytes([number]) * 800).decode(),) for number in range(5)))
"""A tenth of a second each."""

ASKED_TO_HANG_UP = events.Asked(1, HangUpPlan(), None)
STOP = twilio_says({"event": "stop", "streamSid": SID, "stop": {}})


def agent_speaks(relay, ms=100, event_id=1):
    payload = base64.b64encode(b"\x10" * ms * 8).decode()
    wires = relay.lane.agent(engine.Audio(engine.AudioEvent(payload, event_id)))
    if wires and relay.awaits_audio(event_id):
        relay.handle(events.AudioSent(event_id))
    return wires


def new(greeting="Hello, I'm an AI."):
    variables = {"caller": "+15550001", "called": "+15550002", "call_sid": "CA1"}
    return Relay(variables=variables, greeting=greeting, clips=CLIPS, max_seconds=3600, clock=lambda: 0.0)


def play(relay, *story):
    """Tell the machine a story; give all that it asked for."""
    return [command for event in story for command in relay.handle(event)]


def talking(greeting="Hello, I'm an AI."):
    relay = new(greeting)
    play(relay, events.Announced(ringing=True), events.EngineConnected(), metadata(), events.StreamStarted(SID))
    play(relay, events.BrainAttached())
    return relay


def sent(commands, kind=ToEngine):
    return [json.loads(command.message) for command in commands if isinstance(command, kind)]


def reports(commands):
    return [command.fact for command in commands if isinstance(command, Report)]


def index(commands, kind):
    return next(position for position, command in enumerate(commands) if isinstance(command, kind))


class TestMakingReady:
    def test_a_ringing_call_is_made_ready(self):
        assert OpenEngine() in play(new(), events.Announced(ringing=True))

    def test_a_call_that_is_answered_already_is_not(self):
        commands = play(new(), events.Announced(ringing=False))
        assert [type(command) for command in commands] == [SetTimer]

    def test_it_is_made_ready_once(self):
        relay = new()
        play(relay, events.Announced(ringing=True))
        assert play(relay, events.Announced(ringing=True)) == [SetTimer(Timer.FORGET, 95.0)]

    def test_initiation_comes_first_with_the_greeting_and_our_own_variables(self):
        relay = new()
        play(relay, events.Announced(ringing=True))
        assert sent(play(relay, events.EngineConnected())) == [
            {
                "type": "conversation_initiation_client_data",
                "dynamic_variables": {"caller": "+15550001", "called": "+15550002", "call_sid": "CA1"},
                "conversation_config_override": {"agent": {"first_message": "Hello, I'm an AI."}},
            }
        ]

    def test_without_a_greeting_nothing_is_overridden(self):
        relay = new(greeting=None)
        play(relay, events.Announced(ringing=True))
        assert "conversation_config_override" not in sent(play(relay, events.EngineConnected()))[0]

    def test_it_is_given_back_when_no_stream_comes(self):
        relay = new()
        play(relay, events.Announced(ringing=True), events.EngineConnected(), metadata())
        commands = play(relay, events.TimerFired(Timer.START_DUE))
        assert CloseEngine() in commands
        assert reports(commands) == [facts.ConversationGivenBack()]

    def test_a_stream_that_comes_later_dials_anew(self):
        relay = new()
        play(relay, events.Announced(ringing=True), events.TimerFired(Timer.START_DUE))
        assert OpenEngine() in play(relay, events.StreamStarted(SID))

    def test_it_is_forgotten_when_its_token_has_expired(self):
        relay = new()
        play(relay, events.Announced(ringing=True), events.TimerFired(Timer.START_DUE))
        assert play(relay, events.TimerFired(Timer.FORGET)) == OVER

    def test_an_engine_that_could_not_be_reached_while_ringing_is_dialled_again_at_the_start(self):
        relay = new()
        commands = play(relay, events.Announced(ringing=True), events.EngineUnreached("refused"))
        assert Record(Outcome.FAULT) not in commands
        assert OpenEngine() in play(relay, events.StreamStarted(SID))

    def test_what_the_engine_said_meanwhile_is_played_at_the_start(self):
        relay = new()
        play(relay, events.Announced(ringing=True), events.EngineConnected(), metadata())
        assert agent_speaks(relay) is None
        assert [m["event"] for m in sent(play(relay, events.StreamStarted(SID)), ToTwilio)] == ["media", "mark"]

    def test_an_engine_that_has_closed_meanwhile_with_1000_is_heard_to_its_end(self):
        relay = new()
        play(relay, events.Announced(ringing=True), events.EngineConnected(), metadata())
        agent_speaks(relay)
        assert play(relay, events.EngineClosed(1000)) == [Report(facts.ConversationClosed(1000, ""))]
        commands = play(relay, events.StreamStarted(SID))
        assert Record(Outcome.GOODBYE) in commands
        assert HangUp() not in commands
        assert HangUp() in play(relay, mark("e0:1"))

    def test_an_engine_that_has_failed_meanwhile_is_dialled_again_at_the_start(self):
        relay = new()
        play(relay, events.Announced(ringing=True), events.EngineConnected(), metadata())
        agent_speaks(relay)
        assert OpenEngine() not in play(relay, events.EngineClosed(1011, "x"))
        commands = play(relay, events.StreamStarted(SID))
        assert OpenEngine() in commands
        assert sent(commands, ToTwilio) == [], "its half greeting is not heard"


class TestOpening:
    def test_the_callers_first_words_wait_for_the_conversation(self):
        relay = new()
        play(relay, events.Announced(ringing=False), events.StreamStarted(SID))
        relay.lane.caller("AAAA")
        play(relay, events.EngineConnected())
        assert sent(play(relay, metadata())) == [{"user_audio_chunk": "AAAA"}]

    def test_a_conversation_that_is_not_open_in_time_is_a_failed_engine(self):
        relay = new()
        commands = play(relay, events.Announced(ringing=False), events.StreamStarted(SID))
        assert SetTimer(Timer.ENGINE_DUE, 5.0) in commands
        assert play(relay, events.TimerFired(Timer.ENGINE_DUE))[0] == Record(Outcome.FAULT)

    def test_one_that_is_open_in_time_is_not(self):
        relay = talking()
        assert play(relay, events.TimerFired(Timer.ENGINE_DUE)) == []

    @pytest.mark.parametrize("formats", [("pcm_16000", "ulaw_8000"), ("ulaw_8000", "pcm_16000"), ("", "")])
    def test_other_formats_than_a_phones_are_a_failed_engine_with_its_mend(self, formats):
        relay = new()
        play(relay, events.Announced(ringing=True), events.EngineConnected(), events.StreamStarted(SID))
        commands = play(relay, metadata(*formats))
        assert commands[0] == Record(Outcome.FAULT)
        assert "asr.user_input_audio_format" in reports(commands)[0].reason

    def test_an_engine_that_can_not_be_reached_twice_means_the_sorry(self):
        relay = new()
        play(relay, events.Announced(ringing=False), events.StreamStarted(SID))
        commands = play(relay, events.EngineUnreached("refused"))
        assert reports(commands) == [facts.ConversationRedialled("refused")]
        assert commands[-1] == OpenEngine()
        commands = play(relay, events.EngineUnreached("refused again"))
        assert commands[:2] == [Record(Outcome.FAULT), Report(facts.Faulted("refused again"))]
        assert reports(commands)[-1] == facts.ClipPlayed("sorry")

    @pytest.mark.parametrize(
        "story",
        [
            [
                said({"type": "error", "error_event": {"error_type": "override_error", "message": "no"}}),
                events.EngineClosed(1008),
            ],
            [events.EngineClosed(1008, "Override for field 'first_message' is not allowed")],
        ],
    )
    def test_a_greeting_that_is_not_allowed_is_left_out_at_the_second_try(self, story):
        relay = new()
        play(relay, events.Announced(ringing=True), events.EngineConnected())
        commands = play(relay, *story)
        assert facts.GreetingRefused() in reports(commands)
        assert commands[-1] == OpenEngine()
        assert "conversation_config_override" not in sent(play(relay, events.EngineConnected()))[0]
        play(relay, events.StreamStarted(SID))
        play(relay, events.EngineClosed(1008, "override"), events.EngineConnected())
        assert play(relay, events.EngineClosed(1008, "override"))[0] == Record(Outcome.FAULT)

    def test_a_close_with_1000_before_it_was_open_is_a_failed_engine(self):
        relay = new()
        play(relay, events.Announced(ringing=False), events.StreamStarted(SID), events.EngineConnected())
        assert OpenEngine() in play(relay, events.EngineClosed(1000))
        assert play(relay, events.EngineConnected(), events.EngineClosed(1000))[1] == Record(Outcome.FAULT)


class TestTalking:
    def test_a_ping_is_answered_at_once(self):
        commands = play(talking(), said({"type": "ping", "ping_event": {"event_id": "7", "ping_ms": None}}))
        assert sent(commands) == [{"type": "pong", "event_id": 7}]

    def test_a_ping_without_an_id_is_not(self):
        assert play(talking(), said({"type": "ping"})) == []

    def test_barge_in_clears_at_once(self):
        relay = talking()
        agent_speaks(relay, 200, 3)
        commands = play(relay, said({"type": "interruption", "interruption_event": {"event_id": 4}}))
        assert commands[0] == ToTwilio(b'{"event":"clear","streamSid":"MZ1"}')
        assert reports(commands) == [facts.Interrupted(4, 200, reply=3)]

    def test_the_heard_position_is_a_fact(self):
        relay = talking()
        agent_speaks(relay, 100, 3)
        assert reports(play(relay, mark("e0:1"))) == [facts.Heard(3, 100)]

    def test_an_echo_from_before_the_clear_is_not_heard(self):
        relay = talking()
        agent_speaks(relay)
        play(relay, said({"type": "interruption", "interruption_event": {"event_id": 4}}))
        assert play(relay, mark("e0:1")) == []

    def test_digits_open_a_turn_at_the_hash_key(self):
        relay = talking()
        commands = play(relay, dtmf("4"), dtmf("2"), dtmf("#"))
        assert sent(commands) == [{"type": "user_message", "text": "Caller pressed 42"}]
        assert reports(commands) == [facts.KeyPressed()] * 3 + [facts.DigitsPressed("42")]

    def test_digits_open_a_turn_after_a_pause(self):
        relay = talking()
        assert play(relay, dtmf("7")) == [Report(facts.KeyPressed()), SetTimer(Timer.DIGITS, 1.5)]
        commands = play(relay, events.TimerFired(Timer.DIGITS))
        assert sent(commands) == [{"type": "user_message", "text": "Caller pressed 7"}]

    def test_digits_wait_for_the_conversation(self):
        relay = new()
        play(relay, events.Announced(ringing=False), events.StreamStarted(SID), events.EngineConnected())
        assert sent(play(relay, dtmf("7"), dtmf("#"))) == []
        assert sent(play(relay, metadata())) == [{"type": "user_message", "text": "Caller pressed 7"}]

    @pytest.mark.parametrize(
        ("message", "fact"),
        [
            (
                {"type": "user_transcript", "user_transcription_event": {"user_transcript": "hi"}},
                facts.CallerSpoke("hi"),
            ),
            ({"type": "agent_response", "agent_response_event": {"agent_response": "yo"}}, facts.AgentSpoke("yo")),
            (
                {
                    "type": "agent_response_correction",
                    "agent_response_correction_event": {
                        "original_agent_response": "at seven or eight",
                        "corrected_agent_response": "at seven",
                    },
                },
                facts.AgentCorrected("at seven or eight", "at seven"),
            ),
            (
                {"type": "queue_status", "queue_status_event": {"status": "timed_out"}},
                facts.EngineComplained("queue_status", "timed_out"),
            ),
            ({"type": "error", "message": "flat"}, facts.EngineComplained("", "flat")),
            (
                {"type": "error", "error_event": {"error_type": "llm_timeout", "message": "nested"}},
                facts.EngineComplained("llm_timeout", "nested"),
            ),
            (
                {"type": "client_error", "error_event": {"error_name": "bad", "message": "chunk"}},
                facts.EngineComplained("bad", "chunk"),
            ),
        ],
    )
    def test_what_the_engine_tells_is_reported(self, message, fact):
        assert play(talking(), said(message))[0] == Report(fact)

    @pytest.mark.parametrize(
        "event",
        [
            said({"type": "vad_score", "vad_score_event": {"vad_score": 0.5}}),
            twilio_says({"event": "newfangled"}),
            twilio_says({"event": "connected", "protocol": "Call", "version": "1.0.0"}),
            events.TimerFired(Timer.HELD),
            events.TimerFired(Timer.START_DUE),
            events.TimerFired(Timer.FORGET),
            events.TimerFired(Timer.PLAYED),
            events.TimerFired(Timer.SILENCE),
        ],
    )
    def test_what_has_no_meaning_now_is_passed_over(self, event):
        assert play(talking(), event) == []

    def test_a_broken_message_is_noted_and_ends_nothing(self):
        assert play(talking(), events.Unreadable("engine", "audio: $.x")) == [
            Report(facts.Broken("engine", "audio: $.x"))
        ]


class TestLosingTheStream:
    def test_the_conversation_is_held(self):
        relay = talking()
        commands = play(relay, events.StreamClosed(None))
        assert SetTimer(Timer.HELD, 5.0) in commands
        assert SetTimer(Timer.SILENCE, 1.0) in commands
        assert CloseEngine() not in commands
        assert reports(commands) == [facts.StreamLost(None)]

    def test_meanwhile_the_engine_hears_silence_and_that_the_caller_is_there_each_second(self):
        relay = talking()
        play(relay, events.StreamClosed(None))
        commands = play(relay, events.TimerFired(Timer.SILENCE))
        audio, activity = sent(commands)
        assert base64.b64decode(audio["user_audio_chunk"]) == b"\xff" * 8000
        assert activity == {"type": "user_activity"}
        assert commands[-1] == SetTimer(Timer.SILENCE, 1.0)

    def test_what_the_agent_says_meanwhile_is_dropped(self):
        relay = talking()
        play(relay, events.StreamClosed(None))
        assert agent_speaks(relay) is None
        assert sent(play(relay, events.StreamStarted(StreamSid("MZ2"))), ToTwilio) == []

    def test_the_next_stream_takes_the_conversation_over(self):
        relay = talking()
        play(relay, events.StreamClosed(None))
        commands = play(relay, events.StreamStarted(StreamSid("MZ2")))
        assert {DropTimer(Timer.HELD), DropTimer(Timer.SILENCE)} <= set(commands)
        assert OpenEngine() not in commands
        assert reports(commands) == [facts.StreamAttached(StreamSid("MZ2"), again=True)]
        assert json.loads(agent_speaks(relay)[0])["streamSid"] == "MZ2"

    def test_a_stream_may_come_before_the_loss_of_the_old_one_is_known(self):
        relay = talking()
        agent_speaks(relay)
        play(relay, events.StreamStarted(StreamSid("MZ2")))
        assert relay.lane.playout.silent
        assert json.loads(agent_speaks(relay)[0])["streamSid"] == "MZ2"

    def test_when_no_stream_comes_the_caller_gets_the_sorry(self):
        relay = talking()
        play(relay, events.StreamClosed(1006))
        commands = play(relay, events.TimerFired(Timer.HELD))
        assert commands[0] == Record(Outcome.FAULT)
        assert commands[-1] == Rescue()
        assert play(relay, events.Redirected()) == OVER

    def test_and_when_twilio_does_not_say_it_there_is_nothing_more_to_do(self):
        relay = talking()
        play(relay, events.StreamClosed(1006), events.TimerFired(Timer.HELD))
        assert play(relay, events.RedirectFailed()) == OVER

    @pytest.mark.parametrize("code", [1000, 1011, None])
    def test_an_engine_that_closes_meanwhile_is_dialled_anew_and_does_not_greet_again(self, code):
        relay = talking()
        agent_speaks(relay)
        play(relay, events.StreamClosed(None))
        assert play(relay, events.EngineClosed(code))[-1] == OpenEngine()
        (initiation,) = sent(play(relay, events.EngineConnected()))
        assert initiation["conversation_config_override"] == {"agent": {"first_message": ""}}

    def test_where_the_greeting_is_the_engines_own_it_is_not_heard_a_second_time(self):
        relay = talking(greeting=None)
        agent_speaks(relay)
        play(relay, events.StreamClosed(None), events.EngineClosed(1000), events.EngineConnected(), metadata())
        play(relay, events.StreamStarted(StreamSid("MZ2")))
        assert agent_speaks(relay) is None
        play(relay, said({"type": "user_transcript", "user_transcription_event": {"user_transcript": "Hi"}}))
        assert agent_speaks(relay, event_id=2) is not None

    def test_nor_is_it_dialled_for_ever(self):
        relay = talking()
        play(relay, events.StreamClosed(None))
        for _ in range(3):
            assert OpenEngine() in play(relay, events.EngineClosed(1011))
            play(relay, events.EngineConnected(), metadata())
        assert Record(Outcome.FAULT) in play(relay, events.EngineClosed(1011))


class TestTheEnd:
    @pytest.mark.parametrize("event", [STOP, events.CallOver()])
    def test_a_caller_who_is_gone_is_recorded_before_anything_is_closed(self, event):
        assert play(talking(), event) == [Record(Outcome.CALLER_GONE), *OVER]

    @pytest.mark.parametrize("code", [None, 1001, 1002, 1008, 1011, 3000, 3008])
    def test_an_engine_that_fails_twice_means_the_sorry_recorded_before_anything_is_closed(self, code):
        relay = talking()
        assert OpenEngine() in play(relay, events.EngineClosed(code))
        play(relay, events.EngineConnected(), metadata())
        commands = play(relay, events.EngineClosed(code))
        assert index(commands, Record) < index(commands, CloseEngine) < index(commands, ToTwilio)
        assert Record(Outcome.FAULT) in commands
        assert CloseStream() not in commands
        assert play(relay, mark("e0:1"))[-4:] == [Apologised(), *OVER]

    def test_an_engine_that_is_done_is_played_to_its_end_then_the_call_is_ended_by_rest(self):
        relay = talking()
        agent_speaks(relay, 100)
        agent_speaks(relay, 100)
        play(relay, ASKED_TO_HANG_UP)
        commands = play(relay, events.EngineClosed(1000))
        *ends, rest, deadline = commands[1:]
        assert ends == [Record(Outcome.GOODBYE), DropTimer(Timer.ERRAND)]
        assert json.loads(rest.message)["mark"]["name"] == "e0:2"
        assert deadline == SetTimer(Timer.PLAYED, 2.2)
        assert HangUp() not in play(relay, mark("e0:1"))
        assert HangUp() in play(relay, mark("e0:2"))
        assert play(relay, events.HungUp()) == [SetTimer(Timer.STOP_DUE, 2.0)]
        assert play(relay, STOP) == [Settled(1, done=True), *OVER]

    def test_a_stream_that_comes_then_is_closed_and_nothing_is_played_to_it(self):
        relay = talking()
        play(relay, ASKED_TO_HANG_UP)
        assert play(relay, events.StreamStarted(StreamSid("MZ2"))) == [CloseStream()]
        assert agent_speaks(relay) is None

    def test_marks_that_never_come_back_do_not_keep_the_line_open(self):
        relay = talking()
        agent_speaks(relay)
        play(relay, ASKED_TO_HANG_UP, events.EngineClosed(1000))
        assert HangUp() in play(relay, events.TimerFired(Timer.PLAYED))

    def test_an_engine_that_ends_a_silent_conversation_has_our_farewell_said_for_it(self):
        relay = talking()
        commands = play(relay, events.EngineClosed(1000))
        assert Record(Outcome.GOODBYE) in commands
        assert reports(commands)[-1] == facts.ClipPlayed("farewell")
        assert HangUp() in play(relay, mark("e0:1"))

    def test_so_has_one_in_which_nobody_has_spoken_for_a_while(self):
        relay = talking()
        agent_speaks(relay)
        play(relay, mark("e0:1"), events.TimerFired(Timer.LATELY))
        assert Record(Outcome.GOODBYE) in play(relay, events.EngineClosed(1000))

    def test_one_that_ends_in_the_middle_of_a_talk_is_dialled_again(self):
        relay = talking()
        agent_speaks(relay)
        play(relay, mark("e0:1"))
        assert play(relay, events.EngineClosed(1000))[-1] == OpenEngine()

    @pytest.mark.parametrize("code", [1000, 1002, None])
    def test_who_waits_to_hang_up_needs_no_other_conversation(self, code):
        relay = talking()
        agent_speaks(relay)
        play(relay, ASKED_TO_HANG_UP)
        assert Record(Outcome.GOODBYE) in play(relay, events.EngineClosed(code))

    def test_where_rest_fails_the_stream_is_closed(self):
        relay = talking()
        play(relay, events.EngineClosed(1000))
        assert play(relay, events.HangUpFailed()) == OVER

    def test_a_stream_that_twilio_never_stops_is_closed(self):
        relay = talking()
        play(relay, events.EngineClosed(1000), events.HungUp())
        assert play(relay, events.TimerFired(Timer.STOP_DUE)) == OVER

    def test_a_caller_who_leaves_during_the_goodbye_leaves_it_a_goodbye(self):
        relay = talking()
        play(relay, events.EngineClosed(1000))
        assert play(relay, STOP) == OVER

    def test_a_stream_lost_during_the_goodbye_is_not_waited_for(self):
        relay = talking()
        play(relay, events.EngineClosed(1000))
        assert HangUp() in play(relay, events.StreamClosed(None))
        assert play(relay, events.HungUp()) == OVER

    def test_a_stream_that_comes_during_the_end_is_closed(self):
        relay = talking()
        play(relay, events.EngineClosed(1000), events.StreamClosed(None))
        assert play(relay, events.StreamStarted(StreamSid("MZ2"))) == [CloseStream()]

    def test_a_caller_who_hangs_up_while_the_engine_is_dialled_leaves_nothing_open(self):
        relay = new()
        play(relay, events.Announced(ringing=False), events.StreamStarted(SID))
        assert CloseEngine() in play(relay, STOP)

    def test_after_the_end_nothing_happens(self):
        relay = talking()
        play(relay, STOP)
        assert play(relay, events.EngineClosed(1011), events.StreamClosed(None), dtmf("1"), metadata()) == []
        assert play(relay, events.StreamStarted(SID)) == [CloseStream()]

    def test_what_others_decide_is_a_fault_too(self):
        assert play(talking(), events.Failed("no stream holds"))[:2] == [
            Record(Outcome.FAULT),
            Report(facts.Faulted("no stream holds")),
        ]


class TestARefusedGreeting:
    OVERRIDE = events.EngineClosed(1008, "override not allowed")

    def test_the_second_conversation_is_waited_for_no_longer_than_the_first(self):
        relay = talking()
        commands = play(relay, self.OVERRIDE)
        assert OpenEngine() in commands
        assert SetTimer(Timer.ENGINE_DUE, 5.0) in commands
        assert Record(Outcome.FAULT) in play(relay, events.TimerFired(Timer.ENGINE_DUE))

    def test_an_end_as_it_should_be_is_no_refusal(self):
        relay = talking()
        play(relay, said({"type": "error", "error_event": {"error_type": "override_error", "message": "no"}}))
        assert OpenEngine() not in play(relay, events.EngineClosed(1000))
