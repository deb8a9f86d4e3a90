import pytest

from ringbridge import facts
from ringbridge.live.audience import Audience


@pytest.fixture
def story():
    return [facts.CallBegan("+15550100001", "+15550100002", "en"), facts.Heard(1, 20), facts.CallEnded(None)]


def test_each_observer_is_told_what_it_listens_for_in_order(story):
    told = []

    @facts.hears(facts.CallEnded)
    def chosen(sid, fact):
        told.append(("chosen", sid, fact))

    audience = Audience([chosen]).after(lambda sid, fact: told.append(("all", sid, fact)))
    for fact in story:
        audience.tell("CA1", fact)

    assert told == [*(("all", "CA1", fact) for fact in story), ("chosen", "CA1", story[-1])]


def test_an_observer_that_fails_is_nobody_elses_fault(story, caplog):
    told = []

    def broken(_sid, _fact):
        raise ValueError("out of paper")

    audience = Audience([broken, lambda _sid, fact: told.append(fact)])
    for fact in story:
        audience.tell("CA1", fact)

    assert told == story
    assert "an observer failed" in caplog.text
