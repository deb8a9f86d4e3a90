"""An application on a port."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from ringbridge.web.guards import malformed_is_no_incident

__all__ = ["serving"]

SHUTDOWN_SECONDS = 3.0
"""How long requests under way may take when we stop; calls are ended before that."""


@asynccontextmanager
async def serving(app: web.Application, *, host: str, port: int) -> AsyncIterator[int]:
    """Serve an application while the context lasts; gives the port, which is a free one for `port` 0.

    Raises `OSError` when the address can't be had.
    """
    logging.getLogger("aiohttp.server").addFilter(malformed_is_no_incident)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()
