"""Counts of this process alone."""

import time
from typing import TYPE_CHECKING

from cachetools import TLRUCache

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Here"]

MAX_COUNTS = 300_000
"""Counts that are kept, three for each caller of a day; what was counted longest ago goes first."""


class Here:
    """A store like those of `limits`, whose own in memory has no bound, and looks at every key now and then."""

    def __init__(self, clock: "Callable[[], float]" = time.monotonic) -> None:
        """`clock` gives seconds that only rise."""
        self._counts: TLRUCache[str, tuple[int, int], float] = TLRUCache(
            MAX_COUNTS, ttu=lambda _, count, now: now + count[1], timer=clock
        )

    async def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count; gives the sum. It is forgotten `expiry` seconds after the last time."""
        total = await self.get(key) + amount
        self._counts[key] = (total, expiry)
        return total

    async def get(self, key: str) -> int:
        """The sum so far."""
        count: tuple[int, int] = self._counts.get(key, (0, 0))
        return count[0]
