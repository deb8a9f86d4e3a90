"""Audio that tells whose it is, which frame of it, and when it was sent; and the ear that judges what arrives.

A frame is a stamp of 12 bytes and a filler that differs from frame to frame. No byte is 0x7f: it is the one that does
not survive a bridge which decodes µ-law to linear samples and back, for there are two zeros. What arrives is judged
as a stream of bytes, in whatever pieces it comes.
"""

import random
from array import array
from binascii import Error, a2b_base64, b2a_base64
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

__all__ = ["DOWN", "UP", "Direction", "Ear", "Mouth", "Tally"]

_STAMP_BYTES: Final = 12
_STAMP_CHARACTERS: Final = 16

_FILLERS: Final = 251
"""A prime, so that neighbouring calls and frames never share one."""

_SEQUENCES: Final = 1 << 21
_MICROSECONDS: Final = 1 << 35
_MASK: Final = (1 << 64) - 1


class Direction:
    """One way of a call: frames of so many bytes, which begin with a mark of two."""

    def __init__(self, magic: bytes, size: int) -> None:
        noise = random.Random(size)
        self.magic = magic
        self.size = size
        self.raw = tuple(noise.randbytes(size - _STAMP_BYTES).replace(b"\x7f", b"\xff") for _ in range(_FILLERS))
        self.text = tuple(b2a_base64(filler, newline=False) for filler in self.raw)
        self.characters = _STAMP_CHARACTERS + len(self.text[0])


UP: Final = Direction(b"\xb5\xd0", 160)
"""The caller's: 20 ms of µ-law a frame."""

DOWN: Final = Direction(b"\xb5\xd1", 1600)
"""The agent's: 200 ms a frame."""


def _spread(number: int) -> int:
    """35 bits, seven in each of five bytes, each with its highest bit set."""
    return (
        (number & 0x7F)
        | (number & 0x3F80) << 1
        | (number & 0x1FC000) << 2
        | (number & 0xFE00000) << 3
        | (number & 0x7F0000000) << 4
        | 0x8080808080
    )


def _gathered(spread: int) -> int:
    return (
        (spread & 0x7F)
        | (spread >> 1 & 0x3F80)
        | (spread >> 2 & 0x1FC000)
        | (spread >> 3 & 0xFE00000)
        | (spread >> 4 & 0x7F0000000)
    )


@dataclass(slots=True)
class Tally:
    """What a player's ears have heard since it was last begun. Latencies in µs."""

    frames: int = 0
    lost: int = 0
    repeated: int = 0
    strayed: int = 0
    broken: int = 0
    latencies: "array[int]" = field(default_factory=lambda: array("q"))


class Mouth:
    """The speaker of one call: makes its frames, one after the other."""

    def __init__(self, direction: Direction, call: int) -> None:
        self.sent = 0
        self._text = direction.text
        self._call = call
        self._head = direction.magic + (_spread(call) & 0xFFFF).to_bytes(2, "little")

    def frame(self, now_us: int) -> bytes:
        """The next frame, as base64."""
        number = self.sent
        self.sent = number + 1
        stamp = (_spread(number) & 0xFFFFFF) | _spread(now_us) << 24
        return (
            b2a_base64(self._head + stamp.to_bytes(8, "little"), newline=False)
            + self._text[(self._call * 31 + number) % _FILLERS]
        )


class Ear:
    """The listener of one call. `call` is whose frames it must hear; None: whoever's come first.

    `began` is told the number of the call as soon as that is known.
    """

    def __init__(
        self, direction: Direction, tally: Tally, call: int | None = None, began: Callable[[int], None] | None = None
    ) -> None:
        self.call = call
        self.heard = -1
        """The number of the last frame."""
        self._direction = direction
        self._tally = tally
        self._began = began
        self._rest = b""

    def count_in(self, tally: Tally) -> None:
        """From now on count in this one."""
        self._tally = tally

    def take(self, payload: bytes, now_us: int) -> None:
        """Audio has arrived, as base64."""
        direction = self._direction
        if len(payload) == direction.characters and not self._rest:
            stamp = a2b_base64(payload[:_STAMP_CHARACTERS])
            call, number, sent_us = _read(stamp)
            if (
                stamp[:2] == direction.magic
                and payload[_STAMP_CHARACTERS:] == direction.text[(call * 31 + number) % _FILLERS]
            ):
                self._frame(call, number, sent_us, now_us)
                return
        self._pieces(payload, now_us)

    def _pieces(self, payload: bytes, now_us: int) -> None:
        """The bridge cuts as it likes, or something is wrong."""
        try:
            self._rest += a2b_base64(payload, strict_mode=True)
        except Error:
            self._tally.broken += 1
            return
        magic, size = self._direction.magic, self._direction.size
        while True:
            start = self._rest.find(magic)
            if start < 0:
                self._rest = self._rest[-1:]
                return
            if len(self._rest) < start + size:
                return
            frame = self._rest[start : start + size]
            call, number, sent_us = _read(frame[:_STAMP_BYTES])
            if frame[_STAMP_BYTES:] == self._direction.raw[(call * 31 + number) % _FILLERS]:
                self._rest = self._rest[start + size :]
                self._frame(call, number, sent_us, now_us)
            else:
                self._rest = self._rest[start + len(magic) :]
                self._tally.broken += 1

    def _frame(self, call: int, number: int, sent_us: int, now_us: int) -> None:
        tally = self._tally
        if call != self.call:
            if self.call is not None:
                tally.strayed += 1
                return
            self.call = call
            if self._began is not None:
                self._began(call)
        if number != self.heard + 1 and self.heard >= 0:
            if number <= self.heard:
                tally.repeated += 1
                return
            tally.lost += number - self.heard - 1
        self.heard = number
        tally.frames += 1
        tally.latencies.append((now_us - sent_us) % _MICROSECONDS)


def _read(stamp: bytes) -> tuple[int, int, int]:
    """Whose frame it is, which, and when it was sent in µs."""
    bits = int.from_bytes(stamp[2:], "little")
    return _gathered(bits & 0xFFFF), _gathered(bits >> 16 & 0xFFFFFF), _gathered(bits >> 40)
