"""When a model is left alone."""

from ringbridge.llm.breaker import Breaker


def broken(at=0.0):
    breaker = Breaker()
    for _ in range(3):
        breaker.failed(at)
    return breaker


def test_three_failures_in_a_row_open_it():
    breaker = Breaker()
    for _ in range(2):
        breaker.failed(0)
    breaker.succeeded()
    for _ in range(2):
        breaker.failed(0)
    assert breaker.lets_through(0)
    breaker.failed(0)
    assert not breaker.lets_through(29)
    assert breaker.lets_through(30)


def test_one_tries_and_the_others_wait_for_the_outcome():
    breaker = broken()
    breaker.asked(30)
    assert not breaker.lets_through(30)
    breaker.succeeded()
    assert breaker.lets_through(30)


def test_a_failed_trial_opens_it_anew():
    breaker = broken()
    breaker.asked(30)
    breaker.failed(31)
    assert not breaker.lets_through(60)
    assert breaker.lets_through(61)


def test_a_trial_without_an_outcome_is_made_again():
    breaker = broken()
    breaker.asked(30)
    assert breaker.lets_through(40)


def test_a_rest_is_never_shortened():
    breaker = Breaker()
    breaker.rest(0, 60)
    breaker.rest(0, 5)
    assert not breaker.lets_through(59)
    assert breaker.lets_through(60)
