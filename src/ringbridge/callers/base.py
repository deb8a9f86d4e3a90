"""What is remembered of callers, as the rest of the package knows it."""

from typing import Protocol

from ringbridge.errors import NotAllowed
from ringbridge.wire.twiml import WITHHELD
from ringbridge.wire.webhook import is_e164

__all__ = ["MAX_ENTRIES", "CallerMemory", "check", "is_known"]

MAX_KEY = 64
"""Characters of a key under which something is remembered; a longer one is refused."""

MAX_VALUE = 2_000
"""Characters of what is remembered under one key; more is refused."""

MAX_ENTRIES = 64
"""As much is kept of one caller."""


class CallerMemory(Protocol):
    """Entries by caller and key. For whoever has no number of their own nothing is kept, and nothing is found."""

    async def remember(self, caller: str, key: str, value: str) -> None:
        """Keep an entry, in place of an older one. Raises `NotAllowed` for what is too long or too much."""
        ...

    async def recall(self, caller: str, key: str) -> str | None:
        """The entry of that key."""
        ...

    async def recall_all(self, caller: str) -> dict[str, str]:
        """Every entry of this caller, in the order of their keys."""
        ...

    async def forget(self, caller: str) -> int:
        """Delete every entry of this caller; gives how many there were."""
        ...


def is_known(caller: str) -> bool:
    """Whether this is one caller's number, rather than that of everybody who withholds theirs."""
    return is_e164(caller) and caller not in WITHHELD


def check(key: str, value: str) -> None:
    """Raise `NotAllowed` for an entry that is too long."""
    if not 0 < len(key) <= MAX_KEY:
        raise NotAllowed(f"a key has 1 to {MAX_KEY} characters")
    if len(value) > MAX_VALUE:
        raise NotAllowed(f"at most {MAX_VALUE} characters can be remembered under one key")
