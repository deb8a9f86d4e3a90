"""Counting: in this process, or by the `limits` library in a Redis that all processes share."""

import asyncio
import hmac
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from typing import TYPE_CHECKING, Protocol, TypeVar

from ringbridge.ids import CallSid
from ringbridge.log import get_logger
from ringbridge.shared.here import Here

if TYPE_CHECKING:
    from ringbridge.shared.base import Usage

__all__ = ["CountedUsage", "open_usage"]

log = get_logger(__name__)

SECONDS = 0.5
"""What the shared store may take: a caller is waiting."""

REST_SECONDS = 5.0
"""A store that has failed is left alone for so long: not every caller has to wait for it."""

COMPLAINT_SECONDS = 60.0
"""A store that is down is told of so often."""

RETRY_SECONDS = 600
"""How long a call is known to be counted: Twilio asks another process within seconds."""

MINUTE_SECONDS = 120
"""How long a minute's count is kept."""

DAY_SECONDS = 2 * 24 * 60 * 60
"""How long a count is kept: longer than its window, whose name is in its key."""

_Result = TypeVar("_Result")


class _Storage(Protocol):
    async def incr(self, key: str, expiry: int, amount: int = 1) -> int: ...
    async def get(self, key: str) -> int: ...


class CountedUsage:
    """`Usage` over a store of `limits`; while that does not answer, this process's own counts hold.

    It counts for itself all the while, so that who has called too often does not begin anew when the store goes.
    """

    def __init__(self, store: _Storage | None, own: _Storage, *, now: Callable[[], datetime], secret: str) -> None:
        """`now` is in the time zone whose days count. `secret` hides the callers in the store's keys."""
        self._store = store
        self._own = own
        self._now = now
        self._secret = secret.encode()
        self._rests_until = 0.0
        self._complained = -COMPLAINT_SECONDS

    async def count_call(self, call_sid: CallSid, caller: str) -> tuple[int, int]:
        """See `Usage.count_call`."""
        now = self._now()
        # Keyed, as all the numbers that there are could be tried otherwise.
        name = hmac.digest(self._secret, caller.encode(errors="replace"), "sha256").hex()[:32]
        minute, day = f"calls:{name}:{now:%Y%m%d%H%M}", f"calls:{name}:{now:%Y%m%d}"

        async def count(store: _Storage) -> tuple[int, int]:
            step = 1 if await store.incr(f"counted:{call_sid}", RETRY_SECONDS) == 1 else 0
            return await store.incr(minute, MINUTE_SECONDS, step), await store.incr(day, DAY_SECONDS, step)

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
        own = await question(self._own)
        if self._store is None or asyncio.get_running_loop().time() < self._rests_until:
            return own
        try:
            async with asyncio.timeout(SECONDS):
                return await question(self._store)
        except Exception as error:  # whatever the store's library raises, the call goes on
            self._failed(error)
            return own

    def _failed(self, error: Exception) -> None:
        now = asyncio.get_running_loop().time()
        self._rests_until = now + REST_SECONDS
        if now - self._complained >= COMPLAINT_SECONDS:
            self._complained = now
            # The text of a Redis error may quote a command, and so a key.
            log.warning(
                "the store of REDIS_URL does not answer, calls are counted here alone", kind=type(error).__name__
            )


@asynccontextmanager
async def open_usage(*, url: str | None, now: Callable[[], datetime], secret: str) -> AsyncIterator["Usage"]:
    """Counts for as long as the context lasts: in the Redis at `url`, or in this process. See `CountedUsage`."""
    own = Here()
    if url is None:
        yield CountedUsage(None, own, now=now, secret=secret)
        return
    from limits.storage import storage_from_string  # noqa: PLC0415 - heavy

    options = {"socket_timeout": SECONDS, "socket_connect_timeout": SECONDS}
    store = storage_from_string(f"async+{url}", implementation="redispy", key_prefix="ringbridge", **options)
    try:
        yield CountedUsage(store, own, now=now, secret=secret)  # type: ignore[arg-type]
    finally:
        with suppress(Exception):  # one that is down can't be left politely
            async with asyncio.timeout(SECONDS):
                await store.bridge.storage.aclose()  # type: ignore[union-attr]
