"""`ringbridge serve`: the bridge, until it is told to stop."""

import asyncio
import logging
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ringbridge.cli.loops import loop_factory

if TYPE_CHECKING:
    from ringbridge.config import Settings

__all__ = ["command"]

log = logging.getLogger(__name__)


@click.command("serve")
@click.option("--brain", help="What finds the words: module:function or path/file.py:function.  [default: BRAIN]")
@click.option("--host", help="The address to listen on.  [default: HOST]")
@click.option("--port", type=click.IntRange(0, 65535), help="The port to listen on.  [default: PORT]")
@click.option("--env-file", type=click.Path(path_type=Path), default=Path(".env"), show_default=True)
def command(brain: str | None, host: str | None, port: int | None, env_file: Path) -> None:
    """Answer the calls of your Twilio number, until SIGTERM or Ctrl-C."""
    from ringbridge import log as logs  # noqa: PLC0415 - `--help` does not wait for these
    from ringbridge.config import load_settings  # noqa: PLC0415

    options = {"BRAIN": brain, "HOST": host, "PORT": None if port is None else str(port)}
    given = {name: value for name, value in options.items() if value is not None}
    settings = load_settings(env_file, {**os.environ, **given})
    logs.set_up()
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(_serve(settings))


async def _serve(settings: "Settings") -> None:
    from ringbridge.log import log_fact  # noqa: PLC0415
    from ringbridge.web.app import open_app  # noqa: PLC0415
    from ringbridge.web.server import serving  # noqa: PLC0415
    from ringbridge.wiring import open_parts  # noqa: PLC0415

    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with open_parts(settings, observers=(log_fact,)) as parts, open_app(settings, parts) as app:
        try:
            async with serving(app, host=settings.host, port=settings.port) as port:
                log.info("listening on %s:%d, reached from outside as %s", settings.host, port, settings.public_url)
                await stop.wait()
                log.info("stopping")
        except OSError as error:
            # asyncio puts a sentence of its own around the system's; a name that leads nowhere has a negative number.
            code = error.errno or 0
            reason = os.strerror(code) if code > 0 else error.strerror
            where = f"{settings.host}:{settings.port}"
            raise click.ClickException(f"can't listen on {where}: {reason}; set --host or --port") from error
