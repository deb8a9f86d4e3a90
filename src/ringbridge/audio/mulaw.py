"""G.711 mu-law and 16-bit PCM, by tables in plain Python.

ITU-T G.711 section 3: one byte a sample, 8000 samples a second, so 8 bytes are one millisecond.
"""

from collections.abc import Iterable
from typing import Final

__all__ = ["BYTES_PER_MS", "FRAME_BYTES", "FRAME_MS", "LINEAR", "RATE", "SILENCE", "from_pcm", "to_pcm"]

RATE: Final = 8000
"""Samples, and therefore bytes, a second."""

BYTES_PER_MS: Final = 8

FRAME_MS: Final = 20
"""What Twilio puts into one media message."""

FRAME_BYTES: Final = FRAME_MS * BYTES_PER_MS

SILENCE: Final = 0xFF
"""The byte of digital silence (+0)."""

_BIAS: Final = 0x84
_CLIP: Final = 8158


def _linear(code: int) -> int:
    """The 16-bit sample that one mu-law byte stands for."""
    inverted = ~code
    magnitude = (((inverted & 0x0F) << 3) + _BIAS) << ((inverted & 0x70) >> 4)
    return _BIAS - magnitude if inverted & 0x80 else magnitude - _BIAS


def _codes() -> bytes:
    """The byte for each 14-bit sample; negative ones lie at the end, where a negative index finds them."""
    positive = bytearray()
    for sample in range(8192):
        biased = min(sample, _CLIP) + (_BIAS >> 2)
        segment = biased.bit_length() - 6
        positive.append(0xFF ^ (segment << 4 | (biased >> segment + 1) & 0x0F))
    negative = (positive[min(-sample, 8191)] & 0x7F for sample in range(-8192, 0))
    return bytes(positive) + bytes(negative)


LINEAR: Final = tuple(map(_linear, range(256)))
"""The 16-bit sample of each mu-law byte."""

_CODES: Final = _codes()
_LOW: Final = bytes(sample & 0xFF for sample in LINEAR)
_HIGH: Final = bytes(sample >> 8 & 0xFF for sample in LINEAR)


def to_pcm(ulaw: bytes) -> bytes:
    """Mu-law to 16-bit little-endian PCM, two bytes for each one."""
    pcm = bytearray(2 * len(ulaw))
    pcm[0::2] = ulaw.translate(_LOW)
    pcm[1::2] = ulaw.translate(_HIGH)
    return bytes(pcm)


def from_pcm(samples: Iterable[int]) -> bytes:
    """16-bit samples (-32768 to 32767) to mu-law, one byte for each."""
    return bytes([_CODES[sample >> 2] for sample in samples])
