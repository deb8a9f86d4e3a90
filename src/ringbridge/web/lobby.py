"""Where sockets wait that were let in, and have not yet said whose they are."""

from collections.abc import Callable
from functools import partial
from itertools import count
from typing import NamedTuple

__all__ = ["Lobby"]


class _Waiting(NamedTuple):
    turn_away: Callable[[], None]
    cut: Callable[[], None]


class Lobby:
    """A bound on how many sockets wait. Where one comes too many, the one that has waited longest is turned away.

    Whoever is what it claims to be waits for an instant, so that a crowd of strangers turns away its own.
    """

    def __init__(self, size: int) -> None:
        """`size` is how many may wait at once."""
        self._size = size
        self._waiting: dict[int, _Waiting] = {}
        self._numbers = count()

    def __len__(self) -> int:
        return len(self._waiting)

    def enter(self, turn_away: Callable[[], None], cut: Callable[[], None]) -> Callable[[], None]:
        """Begin to wait. `turn_away` is called if that must end for another's sake, `cut` if the process ends.

        Gives what ends it otherwise, once or twice.
        """
        if len(self._waiting) >= self._size:
            self._waiting.pop(next(iter(self._waiting))).turn_away()
        number = next(self._numbers)
        self._waiting[number] = _Waiting(turn_away, cut)
        return partial(self._leave, number)

    def close(self) -> None:
        """Cut whoever waits: they are nobody's, and the server's end would wait for them."""
        waiting, self._waiting = self._waiting, {}
        for one in waiting.values():
            one.cut()

    def _leave(self, number: int) -> None:
        self._waiting.pop(number, None)
