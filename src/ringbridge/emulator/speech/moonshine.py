"""A recognizer: moonshine-voice, pinned to the last release that carries its model. Needs the extra `[voice]`."""

import os
from pathlib import Path
from typing import Final

import moonshine_voice

from ringbridge.audio.mulaw import RATE
from ringbridge.emulator.speech.numeric import doubled, floats

__all__ = ["Moonshine"]

_MODEL: Final = Path(moonshine_voice.__file__).parent / "assets" / "tiny-en"
if not _MODEL.is_dir():
    raise ImportError(f"this release of moonshine-voice has no model in {_MODEL}")

os.environ.setdefault("MOONSHINE_ORT_SINGLE_THREAD", "1")
"""More threads spin: twice the work, and no word earlier."""

_OPTIONS: Final = {"vad_threshold": "0", "return_audio_data": "false"}
"""We cut the audio ourselves: its own detector costs words, and copies of the audio cost time."""

_HALLUCINATED: Final = "you"
"""What the model says to silence, to noise and to a tone."""


class Moonshine:
    """Turns one stretch of speech into words. For one thread at a time."""

    __slots__ = ("_transcriber",)

    def __init__(self) -> None:
        """Loads the model (0.5 s) and warms it. To be called ahead, off the loop."""
        self._transcriber = moonshine_voice.Transcriber(str(_MODEL), moonshine_voice.ModelArch.TINY, options=_OPTIONS)
        self.text(bytes(RATE))

    def text(self, ulaw: bytes) -> str:
        """The words in `ulaw`, 8 kHz, some 100 ms of work; empty where there are none.

        Best with 300 ms before the speech and 500 ms after it.
        """
        samples: list[float] = doubled(floats(ulaw)).tolist()
        lines = self._transcriber.transcribe_without_streaming(samples, 2 * RATE).lines
        text = " ".join(line.text for line in lines).strip()
        return "" if text.rstrip(".!?").lower() == _HALLUCINATED else text
