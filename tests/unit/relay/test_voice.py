"""Silences that nothing explains, and what the bridge says into them."""

import base64
import json

import pytest

from ringbridge import facts
from ringbridge.ids import StreamSid
from ringbridge.plans import CollectDigits, PlaySound, Transfer
from ringbridge.relay import events
from ringbridge.relay.clips import Clips
from ringbridge.relay.commands import CloseEngine, OpenEngine, Report, SetTimer, ToTwilio
from ringbridge.relay.events import Timer, TimerFired
from ringbridge.relay.machine import Relay
from ringbridge.wire import engine, twilio

SID = StreamSid("MZ1")
CLIPS = Clips(*((base64.b64encode(bytes([number]) * 800).decode(),) for number in range(5)))
OPEN = engine.Metadata(engine.MetadataEvent("conv_1", "ulaw_8000", "ulaw_8000"))


class Line:
    """A call whose timers are kept, with what the bridge has said itself."""

    def __init__(self, greeting="Hello.", *, greeted=True, brain=True):
        self.relay = Relay(variables={}, greeting=greeting, clips=CLIPS, max_seconds=3600, clock=lambda: 0.0)
        self.timers = {}
        self.said = []
        self.tell(events.Announced(ringing=True), events.EngineConnected(), events.FromEngine(OPEN))
        self.tell(events.StreamStarted(SID))
        if brain:
            self.tell(events.BrainAttached())
        if greeted:
            self.agent(1)
            self.heard()

    def tell(self, *story):
        commands = [command for event in story for command in self.relay.handle(event)]
        for command in commands:
            match command:
                case SetTimer(timer=timer, seconds=seconds):
                    self.timers[timer] = seconds
                case Report(fact=facts.ClipPlayed(clip=clip)):
                    self.said.append(clip)
                case ToTwilio(message=message) if json.loads(message)["event"] == "mark":
                    self.mark = json.loads(message)["mark"]["name"]
                case _ if type(command).__name__ == "DropTimer":
                    self.timers.pop(command.timer, None)
        return commands

    def fires(self, timer):
        del self.timers[timer]
        return self.tell(TimerFired(timer))

    def agent(self, event_id, ms=200):
        payload = base64.b64encode(b"\x10" * ms * 8).decode()
        lane = self.relay.lane
        *_, mark = [*lane.agent(engine.Audio(engine.AudioEvent(payload, event_id))), *lane.mark_rest()]
        self.mark = json.loads(mark)["mark"]["name"]
        if self.relay.awaits_audio(event_id):
            self.tell(events.AudioSent(event_id))

    def heard(self):
        return self.tell(events.FromTwilio(twilio.Mark(SID, twilio.MarkName(self.mark))))

    def says(self, text="hello", event_id=2):
        said = engine.UserTranscript(engine.UserTranscriptionEvent(text, event_id))
        return self.tell(events.FromEngine(said))


def test_a_caller_who_is_put_through_to_silence_is_asked_to_wait_after_a_second_and_a_half():
    line = Line(greeted=False)
    assert line.timers[Timer.QUIET] == 1.5
    line.fires(Timer.QUIET)
    assert line.said == ["one_moment"]


def test_a_greeting_ends_that():
    assert Timer.QUIET not in Line().timers


def test_a_transcript_is_answered_within_two_seconds_by_whomever():
    line = Line()
    line.says()
    assert line.timers[Timer.QUIET] < 2
    line.fires(Timer.QUIET)
    line.heard()
    line.fires(Timer.QUIET)
    assert line.said == ["one_moment", "still_here"]


def test_what_is_still_being_played_is_no_silence():
    line = Line()
    line.agent(1, ms=3000)
    line.says()
    assert line.timers[Timer.QUIET] == pytest.approx(1.9 + 3)


def test_a_queue_that_is_longer_than_was_known_is_waited_for():
    line = Line()
    line.says()
    line.relay.lane.agent(engine.Audio(engine.AudioEvent(base64.b64encode(b"\x10" * 80_000).decode(), 2)))
    line.fires(Timer.QUIET)
    assert line.said == []
    assert line.timers[Timer.QUIET] == pytest.approx(1.9 + 10)


def test_marks_that_never_come_back_do_not_make_us_silent():
    line = Line()
    line.agent(1, ms=1000)
    line.says()
    line.fires(Timer.QUIET)
    assert line.said == ["one_moment"]


@pytest.mark.parametrize(
    "event",
    [
        events.FromEngine(engine.Interruption(engine.EventId(3))),
        events.FromEngine(engine.VadScore(engine.VadScoreEvent(0.9))),
        events.Asked(1, PlaySound((CLIPS.sorry[0],)), None),
        events.Asked(1, CollectDigits(4, "#", 5.0, secret=False), None),
        events.StreamClosed(None),
    ],
    ids=["cuts in", "speaks", "hears a sound", "keys digits", "has lost the stream"],
)
def test_what_explains_a_silence(event):
    line = Line()
    line.says()
    line.tell(event)
    if Timer.QUIET in line.timers:
        line.fires(Timer.QUIET)
    assert line.said == []


def test_who_is_put_through_to_a_human_hears_nothing_of_ours():
    line = Line()
    line.says()
    line.tell(events.Asked(1, Transfer("sales", "+15550124"), None), events.Redirected())
    assert Timer.QUIET not in line.timers
    assert Timer.MUTE not in line.timers


def test_what_the_engine_takes_for_no_turn_is_no_failure_of_its():
    line = Line()
    line.says("uh-huh")
    assert Timer.MUTE not in line.timers
    for _ in range(2):
        line.fires(Timer.QUIET)
        line.heard()
    assert line.said == ["one_moment", "still_here"]
    assert Timer.QUIET not in line.timers


def test_an_engine_that_asks_for_no_words_twice_has_failed():
    line = Line()
    line.says()
    for _ in range(2):
        line.fires(Timer.QUIET)
        line.heard()
    line.says("hello?", 3)
    assert line.timers[Timer.MUTE] == 6
    commands = line.fires(Timer.MUTE)
    assert commands.index(CloseEngine()) < commands.index(OpenEngine())


def test_a_brain_that_thinks_is_not_the_engines_failure():
    line = Line()
    line.says()
    line.tell(events.BrainAsked())
    assert Timer.MUTE not in line.timers
    assert Timer.QUIET in line.timers


def test_nor_is_half_a_sentence_but_a_whole_one_is():
    line = Line()
    line.says()
    line.tell(events.BrainAsked(), events.BrainSaid(words=True, complete=False))
    assert Timer.MUTE not in line.timers
    line.tell(events.BrainSaid(words=True, complete=True))
    assert line.timers[Timer.MUTE] == 6


def test_the_end_of_a_reply_that_was_heard_owes_nothing():
    line = Line()
    line.says()
    line.tell(events.BrainAsked(), events.BrainSaid(words=True, complete=True))
    line.agent(2)
    line.tell(events.BrainSaid(words=False, complete=True))
    assert Timer.QUIET not in line.timers
    assert Timer.MUTE not in line.timers


def test_an_engine_of_which_we_do_not_know_whether_it_greets_is_not_given_up():
    line = Line(greeting=None, greeted=False)
    assert Timer.MUTE not in line.timers
    line.fires(Timer.QUIET)
    line.heard()
    line.fires(Timer.QUIET)
    assert line.said == ["one_moment", "still_here"]
    assert Timer.QUIET not in line.timers


def test_a_brain_that_is_not_there_is_missed_five_seconds_after_the_first_words_that_found_none():
    line = Line(brain=False)
    assert Timer.BRAIN_DUE not in line.timers
    line.says()
    assert line.timers.pop(Timer.BRAIN_DUE) == 5
    line.says("hello?", 3)
    assert Timer.BRAIN_DUE not in line.timers, "it counts from the first"
    line.timers[Timer.BRAIN_DUE] = 5
    line.fires(Timer.BRAIN_DUE)
    assert line.said[-1] == "sorry"


def test_one_that_comes_in_time_is_not():
    line = Line(brain=False)
    line.says()
    line.tell(events.BrainAttached())
    assert Timer.BRAIN_DUE not in line.timers


def test_the_callers_time_is_told_before_it_is_up():
    line = Line()
    assert line.timers[Timer.WARNING] == 3570
    line.fires(Timer.WARNING)
    line.fires(Timer.TIME_UP)
    assert line.said == ["time_nearly_up", "farewell"]
