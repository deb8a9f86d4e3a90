import os
import socket
import sys

import pytest

from ringbridge.emulator import kernel
from ringbridge.emulator.kernel import Kind, byte_counts, identify, inode


@pytest.fixture
def pair():
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()) as client,
        listener.accept()[0] as server,
    ):
        yield client, server


def test_both_ends_of_a_connection_name_each_other(pair):
    client, server = (identify(end.fileno()) for end in pair)
    assert (client.kind, server.kind) == (Kind.CONNECTED, Kind.CONNECTED)
    assert (client.local, client.peer) == (server.peer, server.local)
    assert client.local != client.peer


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="no IPv6 here")
def test_both_ends_name_each_other_across_address_families():
    with (
        socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as listener,
        socket.create_connection(("127.0.0.1", listener.getsockname()[1])) as client,
        listener.accept()[0] as server,
    ):
        assert identify(client.fileno()).local == identify(server.fileno()).peer


def test_what_is_no_connection_is_told_apart():
    readable, writable = os.pipe()
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket() as fresh:
        assert identify(listener.fileno()).kind is Kind.UNCONNECTED
        assert identify(listener.fileno()).local == listener.getsockname()
        assert identify(fresh.fileno()).kind is Kind.UNCONNECTED
    with socket.socket(type=socket.SOCK_DGRAM) as datagrams:
        assert identify(datagrams.fileno()).kind is Kind.OTHER
    one, other = socket.socketpair()
    with one, other:
        assert identify(one.fileno()).kind is Kind.UNIX
    assert identify(readable).kind is Kind.OTHER
    os.close(readable)
    os.close(writable)


def test_identifying_leaves_the_socket_as_it_was(pair):
    client, server = pair
    identify(server.fileno())
    server.close()
    assert client.recv(1) == b""  # no copy of it is left open


def test_an_inode_tells_a_descriptor_that_is_used_again():
    with socket.socket() as first:
        fd, before = first.fileno(), inode(first.fileno())
        assert before == inode(fd) != 0
    assert inode(fd) == 0
    with socket.socket() as second:
        assert second.fileno() == fd
        assert inode(fd) not in {0, before}


@pytest.mark.skipif(byte_counts() is None, reason="this kernel does not count bytes")
def test_bytes_are_counted_when_written_and_when_they_arrive(pair):
    count = byte_counts()
    client, server = (end.fileno() for end in pair)
    pair[0].setblocking(False)
    written = 0
    try:
        while True:
            written += pair[0].send(bytes(100_000))
    except BlockingIOError:
        pass
    assert count(client) == (written, 0)
    assert 0 < count(server)[1] < written  # the rest waits for room
    pair[1].settimeout(5)
    read = 0
    while read < written:
        read += len(pair[1].recv(1_000_000))
    assert count(server) == (0, written)
    pair[0].close()
    assert count(client) is None


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux is asked")
def test_a_kernel_that_counts_nothing_is_found_out(monkeypatch):
    assert kernel._counts_rightly(lambda fd: (0, 0)) is False
    assert kernel._counts_rightly(lambda fd: None) is False
    monkeypatch.setattr(kernel, "_counts_rightly", lambda count: False)
    assert byte_counts.__wrapped__() is None
