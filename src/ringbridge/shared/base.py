"""What is counted, as the rest of the package knows it."""

from typing import Protocol

__all__ = ["Usage"]


class Usage(Protocol):
    """How much is called. A day is one of the configured time zone; whoever can't be asked is counted without."""

    async def count_call(self, number: str) -> tuple[int, int]:
        """Count a call of this number; gives its calls in this minute and on this day, with this one."""
        ...

    async def add_seconds(self, seconds: int) -> None:
        """A call has lasted so long."""
        ...

    async def seconds_today(self) -> int:
        """The seconds of all calls that ended today."""
        ...
