"""Sound that a brain has sent, in pieces, before the plan that plays it."""

from collections import defaultdict

__all__ = ["MAX_SOUND_BYTES", "Unplayed"]

MAX_SOUND_BYTES = 16 * 1024 * 1024
"""Sound that waits for its plan, in base64: two of ten minutes, the longest that a brain loads. One that sends more is
given up."""


class Unplayed:
    """The pieces of each plan's sound, by the plan's number."""

    def __init__(self) -> None:
        self._pieces: defaultdict[int, list[str]] = defaultdict(list)

    @property
    def is_too_much(self) -> bool:
        """Whether all of it weighs more than an honest brain sends."""
        return sum(len(piece) for pieces in self._pieces.values() for piece in pieces) > MAX_SOUND_BYTES

    def add(self, number: int, pieces: tuple[str, ...]) -> None:
        """Some more of the sound of the plan `number`."""
        self._pieces[number].extend(pieces)

    def take(self, number: int) -> tuple[str, ...]:
        """The whole sound of the plan `number`, which does not wait any more."""
        return tuple(self._pieces.pop(number, ()))
