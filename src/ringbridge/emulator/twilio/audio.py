"""A queue of audio that runs 20 ms at a time, and calls back when what was queued so far is through."""

from collections import deque
from collections.abc import Callable

from ringbridge.audio.mulaw import FRAME_BYTES, SILENCE

__all__ = ["SILENT_FRAME", "AudioQueue"]

SILENT_FRAME = bytes([SILENCE]) * FRAME_BYTES
"""The very object that is taken from an empty queue, so that it can be told by identity."""


class AudioQueue:
    """Mu-law audio in order, with marks between.

    Each 20 ms `take` hands out a frame; `done` tells that it is over. A mark is due when all audio before it is.
    """

    def __init__(self) -> None:
        self._pieces: deque[bytes] = deque()
        self._offset = 0
        self._put = self._taken = self._done = 0
        self._marks: deque[tuple[int, Callable[[], None]]] = deque()

    @property
    def waiting(self) -> int:
        """Bytes that nobody has taken yet."""
        return self._put - self._taken

    def put(self, audio: bytes) -> None:
        """Append audio of any length."""
        if audio:
            self._pieces.append(audio)
            self._put += len(audio)

    def mark(self, due: Callable[[], None]) -> None:
        """Call `due` once everything that has been put so far is over: at once, when it is already."""
        if self._put <= self._done:
            due()
        else:
            self._marks.append((self._put, due))

    def take(self) -> bytes:
        """The next 20 ms, filled up with silence where the audio ends."""
        if not self._pieces:
            return SILENT_FRAME
        end = self._offset + FRAME_BYTES
        piece = self._pieces[0]
        if end < len(piece):
            frame = piece[self._offset : end]
            self._offset = end
            self._taken += FRAME_BYTES
            return frame
        return self._gather()

    def done(self) -> None:
        """What has been taken is over: call the marks that are due."""
        self._done = self._taken
        while self._marks and self._marks[0][0] <= self._done:
            self._marks.popleft()[1]()

    def clear(self) -> list[Callable[[], None]]:
        """Drop the audio that nobody has taken, and all marks. Returns the marks, in order; none of them is called."""
        self._pieces.clear()
        self._offset = 0
        self._put = self._taken
        dropped = [due for _, due in self._marks]
        self._marks.clear()
        return dropped

    def _gather(self) -> bytes:
        """A frame that ends a piece, or spans several."""
        frame = bytearray()
        while self._pieces and len(frame) < FRAME_BYTES:
            end = self._offset + FRAME_BYTES - len(frame)
            frame += self._pieces[0][self._offset : end]
            if end < len(self._pieces[0]):
                self._offset = end
            else:
                self._pieces.popleft()
                self._offset = 0
        self._taken += len(frame)
        return bytes(frame.ljust(FRAME_BYTES, SILENT_FRAME[:1]))
