"""The page's microphone on its way to the call: its clock and the network's moods evened out."""

from typing import Final, Protocol

from ringbridge.audio.mulaw import FRAME_BYTES, SILENCE

__all__ = ["Microphone"]

_CUSHION_FRAMES: Final = 2
"""Silence laid in front of speech that comes after a gap: a frame may then be 40 ms late, and no word has a hole."""

_WIDEST_FRAMES: Final = 8
"""As far as that grows, by a frame with each gap."""

_SURPLUS_FRAMES: Final = 6
"""What comes while so much more waits is dropped, so that a clock which runs fast does not add up to a delay."""


class _Queue(Protocol):
    """What a call's microphone takes its audio from, 20 ms at a time."""

    @property
    def waiting(self) -> int: ...

    def put(self, audio: bytes) -> None: ...


class Microphone:
    """Fills a queue that is emptied by another clock."""

    def __init__(self, queue: _Queue) -> None:
        self._queue = queue
        self._cushion = _CUSHION_FRAMES

    def hear(self, frame: bytes) -> None:
        """Take the next 20 ms of mu-law."""
        waiting = self._queue.waiting
        if waiting == 0:
            self._queue.put(bytes([SILENCE]) * (self._cushion * FRAME_BYTES))
            self._cushion = min(self._cushion + 1, _WIDEST_FRAMES)
        if waiting < (self._cushion + _SURPLUS_FRAMES) * FRAME_BYTES:
            self._queue.put(frame)
