"""What is counted, as the rest of the package knows it."""

from typing import Protocol

from ringbridge.ids import CallSid

__all__ = ["Usage"]


class Usage(Protocol):
    """How much is called. A day is one of the configured time zone. Nothing of this raises, or takes a second."""

    async def count_call(self, call_sid: CallSid, caller: str) -> tuple[int, int]:
        """Count a call of this caller, once; gives their calls in this minute and on this day, with this one."""
        ...

    async def add_seconds(self, seconds: int) -> None:
        """A call has lasted so long."""
        ...

    async def seconds_today(self) -> int:
        """The seconds of all calls that ended today."""
        ...
