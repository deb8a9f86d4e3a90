"""One step after the other, each undone when its context is left: an `AsyncExitStack` of them undoes in reverse."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Protocol, TypeAlias, TypeVar

from ringbridge.errors import RingbridgeError

__all__ = ["Step", "Tell", "Watch", "carried_out"]

_Outcome = TypeVar("_Outcome")
_Made_co = TypeVar("_Made_co", covariant=True)

Tell: TypeAlias = Callable[[str], None]
"""Takes a line about what a step is doing or has found."""


class Step(Protocol[_Made_co]):
    """Something that is done and can be undone."""

    @property
    def title(self) -> str:
        """What it is about, in a few words."""
        ...

    async def do(self, tell: Tell) -> _Made_co:
        """Do it; gives what the next steps need. Raises `RingbridgeError`, whose text ends with the mend."""
        ...

    async def undo(self, tell: Tell) -> None:
        """Put back what `do` has changed, be it half of it, and tell what is put back and what is left.

        Says nothing where there is nothing to put back. Raises `RingbridgeError`.
        """
        ...


class Watch(Protocol):
    """Whoever shows the steps. The clock is its own."""

    def begins(self, title: str) -> None:
        """A step is being done."""
        ...

    def tells(self, title: str, line: str) -> None:
        """What it is doing, or undoing."""
        ...

    def ends(self, title: str) -> None:
        """It is done."""
        ...

    def stops(self, title: str) -> None:
        """It was broken off before it was done: somebody wants everything back."""
        ...

    def fails(self, title: str, error: RingbridgeError) -> None:
        """It could not be done, or not be undone; the error's text ends with the mend."""
        ...


@asynccontextmanager
async def carried_out(step: Step[_Outcome], watch: Watch) -> AsyncIterator[_Outcome]:
    """Do a step, and undo it in the end, also when it was done by half.

    Raises what `do` raises. An undo that fails is told to `watch` alone, so that others are still undone: its entry
    stays in the journal, for the next start to finish.
    """
    tell = partial(watch.tells, step.title)
    try:
        watch.begins(step.title)
        try:
            outcome = await step.do(tell)
        except RingbridgeError as error:
            watch.fails(step.title, error)
            raise
        except BaseException:
            watch.stops(step.title)
            raise
        watch.ends(step.title)
        yield outcome
    finally:
        try:
            await step.undo(tell)
        except RingbridgeError as error:
            watch.fails(step.title, error)
