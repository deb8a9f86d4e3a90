"""The formats of a conversation's audio. The twin itself speaks and hears mu-law at 8 kHz.

It changes from one to the other piece by piece, by repeating and leaving out samples: exact there and back for whole
multiples of 8 kHz, nearly so for the others, and good enough for the twin's ears.
"""

import struct
from collections.abc import Callable
from typing import Final, TypeAlias

from ringbridge.audio.mulaw import RATE, from_pcm, to_pcm

__all__ = ["FORMATS", "Recode", "from_format", "to_format", "unchanged"]

Recode: TypeAlias = Callable[[bytes], bytes]

FORMATS: Final = frozenset({"pcm_8000", "pcm_16000", "pcm_22050", "pcm_24000", "pcm_44100", "pcm_48000", "ulaw_8000"})
"""What an engine may be set to, either way (`TtsOutputFormat` and `AsrInputFormat` of the SDK 2.78)."""


def to_format(name: str) -> Recode:
    """What makes of mu-law the audio that is sent; any name that is no PCM's stands for mu-law."""
    rate = _rate(name)
    if rate is None:
        return unchanged

    def recode(ulaw: bytes) -> bytes:
        samples = memoryview(to_pcm(ulaw)).cast("H")
        count = len(ulaw) * rate // RATE
        return struct.pack(f"={count}H", *(samples[place * RATE // rate] for place in range(count)))

    return recode


def from_format(name: str) -> Recode:
    """What makes mu-law of the audio that comes."""
    rate = _rate(name)
    if rate is None:
        return unchanged

    def recode(pcm: bytes) -> bytes:
        samples = struct.unpack(f"<{len(pcm) // 2}h", pcm[: len(pcm) // 2 * 2])
        return from_pcm(samples[place * rate // RATE] for place in range(len(samples) * RATE // rate))

    return recode


def _rate(name: str) -> int | None:
    return int(name.removeprefix("pcm_")) if name.startswith("pcm_") else None


def unchanged(audio: bytes) -> bytes:
    """What mu-law is made to be mu-law."""
    return audio
