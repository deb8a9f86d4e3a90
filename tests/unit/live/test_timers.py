import asyncio

import pytest

from ringbridge.live.timers import Timers


class Bell:
    def __init__(self):
        self.rung = []
        self.timers = Timers(lambda name: self.rung.append((name, self.now)))

    @property
    def now(self):
        return round(asyncio.get_running_loop().time(), 3)


async def test_each_fires_once_when_it_was_last_set_for():
    bell = Bell()
    start = bell.now
    bell.timers.set("put off", 1)
    bell.timers.set("brought forward", 9)
    await asyncio.sleep(0.5)
    bell.timers.set("put off", 2)
    bell.timers.set("brought forward", 1)
    await asyncio.sleep(10)
    assert bell.rung == [("brought forward", start + 1.5), ("put off", start + 2.5)]


async def test_what_is_dropped_does_not_fire_and_can_be_set_again():
    bell = Bell()
    start = bell.now
    bell.timers.set("one", 1)
    bell.timers.drop("one")
    bell.timers.drop("none")
    await asyncio.sleep(0.5)
    bell.timers.set("one", 1)
    await asyncio.sleep(5)
    assert bell.rung == [("one", start + 1.5)]


async def test_one_that_fires_may_set_itself_again():
    rung = []

    def fired(name):
        rung.append(name)
        if len(rung) < 3:
            timers.set(name, 1)

    timers = Timers(fired)
    timers.set("again", 1)
    await asyncio.sleep(10)
    assert rung == ["again"] * 3


async def test_none_fires_after_close():
    bell = Bell()
    bell.timers.set("one", 1)
    bell.timers.set("two", 2)
    bell.timers.close()
    await asyncio.sleep(5)
    assert bell.rung == []


@pytest.mark.true_time
def test_the_same_on_uvloop():
    uvloop = pytest.importorskip("uvloop")

    async def ring():
        bell = Bell()
        bell.timers.set("put off", 0.01)
        bell.timers.set("put off", 0.03)
        await asyncio.sleep(0.1)
        return [name for name, _ in bell.rung]

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(ring()) == ["put off"]


async def test_one_that_fires_may_drop_another_that_is_due():
    rung = []

    def fired(name):
        rung.append(name)
        timers.drop("second")
        timers.set("third", 1)

    timers = Timers(fired)
    timers.set("first", 1)
    timers.set("second", 1)
    await asyncio.sleep(1.5)
    assert rung == ["first"]
    timers.close()


async def test_they_fire_in_the_order_in_which_they_are_due():
    bell = Bell()
    for name, seconds in (("c", 3), ("a", 1), ("d", 4), ("b", 2)):
        bell.timers.set(name, seconds)
    await asyncio.sleep(5)
    assert [name for name, _ in bell.rung] == ["a", "b", "c", "d"]
