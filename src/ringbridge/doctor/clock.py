"""The clock of this machine against the vendors': signed tokens and URLs go by it."""

import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import Final

from aiohttp import ClientError, ClientSession, ClientTimeout

from ringbridge.doctor.verdict import Verdict, failure, ok, warning

__all__ = ["CLOCK", "check_clock"]

CLOCK: Final = "clock"

SLACK_SECONDS: Final = 5.0
"""A `Date` has whole seconds, and its answer takes a while."""

ASK_SECONDS: Final = 3.0
"""What one vendor may take. They are asked one after the other."""

FATAL_SECONDS: Final = 50.0
"""ElevenLabs' signed token is refused by the bridge when the two clocks are 60 s apart (`wire/brain_token.py`)."""

_MEND: Final = "let the system set its clock by NTP (Linux: timedatectl set-ntp true)"


async def check_clock(origins: dict[str, str], clock: Callable[[], float] = time.time) -> list[Verdict]:
    """Ask each vendor, by its name, for the time; `clock` is ours, in seconds since the epoch."""
    async with ClientSession(timeout=ClientTimeout(total=ASK_SECONDS)) as session:
        offsets = {name: await _offset(session, origin, clock) for name, origin in origins.items()}
    told = {name: offset for name, offset in offsets.items() if offset is not None}
    if not told:
        return [warning(CLOCK, "no vendor told the time", "check this machine's way to the internet")]
    name, worst = max(told.items(), key=lambda item: abs(item[1]))
    found = f"{abs(worst):.0f} s {'ahead of' if worst > 0 else 'behind'} {name}"
    if abs(worst) >= FATAL_SECONDS:
        return [failure(CLOCK, f"{found}: what the vendors sign is refused as stale or too new", _MEND)]
    if abs(worst) > SLACK_SECONDS:
        return [warning(CLOCK, found, _MEND)]
    return [ok(CLOCK, f"agrees with {' and '.join(told)}")]


async def _offset(session: ClientSession, origin: str, clock: Callable[[], float]) -> float | None:
    """By how many seconds ours is ahead; `None` where that can't be told."""
    begun = clock()
    try:
        async with session.get(f"{origin}/", allow_redirects=False) as response:
            date = response.headers.get("Date", "")
    except (ClientError, TimeoutError, OSError):
        return None
    try:
        theirs = parsedate_to_datetime(date).timestamp()
    except ValueError:
        return None
    return (begun + clock()) / 2 - (theirs + 0.5)
