"""Voice activity by energy, straight on mu-law bytes."""

from collections import deque
from typing import Final, Protocol

from ringbridge.audio.mulaw import BYTES_PER_MS, FRAME_MS, LINEAR, SILENCE

__all__ = ["Energy", "VoiceActivity"]

_LEVELS: Final = bytes(min(255, abs(sample) >> 5) for sample in LINEAR)
"""Loudness of each mu-law byte in steps of 32; whatever is louder than -12 dBFS counts alike."""

_QUIET: Final = 8
"""Mean level below which nothing is speech: -42 dBFS."""

_NOISY: Final = 40
"""The bar never rises above this level (-28 dBFS), lest a long loud word be taken for the room's noise."""

_ABOVE_FLOOR: Final = 3
_FLOOR_FRAMES: Final = 1500 // FRAME_MS


class VoiceActivity(Protocol):
    """Tells speech from the rest, window by window, for one stream."""

    window_ms: int

    def voiced(self, window: bytes) -> bool:
        """Whether the next `window_ms` of mu-law hold speech."""
        ...

    def reset(self) -> None:
        """Forgets the stream, for the next one."""
        ...


class Energy:
    """Speech is what is three times louder than the quietest 20 ms of the last 1.5 s.

    Enough for clean audio: a synthetic caller, a headset. A noisy line needs a trained detector.
    """

    __slots__ = ("_recent",)

    window_ms: int = FRAME_MS

    def __init__(self) -> None:
        self._recent: deque[int] = deque(maxlen=_FLOOR_FRAMES)

    def voiced(self, window: bytes) -> bool:
        """Whether 160 bytes of mu-law hold speech."""
        if window.count(SILENCE) == len(window):
            self._recent.append(0)
            return False
        level = sum(window.translate(_LEVELS)) // (FRAME_MS * BYTES_PER_MS)
        self._recent.append(level)
        return level > _QUIET and level > min(_NOISY, _ABOVE_FLOOR * min(self._recent))

    def reset(self) -> None:
        """Forgets the stream, for the next one."""
        self._recent.clear()
