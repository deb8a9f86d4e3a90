"""Ears and a voice: what the twins need of speech, whoever makes it.

Audio is headerless mu-law, 8 kHz, one channel, everywhere here: 8 bytes are one millisecond. The position in the
audio is the only clock; no implementation looks at another one.
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Protocol

__all__ = ["Ear", "Ears", "Hearing", "Speech", "SpeechStarted", "Tentative", "Utterance", "Voice", "VoiceMissing"]


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """Somebody speaks, for 60 ms by now. `at_ms` is where in the audio the speech begins."""

    at_ms: int


@dataclass(frozen=True, slots=True)
class Tentative:
    """What has been understood of the running speech so far. The next one, or the utterance, may differ."""

    text: str


@dataclass(frozen=True, slots=True)
class Utterance:
    """The speaker has been silent for 500 ms. Exactly one follows each `SpeechStarted` while the ear is open.

    `ended_ms` is where in the audio the last voiced piece ends. `text` is empty where there was a sound without words.
    """

    text: str
    ended_ms: int


Hearing = SpeechStarted | Tentative | Utterance


class Voice(Protocol):
    """Somebody who can speak."""

    def say(self, text: str) -> AsyncIterator[bytes]:
        """Yields `text` as mu-law, one piece for each sentence or clause, as they are made.

        A text without anything to pronounce yields nothing. May be left at any piece.
        """
        ...


class Ear(Protocol):
    """One listener's one stream of audio."""

    def feed(self, audio: bytes) -> None:
        """Takes the next mu-law bytes, in any portions. Cheap; heavy work goes to an executor."""
        ...

    async def close(self) -> None:
        """Ends the stream; the listener is not called from here on. May be called twice."""
        ...


class Ears(Protocol):
    """Opens an ear for each stream."""

    def open(self, listener: Callable[[Hearing], None]) -> Ear:
        """A new ear whose hearings go to `listener`, in order, from within the running loop."""
        ...


@dataclass(frozen=True, slots=True)
class Speech:
    """One kind of speech, whole: what the agent speaks with, what the caller speaks with, and what hears both."""

    voice: Voice
    caller: Voice
    ears: Ears


class VoiceMissing(Exception):
    """Real speech can't be had here. The text says why, and what to install."""
