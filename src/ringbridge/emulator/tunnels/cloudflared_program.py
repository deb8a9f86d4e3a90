"""What stands in for the program `cloudflared`: a quick tunnel, and the lines that it has on standard error.

https://developers.cloudflare.com/cloudflare-one/connections/connect-networks/do-more-with-tunnels/trycloudflare/
"""

import argparse
import asyncio
import json
import sys
import uuid
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Final

from ringbridge.emulator.tunnels.programs import Setup
from ringbridge.emulator.tunnels.running import put, stopped, tls_of

__all__ = ["main"]

VERSION: Final = "2026.8.0"

_WIDTH: Final = 92


def main(setup: str) -> None:
    """Run the program with this process's arguments; `setup` is the JSON of a `Setup`."""
    if sys.argv[1:] in (["--version"], ["version"]):
        put(f"cloudflared version {VERSION} (built 2026-08-10-1200 UTC)", sys.stdout)
        return
    sys.exit(asyncio.run(_run(Setup(**json.loads(setup)), _arguments())))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="cloudflared")
    tunnel = parser.add_subparsers(dest="command", required=True).add_parser("tunnel")
    tunnel.add_argument("--no-autoupdate", action="store_true")
    tunnel.add_argument("--url", required=True)
    tunnel.add_argument("--metrics", default="127.0.0.1:0")
    for option in ("--protocol", "--loglevel", "--edge-ip-version", "--http-host-header", "--config"):
        tunnel.add_argument(option)
    return parser.parse_args()


async def _run(setup: Setup, arguments: argparse.Namespace) -> int:
    _log("INF", "Thank you for trying Cloudflare Tunnel. Doing so, without a Cloudflare account, is a quick way to")
    _log("INF", "Requesting new quick Tunnel on trycloudflare.com...")
    if setup.fails:
        put(f"failed to request quick Tunnel: {setup.fails}", sys.stderr)
        return 1
    from ringbridge.emulator.tunnels.cloudflare import CLOUDFLARE, metrics  # noqa: PLC0415 - heavy
    from ringbridge.emulator.tunnels.edge import Edge  # noqa: PLC0415 - heavy

    async with AsyncExitStack() as stack:
        edge = Edge(CLOUDFLARE, port=setup.edge_port, tls=tls_of(setup.certificate), tls_port=setup.tls_port)
        await stack.enter_async_context(edge)
        edge.open(setup.host, arguments.url)
        _box(f"https://{setup.host}")
        connector = str(uuid.uuid4())
        _log("INF", f"Version {VERSION}")
        _log("INF", f"Settings: map[ha-connections:1 no-autoupdate:true protocol:quic url:{arguments.url}]")
        _log("INF", f"Generated Connector ID: {connector}")
        address = await metrics(stack, setup.host, connector, arguments.metrics)
        _log("INF", f"Starting metrics server on {address}/metrics")
        _log(
            "INF",
            f"Registered tunnel connection connIndex=0 connection={uuid.uuid4()} event=0 ip=203.0.113.7"
            " location=fra01 protocol=quic",
        )
        await stopped()
        _log("INF", "Initiating graceful shutdown due to signal terminated ...")
    return 0


def _box(url: str) -> None:
    _log("INF", f"+{'-' * _WIDTH}+")
    for text in ("Your quick Tunnel has been created! Visit it at (it may take some time to be reachable):", url):
        _log("INF", f"|  {text:<{_WIDTH - 4}}  |")
    _log("INF", f"+{'-' * _WIDTH}+")


def _log(level: str, text: str) -> None:
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    put(f"{now} {level} {text}", sys.stderr)
