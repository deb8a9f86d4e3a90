"""`ringbridge up`: from keys to a number that is answered, and everything as it was again in the end."""

import asyncio
import logging
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from ringbridge.cli.process import take_descriptors
from ringbridge.cli.speech import SPEECH_KINDS
from ringbridge.loops import loop_factory

if TYPE_CHECKING:
    from ringbridge.config import Settings
    from ringbridge.tunnels.choice import Kind

__all__ = ["command"]

_TOLD_BY_SCREEN: Final = ("ringbridge.call", "pyngrok")
"""Loggers whose lines would say once more what the screen says."""


@click.command("up")
@click.option("--brain", help="What finds the words: module:function or path/file.py:function.  [default: BRAIN]")
@click.option(
    "--tunnel",
    type=click.Choice(["ngrok", "cloudflared"]),
    help="Who lends the public address.  [default: nobody where PUBLIC_URL is set, else the one that is installed]",
)
@click.option("--domain", metavar="NAME", help="A domain that is reserved for you at ngrok.")
@click.option("--voice", metavar="VOICE_ID", help="Who speaks.  [default: the engine's own voice]")
@click.option("--language", metavar="CODE", help="Such as fr.  [default: the engine's own, a new one's is en]")
@click.option("--greeting", metavar="TEXT", help="The first words of a call.  [default: GREETING]")
@click.option("--fallback-url", metavar="URL", help="Whom Twilio asks when we fail, a TwiML Bin say.  [default: ours]")
@click.option("--take", "takes", is_flag=True, help="Take the number, though a trunk, an app or an agent has it.")
@click.option("--no-restore", is_flag=True, help="Leave engine and number as they are then, for servers.")
@click.option("--port", type=click.IntRange(0, 65535), help="The port to listen on.  [default: PORT]")
@click.option("--offline", is_flag=True, help="All of it between twins on this machine, with a call; no keys.")
@click.option(
    "--speech", type=click.Choice(SPEECH_KINDS), default="auto", help="With --offline: real speech, or a codec."
)
@click.option("-v", "--verbose", is_flag=True, help="Show what the bridge logs.")
@click.option("--env-file", type=click.Path(path_type=Path), default=Path(".env"), show_default=True)
def command(
    *,
    brain: str | None,
    tunnel: "Kind | None",
    domain: str | None,
    voice: str | None,
    language: str | None,
    greeting: str | None,
    fallback_url: str | None,
    takes: bool,
    no_restore: bool,
    port: int | None,
    offline: bool,
    speech: str,
    verbose: bool,
    env_file: Path,
) -> None:
    """Answer the calls of your Twilio number from this machine, until SIGTERM or Ctrl-C.

    A public address is found or lent, and proved; the speech engine is made as it should be, or made; the number is led
    here. The screen then shows the calls. In the end everything is put back, by the next start if this one is killed.
    """
    from ringbridge.cli.choosing import choose_number  # noqa: PLC0415 - `--help` does not wait for these
    from ringbridge.screen.calls import CallScreen  # noqa: PLC0415
    from ringbridge.screen.paper import Paper  # noqa: PLC0415
    from ringbridge.screen.steps import StepScreen  # noqa: PLC0415
    from ringbridge.up.plan import Request, Surroundings  # noqa: PLC0415
    from ringbridge.up.run import up  # noqa: PLC0415

    options = {"BRAIN": brain, "GREETING": greeting, "PORT": None if port is None else str(port)}
    request = Request(
        env_file=env_file,
        settings={name: value for name, value in options.items() if value is not None},
        tunnel=tunnel,
        domain=domain,
        voice=voice,
        language=language,
        fallback_url=fallback_url,
        takes=takes,
        restores=not no_restore,
    )
    console = Paper()
    set_up_log = partial(_set_up_log, verbose=verbose)
    steps, calls = StepScreen(console), CallScreen(console)
    take_descriptors()
    with asyncio.Runner(loop_factory=loop_factory()) as runner, steps:
        if offline:
            from ringbridge.cli.offline import up_offline  # noqa: PLC0415

            code = runner.run(up_offline(request, speech, steps, calls, set_up_log))
        else:
            around = Surroundings(choose=choose_number, set_up_log=set_up_log)
            code = runner.run(up(request, around, steps, calls))
    raise SystemExit(code)


def _set_up_log(settings: "Settings", *, verbose: bool) -> None:
    """What the bridge warns of, on standard error."""
    from ringbridge import log  # noqa: PLC0415
    from ringbridge.telemetry.secrets import secret_values  # noqa: PLC0415

    log.set_up(settings.log_format, personal=settings.log_personal, secrets=secret_values(settings))
    if verbose:
        return
    for handler in logging.getLogger().handlers:
        handler.setLevel(logging.WARNING)
        handler.addFilter(lambda record: not record.name.startswith(_TOLD_BY_SCREEN))
