"""When the caller hears what the engine says: its audio is sent far ahead of that."""

from typing import TYPE_CHECKING, Final

from ringbridge.audio.mulaw import BYTES_PER_MS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ringbridge.emulator.elevenlabs.diary import Timed

__all__ = ["Pace"]

_BASE64_BYTES: Final = 0.75
"""How many bytes one letter of base64 stands for, give or take the last two: a quarter of a ms."""


class Pace:
    """Follows one conversation. Audio plays from the moment it is sent, or after what was sent before it."""

    def __init__(self) -> None:
        self._read = 0
        self._until_ms = 0.0

    def begins_ms(self, sent: "Sequence[Timed]", now_ms: float) -> float:
        """When audio is heard that is sent now, after all of `sent`; in ms since the conversation was opened."""
        for message in sent[self._read :]:
            audio = message.message.get("audio_event", {}).get("audio_base_64", "")
            ms = len(audio) * _BASE64_BYTES / BYTES_PER_MS
            self._until_ms = max(self._until_ms, message.at_ms) + ms if ms else self._until_ms
        self._read = len(sent)
        return max(self._until_ms, now_ms)

    def cut(self, sent: "Sequence[Timed]", now_ms: float) -> None:
        """The agent is silenced: what was sent and not yet heard will not be."""
        self._read = len(sent)
        self._until_ms = now_ms
