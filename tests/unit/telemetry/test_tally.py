import pytest

from ringbridge import facts
from ringbridge.facts import Outcome
from ringbridge.telemetry import tally as module
from ringbridge.telemetry.tally import MAX_WAITS, Tallies, fault_kind
from ringbridge.waterfall import Waterfall


class Story:
    def __init__(self):
        self.now = 100.0
        self.tallies = Tallies(lambda: self.now)

    def tell(self, *story, sid="CA1"):
        """Facts, and pauses in seconds between them; gives what the last one came to."""
        tally = None
        for step in story:
            if isinstance(step, int | float):
                self.now += step
            else:
                tally, _ = self.tallies.note(sid, step)
        return tally


@pytest.fixture
def story():
    return Story()


BEGAN = facts.CallBegan("+15550100001", "+15550100002", "en")
ENDED = facts.CallEnded(Outcome.GOODBYE)
STREAM = facts.StreamAttached("MZ1", again=False)
TALK = facts.ConversationOpened("conv_1")


def waited(ms, end="heard"):
    return facts.CallerWaited(1, Waterfall("brain", end, model=ms, relaying=0.0))


def test_waits_are_those_for_an_answer(story):
    cut, superseded = waited(500, "cut"), facts.CallerWaited(1, Waterfall(None, "superseded", hearing=9000))
    tally = story.tell(BEGAN, waited(800), superseded, waited(1800), cut)
    assert tally.median_wait == pytest.approx(0.8)
    assert tally.worst_wait == pytest.approx(1.8)


def test_no_wait_has_no_median(story):
    tally = story.tell(BEGAN, facts.CallerSpoke("hello"), 9, ENDED)
    assert tally.median_wait is None
    assert tally.worst_wait is None


def test_what_is_paid_for_is_measured_whatever_ends_it(story):
    tally = story.tell(
        BEGAN, 1, TALK, 1, STREAM, 10,
        facts.ConversationRedialled("closed"), 2, TALK, 5,
        facts.StreamLost(1006), 3, facts.StreamAttached("MZ2", again=True), 4,
        facts.ConversationClosed(1000, ""), 1, ENDED,
    )  # fmt: skip
    assert tally.conversation.seconds == 11 + 12
    assert tally.stream.seconds == 10 + 2 + 5 + 5
    assert (tally.redials, tally.stream_sid) == (1, "MZ2")


def test_a_transferred_caller_has_no_stream(story):
    tally = story.tell(BEGAN, STREAM, 5, facts.Transferring("sales"), 60, ENDED)
    assert tally.stream.seconds == 5


def test_the_end_lets_go_and_what_comes_late_begins_nothing(story):
    story.tell(BEGAN, STREAM)
    assert len(story.tallies) == 1
    assert story.tell(ENDED) is not None
    assert len(story.tallies) == 0
    assert story.tell(facts.VoicemailLeft("RE1", 5)) is None
    assert story.tell(facts.CallRefused("hours"), sid="CA2") is None
    assert story.tell(ENDED, sid="CA3") is None
    assert len(story.tallies) == 0


def test_there_is_a_bound_for_calls_and_for_waits(story, monkeypatch):
    monkeypatch.setattr(module, "MAX_CALLS", 3)
    for number in range(5):
        story.tell(BEGAN, sid=f"CA{number}")
    assert len(story.tallies) == 3
    assert story.tell(facts.CallerBegan(), sid="CA0") is None
    for _ in range(MAX_WAITS + 5):
        tally = story.tell(waited(1), sid="CA4")
    assert len(tally._waits) == MAX_WAITS


@pytest.mark.parametrize(
    ("fact", "kind"),
    [
        (facts.ConversationClosed(1000, ""), None),
        (facts.ConversationClosed(None, ""), "conversation_lost"),
        (facts.Broken("engine", "x"), "broken_message_of_engine"),
        (facts.EngineComplained("quota", "x"), "engine_complained"),
        (facts.GreetingRefused(), "greeting_refused"),
        (facts.StreamLost(None), "stream_lost"),
        (facts.TurnFailed(1, "x", after_words=False), "brain_failed"),
        (facts.Faulted("x"), "call_failed"),
        (facts.CallerBegan(), None),
    ],
)
def test_kinds_of_fault(fact, kind, story):
    assert fault_kind(fact) == kind
    assert story.tell(BEGAN, fact).faults == (kind is not None)
