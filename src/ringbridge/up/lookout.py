"""A look, now and then, at whether the public address still leads here: a tunnel ends without a word."""

import asyncio
from collections.abc import Callable
from typing import Final

from aiohttp import ClientError, ClientSession

from ringbridge.doctor.outside import Outside
from ringbridge.public_url import PublicUrl
from ringbridge.web.health import HEALTH, PROCESS, PROCESS_NAME

__all__ = ["look_out"]

PAUSE_SECONDS: Final = 30.0

_TWICE: Final = 2
"""One request that is lost tells nothing yet."""


async def look_out(url: PublicUrl, outside: Outside, tell: Callable[[str, str], None]) -> None:
    """Until it is cancelled. `tell` takes a sentence and its style, when calls can't come any more, and when again."""
    failed = 0
    while True:
        await asyncio.sleep(PAUSE_SECONDS)
        async with outside.session() as session:
            problem = await _problem(session, url)
        if problem is None and failed >= _TWICE:
            tell(f"{url} leads here again.", "green")
        failed = 0 if problem is None else failed + 1
        if failed == _TWICE:
            tell(f"No call can come: {url} does not lead here any more, {problem}. Start the tunnel again.", "red")


async def _problem(session: ClientSession, url: PublicUrl) -> str | None:
    try:
        async with session.get(url.https(HEALTH), allow_redirects=False) as response:
            process = response.headers.get(PROCESS)
    except (ClientError, TimeoutError, OSError) as error:
        return f"it did not answer ({type(error).__name__})"
    if process is None:
        return f"it answers with {response.status}"
    return None if process == PROCESS_NAME else "another bridge answers"
