"""G.711 A-law to 16-bit PCM, by tables in plain Python (ITU-T G.711, section 2 and table 1a)."""

from typing import Final

__all__ = ["to_pcm"]


def _linear(code: int) -> int:
    """The 16-bit sample that one A-law byte stands for; every other bit is sent inverted."""
    upright = code ^ 0x55
    segment = (upright & 0x70) >> 4
    magnitude = ((upright & 0x0F) << 4) + (0x108 if segment else 8) << max(0, segment - 1)
    return magnitude if upright & 0x80 else -magnitude


_LINEAR: Final = tuple(map(_linear, range(256)))
_LOW: Final = bytes(sample & 0xFF for sample in _LINEAR)
_HIGH: Final = bytes(sample >> 8 & 0xFF for sample in _LINEAR)


def to_pcm(alaw: bytes) -> bytes:
    """A-law to 16-bit little-endian PCM, two bytes for each one."""
    pcm = bytearray(2 * len(alaw))
    pcm[0::2] = alaw.translate(_LOW)
    pcm[1::2] = alaw.translate(_HIGH)
    return bytes(pcm)
