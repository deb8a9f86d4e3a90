import pytest

from ringbridge.calls import ledger as module
from ringbridge.calls.ledger import AfterStream, Arrival, Entry, Ledger, SameAnswer, after_stream, on_arrival
from ringbridge.facts import Outcome

CALL = "CA1"
DAY = 24 * 60 * 60
TERMINAL = ["completed", "busy", "failed", "no-answer", "canceled"]


class Clock:
    now = 1_800_000_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def ledger(clock):
    return Ledger(clock)


def arrive(ledger, call=CALL):
    return on_arrival(ledger.entry(call))


def next_for(ledger, call=CALL, status="in-progress"):
    return after_stream(ledger.entry(call), status)


def test_unknown_call_arrives_first(ledger):
    assert arrive(ledger) is Arrival.FIRST


def test_asked_again_the_answer_is_the_same(ledger):
    ledger.answer(CALL, "<Response/>")
    assert arrive(ledger) == SameAnswer("<Response/>")
    assert arrive(ledger) == SameAnswer("<Response/>")
    assert arrive(ledger, "CA2") is Arrival.FIRST


def test_asked_again_while_a_stream_is_attached_again(ledger):
    ledger.answer(CALL, "<Response/>")
    ledger.attach(CALL)
    ledger.grant_reattachment(CALL)
    assert arrive(ledger) == SameAnswer("<Response/>")


@pytest.mark.parametrize(
    ("outcome", "answer"),
    [
        (Outcome.GOODBYE, Arrival.HANG_UP),
        (Outcome.CALLER_GONE, Arrival.HANG_UP),
        (Outcome.FAULT, Arrival.SORRY),
    ],
)
def test_asked_again_after_the_end(ledger, outcome, answer):
    ledger.answer(CALL, "<Response/>")
    ledger.record(CALL, outcome)
    assert arrive(ledger) is answer


def test_answer_is_not_kept_beyond_the_end(ledger):
    ledger.answer(CALL, "<Response/>")
    ledger.record(CALL, Outcome.GOODBYE)
    assert ledger.entry(CALL).answer is None


def test_call_known_by_its_stream_alone_has_had_no_answer(ledger):
    ledger.attach(CALL)
    assert arrive(ledger) is Arrival.FIRST


@pytest.mark.parametrize("status", TERMINAL)
@pytest.mark.parametrize("entry", [None, Entry(), *(Entry(outcome=outcome) for outcome in Outcome)])
def test_nothing_follows_a_call_that_is_over(entry, status):
    assert after_stream(entry, status) is AfterStream.NOTHING


@pytest.mark.parametrize("status", ["in-progress", "ringing", ""])
@pytest.mark.parametrize(
    ("entry", "decision"),
    [
        (None, AfterStream.SORRY),
        (Entry(outcome=Outcome.GOODBYE), AfterStream.HANG_UP),
        (Entry(outcome=Outcome.GOODBYE, reattachments=2), AfterStream.HANG_UP),
        (Entry(outcome=Outcome.FAULT), AfterStream.SORRY),
        (Entry(outcome=Outcome.CALLER_GONE), AfterStream.SORRY),
        (Entry(), AfterStream.REATTACH),
        (Entry(reattachments=1), AfterStream.REATTACH),
        (Entry(reattachments=2), AfterStream.SORRY),
        (Entry(reattachments=3), AfterStream.SORRY),
    ],
)
def test_what_follows_a_stream_while_the_call_goes_on(entry, decision, status):
    assert after_stream(entry, status) is decision


def test_a_call_is_reattached_twice(ledger):
    ledger.answer(CALL, "<Response/>")
    decisions = []
    for _ in range(3):
        decisions.append(next_for(ledger))
        ledger.grant_reattachment(CALL)
    assert decisions == [AfterStream.REATTACH, AfterStream.REATTACH, AfterStream.SORRY]


@pytest.mark.parametrize("first", Outcome)
@pytest.mark.parametrize("then", Outcome)
def test_first_outcome_stands_save_that_a_caller_may_leave_a_fault(ledger, first, then):
    ledger.answer(CALL, "<Response/>")
    ledger.record(CALL, first)
    ledger.record(CALL, then)
    left = (first, then) == (Outcome.FAULT, Outcome.CALLER_GONE)
    assert ledger.entry(CALL).outcome is (then if left else first)


def test_call_that_began_elsewhere_ends_as_recorded_here(ledger):
    ledger.record(CALL, Outcome.GOODBYE)
    assert next_for(ledger) is AfterStream.HANG_UP


def test_stream_of_a_call_that_began_elsewhere_is_reattached(ledger):
    ledger.attach(CALL)
    assert next_for(ledger) is AfterStream.REATTACH


def test_attaching_changes_nothing_about_a_call(ledger):
    ledger.answer(CALL, "<Response/>")
    ledger.grant_reattachment(CALL)
    before = ledger.entry(CALL)
    ledger.attach(CALL)
    assert ledger.entry(CALL) == before


def test_calls_are_remembered_for_a_day(ledger, clock):
    ledger.answer(CALL, "<Response/>")
    clock.now += DAY - 1
    assert arrive(ledger) == SameAnswer("<Response/>")
    clock.now += 1
    assert arrive(ledger) is Arrival.FIRST
    assert next_for(ledger) is AfterStream.SORRY


def test_a_long_call_is_remembered_from_its_last_news(ledger, clock):
    ledger.answer(CALL, "<Response/>")
    clock.now += DAY - 1
    ledger.record(CALL, Outcome.GOODBYE)
    clock.now += DAY - 1
    assert next_for(ledger) is AfterStream.HANG_UP


def test_ledger_is_bounded_and_the_longest_untouched_goes_first(clock, monkeypatch):
    monkeypatch.setattr(module, "MAX_CALLS", 3)
    ledger = Ledger(clock)
    for call in ("CA1", "CA2", "CA3"):
        ledger.answer(call, "<Response/>")
    ledger.entry("CA1")
    ledger.answer("CA4", "<Response/>")
    assert [call for call in ("CA1", "CA2", "CA3", "CA4") if ledger.entry(call)] == ["CA1", "CA3", "CA4"]
