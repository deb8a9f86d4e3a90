"""What a brain asks of the line, as the machine carries it out."""

import base64
import json

import pytest

from ringbridge import facts
from ringbridge.facts import Outcome
from ringbridge.ids import StreamSid
from ringbridge.plans import CollectDigits, PlaySound, SendDigits, Transfer
from ringbridge.plans import HangUp as HangUpPlan
from ringbridge.relay import events
from ringbridge.relay.clips import Clips
from ringbridge.relay.commands import (
    CloseEngine,
    HangUp,
    KeepDigits,
    OpenEngine,
    Overheard,
    Record,
    Redirect,
    Report,
    SetTimer,
    Settled,
    ToEngine,
    ToTwilio,
)
from ringbridge.relay.events import Asked, Timer, TimerFired
from ringbridge.relay.machine import Relay
from ringbridge.wire import engine, twilio

SID = StreamSid("MZ1")
SALES = Transfer("sales", "+15550124")


CLIPS = Clips(*((base64.b64encode(bytes([number]) * 800).decode(),) for number in range(5)))


class Line:
    """A call that talks; `handle` gives what is to be done, without the timers, which are kept in `timers`."""

    def __init__(self):
        self.relay = Relay(variables={}, greeting="Hello.", clips=CLIPS, max_seconds=3600, clock=lambda: 0.0)
        self.timers = {}
        self.handle(events.Announced(ringing=True), events.EngineConnected())
        self.open()
        self.handle(events.StreamStarted(SID), events.BrainAttached())

    def open(self):
        return self.engine_says(
            "conversation_initiation_metadata",
            conversation_initiation_metadata_event={
                "conversation_id": "conv_1",
                "user_input_audio_format": "ulaw_8000",
                "agent_output_audio_format": "ulaw_8000",
            },
        )

    def handle(self, *story):
        left = []
        for event in story:
            if isinstance(event, TimerFired):
                self.timers.pop(event.timer, None)
            for command in self.relay.handle(event):
                if isinstance(command, SetTimer):
                    self.timers[command.timer] = command.seconds
                elif type(command).__name__ == "DropTimer":
                    self.timers.pop(command.timer, None)
                else:
                    left.append(command)
        return left

    def engine_says(self, kind, **fields):
        return self.handle(events.FromEngine(engine.decode(json.dumps({"type": kind, **fields}).encode())))

    def twilio_says(self, kind, **fields):
        message = {"event": kind, "streamSid": SID, **fields}
        return self.handle(events.FromTwilio(twilio.decode(json.dumps(message).encode())))

    def agent(self, ms=400, event_id=5):
        """The agent speaks; gives the name of the mark."""
        payload = base64.b64encode(b"\x10" * ms * 8).decode()
        lane = self.relay.lane
        *_, mark = [*lane.agent(engine.Audio(engine.AudioEvent(payload, event_id))), *lane.mark_rest()]
        if self.relay.awaits_audio(event_id):
            self.handle(events.AudioSent(event_id))
        return json.loads(mark)["mark"]["name"]

    def echo(self, name):
        return self.twilio_says("mark", mark={"name": name})

    def say(self, ms=400, event_id=5):
        """The agent speaks, and is heard."""
        return self.echo(self.agent(ms, event_id))

    def complete(self, event_id=5):
        return self.engine_says("agent_response_complete", agent_response_complete_event={"event_id": event_id})

    def press(self, keys):
        return [
            command
            for key in keys
            for command in self.twilio_says("dtmf", dtmf={"track": "inbound_track", "digit": key})
        ]

    def barge_in(self, event_id=6):
        return self.engine_says("interruption", interruption_event={"event_id": event_id})

    def stop(self):
        return self.twilio_says("stop", stop={})


@pytest.fixture
def line():
    return Line()


def facts_of(commands):
    return [command.fact for command in commands if isinstance(command, Report)]


def texts(commands):
    return [
        json.loads(command.message).get("text")
        for command in commands
        if isinstance(command, ToEngine) and "text" in json.loads(command.message)
    ]


def settled(commands):
    return [(command.number, command.done) for command in commands if isinstance(command, Settled)]


HUNG_UP = [Record(Outcome.GOODBYE), HangUp()]


# When it begins


def test_a_goodbye_is_heard_before_the_call_ends(line):
    assert line.handle(Asked(1, HangUpPlan(), 5)) == []
    mark = line.agent()
    line.complete()
    commands = line.echo(mark)
    assert commands[-2:] == HUNG_UP
    assert facts.ReplyHeard(5) in facts_of(commands)


def test_where_the_engine_does_not_say_that_it_is_complete_time_does(line):
    line.handle(Asked(1, HangUpPlan(), 5))
    assert HangUp() not in line.say()
    assert line.timers[Timer.SETTLED] == 1.0
    assert line.handle(TimerFired(Timer.SETTLED))[-2:] == HUNG_UP


def test_more_audio_after_a_pause_is_waited_for(line):
    line.handle(Asked(1, HangUpPlan(), 5))
    line.say()
    mark = line.agent()
    assert line.handle(TimerFired(Timer.SETTLED)) == []
    line.echo(mark)
    assert line.handle(TimerFired(Timer.SETTLED))[-2:] == HUNG_UP


def test_what_was_heard_already_is_not_waited_for(line):
    line.say()
    line.complete()
    assert line.handle(Asked(1, HangUpPlan(), 5)) == HUNG_UP


def test_a_pause_within_a_reply_does_not_look_like_its_end(line):
    """As after a filler: what the brain said last is still to be spoken."""
    line.say()
    assert facts.ReplyHeard(5) in facts_of(line.handle(TimerFired(Timer.SETTLED)))
    assert line.handle(Asked(1, HangUpPlan(), 5)) == []
    assert line.timers[Timer.ERRAND] == 2.0
    mark = line.agent()
    assert line.handle(TimerFired(Timer.ERRAND)) == []
    line.echo(mark)
    assert line.handle(TimerFired(Timer.SETTLED))[-2:] == HUNG_UP


def test_without_a_reply_silence_is_enough(line):
    assert line.handle(Asked(1, HangUpPlan(), None)) == HUNG_UP


def test_without_a_reply_what_is_being_said_is_waited_for(line):
    mark = line.agent(event_id=4)
    assert line.handle(Asked(1, HangUpPlan(), None)) == []
    line.complete(4)
    assert line.echo(mark)[-2:] == HUNG_UP


def test_marks_that_never_come_back_are_not_waited_for(line):
    line.handle(Asked(1, HangUpPlan(), 5))
    assert line.timers[Timer.ERRAND] == 5.0
    line.agent(10_000)
    assert line.handle(TimerFired(Timer.ERRAND)) == []
    assert line.timers[Timer.ERRAND] == 12.0
    assert line.handle(TimerFired(Timer.ERRAND)) == HUNG_UP


def test_nothing_waits_for_ever_whatever_is_still_said(line):
    line.handle(Asked(1, HangUpPlan(), 5))
    waited = 0
    for _ in range(20):
        waited += line.timers[Timer.ERRAND]
        line.agent(1000)
        if line.handle(TimerFired(Timer.ERRAND)):
            break
    assert waited == pytest.approx(30)


# What takes it back


def test_a_barge_in_takes_it_back(line):
    line.handle(Asked(1, HangUpPlan(), 5))
    line.agent()
    commands = line.barge_in(6)
    assert settled(commands) == [(1, False)]
    assert facts.PlanDropped("HangUp") in facts_of(commands)
    assert Timer.ERRAND not in line.timers


def test_the_barge_in_that_opened_the_turn_does_not(line):
    line.handle(Asked(1, HangUpPlan(), 5))
    assert settled(line.barge_in(5)) == []


def test_a_reply_that_was_cut_is_not_followed_by_anything(line):
    line.agent()
    line.barge_in(6)
    assert settled(line.handle(Asked(1, HangUpPlan(), 5))) == [(1, False)]


def test_newer_words_of_the_caller_take_it_back(line):
    line.handle(Asked(1, HangUpPlan(), 5))
    same = {"user_transcript": "Bye", "event_id": 5}
    assert settled(line.engine_says("user_transcript", user_transcription_event=same)) == []
    newer = {"user_transcript": "Wait", "event_id": 6}
    assert settled(line.engine_says("user_transcript", user_transcription_event=newer)) == [(1, False)]


def test_whoever_asked_may_not_want_it_any_more(line):
    line.handle(Asked(1, HangUpPlan(), 5))
    line.handle(events.Unwanted(1))
    line.complete()
    assert HangUp() not in line.say()


def test_a_newer_plan_replaces_one_that_waits(line):
    line.handle(Asked(1, HangUpPlan(), 5))
    assert settled(line.handle(Asked(2, SALES, 5))) == [(1, False)]


def test_the_end_of_the_call_settles_what_waits_and_what_runs(line):
    line.handle(Asked(1, SALES, None))
    assert settled(line.handle(events.CallOver())) == [(1, False)]
    other = Line()
    other.handle(Asked(1, SALES, 5))
    assert settled(other.stop()) == [(1, False)]


def test_an_engine_that_ends_the_conversation_ends_the_call_for_who_waits_to_end_it(line):
    line.handle(Asked(1, HangUpPlan(), 5))
    mark = line.agent()
    assert line.handle(events.EngineClosed(1000))[1:] == [Record(Outcome.GOODBYE)]
    assert line.echo(mark)[-1] == HangUp()
    line.handle(events.HungUp())
    assert settled(line.stop()) == [(1, True)]


def test_nobody_is_put_through_whose_call_ends(line):
    line.handle(Asked(1, SALES, 5))
    assert settled(line.handle(events.EngineClosed(1000))) == [(1, False)]


def test_somebody_is_put_through_all_the_same_when_the_conversation_is_lost(line):
    line.handle(Asked(1, SALES, 5))
    mark = line.agent()
    assert settled(line.handle(events.EngineClosed(1011))) == []
    line.echo(mark)
    assert Redirect(SALES) in line.handle(TimerFired(Timer.ERRAND), TimerFired(Timer.ERRAND))


def test_without_a_stream_it_waits_for_the_next_one(line):
    line.handle(events.StreamClosed(None))
    assert line.handle(Asked(1, SALES, None)) == []
    assert line.handle(TimerFired(Timer.ERRAND)) == []
    line.handle(events.StreamStarted(StreamSid("MZ2")))
    assert Redirect(SALES) in line.handle(TimerFired(Timer.ERRAND))


def test_replies_of_another_conversation_count_anew(line):
    line.say(event_id=9)
    line.complete(9)
    line.handle(events.StreamClosed(None), events.EngineClosed(1011), events.EngineConnected())
    line.open()
    line.handle(events.StreamStarted(SID))
    assert line.handle(Asked(1, HangUpPlan(), 2)) == []


# Transfers


@pytest.fixture
def ringing(line):
    """A call whose caller is being put through: Twilio has taken the stream away."""
    assert line.handle(Asked(1, SALES, None)) == [Report(facts.Transferring("sales")), Redirect(SALES)]
    assert line.stop() == []
    line.handle(events.Redirected(), events.StreamClosed(1000))
    return line


def test_while_it_rings_the_conversation_is_kept_alive(ringing):
    assert ringing.timers[Timer.AWAY] == 40.0
    assert len(ringing.handle(TimerFired(Timer.SILENCE))) == 2
    assert Timer.SILENCE in ringing.timers


def test_a_human_who_took_the_call_keeps_it(ringing):
    commands = ringing.handle(events.DialEnded(taken=True))
    assert settled(commands) == [(1, True)]
    assert Record(Outcome.TRANSFERRED) in commands


def test_while_they_talk_no_conversation_is_paid_for(ringing):
    commands = ringing.handle(TimerFired(Timer.AWAY))
    assert CloseEngine() in commands
    assert ringing.timers.keys() == {Timer.AWAY, Timer.WARNING, Timer.TIME_UP}
    assert ringing.timers[Timer.AWAY] == 3700.0
    assert Record(Outcome.TRANSFERRED) in ringing.handle(events.DialEnded(taken=True))


def test_a_caller_whom_nobody_took_is_back_in_the_same_conversation(ringing):
    ringing.handle(events.DialEnded(taken=False))
    commands = ringing.handle(events.StreamStarted(StreamSid("MZ2")))
    assert OpenEngine() not in commands
    assert settled(commands) == [(1, False)]
    assert texts(commands) == ["The transfer to sales was not taken; the caller is back with you."]
    assert Timer.AWAY not in ringing.timers


def test_a_caller_who_comes_back_when_the_conversation_was_given_up_gets_another(ringing):
    ringing.handle(TimerFired(Timer.AWAY), events.DialEnded(taken=False))
    assert OpenEngine() in ringing.handle(events.StreamStarted(StreamSid("MZ2")))
    assert ringing.relay.lane.caller("AAAA") is None, "their words wait for it"


def test_a_caller_who_leaves_a_human_was_transferred_all_the_same(ringing):
    ringing.handle(TimerFired(Timer.AWAY))
    commands = ringing.handle(events.CallOver())
    assert Record(Outcome.TRANSFERRED) in commands
    assert settled(commands) == [(1, True)]


def test_a_caller_whom_nobody_took_and_who_does_not_come_back_is_not_waited_for(ringing):
    ringing.handle(events.DialEnded(taken=False))
    assert ringing.timers[Timer.AWAY] == 10.0
    assert Record(Outcome.FAULT) in ringing.handle(TimerFired(Timer.AWAY))


@pytest.mark.parametrize("code", [1000, 1011])
def test_an_engine_that_closes_before_twilio_takes_the_stream_does_not_end_the_call(line, code):
    line.handle(Asked(1, SALES, None))
    assert line.handle(events.EngineClosed(code)) == [Report(facts.ConversationClosed(code, ""))]
    line.stop()
    assert OpenEngine() in line.handle(events.StreamStarted(StreamSid("MZ2")))


def test_nor_where_twilio_then_refuses(line):
    line.handle(Asked(1, SALES, None), events.EngineClosed(1011))
    commands = line.handle(events.RedirectFailed())
    assert OpenEngine() in commands
    line.handle(events.EngineConnected())
    assert texts(line.open()) == ["The transfer to sales failed; the caller is still with you."]


def test_an_engine_that_closes_meanwhile_is_dialled_when_the_caller_is_back(ringing):
    assert OpenEngine() not in ringing.handle(events.EngineClosed(1011))
    assert OpenEngine() in ringing.handle(events.StreamStarted(StreamSid("MZ2")))


def test_a_caller_who_hangs_up_while_it_rings_ends_the_call(ringing):
    assert Record(Outcome.CALLER_GONE) in ringing.handle(events.CallOver())


def test_a_transfer_that_twilio_refuses_leaves_the_caller_with_the_agent(line):
    line.handle(Asked(1, SALES, None))
    commands = line.handle(events.RedirectFailed())
    assert settled(commands) == [(1, False)]
    assert texts(commands) == ["The transfer to sales failed; the caller is still with you."]
    assert Record(Outcome.CALLER_GONE) in line.stop()


# Digits for the other side


def test_pressed_keys_bring_the_stream_back(line):
    plan = SendDigits("1w2")
    assert line.handle(Asked(1, plan, None)) == [Redirect(plan)]
    line.stop()
    assert line.timers[Timer.AWAY] == 11.5
    commands = line.handle(events.StreamStarted(StreamSid("MZ2")))
    assert settled(commands) == [(1, True)]
    assert facts.DigitsSent("1w2") in facts_of(commands)


def test_a_stream_that_does_not_come_back_is_a_fault(line):
    line.handle(Asked(1, SendDigits("1"), None))
    line.stop()
    assert Record(Outcome.FAULT) in line.handle(TimerFired(Timer.AWAY))


# Digits of the caller


def collect(n=4, finish_on="#", *, secret=False):
    return CollectDigits(n, finish_on, 10.0, secret)


def test_digits_that_are_asked_for_are_gathered_however_slowly_they_come(line):
    assert settled(line.handle(Asked(1, collect(), None))) == [(1, True)]
    assert line.timers[Timer.DIGITS] == 10.0
    assert line.press("12") == [Report(facts.KeyPressed())] * 2
    assert line.timers[Timer.DIGITS] == 10.0
    commands = line.press("34")
    assert texts(commands) == ["Caller pressed 1234"]
    assert KeepDigits("1234") in commands
    assert facts.DigitsPressed("1234") in facts_of(commands)


@pytest.mark.parametrize(
    ("keys", "text"),
    [("12#", "Caller pressed 12"), ("#", "Caller entered no digits"), ("", "Caller entered no digits")],
)
def test_the_last_key_or_time_finishes_them(line, keys, text):
    line.handle(Asked(1, collect(), None))
    commands = line.press(keys)
    if not keys:
        commands = line.handle(TimerFired(Timer.DIGITS))
    assert texts(commands) == [text]


def test_another_last_key(line):
    line.handle(Asked(1, collect(8, "*"), None))
    assert texts(line.press("1#2*")) == ["Caller pressed 1#2"]


def test_secret_digits_are_told_to_nobody(line):
    line.handle(Asked(1, collect(secret=True), None))
    commands = line.press("1234")
    assert texts(commands) == ["Caller entered digits"]
    assert KeepDigits("1234") in commands
    assert facts_of(commands) == [facts.KeyPressed()] * 4 + [facts.DigitsPressed("••••", secret=True)]


def test_after_them_keys_are_as_they_were(line):
    line.handle(Asked(1, collect(1), None))
    line.press("1")
    line.press("22")
    assert line.timers[Timer.DIGITS] == 1.5


def test_keys_count_while_the_question_is_still_spoken(line):
    line.handle(Asked(1, collect(2), 5))
    mark = line.agent()
    assert line.press("1") == [Report(facts.KeyPressed())]
    assert Timer.DIGITS not in line.timers
    line.complete()
    line.echo(mark)
    assert texts(line.press("2")) == ["Caller pressed 12"]


def test_whoever_knows_the_question_need_not_hear_it_out(line):
    line.handle(Asked(1, collect(2), 5))
    line.agent()
    commands = line.press("12")
    assert settled(commands) == [(1, True)]
    assert texts(commands) == ["Caller pressed 12"]
    assert facts.PlanDropped("CollectDigits") not in facts_of(commands)


def test_keys_of_a_question_that_was_cut_are_not_lost_and_stay_secret(line):
    line.handle(Asked(1, collect(4, secret=True), 5))
    line.agent()
    line.press("12")
    commands = line.barge_in(6)
    assert texts(commands) == ["Caller entered digits"]
    assert KeepDigits("12") in commands


def test_the_callers_words_do_not_end_the_gathering(line):
    line.handle(Asked(1, collect(2), None))
    line.engine_says("user_transcript", user_transcription_event={"user_transcript": "Just a second", "event_id": 7})
    assert texts(line.press("12")) == ["Caller pressed 12"]


def test_digits_asked_for_again_begin_with_those_keyed_already_and_stay_secret(line):
    line.handle(Asked(1, collect(secret=True), None))
    line.press("12")
    assert settled(line.handle(Asked(2, collect(), None))) == [(2, True)]
    commands = line.press("34")
    assert texts(commands) == ["Caller entered digits"]
    assert KeepDigits("1234") in commands


def test_a_transfer_ends_the_gathering_and_keeps_what_was_keyed(line):
    line.handle(Asked(1, collect(secret=True), None))
    assert line.relay.is_gathering
    line.press("12")
    commands = line.handle(Asked(2, SALES, None))
    assert commands[-1] == Redirect(SALES)
    assert KeepDigits("12") in commands
    assert texts(commands) == []
    assert not line.relay.is_gathering
    assert Timer.DIGITS not in line.timers


# Sounds


SOUND = PlaySound((base64.b64encode(b"\xff" * 100).decode(),) * 2)


def played(commands):
    return [json.loads(command.message) for command in commands if isinstance(command, ToTwilio)]


def test_a_sound_is_played_after_the_agents_words_and_is_over_when_it_was_heard(line):
    mark = line.agent()
    line.handle(Asked(1, SOUND, 5))
    line.complete()
    messages = played(line.echo(mark))
    assert [message["event"] for message in messages] == ["media", "mark", "media", "mark"]
    line.echo(messages[1]["mark"]["name"])
    commands = line.echo(messages[3]["mark"]["name"])
    assert settled(commands) == [(1, True)]
    assert [fact for fact in facts_of(commands) if isinstance(fact, facts.SoundPlayed)] == [
        facts.SoundPlayed(25, cut=False)
    ]
    assert Timer.PLAYING not in line.timers


def test_the_engine_does_not_take_a_listening_caller_for_a_silent_one(line):
    commands = line.handle(Asked(1, SOUND, None))
    activity = ToEngine(b'{"type":"user_activity"}')
    assert activity in commands
    assert line.handle(TimerFired(Timer.PLAYING)) == [activity]


@pytest.mark.parametrize("how", ["interruption", "vad", "tentative", "transcript"])
def test_a_caller_who_speaks_stops_it(line, how):
    line.handle(Asked(1, SOUND, None))
    match how:
        case "interruption":
            commands = line.barge_in()
        case "vad":
            assert line.engine_says("vad_score", vad_score_event={"vad_score": 0.2}) == []
            commands = line.engine_says("vad_score", vad_score_event={"vad_score": 0.9})
        case "tentative":
            commands = line.engine_says("tentative_user_transcript", tentative_user_transcription_event={})
        case _:
            commands = line.engine_says("user_transcript", user_transcription_event={"user_transcript": "Stop"})
    assert [message["event"] for message in played(commands)] == ["clear"]
    assert settled(commands) == [(1, False)]


def test_a_sound_whose_marks_do_not_come_back_is_over_all_the_same(line):
    line.handle(Asked(1, SOUND, None))
    assert settled(line.handle(TimerFired(Timer.ERRAND))) == [(1, True)]


def test_a_sound_that_nobody_wants_any_more_is_stopped(line):
    line.handle(Asked(1, SOUND, None))
    assert [message["event"] for message in played(line.handle(events.Unwanted(1)))] == ["clear"]


@pytest.mark.parametrize("event", [events.StreamClosed(None), events.StreamStarted(StreamSid("MZ2"))])
def test_a_stream_that_is_lost_or_replaced_stops_it(line, event):
    line.handle(Asked(1, SOUND, None))
    assert settled(line.handle(event)) == [(1, False)]


def test_each_sound_is_counted_from_its_own_start(line):
    line.handle(Asked(1, SOUND, None))
    line.echo("e0:1")
    line.echo("e0:2")
    line.handle(Asked(2, SOUND, None))
    line.echo("e0:3")
    assert facts.SoundPlayed(12, cut=True) in facts_of(line.barge_in())


def test_a_caller_who_spoke_before_stops_it_too(line):
    vad = {"vad_score_event": {"vad_score": 0.9}}
    line.engine_says("vad_score", **vad)
    line.handle(Asked(1, SOUND, None))
    assert [message["event"] for message in played(line.engine_says("vad_score", **vad))] == ["clear"]


def test_a_long_sound_goes_out_as_it_is_played(line):
    second = base64.b64encode(b"\xff" * 8000).decode()
    sent = played(line.handle(Asked(1, PlaySound((second,) * 15), None)))
    assert len(sent) == 20
    assert line.timers[Timer.ERRAND] == 12.0
    for number in range(1, 15):
        commands = line.echo(f"e0:{number}")
        assert len(played(commands)) == (2 if number <= 5 else 0)
        assert settled(commands) == []
    commands = line.echo("e0:15")
    assert settled(commands) == [(1, True)]
    assert facts.SoundPlayed(15_000, cut=False) in facts_of(commands)


# The caller begins to speak


def test_the_callers_beginning_is_told_once_for_each_of_their_sentences(line):
    vad = {"vad_score_event": {"vad_score": 0.9}}
    assert facts_of(line.engine_says("vad_score", **vad)) == [facts.CallerBegan()]
    assert line.engine_says("vad_score", **vad) == []
    line.engine_says("user_transcript", user_transcription_event={"user_transcript": "Hi"})
    assert facts_of(line.engine_says("vad_score", **vad)) == [facts.CallerBegan()]


def test_the_brain_is_told_what_is_understood_so_far(line):
    for text, told in (("a ta", [Overheard("a ta")]), ("", [])):
        commands = line.engine_says(
            "tentative_user_transcript", tentative_user_transcription_event={"user_transcript": text}
        )
        assert [command for command in commands if isinstance(command, Overheard)] == told
