"""A program of ours that outlives us when we are killed: noted while it runs, and ended by the next start."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Final, TypeAlias

import psutil

from ringbridge.provision.journal import Journal, Program
from ringbridge.provision.steps import Tell

__all__ = ["Note", "end_program", "noted"]

END_SECONDS: Final = 5.0
"""How long it may take to leave once it is told to."""

PAUSE_SECONDS: Final = 0.05

SLACK_SECONDS: Final = 5.0
"""By so much a process' start may seem to have moved: systems count it from theirs, whose time may be set anew."""

Note: TypeAlias = Callable[[int], AbstractContextManager[None]]
"""Notes the process that has this number, a child of ours, for as long as the context lasts."""


@contextmanager
def noted(journal: Journal, pid: int) -> Iterator[None]:
    """Have it in the journal. Raises `NotProvided` where that can't be written."""
    try:
        process = psutil.Process(pid)
        program = Program(process.name(), pid, process.create_time())
    except psutil.Error:  # it has ended already
        yield
        return
    journal.add(program)
    try:
        yield
    finally:
        journal.drop(program)


async def end_program(program: Program, tell: Tell) -> None:
    """End it if it still runs; somebody else's process that has its number by now is left alone."""
    for end in (psutil.Process.terminate, psutil.Process.kill):
        process = _find(program)
        if process is None:
            return
        try:
            end(process)
        except psutil.AccessDenied:
            return
        except psutil.NoSuchProcess:
            pass
        if await _has_left(program):
            tell(f"{program.name}, process {program.pid}, had outlived an earlier start, and is ended")
            return


def _find(program: Program) -> psutil.Process | None:
    try:
        process = psutil.Process(program.pid)
        is_same = process.name() == program.name and abs(process.create_time() - program.started) < SLACK_SECONDS
        # One that has ended stays as a zombie where nobody asks how, as in many a container.
        return process if is_same and process.status() != psutil.STATUS_ZOMBIE else None
    except psutil.Error:
        return None


async def _has_left(program: Program) -> bool:
    try:
        async with asyncio.timeout(END_SECONDS):
            while _find(program) is not None:  # noqa: ASYNC110 - it is no child of ours: nobody tells when it ends
                await asyncio.sleep(PAUSE_SECONDS)
    except TimeoutError:
        return False
    return True
