"""What is remembered of callers until the process ends."""

from ringbridge.callers.base import MAX_ENTRIES, check, is_known
from ringbridge.errors import NotAllowed

__all__ = ["InMemory"]

MAX_CALLERS = 10_000
"""The caller who was remembered longest ago goes first."""


class InMemory:
    """A `CallerMemory` for trying out."""

    def __init__(self) -> None:
        self._callers: dict[str, dict[str, str]] = {}

    async def remember(self, caller: str, key: str, value: str) -> None:
        """Keep an entry."""
        check(key, value)
        if not is_known(caller):
            return
        entries = self._callers.setdefault(caller, {})
        if key not in entries and len(entries) >= MAX_ENTRIES:
            raise NotAllowed(f"at most {MAX_ENTRIES} things can be remembered of one caller")
        entries[key] = value
        while len(self._callers) > MAX_CALLERS:
            del self._callers[next(iter(self._callers))]

    async def recall(self, caller: str, key: str) -> str | None:
        """The entry of that key."""
        return self._callers.get(caller, {}).get(key)

    async def recall_all(self, caller: str) -> dict[str, str]:
        """Every entry of this caller."""
        return dict(sorted(self._callers.get(caller, {}).items()))

    async def forget(self, caller: str) -> int:
        """Delete every entry of this caller."""
        return len(self._callers.pop(caller, {}))
