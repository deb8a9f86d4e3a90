"""Messages that outlive a lost socket: each side numbers what it says, and keeps it until the other has it.

A frame is a JSON array of the message's number, the highest number that was taken from the other side, and the message.
Number 0 says the second alone. Where a new socket takes over, both begin by saying what they have taken; what is
missing is sent again, so that each message is taken once, and in order.
"""

from collections import deque
from collections.abc import Iterator

import msgspec
from msgspec import Raw, Struct

from ringbridge.errors import BrokenMessage
from ringbridge.wire._json import broken

__all__ = ["MAX_UNDELIVERED", "MAX_UNDELIVERED_BYTES", "Delivery"]

MAX_UNDELIVERED = 10_000
"""Messages that wait for the other side; then it is given up. A call has about five a second."""

MAX_UNDELIVERED_BYTES = 32 * 1024 * 1024
"""The same for what they weigh: several of the longest sounds."""

ACKNOWLEDGED_EACH = 32
"""After so many that were taken without a word of our own, the other side is told so."""


class _Frame(Struct, frozen=True, array_like=True):
    number: int
    taken: int
    message: Raw = Raw(b"null")


_DECODER = msgspec.json.Decoder(_Frame)


class Delivery:
    """One side's account of what was said, and of what was taken."""

    def __init__(self) -> None:
        self.taken = 0
        """The number of the newest message that was taken."""
        self._kept: deque[bytes] = deque()
        self._kept_bytes = 0
        self._first = 1
        self._acknowledged = 0

    @property
    def is_full(self) -> bool:
        """Whether too much waits for the other side."""
        return len(self._kept) >= MAX_UNDELIVERED or self._kept_bytes >= MAX_UNDELIVERED_BYTES

    def send(self, message: bytes) -> bytes:
        """A message of ours, in JSON: it is kept. Gives its frame."""
        self._kept.append(message)
        self._kept_bytes += len(message)
        return self._frame(self._first + len(self._kept) - 1, message)

    def take(self, text: bytes) -> bytes | None:
        """A frame of theirs. Gives its message, and `None` where it has none, or one that was taken before.

        Raises `BrokenMessage` for what is no frame, or is not the next one.
        """
        try:
            frame = _DECODER.decode(text)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise broken(error) from None
        self.has_taken(frame.taken)
        if frame.number <= self.taken:
            return None
        if frame.number != self.taken + 1:
            raise BrokenMessage("a message is missing")
        self.taken = frame.number
        return bytes(frame.message)

    def has_taken(self, number: int) -> None:
        """The other side has everything up to this message of ours.

        Raises `BrokenMessage` when there is none such, or it had more already: what is missing is not kept any more.
        """
        if not self._first - 1 <= number < self._first + len(self._kept):
            raise BrokenMessage("the two sides count differently")
        while self._first <= number:
            self._kept_bytes -= len(self._kept.popleft())
            self._first += 1

    @property
    def owes_word(self) -> bool:
        """Whether the other side should be told what was taken."""
        return self.taken - self._acknowledged >= ACKNOWLEDGED_EACH

    def word(self) -> bytes:
        """A frame that tells it."""
        return self._frame(0, b"null")

    def again(self) -> Iterator[bytes]:
        """The frames of whatever the other side is not known to have."""
        for number, message in enumerate(self._kept, self._first):
            yield self._frame(number, message)

    def _frame(self, number: int, message: bytes) -> bytes:
        self._acknowledged = self.taken
        return b"[%d,%d,%b]" % (number, self.taken, message)
