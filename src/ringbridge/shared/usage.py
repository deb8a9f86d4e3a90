"""Counting by the `limits` library: in this process, or in a Redis that all processes share."""

import asyncio
import hmac
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from ringbridge.shared.base import Usage

__all__ = ["CountedUsage", "open_usage"]

log = logging.getLogger(__name__)

SECONDS = 0.5
"""What the shared store may take: a caller is waiting."""

COMPLAINT_SECONDS = 60.0
"""A store that is down is told of so often."""

MINUTE_SECONDS = 120
DAY_SECONDS = 2 * 24 * 60 * 60
"""How long a count is kept: longer than its window, whose name is in its key."""

_Result = TypeVar("_Result")


class _Storage(Protocol):
    async def incr(self, key: str, expiry: int, amount: int = 1) -> int: ...
    async def get(self, key: str) -> int: ...


class CountedUsage:
    """`Usage` over a store of `limits`; where that does not answer, this process counts for itself."""

    def __init__(self, store: _Storage, spare: _Storage, *, now: Callable[[], datetime], secret: str) -> None:
        """`now` is in the time zone whose days count. `secret` hides the numbers in the store's keys."""
        self._store = store
        self._spare = spare
        self._now = now
        self._secret = secret.encode()
        self._complained = -COMPLAINT_SECONDS

    async def count_call(self, number: str) -> tuple[int, int]:
        """See `Usage.count_call`."""
        now = self._now()
        name = hmac.digest(self._secret, number.encode(errors="replace"), "sha256").hex()[:32]
        minute, day = f"calls:{name}:{now:%Y%m%d%H%M}", f"calls:{name}:{now:%Y%m%d}"

        async def count(store: _Storage) -> tuple[int, int]:
            return await store.incr(minute, MINUTE_SECONDS), await store.incr(day, DAY_SECONDS)

        return await self._ask(count)

    async def add_seconds(self, seconds: int) -> None:
        """See `Usage.add_seconds`."""
        key = self._seconds_key()
        await self._ask(lambda store: store.incr(key, DAY_SECONDS, seconds))

    async def seconds_today(self) -> int:
        """See `Usage.seconds_today`."""
        key = self._seconds_key()
        return await self._ask(lambda store: store.get(key))

    def _seconds_key(self) -> str:
        return f"seconds:{self._now():%Y%m%d}"

    async def _ask(self, question: Callable[[_Storage], Awaitable[_Result]]) -> _Result:
        try:
            async with asyncio.timeout(SECONDS):
                return await question(self._store)
        except Exception as error:  # whatever the store's library raises, the call goes on
            self._complain(error)
            return await question(self._spare)

    def _complain(self, error: Exception) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._complained >= COMPLAINT_SECONDS:
            self._complained = now
            log.warning(
                "the store of REDIS_URL does not answer, calls are counted here alone: %s", type(error).__name__
            )


@asynccontextmanager
async def open_usage(*, url: str | None, now: Callable[[], datetime], secret: str) -> AsyncIterator["Usage"]:
    """Counts for as long as the context lasts: in the Redis at `url`, or in this process. See `CountedUsage`."""
    from limits.storage import storage_from_string  # noqa: PLC0415 - heavy

    spare = storage_from_string("async+memory://")
    if url is None:
        yield CountedUsage(spare, spare, now=now, secret=secret)  # type: ignore[arg-type]
        return
    options = {"socket_timeout": SECONDS, "socket_connect_timeout": SECONDS}
    store = storage_from_string(f"async+{url}", implementation="redispy", key_prefix="ringbridge", **options)
    try:
        yield CountedUsage(store, spare, now=now, secret=secret)  # type: ignore[arg-type]
    finally:
        await store.bridge.storage.aclose()  # type: ignore[union-attr]
