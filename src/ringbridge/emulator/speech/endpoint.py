"""Where speech begins and ends, from one yes or no for each window of audio."""

from dataclasses import dataclass
from typing import Final

__all__ = ["HANGOVER_MS", "START_MS", "Began", "Ended", "Endpointer"]

START_MS: Final = 60
"""So much speech is a start; less is a click."""

HANGOVER_MS: Final = 500
"""So much silence is an end; less is a breath."""

_CLICK_GAP_MS: Final = 200
"""A start's speech may have gaps, but none as long as this."""


@dataclass(frozen=True, slots=True)
class Began:
    """Speech has begun, at `at_ms` in the audio."""

    at_ms: int


@dataclass(frozen=True, slots=True)
class Ended:
    """Speech has ended at `ended_ms` in the audio, after `voiced_ms` of voice."""

    ended_ms: int
    voiced_ms: int


class Endpointer:
    """Follows one stream, in windows of `window_ms`; `now_ms` is how much of it has been heard.

    Speech that goes on for `longest_ms` is ended there.
    """

    __slots__ = ("_began_ms", "_ended_ms", "_longest_ms", "_voiced_ms", "_window_ms", "now_ms", "talking")

    def __init__(self, window_ms: int, longest_ms: int) -> None:
        self._window_ms = window_ms
        self._longest_ms = longest_ms
        self.now_ms = 0
        self._began_ms = 0
        self._ended_ms = 0
        self._voiced_ms = 0
        self.talking = False

    @property
    def idle(self) -> bool:
        """Nobody speaks, and nothing has been heard lately that may become speech."""
        return not self._voiced_ms

    def hear(self, *, voiced: bool) -> Began | Ended | None:
        """Takes the next window; tells whether speech begins or ends with it."""
        at_ms = self.now_ms
        self.now_ms += self._window_ms
        if voiced:
            if not self._voiced_ms:
                self._began_ms = at_ms
            self._ended_ms = self.now_ms
            self._voiced_ms += self._window_ms
        return self._talking() if self.talking else self._waiting()

    def _waiting(self) -> Began | None:
        if self._voiced_ms >= START_MS:
            self.talking = True
            return Began(self._began_ms)
        if self.now_ms - self._ended_ms >= _CLICK_GAP_MS:
            self._voiced_ms = 0
        return None

    def _talking(self) -> Ended | None:
        silent = self.now_ms - self._ended_ms >= HANGOVER_MS
        if not silent and self.now_ms - self._began_ms < self._longest_ms:
            return None
        ended = Ended(self._ended_ms, self._voiced_ms)
        self._voiced_ms = 0
        self.talking = False
        return ended
