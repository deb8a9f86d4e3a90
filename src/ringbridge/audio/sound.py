"""Recorded sounds on their way to a stream: what a file holds, and the pieces that go out."""

import base64
from pathlib import PurePath
from typing import Final

from ringbridge.audio.mulaw import RATE
from ringbridge.audio.wav import WavError, from_wav

__all__ = ["SoundError", "cut", "mulaw_of"]

RAW_SUFFIXES: Final = frozenset({".ulaw", ".mulaw", ".raw", ".ul"})
"""Headerless mu-law can't be told from any other bytes, so its name must say it."""


class SoundError(Exception):
    """A file holds no sound that can be played into a call. The text goes on where the file's name ends."""


def mulaw_of(data: bytes, name: str) -> bytes:
    """The sound of a file as headerless mu-law, 8 kHz, mono.

    A WAV is known by its header; anything else must be named like headerless mu-law (`.ulaw`, `.raw`). Raises
    `SoundError`.
    """
    if data[:4] == b"RIFF":
        try:
            return from_wav(data)
        except WavError as error:
            raise SoundError(f"can't be played: {error}") from None
    if PurePath(name).suffix.lower() not in RAW_SUFFIXES:
        raise SoundError("is no WAV; raw mu-law at 8 kHz is named .ulaw")
    return data


def cut(audio: bytes) -> tuple[str, ...]:
    """Mu-law as base64 in pieces of a second, the last one shorter, as Twilio's `media` messages take it."""
    return tuple(base64.b64encode(audio[start : start + RATE]).decode() for start in range(0, len(audio), RATE))
