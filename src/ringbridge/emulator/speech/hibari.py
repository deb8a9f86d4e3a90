"""A voice: hibari-tts, whose wheel carries its model. Needs the extra `[voice]`.

Measured: one call is one sentence and can't be cancelled; it begins with 300 ms and ends with 500 ms of silence; its
peak is 0.26; text in another script gives no audio, and punctuation by itself a noise.
"""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import Executor
from typing import Final

from hibari import Hibari

from ringbridge.audio.mulaw import BYTES_PER_MS, SILENCE
from ringbridge.emulator.speech.numeric import lowered, mulaw, trimmed
from ringbridge.emulator.speech.sentences import clauses

__all__ = ["HibariVoice", "load_model"]

_GAIN: Final = 2.5
_SEED: Final = 1
"""The same text is the same audio, to the bit."""

_PAUSE: Final = bytes([SILENCE]) * (200 * BYTES_PER_MS)
"""Between two pieces; the model's own silence is cut off, so that the first sound is not late."""


def load_model() -> Hibari:
    """Loads the model (1 s) and warms it. To be called ahead, off the loop."""
    model = Hibari(threads=1)
    model("Warm up.")
    return model


class HibariVoice:
    """Speaks American English. `pitch` below 1 makes a deeper speaker, at the same pace.

    `executor` has one thread: the model serves one text at a time.
    """

    __slots__ = ("_executor", "_model", "_pitch")

    def __init__(self, model: Hibari, executor: Executor, *, pitch: float = 1.0) -> None:
        self._model = model
        self._executor = executor
        self._pitch = pitch

    async def say(self, text: str) -> AsyncIterator[bytes]:
        """Yields one piece for each sentence or long clause, some 20 to 60 ms of work each."""
        loop = asyncio.get_running_loop()
        pause = b""
        for clause in clauses(text):
            if piece := await loop.run_in_executor(self._executor, self._spoken, clause):
                yield pause + piece
                pause = _PAUSE

    def _spoken(self, clause: str) -> bytes:
        if not any(map(str.isalnum, clause)):
            return b""
        samples = self._model(clause, speed=1 / self._pitch, seed=_SEED)
        return mulaw(trimmed(_GAIN * lowered(samples, self._pitch))) if len(samples) else b""
