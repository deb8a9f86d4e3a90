"""Filters between the telephone's 8 kHz and the engines' rates, in numpy. Needs the extra `[voice]`."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ringbridge.audio.mulaw import LINEAR, RATE, from_pcm

__all__ = ["Samples", "doubled", "floats", "lowered", "mulaw", "trimmed"]

Samples = NDArray[np.float32]
"""One channel, -1 to 1."""


def _low_pass(reach: int, bandwidth: float) -> Samples:
    """A windowed sinc of 2 x `reach` + 1 taps that passes `bandwidth` of the half rate, at unit gain."""
    steps = np.arange(-reach, reach + 1)
    taps = np.sinc(bandwidth * steps) * np.hamming(2 * reach + 1)
    return np.asarray(taps / taps.sum(), np.float32)


_FLOATS: Final = np.array(LINEAR, np.float32) / np.float32(32768)
_HALF_BAND: Final = 2 * _low_pass(32, 0.5)
_TO_TELEPHONE: Final = _low_pass(48, 2 * 3600 / 24000)
_AUDIBLE: Final = 0.02
_LEAD: Final = 30 * RATE // 1000
_TRAIL: Final = 60 * RATE // 1000


def floats(ulaw: bytes) -> Samples:
    """Mu-law to samples, at its 8 kHz."""
    return _FLOATS[np.frombuffer(ulaw, np.uint8)]


def mulaw(samples: Samples) -> bytes:
    """Samples at 8 kHz to mu-law."""
    return from_pcm((np.clip(samples, -1, 1) * 32767).astype(np.int32).tolist())


def doubled(samples: Samples) -> Samples:
    """8 kHz to 16 kHz. A recognizer's own resampler made twice the errors."""
    spread = np.zeros(2 * len(samples), np.float32)
    spread[::2] = samples
    return np.convolve(spread, _HALF_BAND, "same")


def lowered(samples: Samples, pitch: float) -> Samples:
    """24 kHz to 8 kHz, played at `pitch` times its speed, and so as much higher."""
    passed = np.convolve(samples, _TO_TELEPHONE, "same")
    places = np.arange(0, len(passed), 3 * pitch)
    return np.asarray(np.interp(places, np.arange(len(passed)), passed), np.float32)


def trimmed(samples: Samples) -> Samples:
    """8 kHz samples without the silence around them, save what a plosive needs; empty where all is silent."""
    loud = np.flatnonzero(np.abs(samples) > _AUDIBLE)
    return samples[max(0, loud[0] - _LEAD) : loud[-1] + _TRAIL] if len(loud) else samples[:0]
