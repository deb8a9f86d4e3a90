import json
import logging
from io import StringIO

import pytest

from ringbridge import facts
from ringbridge.facts import Outcome
from ringbridge.telemetry.lines import Lines
from ringbridge.telemetry.writing import handler
from ringbridge.waterfall import Waterfall

CALLER, CALLED, WORDS = "+15550100042", "+15550100002", "the words of Alice"


class Log:
    """What was written, line by line."""

    def __init__(self):
        self.now = 0.0
        self.stream = StringIO()
        self.observe = Lines(lambda: self.now)

    def tell(self, *story, sid="CA1"):
        for step in story:
            if isinstance(step, int | float):
                self.now += step
            else:
                self.observe(sid, step)
        return self.lines

    @property
    def lines(self):
        return [json.loads(line) for line in self.stream.getvalue().splitlines()]


@pytest.fixture
def log():
    log, root = Log(), logging.getLogger("ringbridge.call")
    made = handler(log.stream, "json", personal=False, secrets=())
    root.addHandler(made)
    root.setLevel(logging.INFO)
    yield log
    root.removeHandler(made)
    root.setLevel(logging.NOTSET)


CALL = (
    facts.CallBegan(CALLER, CALLED, "en"), 2,
    facts.ConversationOpened("conv_1"), 1,
    facts.StreamAttached("MZ1", again=False),
    facts.ReplyBegan(1), 3, facts.CallerBegan(),
    facts.CallerSpoke(WORDS), 0.25, facts.TurnBegan(1, WORDS, WORDS, interrupted=False), 0.5, facts.ReplyBegan(1),
    facts.AgentSpoke(WORDS), facts.TurnAnswered(1, "brain"), facts.Heard(1, 20), facts.ReplyHeard(1),
    facts.Interrupted(2, 100, 2, WORDS), facts.AgentCorrected(WORDS, WORDS), facts.DigitsPressed("4711"),
    facts.DigitsSent("4711"), facts.ToolBegan("book", WORDS), facts.ToolEnded("book", "done", 5, WORDS),
    facts.FillerSpoken(1, WORDS), facts.SoundPlayed(5, cut=False), facts.Transferring("sales"),
    facts.ClipPlayed("sorry"), facts.BrainAttached(), facts.BrainDetached(), facts.Parting("time is up"), 0.25,
    facts.CallEnded(Outcome.GOODBYE),
)  # fmt: skip


WAITED = facts.CallerWaited(1, Waterfall("brain", "heard", 540.0, 0.25, 300.0, 0.125, 200.0, 0.125, 20.0))


def test_a_call_without_faults_is_two_lines_and_one_for_each_turn(log):
    began, waited, ended = log.tell(*CALL[:-1], WAITED, CALL[-1])
    assert began == {
        "time": began["time"],
        "level": "info",
        "event": "call began",
        "call_sid": "CA1",
        "caller": "+1…42",
        "called": "+1…02",
        "language": "en",
        "logger": "ringbridge.call",
    }
    assert waited == {
        "time": waited["time"],
        "level": "info",
        "event": "caller waited",
        "call_sid": "CA1",
        "stream_sid": "MZ1",
        "conversation_id": "conv_1",
        "turn": 1,
        "by": "brain",
        "end": "heard",
        "wait_ms": 1060.5,
        "hearing_ms": 540.0,
        "asking_ms": 0.25,
        "model_ms": 300.0,
        "wording_ms": 0.125,
        "voice_ms": 200.0,
        "relaying_ms": 0.125,
        "line_ms": 20.0,
        "logger": "ringbridge.call",
    }
    assert ended == {
        "time": ended["time"],
        "level": "info",
        "event": "call ended",
        "call_sid": "CA1",
        "stream_sid": "MZ1",
        "conversation_id": "conv_1",
        "outcome": "goodbye",
        "seconds": 7.0,
        "stream_seconds": 3.8,
        "conversation_seconds": 5.0,
        "turns": 1,
        "barge_ins": 1,
        "wait_ms_median": 1060,
        "wait_ms_worst": 1060,
        "faults": 0,
        "clips": 1,
        "redials": 0,
        "logger": "ringbridge.call",
    }


def test_at_debug_facts_are_named_without_their_words(log):
    logging.getLogger("ringbridge.call").setLevel(logging.DEBUG)
    log.tell(*CALL)
    assert {"CallerSpoke", "Interrupted", "ToolEnded"} <= {line.get("kind") for line in log.lines}
    for private in (CALLER, WORDS, "4711"):
        assert private not in log.stream.getvalue()


@pytest.mark.parametrize(
    ("fact", "level", "fields"),
    [
        (facts.StreamLost(1006), "warning", {"code": 1006}),
        (facts.ConversationClosed(1002, "quota"), "warning", {"code": 1002, "reason": "quota"}),
        (facts.ConversationRedialled("closed"), "warning", {"reason": "closed"}),
        (facts.ConversationGivenBack(), "warning", {}),
        (facts.EngineComplained("quota", "no more"), "warning", {"kind": "quota", "complaint": "no more"}),
        (facts.Broken("twilio", "media: no payload"), "warning", {"peer": "twilio", "problem": "media: no payload"}),
        (facts.Unsent("engine"), "warning", {"peer": "engine"}),
        (facts.Faulted("no brain"), "error", {"reason": "no brain"}),
        (facts.VoicemailLeft("RE1", 5), "info", {"recording_sid": "RE1", "seconds": 5}),
    ],
)
def test_what_needs_a_mend_is_one_line_with_the_calls_ids(log, fact, level, fields):
    *_, line = log.tell(*CALL[:6], fact)
    assert len(log.lines) == 2
    assert line["level"] == level
    ids = {"call_sid": "CA1", "stream_sid": "MZ1", "conversation_id": "conv_1"}
    assert {**fields, **ids}.items() <= line.items()


def test_a_call_that_is_refused_and_one_that_came_to_nothing(log):
    (refused,) = log.tell(facts.CallRefused("outside the opening hours"))
    assert (refused["event"], refused["why"]) == ("call refused", "outside the opening hours")
    *_, ended = log.tell(CALL[0], facts.CallEnded(None), sid="CA2")
    assert ended["outcome"] == "given_back"
    assert ended["wait_ms_median"] is None


def test_an_end_that_nobody_counted_is_told_all_the_same(log):
    (ended,) = log.tell(facts.CallEnded(Outcome.FAULT))
    assert ended["outcome"] == "fault"
