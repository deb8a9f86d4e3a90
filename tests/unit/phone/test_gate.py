"""Who is let in to the telephone."""

from itertools import count

import pytest

from ringbridge.phone.gate import Gate, is_own_host, is_own_page


@pytest.fixture
def gate():
    numbers = count(1)
    return Gate(lambda: f"t{next(numbers)}")


@pytest.mark.parametrize("host", ["127.0.0.1:3080", "localhost:3080"])
def test_this_machine_goes_by_two_names(host):
    assert is_own_host(host, 3080)
    assert is_own_page(f"http://{host}", host)


@pytest.mark.parametrize(
    "host",
    [None, "", "127.0.0.1", "localhost", "127.0.0.1:80", "evil.test:3080", "127.0.0.1.evil.test:3080", "[::1]:3080"],
)
def test_no_other_name_will_do(host):
    assert not is_own_host(host, 3080)


@pytest.mark.parametrize(
    "origin",
    [None, "", "null", "http://evil.test", "https://127.0.0.1:3080", "http://127.0.0.1", "http://localhost:3080"],
)
def test_a_page_of_somebody_else_is_not_ours(origin):
    assert not is_own_page(origin, "127.0.0.1:3080")


def test_a_ticket_is_good_once_and_makes_way_for_the_next(gate):
    assert gate.ticket == "t1"
    assert gate.redeem(["ringbridge.phone", "ticket.t1"])
    assert gate.ticket == "t2"
    assert not gate.redeem(["ringbridge.phone", "ticket.t1"])
    assert gate.redeem(["ticket.t2", "ringbridge.phone"])


@pytest.mark.parametrize(
    "offered", [[], [""], ["t1"], ["ticket."], ["ticket.t"], ["ticket.t1", "ticket.t2"], ["ticket.é"]]
)
def test_a_wrong_ticket_leaves_the_good_one_good(gate, offered):
    assert not gate.redeem(offered)
    assert gate.redeem(["ticket.t1"])
