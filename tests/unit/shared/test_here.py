"""Counts of one process: summed, and forgotten in their time."""

from ringbridge.shared import here
from ringbridge.shared.here import Here


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


async def test_counts_are_summed_by_key():
    counts = Here()
    assert await counts.incr("a", 10) == 1
    assert await counts.incr("a", 10, 5) == 6
    assert (await counts.get("a"), await counts.get("b")) == (6, 0)


async def test_they_are_forgotten_in_their_time():
    clock = Clock()
    counts = Here(clock)
    await counts.incr("a", 10)
    clock.now = 9
    assert await counts.incr("a", 10) == 2
    clock.now = 18
    assert await counts.get("a") == 2
    clock.now = 20
    assert await counts.get("a") == 0


async def test_there_are_not_more_than_so_many(monkeypatch):
    monkeypatch.setattr(here, "MAX_COUNTS", 3)
    counts = Here()
    for key in "abcd":
        await counts.incr(key, 10)
    assert [await counts.get(key) for key in "abcd"] == [0, 1, 1, 1]
