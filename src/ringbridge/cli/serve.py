"""`ringbridge serve`: the bridge, until it is told to stop."""

import asyncio
import gc
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ringbridge.cli.loops import loop_factory
from ringbridge.log import get_logger

if TYPE_CHECKING:
    from ringbridge.config import Settings

__all__ = ["command"]

log = get_logger(__name__)

DESCRIPTORS = 65_536
"""What we take of the file descriptors that the system would give us. A call has three sockets."""

CUT_SHORT = 3
"""The exit code when calls had to be cut short."""


@click.command("serve")
@click.option("--brain", help="What finds the words: module:function or path/file.py:function.  [default: BRAIN]")
@click.option("--host", help="The address to listen on.  [default: HOST]")
@click.option("--port", type=click.IntRange(0, 65535), help="The port to listen on.  [default: PORT]")
@click.option("--env-file", type=click.Path(path_type=Path), default=Path(".env"), show_default=True)
def command(brain: str | None, host: str | None, port: int | None, env_file: Path) -> None:
    """Answer the calls of your Twilio number, until SIGTERM or Ctrl-C.

    The calls in progress then go on for DRAIN_SECONDS, or until the second signal. Exits with 3 when some of them had
    to be cut short.
    """
    from ringbridge import log as logs  # noqa: PLC0415 - `--help` does not wait for these
    from ringbridge.config import load_settings  # noqa: PLC0415
    from ringbridge.telemetry.secrets import secret_values  # noqa: PLC0415

    options = {"BRAIN": brain, "HOST": host, "PORT": None if port is None else str(port)}
    given = {name: value for name, value in options.items() if value is not None}
    settings = load_settings(env_file, {**os.environ, **given})
    logs.set_up(settings.log_format, personal=settings.log_personal, secrets=secret_values(settings))
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        if not runner.run(_serve(settings)):
            raise SystemExit(CUT_SHORT)


async def _serve(settings: "Settings") -> bool:
    """Serve until a signal comes, then leave; gives whether no call had to be cut short."""
    from ringbridge.telemetry.loop import watched_loop  # noqa: PLC0415
    from ringbridge.web.app import ROSTER, open_app  # noqa: PLC0415
    from ringbridge.web.server import serving  # noqa: PLC0415
    from ringbridge.wiring import open_parts  # noqa: PLC0415

    _take_descriptors()
    stop, hurry = asyncio.Event(), asyncio.Event()

    def signalled() -> None:
        (hurry if stop.is_set() else stop).set()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, signalled)
    async with (
        open_parts(settings) as parts,
        watched_loop(parts.metrics.loop_lagged),
        open_app(settings, parts) as app,
    ):
        try:
            _keep_what_is_there()
            async with serving(app, host=settings.host, port=settings.port) as port:
                log.info("listening", address=f"{settings.host}:{port}", public_url=str(settings.public_url))
                await stop.wait()
                log.info("stopping; the next signal hurries")
                return await app[ROSTER].drain(settings.drain_seconds, hurry=hurry)
        except OSError as error:
            # asyncio puts a sentence of its own around the system's; a name that leads nowhere has a negative number.
            code = error.errno or 0
            reason = os.strerror(code) if code > 0 else error.strerror
            where = f"{settings.host}:{settings.port}"
            raise click.ClickException(f"can't listen on {where}: {reason}; set --host or --port") from error


def _keep_what_is_there() -> None:
    """What was made by now lasts: a full collection need not look at it, for 50 ms in which no call's audio passes."""
    gc.collect()
    gc.freeze()


def _take_descriptors() -> None:
    """Many systems give a process 1024 unless it asks for more."""
    if sys.platform == "win32":
        return
    import resource  # noqa: PLC0415 - Unix alone has it

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(DESCRIPTORS, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
