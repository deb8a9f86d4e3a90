"""What the kernel tells about a socket that is known by its file descriptor only."""

import ctypes
import os
import socket
import stat
import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from functools import cache
from typing import TypeAlias

__all__ = ["Address", "ByteCounts", "Identity", "Kind", "byte_counts", "identify", "inode"]

Address: TypeAlias = tuple[str, int]

ByteCounts: TypeAlias = Callable[[int], tuple[int, int] | None]
"""File descriptor to the bytes ever written into that connection and ever arrived from it; None if it is closed."""

_NOWHERE: Address = ("", 0)

# bytes_received, notsent_bytes, bytes_sent, bytes_retrans in `struct tcp_info` of Linux 4.19 and later: tcp(7)
_TCP_INFO = struct.Struct("=128xQ8xI52xQQ")


class Kind(Enum):
    """What a file descriptor may be, as far as it matters to who waits for it."""

    CONNECTED = auto()  # one end of a TCP connection
    UNCONNECTED = auto()  # a TCP socket that listens, or is not connected yet
    UNIX = auto()  # a socket of the own machine where nothing is ever under way: it arrives as it is sent
    OTHER = auto()  # a pipe, a datagram socket, a process


@dataclass(frozen=True, slots=True)
class Identity:
    """What is open under a file descriptor. `inode` tells whether it is still the same later."""

    kind: Kind
    inode: int = 0
    local: Address = _NOWHERE
    peer: Address = _NOWHERE


def inode(fd: int) -> int:
    """Tell one open file from the next under the same descriptor; 0 when nothing is open there."""
    try:
        return os.fstat(fd).st_ino
    except OSError:
        return 0


def identify(fd: int) -> Identity:
    """Tell what is open under `fd`. It must be open."""
    mark = os.fstat(fd)
    if not stat.S_ISSOCK(mark.st_mode):
        return Identity(Kind.OTHER, mark.st_ino)
    with socket.socket(fileno=os.dup(fd)) as sock:
        if sock.family not in {socket.AF_INET, socket.AF_INET6}:
            return Identity(Kind.UNIX, mark.st_ino)
        if sock.type != socket.SOCK_STREAM:
            return Identity(Kind.OTHER, mark.st_ino)
        local = _address(sock.getsockname())
        try:
            peer = _address(sock.getpeername())
        except OSError:
            return Identity(Kind.UNCONNECTED, mark.st_ino, local)
        return Identity(Kind.CONNECTED, mark.st_ino, local, peer)


@cache
def byte_counts() -> ByteCounts | None:
    """Return what counts a connection's bytes here; None where the kernel does not, or not in the way of Linux."""
    if sys.platform != "linux":
        return None
    getsockopt = ctypes.PyDLL(None).getsockopt  # holding the GIL is cheaper than giving it away for half a µs
    answer = ctypes.create_string_buffer(_TCP_INFO.size)
    size = ctypes.c_uint32(_TCP_INFO.size)
    answer_at, size_at = ctypes.byref(answer), ctypes.byref(size)

    def count(fd: int) -> tuple[int, int] | None:
        if getsockopt(fd, socket.IPPROTO_TCP, socket.TCP_INFO, answer_at, size_at):
            return None
        arrived, unsent, sent, resent = _TCP_INFO.unpack_from(answer)
        return sent - resent + unsent, arrived

    return count if _counts_rightly(count) else None


def _counts_rightly(count: ByteCounts) -> bool:
    """Try it, as sandboxes that play Linux leave these fields empty."""
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()) as sender,
        listener.accept()[0] as receiver,
    ):
        sender.sendall(b"three")
        receiver.recv(5, socket.MSG_WAITALL)
        return (count(sender.fileno()), count(receiver.fileno())) == ((5, 0), (0, 5))


def _address(name: tuple[str, int] | tuple[str, int, int, int]) -> Address:
    # A listener for both families sees the clients of the older one at mapped addresses (RFC 4291, 2.5.5.2).
    return name[0].removeprefix("::ffff:"), name[1]
