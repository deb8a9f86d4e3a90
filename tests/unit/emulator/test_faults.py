import pytest

from ringbridge.emulator.faults import Fault, Faults


def test_a_fault_strikes_once_unless_told_otherwise():
    refusal = Fault("signed_url", "refuse", status=401)
    faults = Faults([refusal])
    assert faults.take("signed_url") == [refusal]
    assert faults.take("signed_url") == []


def test_a_fault_strikes_as_often_as_it_says():
    twice, ever = Fault("media_socket", "drop", times=2), Fault("media_socket", "slow_reader", ms=5, times=-1)
    faults = Faults([twice, ever])
    assert [faults.take("media_socket") for _ in range(4)] == [[twice, ever], [twice, ever], [ever], [ever]]


def test_places_are_counted_apart():
    drop, close = Fault("engine_socket", "drop"), Fault("brain_socket", "close", code=1000)
    faults = Faults([drop])
    faults.add(close)
    assert faults.take("webhook") == []
    assert faults.take("brain_socket") == [close]
    assert faults.take("engine_socket") == [drop]


def test_equal_faults_count_one_by_one():
    fault = Fault("webhook", "delay", ms=100)
    faults = Faults([fault, fault])
    assert faults.take("webhook") == [fault, fault]
    assert faults.take("webhook") == []


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"where": "moon"}, "where must be one of signed_url"),
        ({"kind": "explode"}, "kind must be one of refuse"),
        ({"shape": "round"}, "shape must be one of nested, flat"),
        ({"after_ms": -1}, "milliseconds"),
        ({"ms": -1}, "milliseconds"),
        ({"times": 0}, "times"),
        ({"times": -2}, "times"),
    ],
)
def test_a_fault_that_could_never_strike_is_refused(wrong, told):
    with pytest.raises(ValueError, match=told):
        Fault(**{"where": "webhook", "kind": "drop", **wrong})
