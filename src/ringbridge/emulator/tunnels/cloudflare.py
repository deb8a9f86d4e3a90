"""Cloudflare's end of a quick tunnel, and what cloudflared tells of itself."""

from contextlib import AsyncExitStack
from typing import Final

from aiohttp import web

from ringbridge.emulator.tunnels.edge import Kind

__all__ = ["CLOUDFLARE", "metrics"]

CLOUDFLARE: Final = Kind(
    headers=(
        "X-Forwarded-For: {client}",
        "X-Forwarded-Proto: https",
        "Cf-Connecting-Ip: {client}",
        'Cf-Visitor: {{"scheme":"https"}}',
        "Cf-Ray: 8a7b6c5d4e3f2a1b-FRA",
        "Cdn-Loop: cloudflare; loops=1",
    ),
    offline=("530 <none>", "error code: 1033"),
    unreachable=("502 Bad Gateway", "error code: 502"),
)
"""https://developers.cloudflare.com/fundamentals/reference/http-headers/."""


async def metrics(stack: AsyncExitStack, host: str, connector: str, address: str) -> str:
    """The address of its metrics server, which tells the tunnel's name, too."""

    async def ready(_: web.Request) -> web.Response:
        return web.json_response({"status": 200, "readyConnections": 1, "connectorId": connector})

    async def quick_tunnel(_: web.Request) -> web.Response:
        return web.json_response({"hostname": host})

    app = web.Application()
    app.add_routes([web.get("/ready", ready), web.get("/quicktunnel", quick_tunnel)])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    name, _, port = address.rpartition(":")
    await web.TCPSite(runner, name or "127.0.0.1", int(port)).start()
    bound, number = runner.addresses[0][:2]
    return f"{bound}:{number}"
