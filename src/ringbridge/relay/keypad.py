"""Digits that a caller presses one by one, gathered into what was meant as one number."""

__all__ = ["PAUSE_SECONDS", "Keypad"]

PAUSE_SECONDS = 1.5
"""Keys further apart than this belong to different numbers, unless they are asked for."""

MAX_KEYS = 64
"""More keys than any number has: what is gathered is complete then."""


class Keypad:
    """The keys since the last number."""

    def __init__(self) -> None:
        self._keys = ""
        self._most = MAX_KEYS
        self._finish_on = "#"

    def expect(self, n: int, finish_on: str) -> str | None:
        """A number of up to `n` keys is asked for, or of those before `finish_on` ("" for none).

        Gives it, if the keys that were pressed already complete it.
        """
        self._most, self._finish_on = n, finish_on
        return self.complete() if len(self._keys) >= n else None

    def expect_anything(self) -> None:
        """No number is asked for (any more)."""
        self._most, self._finish_on = MAX_KEYS, "#"

    def press(self, key: str) -> str | None:
        """One key. Gives the number that it completes: what came before the last key, or that itself if nothing did."""
        if key == self._finish_on:
            return self.complete() or key
        self._keys += key
        return self.complete() if len(self._keys) >= self._most else None

    def complete(self) -> str | None:
        """No more keys are coming. Gives the number, if any key was pressed."""
        keys, self._keys = self._keys, ""
        return keys or None
