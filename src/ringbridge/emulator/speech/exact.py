"""Speech that comes back to the letter: text inside mu-law, for tests that read what was heard.

Each UTF-8 byte of a word is 60 ms of one pattern of four mu-law bytes (+high, -high, +low, -low nibble): free of DC,
loud, and the same after mu-law -> PCM -> mu-law. 60 ms of silence end a word, so that a word takes some 300 ms, as in
speech. Any chunking will do, and a frame lost or silenced harms nothing. Resampling, or a change of gain, destroys it.
"""

import re
from collections.abc import AsyncIterator, Callable
from typing import Final

from ringbridge.audio.mulaw import BYTES_PER_MS, FRAME_BYTES, FRAME_MS, SILENCE
from ringbridge.emulator.speech.base import Ear, Hearing, SpeechStarted, Tentative, Utterance
from ringbridge.emulator.speech.endpoint import Began, Ended, Endpointer
from ringbridge.emulator.speech.sentences import sentences
from ringbridge.emulator.speech.vad import Energy

__all__ = ["Decoder", "ExactEars", "ExactVoice", "decode", "encode"]

_CHAR_BYTES: Final = 60 * BYTES_PER_MS
_PAUSE: Final = bytes([SILENCE]) * _CHAR_BYTES

_WORD_END_BYTES: Final = 30 * BYTES_PER_MS
"""Longer than a frame that went silent within a word; shorter than a pause of which a frame was lost."""

_TOKEN = re.compile(rb"(?P<silence>\xff+)|(?P<quad>[\x10-\x1f][\x90-\x9f][\x20-\x2f][\xa0-\xaf])(?P=quad)*")

_LONGEST_MS: Final = 600_000
"""What is spoken without a pause is told after ten minutes, so that no stream gathers words for ever."""


def encode(text: str) -> bytes:
    """The words of `text` as mu-law; what white space stood between them is not kept."""
    return b"".join(_word(word) for word in text.split())


def _word(word: str) -> bytes:
    return b"".join(_quad(byte) * (_CHAR_BYTES // 4) for byte in word.encode()) + _PAUSE


def _quad(byte: int) -> bytes:
    high, low = byte >> 4, byte & 0x0F
    return bytes((0x10 | high, 0x90 | high, 0x20 | low, 0xA0 | low))


def decode(audio: bytes) -> tuple[list[str], str]:
    """What `encode` made: the words heard whole, and the beginning of the one that the end of the audio cut off."""
    decoder = Decoder()
    decoder.feed(audio)
    return decoder.words, decoder.cut()


class Decoder:
    """Decodes one stream, in any portions. `words` holds those heard whole; keeps no audio but a pattern's rest."""

    __slots__ = ("_letters", "_quad", "_rest", "_run", "_silent", "words")

    def __init__(self) -> None:
        self.words: list[str] = []
        self._letters = bytearray()
        self._quad = b""
        self._run = 0
        self._silent = 0
        self._rest = b""

    def feed(self, audio: bytes) -> None:
        """Takes the next mu-law bytes."""
        audio = self._rest + audio
        end = 0
        for token in _TOKEN.finditer(audio):
            end = token.end()
            if token["silence"]:
                self._hear_silence(end - token.start())
            else:
                self._hear_quads(token["quad"], end - token.start())
        self._rest = audio[max(end, len(audio) - 3) :]

    def cut(self) -> str:
        """The beginning of the word that is being heard; of a letter, half must have been."""
        return (self._letters + self._letter()).decode(errors="ignore")

    def _hear_quads(self, quad: bytes, size: int) -> None:
        self._run += self._silent if self._quad else 0
        self._silent = 0
        if quad != self._quad:
            self._letters += self._letter()
            self._quad = quad
            self._run = 0
        self._run += size

    def _hear_silence(self, size: int) -> None:
        self._silent += size
        if self._silent < _WORD_END_BYTES or not self._quad:
            return
        if word := self.cut():
            self.words.append(word)
        self._letters.clear()
        self._quad = b""
        self._run = 0

    def _letter(self) -> bytes:
        """The byte that the running pattern stands for, as often as it lasts."""
        if not self._quad:
            return b""
        byte = (self._quad[0] & 0x0F) << 4 | self._quad[2] & 0x0F
        return bytes([byte]) * round(self._run / _CHAR_BYTES)


class ExactVoice:
    """Speaks so that `ExactEars` hear every letter."""

    __slots__ = ()

    async def say(self, text: str) -> AsyncIterator[bytes]:
        """Yields one piece for each sentence. Punctuation stays part of the words."""
        for sentence in sentences(text):
            yield encode(sentence)


class ExactEars:
    """Hears what `ExactVoice` says, to the letter; any other sound is speech without words."""

    __slots__ = ()

    def open(self, listener: Callable[[Hearing], None]) -> Ear:
        """A new ear. `listener` is called from within `feed`."""
        return _ExactEar(listener)


class _ExactEar:
    __slots__ = ("_activity", "_decoder", "_endpoints", "_listener", "_rest", "_told")

    def __init__(self, listener: Callable[[Hearing], None]) -> None:
        self._listener: Callable[[Hearing], None] | None = listener
        self._activity = Energy()
        self._endpoints = Endpointer(FRAME_MS, _LONGEST_MS)
        self._decoder = Decoder()
        self._told = 0
        self._rest = b""

    def feed(self, audio: bytes) -> None:
        audio = self._rest + audio
        whole = len(audio) - len(audio) % FRAME_BYTES
        self._rest = audio[whole:]
        for start in range(0, whole, FRAME_BYTES):
            self._hear(audio[start : start + FRAME_BYTES])

    async def close(self) -> None:
        self._listener = None

    def _hear(self, frame: bytes) -> None:
        resting = self._endpoints.idle
        edge = self._endpoints.hear(voiced=self._activity.voiced(frame))
        if self._endpoints.idle and not edge:
            return
        if resting:
            self._decoder = Decoder()
            self._told = 0
        self._decoder.feed(frame)
        if isinstance(edge, Began):
            self._tell(SpeechStarted(edge.at_ms))
        if isinstance(edge, Ended):
            self._tell(Utterance(self._text(self._decoder.cut()), edge.ended_ms))
        elif self._endpoints.talking and len(self._decoder.words) > self._told:
            self._told = len(self._decoder.words)
            self._tell(Tentative(self._text()))

    def _text(self, *more: str) -> str:
        return " ".join(word for word in (*self._decoder.words, *more) if word)

    def _tell(self, hearing: Hearing) -> None:
        if self._listener:
            self._listener(hearing)
