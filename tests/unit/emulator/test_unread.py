import os
import socket
from selectors import EVENT_READ, EVENT_WRITE

import pytest

from ringbridge.emulator import unread
from ringbridge.emulator.kernel import byte_counts
from ringbridge.emulator.unread import Ends

pytestmark = pytest.mark.skipif(byte_counts() is None, reason="this kernel does not count bytes")

BOTH = EVENT_READ | EVENT_WRITE


class Pair:
    """A connection whose ends a loop waits for; `listener` is one that it does not know."""

    def __init__(self, listener):
        self.client = socket.create_connection(listener.getsockname())
        self.server = listener.accept()[0]
        self.client.setblocking(False)
        self.server.settimeout(5)

    def close(self):
        self.client.close()
        self.server.close()


def fill(end):
    """Say more than there is room for."""
    written = 0
    try:
        while True:
            written += end.send(bytes(100_000))
    except BlockingIOError:
        return written


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


@pytest.fixture
def pair(listener):
    pair = Pair(listener)
    yield pair
    pair.close()


@pytest.fixture
def ends(pair):
    """Both ends of the pair are waited for."""
    ends = Ends()
    ends.watch(pair.client.fileno(), EVENT_READ)
    ends.watch(pair.server.fileno(), EVENT_READ)
    return ends


def test_what_was_said_and_has_arrived_is_not_late(ends, pair):
    assert ends.late() == []
    pair.client.send(b"hello")
    assert pair.server.recv(5, socket.MSG_WAITALL) == b"hello"
    pair.server.send(b"welcome")
    pair.client.setblocking(True)
    assert pair.client.recv(7, socket.MSG_WAITALL) == b"welcome"
    assert ends.late() == []


def test_what_has_not_arrived_yet_is_late_in_either_direction(ends, pair):
    pair.server.setblocking(False)
    fill(pair.server)
    assert len(ends.late()) == 1
    fill(pair.client)
    assert len(ends.late()) == 1
    ends.unwatch(pair.client.fileno())
    assert len(ends.late()) == 1
    ends.unwatch(pair.server.fileno())
    assert ends.late() == []


def test_what_a_paused_reader_has_not_taken_is_not_late(ends, pair):
    fill(pair.client)
    ends.unwatch(pair.server.fileno())
    assert ends.late() == []
    ends.watch(pair.server.fileno(), EVENT_READ)
    assert len(ends.late()) == 1


def test_a_paused_end_may_still_be_sending(ends, pair):
    written = fill(pair.client)
    ends.unwatch(pair.client.fileno())
    assert len(ends.late()) == 1
    read = 0
    while read < written:
        read += len(pair.server.recv(1_000_000))
    assert ends.late() == []


def test_a_writer_that_waits_for_room_gets_it_if_somebody_reads(ends, pair):
    ends.watch(pair.client.fileno(), BOTH)
    assert len(ends.late()) == 1
    ends.watch(pair.client.fileno(), EVENT_WRITE)
    assert len(ends.late()) == 1
    ends.unwatch(pair.server.fileno())
    assert ends.late() == []


def test_the_end_of_a_closed_socket_is_late_until_it_is_seen(ends, pair, listener):
    fd = pair.client.fileno()
    ends.unwatch(fd)
    assert ends.late() == []
    pair.client.close()
    other = Pair(listener)
    assert other.client.fileno() == fd  # the number is in use again, for something that the loop does not know
    assert [end.fd for end in ends.late()] == [pair.server.fileno()]
    ends.unwatch(pair.server.fileno())
    assert ends.late() == []
    other.close()


def test_a_writer_whose_reader_has_gone_is_told_soon(ends, pair):
    ends.watch(pair.client.fileno(), EVENT_WRITE)
    ends.unwatch(pair.server.fileno())
    pair.server.close()
    assert [end.fd for end in ends.late()] == [pair.client.fileno()]


def test_a_descriptor_that_is_used_again_is_another_connection(ends, pair, listener):
    fd = pair.client.fileno()
    ends.unwatch(fd)
    pair.client.close()
    again = Pair(listener)
    assert again.client.fileno() == fd
    ends.watch(fd, EVENT_READ)
    ends.watch(again.server.fileno(), EVENT_READ)
    assert [end.fd for end in ends.late()] == [pair.server.fileno()]
    ends.unwatch(pair.server.fileno())
    assert (ends.late(), ends.outside()) == ([], False)
    fill(again.client)
    assert len(ends.late()) == 1
    again.close()


def test_what_never_comes_is_given_up_for_good(ends, pair):
    fill(pair.client)
    ends.give_up(ends.late())
    assert ends.late() == []
    assert ends.outside()


def test_a_connection_that_is_being_made_is_late_until_given_up():
    with socket.create_server(("127.0.0.1", 0), backlog=0) as busy, socket.socket() as one, socket.socket() as two:
        for client in (one, two):  # the first fills the queue
            client.setblocking(False)
            client.connect_ex(busy.getsockname())
        ends = Ends()
        ends.watch(two.fileno(), EVENT_WRITE)
        late = ends.late()
        assert ([end.fd for end in late], ends.outside()) == ([two.fileno()], False)
        ends.give_up(late)
        assert (ends.late(), ends.outside()) == ([], True)
        ends.unwatch(two.fileno())
        assert not ends.outside()


@pytest.mark.parametrize("given_up", [False, True])
def test_a_connection_that_is_made_after_all_is_like_any_other(listener, given_up):
    with socket.socket() as client:
        ends = Ends()
        ends.watch(client.fileno(), EVENT_WRITE)
        if given_up:
            ends.give_up(ends.late())
        client.connect(listener.getsockname())
        ends.watch(client.fileno(), BOTH)
        with listener.accept()[0] as server:
            ends.watch(server.fileno(), EVENT_READ)
            ends.watch(client.fileno(), EVENT_READ)
            assert (ends.late(), ends.outside()) == ([], False)


def test_a_connection_that_is_not_made_any_more_is_forgotten():
    with socket.socket() as client:
        ends = Ends()
        ends.watch(client.fileno(), EVENT_WRITE)
        assert len(ends.late()) == 1
        ends.unwatch(client.fileno())
        assert ends.late() == []


def test_servers_elsewhere_are_waited_for_but_not_clients(pair, listener):
    ends = Ends()
    ends.watch(pair.client.fileno(), EVENT_READ)
    assert ends.outside()
    ends.unwatch(pair.client.fileno())
    assert not ends.outside()
    ends.watch(listener.fileno(), EVENT_READ)
    ends.watch(pair.server.fileno(), EVENT_READ)
    assert not ends.outside()


def test_a_client_whose_server_end_is_not_waited_for_yet_is_not_outside(pair, listener):
    ends = Ends()
    ends.watch(listener.fileno(), EVENT_READ)
    ends.watch(pair.client.fileno(), EVENT_READ)
    assert not ends.outside()


def test_pipes_and_datagrams_are_outside_but_the_loops_own_wake_up_is_not():
    ends = Ends()
    one, other = socket.socketpair()
    with one, other, socket.socket(type=socket.SOCK_DGRAM) as datagrams:
        ends.watch(one.fileno(), EVENT_READ)
        assert not ends.outside()
        ends.watch(datagrams.fileno(), EVENT_READ)
        assert ends.outside()
        ends.unwatch(datagrams.fileno())
    readable, writable = os.pipe()
    ends.watch(readable, EVENT_READ)
    assert ends.outside()
    os.close(readable)
    os.close(writable)


def test_where_nothing_is_counted_it_says_so(monkeypatch, pair):
    monkeypatch.setattr(unread, "byte_counts", lambda: None)
    ends = Ends()
    ends.watch(pair.client.fileno(), EVENT_READ)
    ends.watch(pair.server.fileno(), EVENT_READ)
    fill(pair.client)
    assert (ends.blind, ends.late(), ends.outside()) == (True, [], False)
