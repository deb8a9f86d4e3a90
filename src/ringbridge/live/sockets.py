"""Opening WebSockets: by picows; accepted ones by aiohttp alone where picows can't take them over."""

import asyncio
from collections.abc import Mapping
from typing import Final

from aiohttp import web

from ringbridge.apis.dialling import Dialler
from ringbridge.live import aiohttp_socket, picows_upgrade
from ringbridge.live.socket import Bounds, Socket
from ringbridge.log import get_logger

__all__ = ["accept", "connect"]

log = get_logger(__name__)

_ANYTHING: Final = Bounds()


async def accept(request: web.Request, bounds: Bounds = _ANYTHING) -> Socket:
    """Upgrade a request. Raises aiohttp's `HTTPBadRequest` when it is no WebSocket handshake, or its peer is gone."""
    try:
        return picows_upgrade.accept(request, bounds)
    except picows_upgrade.Unsupported as error:
        log.warning("this release of picows can't take over a socket; without it, each costs more", problem=str(error))
    return await aiohttp_socket.accept(request, bounds)


async def connect(
    dialler: Dialler, url: str, *, seconds: float, heartbeat: float, headers: Mapping[str, str] | None = None
) -> Socket:
    """Open a WebSocket to `url` within `seconds`, DNS and TLS included; `headers` go with the request.

    A peer that sends nothing for `heartbeat` seconds is pinged; one that does not answer half as long is gone.
    Raises `TimeoutError`, `UpgradeFailed` or `OSError`.
    """
    async with asyncio.timeout(seconds):
        return await picows_upgrade.connect(
            url, dial=dialler.tcp, tls=dialler.tls, heartbeat=heartbeat, headers=headers
        )
