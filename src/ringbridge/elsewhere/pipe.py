"""Messages over a socket between two processes of ours: each is pickled, and led by its length.

Neither side waits for the other: what the peer does not take in is kept, and `waiting` says how much that is.
"""

import asyncio
import pickle
import socket
import struct
import sys
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any, Final, cast

from ringbridge.elsewhere.messages import FromBrain, Refused, ToBrain

__all__ = ["Frames", "Pipe", "can_travel", "encode", "open_pipe"]

_LENGTH: Final = struct.Struct("!I")
_SHARED: Final = frozenset({"ringbridge", *sys.stdlib_module_names})


class _Pickler(pickle.Pickler):
    """Lets through what the other process knows as well: plain values, Python's and ours, nobody else's classes."""

    def reducer_override(self, value: Any) -> Any:
        if isinstance(value, str):
            return str, (str.__str__(value),)  # somebody's own kind of text is text
        kind = value if isinstance(value, type) else type(value)
        if kind.__module__.partition(".")[0] not in _SHARED:
            raise pickle.PicklingError(f"a {kind.__qualname__} can't leave its process: only plain values can")
        return NotImplemented


def encode(message: ToBrain | FromBrain) -> bytes:
    """One message as it goes over the socket. Raises for what can't be pickled, or holds somebody's own classes."""
    body = BytesIO()
    body.write(bytes(_LENGTH.size))
    _Pickler(body, pickle.HIGHEST_PROTOCOL).dump(message)
    frame = body.getbuffer()
    _LENGTH.pack_into(frame, 0, len(frame) - _LENGTH.size)
    return bytes(frame)


def can_travel(error: Exception) -> bool:
    """Whether an exception comes out as it goes in; those whose arguments are not their constructor's don't."""
    try:
        pickle.loads(encode(Refused(0, error))[_LENGTH.size :])  # noqa: S301 - our own, of this moment
    except Exception:  # whatever a class does when it is taken apart and put together
        return False
    return True


class Frames:
    """Cuts what comes out of a socket into messages."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, data: bytes) -> Iterator[Any]:
        """The messages that are whole now."""
        self._rest += data
        while len(self._rest) >= _LENGTH.size:
            end = _LENGTH.size + _LENGTH.unpack_from(self._rest)[0]
            if len(self._rest) < end:
                return
            frame = bytes(self._rest[_LENGTH.size : end])
            del self._rest[:end]
            yield pickle.loads(frame)  # noqa: S301 - it comes from a process of our own, whose code is ours


class Pipe(asyncio.Protocol):
    """One end. `receive` takes each message as it comes."""

    def __init__(self, receive: Callable[[Any], None]) -> None:
        self.receive = receive
        self._frames = Frames()
        self._transport: asyncio.Transport | None = None
        self._ended = asyncio.Event()

    def send(self, message: ToBrain | FromBrain) -> None:
        """Send a message; where the other end is gone, nothing. Raises as `encode` does."""
        frame = encode(message)
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(frame)

    @property
    def waiting(self) -> int:
        """Bytes that the other end has not taken in."""
        return 0 if self._transport is None else self._transport.get_write_buffer_size()

    async def ended(self) -> None:
        """Wait until either end is closed."""
        await self._ended.wait()

    def close(self) -> None:
        """Close this end at once. May be called twice."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """As in asyncio."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """As in asyncio."""
        for message in self._frames.feed(data):
            self.receive(message)

    def connection_lost(self, exc: Exception | None) -> None:
        """As in asyncio."""
        self._ended.set()


async def open_pipe(connection: socket.socket, receive: Callable[[Any], None]) -> Pipe:
    """Begin to read from one socket of a pair, which the pipe owns from now on."""
    connection.setblocking(False)  # noqa: FBT003 - its only argument
    pipe = Pipe(receive)
    await asyncio.get_running_loop().create_unix_connection(lambda: pipe, sock=connection)
    return pipe
