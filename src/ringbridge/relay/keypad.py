"""Digits that a caller presses one by one, gathered into what was meant as one number."""

__all__ = ["PAUSE_SECONDS", "Keypad"]

PAUSE_SECONDS = 1.5
"""Keys further apart than this belong to different numbers."""

MAX_KEYS = 64
"""More keys than any number has: what is gathered is complete then."""


class Keypad:
    """The keys since the last `#` or pause."""

    def __init__(self) -> None:
        self._keys = ""

    def press(self, key: str) -> str | None:
        """One key. Gives the number that it completes: what came before a `#`, or `#` itself when nothing did."""
        if key == "#":
            return self.complete() or "#"
        self._keys += key
        return self.complete() if len(self._keys) >= MAX_KEYS else None

    def complete(self) -> str | None:
        """No more keys are coming. Gives the number, if any key was pressed."""
        keys, self._keys = self._keys, ""
        return keys or None
