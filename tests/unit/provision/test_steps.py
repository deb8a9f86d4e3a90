import asyncio
from contextlib import AsyncExitStack

import pytest

from ringbridge.errors import VendorError
from ringbridge.provision.steps import carried_out


class Watched(list):
    """A watch that writes everything down."""

    def begins(self, title):
        self.append(("begins", title))

    def tells(self, title, line):
        self.append((title, line))

    def ends(self, title):
        self.append(("ends", title))

    def stops(self, title):
        self.append(("stops", title))

    def fails(self, title, error):
        self.append(("fails", title, str(error)))


class Made:
    def __init__(self, title, *, failing=""):
        self.title, self.failing = title, failing

    async def do(self, tell):
        tell("doing")
        if self.failing == "do":
            raise VendorError("refused; mend it")
        return self.title.upper()

    async def undo(self, tell):
        await asyncio.sleep(1)
        tell("undone")
        if self.failing == "undo":
            raise VendorError("gone; wait")


async def test_steps_are_undone_in_reverse():
    watch = Watched()
    async with AsyncExitStack() as stack:
        assert await stack.enter_async_context(carried_out(Made("a"), watch)) == "A"
        await stack.enter_async_context(carried_out(Made("b"), watch))
        assert watch == [("begins", "a"), ("a", "doing"), ("ends", "a"), ("begins", "b"), ("b", "doing"), ("ends", "b")]
        watch.clear()
    assert watch == [("b", "undone"), ("a", "undone")]


async def test_one_that_fails_is_undone_with_those_before_it():
    watch = Watched()
    with pytest.raises(VendorError):
        async with carried_out(Made("a"), watch), carried_out(Made("b", failing="do"), watch):
            pytest.fail("both were done")
    assert watch[-4:] == [("b", "doing"), ("fails", "b", "refused; mend it"), ("b", "undone"), ("a", "undone")]


async def test_an_undo_that_fails_holds_up_no_other():
    watch = Watched()
    async with carried_out(Made("a"), watch), carried_out(Made("b", failing="undo"), watch):
        pass
    assert watch[-3:] == [("b", "undone"), ("fails", "b", "gone; wait"), ("a", "undone")]


async def test_cancelling_undoes_all():
    watch = Watched()

    async def up():
        async with carried_out(Made("a"), watch), carried_out(Made("b"), watch):
            await asyncio.Event().wait()

    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(up())
        await asyncio.sleep(1)
        task.cancel()
    assert watch[-2:] == [("b", "undone"), ("a", "undone")]
