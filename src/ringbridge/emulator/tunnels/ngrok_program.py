"""What stands in for the program `ngrok`: the lines that its log has, and an agent behind them."""

import argparse
import asyncio
import json
import sys
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Final

from ringbridge.emulator.tunnels.programs import Setup
from ringbridge.emulator.tunnels.running import put, stopped, tls_of

__all__ = ["VERSION", "main"]

VERSION: Final = "3.25.0"


def main(setup: str) -> None:
    """Run the program with this process's arguments; `setup` is the JSON of a `Setup`."""
    if sys.argv[1:] in (["--version"], ["version"]):
        put(f"ngrok version {VERSION}", sys.stdout)
        return
    sys.exit(asyncio.run(_run(Setup(**json.loads(setup)), _arguments())))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="ngrok")
    commands = parser.add_subparsers(dest="command", required=True)
    start, http = commands.add_parser("start"), commands.add_parser("http")
    for command in (start, http):
        for option in ("--log", "--config", "--authtoken", "--region"):
            command.add_argument(option)
    start.add_argument("--none", action="store_true")
    http.add_argument("addr")
    for option in ("--url", "--domain"):
        http.add_argument(option)
    return parser.parse_args()


async def _run(setup: Setup, arguments: argparse.Namespace) -> int:
    if setup.fails:
        _log("eror", "failed to auth", obj="tunnels.session", err=setup.fails)
        _log("eror", "terminating with error", obj="app", err=setup.fails)
        return 1
    from ringbridge.emulator.tunnels.edge import Edge  # noqa: PLC0415 - heavy
    from ringbridge.emulator.tunnels.ngrok import NGROK, NgrokAgent  # noqa: PLC0415 - heavy

    async with AsyncExitStack() as stack:
        edge = Edge(NGROK, port=setup.edge_port, tls=tls_of(setup.certificate), tls_port=setup.tls_port)
        await stack.enter_async_context(edge)
        agent = NgrokAgent(edge, port=setup.api_port, reserved=setup.reserved)
        await stack.enter_async_context(agent)
        _log("info", "starting web service", obj="web", addr=agent.api_url.removeprefix("http://"), allow_hosts="[]")
        _log("info", "client session established", obj="tunnels.session")
        _log("info", "tunnel session started", obj="tunnels.session")
        if arguments.command == "http":
            tunnel = agent.start(
                {"name": "command_line", "addr": arguments.addr, "url": arguments.url or arguments.domain}
            )
            _log("info", "started tunnel", obj="tunnels", name=tunnel.name, addr=tunnel.upstream, url=tunnel.public_url)
        await stopped()
        _log("info", "received stop request", obj="app", stopReq="{err:<nil> restart:false}")
    return 0


def _log(level: str, message: str, **more: str) -> None:
    """A line in logfmt, as ngrok writes it."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S%z")
    fields = " ".join(f"{name}={_quoted(value)}" for name, value in more.items())
    put(f't={now} lvl={level} msg="{message}" {fields}', sys.stdout)


def _quoted(value: str) -> str:
    return json.dumps(value) if " " in value or "\n" in value else value
