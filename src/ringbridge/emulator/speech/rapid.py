"""A voice for whoever reads along: its audio is silence, and about as long as reading takes."""

from collections.abc import AsyncIterator
from typing import Final

from ringbridge.audio.mulaw import BYTES_PER_MS, SILENCE

__all__ = ["RapidVoice"]

LETTER_MS: Final = 15
"""A quarter of what speaking takes."""


class RapidVoice:
    """A `Voice` that nobody hears."""

    async def say(self, text: str) -> AsyncIterator[bytes]:
        """As many ms of silence as the text has letters, fifteen times over."""
        if any(map(str.isalnum, text)):
            yield bytes([SILENCE]) * (len(text) * LETTER_MS * BYTES_PER_MS)
