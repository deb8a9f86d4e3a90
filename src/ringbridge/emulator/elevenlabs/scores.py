"""`vad_score`: how likely it is that the caller speaks, told along with the audio, for clients that asked for it.

The vendor tells it many times a second, silence included. Here a silence is told once, so that a thousand calls in
which nobody speaks stay cheap.
"""

from collections.abc import Callable
from typing import Final

from ringbridge.audio.mulaw import FRAME_BYTES
from ringbridge.emulator.elevenlabs import messages
from ringbridge.emulator.elevenlabs.messages import Message
from ringbridge.emulator.speech.base import Ear
from ringbridge.emulator.speech.vad import Energy

__all__ = ["Scores", "scored"]

_WINDOW_BYTES: Final = 2 * FRAME_BYTES
"""40 ms."""

_SPEECH: Final = 0.97
_SILENCE: Final = 0.04


def scored(ear: Ear, client_events: set[str], emit: Callable[[Message], None]) -> Ear:
    """The ear itself, or with scores beside it where the engine is set to send them."""
    return Scores(ear, emit) if "vad_score" in client_events else ear


class Scores:
    """An ear that tells a score for each 40 ms in which there is voice, and for the first without."""

    def __init__(self, ear: Ear, emit: Callable[[Message], None]) -> None:
        self._ear = ear
        self._emit = emit
        self._activity = Energy()
        self._rest = b""
        self._speaks = False

    def feed(self, audio: bytes) -> None:
        """Takes the next mu-law bytes."""
        self._rest += audio
        while len(self._rest) >= _WINDOW_BYTES:
            window, self._rest = self._rest[:_WINDOW_BYTES], self._rest[_WINDOW_BYTES:]
            self._score(window)
        self._ear.feed(audio)

    async def close(self) -> None:
        """Ends the stream."""
        await self._ear.close()

    def _score(self, window: bytes) -> None:
        spoke = self._speaks
        first, second = map(self._activity.voiced, (window[:FRAME_BYTES], window[FRAME_BYTES:]))
        self._speaks = first or second
        if self._speaks:
            self._emit(messages.vad_score(_SPEECH))
        elif spoke:
            self._emit(messages.vad_score(_SILENCE))
