"""A request that is never answered."""

import asyncio
from typing import Final

from aiohttp import web

__all__ = ["outlast"]

_LOOK_SECONDS: Final = 0.25


async def outlast(request: web.Request) -> None:
    """Say nothing until the client has gone, of which nobody else tells."""
    while request.transport is not None and not request.transport.is_closing():  # noqa: ASYNC110
        await asyncio.sleep(_LOOK_SECONDS)
