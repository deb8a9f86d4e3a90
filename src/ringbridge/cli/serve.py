"""`ringbridge serve`: the bridge, its brains, or both in one process, until it is told to stop."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import click

from ringbridge.cli.process import keep_what_is_there, take_descriptors
from ringbridge.log import get_logger
from ringbridge.loops import loop_factory, on_signals

if TYPE_CHECKING:
    from aiohttp import web

    from ringbridge.config import BrainSettings, Settings

__all__ = ["command"]

log = get_logger(__name__)

_BLOCKED = "a brain blocks this process, and every other call's words in it; see BRAIN_PROCESSES"

CUT_SHORT = 3
"""The exit code when calls had to be cut short."""


@click.command("serve")
@click.option("--brain", help="What finds the words: module:function or path/file.py:function.  [default: BRAIN]")
@click.option("--host", help="The address to listen on.  [default: HOST]")
@click.option("--port", type=click.IntRange(0, 65535), help="The port to listen on.  [default: PORT]")
@click.option(
    "--only",
    type=click.Choice(["bridge", "brain"]),
    help="One of the two services into which it can be split; the brain's finds its calls at BRIDGE_URL.",
)
@click.option("--env-file", type=click.Path(path_type=Path), default=Path(".env"), show_default=True)
def command(brain: str | None, host: str | None, port: int | None, only: str | None, env_file: Path) -> None:
    """Answer the calls of your Twilio number, until SIGTERM or Ctrl-C.

    The calls in progress then go on for DRAIN_SECONDS, or until the second signal. Exits with 3 when some of them had
    to be cut short.
    """
    from ringbridge import log as logs  # noqa: PLC0415 - `--help` does not wait for these
    from ringbridge.config import BrainSettings, BridgeSettings, Settings, load  # noqa: PLC0415
    from ringbridge.telemetry.secrets import secret_values  # noqa: PLC0415

    options = {"BRAIN": brain, "HOST": host, "PORT": None if port is None else str(port)}
    given = {name: value for name, value in options.items() if value is not None}
    kinds: dict[str | None, type[Settings]] = {"bridge": BridgeSettings, "brain": BrainSettings}
    settings = load(kinds.get(only, Settings), env_file, {**os.environ, **given})
    logs.set_up(settings.log_format, personal=settings.log_personal, secrets=secret_values(settings))
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        if not runner.run(_serve(settings)):
            raise SystemExit(CUT_SHORT)


class _Drained(Protocol):
    async def drain(self, seconds: float, *, hurry: asyncio.Event) -> bool: ...


async def _serve(settings: "Settings") -> bool:
    """Serve until a signal comes, then leave; gives whether no call had to be cut short."""
    from ringbridge.web.server import serving  # noqa: PLC0415

    take_descriptors()
    stop, hurry = asyncio.Event(), asyncio.Event()

    def signalled() -> None:
        (hurry if stop.is_set() else stop).set()

    on_signals(signalled)
    async with _opened(settings) as (app, calls):
        try:
            keep_what_is_there()
            async with serving(app, host=settings.host, port=settings.port) as port:
                log.info("listening", address=f"{settings.host}:{port}", public_url=str(settings.public_url))
                await stop.wait()
                log.info("stopping; the next signal hurries")
                return await calls.drain(settings.drain_seconds, hurry=hurry)
        except OSError as error:
            # asyncio puts a sentence of its own around the system's; a name that leads nowhere has a negative number.
            code = error.errno or 0
            reason = os.strerror(code) if code > 0 else error.strerror
            where = f"{settings.host}:{settings.port}"
            raise click.ClickException(f"can't listen on {where}: {reason}; set --host or --port") from error


def _opened(settings: "Settings") -> AbstractAsyncContextManager[tuple["web.Application", _Drained]]:
    from ringbridge.config import BrainSettings  # noqa: PLC0415

    return _brains(settings) if isinstance(settings, BrainSettings) else _bridge(settings)


@asynccontextmanager
async def _bridge(settings: "Settings") -> AsyncIterator[tuple["web.Application", _Drained]]:
    from ringbridge.config import BridgeSettings  # noqa: PLC0415
    from ringbridge.telemetry.loop import watched_loop  # noqa: PLC0415
    from ringbridge.web.app import ROSTER, open_app  # noqa: PLC0415
    from ringbridge.wiring import open_bridge_parts, open_parts  # noqa: PLC0415

    parts_of = open_bridge_parts if isinstance(settings, BridgeSettings) else open_parts
    async with (
        parts_of(settings) as parts,
        watched_loop(parts.metrics.loop_lagged),
        open_app(settings, parts) as app,
    ):
        yield app, app[ROSTER]


@asynccontextmanager
async def _brains(settings: "BrainSettings") -> AsyncIterator[tuple["web.Application", _Drained]]:
    from ringbridge.telemetry.loop import watched_loop  # noqa: PLC0415
    from ringbridge.web.brain_app import SWITCHBOARD, open_brain_app  # noqa: PLC0415
    from ringbridge.wiring import open_brain_parts  # noqa: PLC0415

    async with (
        open_brain_parts(settings) as parts,
        watched_loop(parts.metrics.loop_lagged, blocked=_BLOCKED),
        open_brain_app(settings, parts) as app,
    ):
        yield app, app[SWITCHBOARD]
