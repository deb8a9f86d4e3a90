"""`ringbridge phone`: a telephone in the browser, on this machine, without any account."""

import asyncio
import os
import webbrowser
from typing import TYPE_CHECKING

import click

from ringbridge.cli.speech import load_speech
from ringbridge.loops import loop_factory, on_signals

if TYPE_CHECKING:
    from ringbridge.emulator.speech.base import Speech

__all__ = ["command"]


@click.command("phone")
@click.option("--brain", help="What finds the words: module:function or path/file.py:function.  [default: a demo]")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=3080, show_default=True, help="Where the page is; 0: anywhere."
)
@click.option("--open/--no-open", "opens", default=True, help="Whether to open the page in your browser.")
@click.option("-v", "--verbose", is_flag=True, help="Show what the bridge logs.")
def command(*, brain: str | None, port: int, opens: bool, verbose: bool) -> None:
    """Speak with a brain in your browser, until SIGTERM or Ctrl-C.

    The page is a telephone. Its calls go through the real bridge, between twins of both vendors that run here, too. It
    is for this machine alone, and its link for one page. Needs the extra `voice`.
    """
    from ringbridge.cli.models import NO_MODEL, model_settings  # noqa: PLC0415 - `--help` does not wait for these
    from ringbridge.cli.simulation import set_up_log  # noqa: PLC0415

    set_up_log(verbose=verbose)
    speech, _ = load_speech("spoken")
    if brain and not model_settings():
        click.echo(NO_MODEL)
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(_serve(brain, speech, port=port, opens=opens))


async def _serve(brain: str | None, speech: "Speech", *, port: int, opens: bool) -> None:
    from ringbridge.cli.places import own_bridge  # noqa: PLC0415
    from ringbridge.phone.app import open_phone  # noqa: PLC0415
    from ringbridge.phone.line import Line, Watch  # noqa: PLC0415

    stop = asyncio.Event()
    on_signals(stop.set)
    watch = Watch()
    async with own_bridge(brain, speech, (), watch) as place:
        assert place.elevenlabs is not None
        line = Line(place.dial, place.elevenlabs, watch)
        try:
            async with open_phone(line, brain=brain or "the demonstration", port=port) as link:
                click.echo(f"Your telephone, for one page in a browser on this machine: {link}\nCtrl-C ends it.")
                if opens:
                    await asyncio.to_thread(webbrowser.open, link)
                await stop.wait()
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno else error.strerror  # asyncio's own is a long sentence
            raise click.ClickException(f"can't listen on port {port}: {reason}; choose another with --port") from error
