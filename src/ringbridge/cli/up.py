"""`ringbridge up`: from keys to a number that is answered, and everything as it was again in the end."""

import asyncio
import logging
import signal
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from ringbridge.cli.loops import loop_factory
from ringbridge.cli.process import take_descriptors
from ringbridge.cli.speech import SPEECH_KINDS

if TYPE_CHECKING:
    from ringbridge.cli.plan import Request, Surroundings
    from ringbridge.config import Settings
    from ringbridge.screen.calls import CallScreen
    from ringbridge.screen.steps import StepScreen
    from ringbridge.tunnels.choice import Kind

__all__ = ["CUT_OFF", "command", "up"]

CUT_OFF: Final = 130
"""The exit code of one that was stopped before it was up."""

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
    from ringbridge.cli.plan import Request, Surroundings  # noqa: PLC0415 - `--help` does not wait for these
    from ringbridge.screen.calls import CallScreen  # noqa: PLC0415
    from ringbridge.screen.paper import Paper  # noqa: PLC0415
    from ringbridge.screen.steps import StepScreen  # noqa: PLC0415

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
            code = runner.run(up(request, Surroundings(set_up_log=set_up_log), steps, calls))
    raise SystemExit(code)


async def up(
    request: "Request",
    around: "Surroundings",
    steps: "StepScreen",
    calls: "CallScreen",
    *,
    meanwhile: Callable[[], Coroutine[Any, Any, None]] | None = None,
) -> int:
    """Be up until a signal comes; gives the exit code. `meanwhile` is run once everything is up.

    Raises `RingbridgeError` unless `steps` has shown it.
    """
    from ringbridge.cli.lookout import look_out  # noqa: PLC0415
    from ringbridge.cli.rise import risen  # noqa: PLC0415
    from ringbridge.errors import RingbridgeError  # noqa: PLC0415

    ends = _Ends()
    try:
        async with risen(request, around, steps, calls, hurry=ends.hurry) as there:
            ends.is_up()
            back = ", and puts everything back" if request.restores else ""
            calls.notice(f"Call {there.phone_number}. Ctrl-C ends it{back}.", "bold")
            async with asyncio.TaskGroup() as tasks:
                looking = look_out(there.url, around.outside, calls.notice)
                beside = [tasks.create_task(looking, name="look at the public address")]
                if meanwhile is not None:
                    beside.append(tasks.create_task(meanwhile(), name="meanwhile"))
                await ends.stop.wait()
                for task in beside:
                    task.cancel()
            calls.notice("Going down.", "bold")
    except asyncio.CancelledError:
        if not ends.has_cancelled():
            raise
        return CUT_OFF
    except RingbridgeError:
        if not steps.has_failed:
            raise
        return 1
    return 1 if steps.has_failed else 0


class _Ends:
    """What signals do: the first one takes everything back, be it half up; the next hurries the calls that go on."""

    def __init__(self) -> None:
        self.stop, self.hurry = asyncio.Event(), asyncio.Event()
        self._rising = asyncio.current_task()
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):  # the last is a terminal that is closed; Windows has none
            if number := getattr(signal, name, None):
                asyncio.get_running_loop().add_signal_handler(number, self._signalled)

    def is_up(self) -> None:
        """From now on there are calls, which are not to be cut off."""
        self._rising = None

    def has_cancelled(self) -> bool:
        """Whether it was a signal that cancelled what was rising; that is dealt with then."""
        if self._rising is None or not self.stop.is_set():
            return False
        self._rising.uncancel()
        return True

    def _signalled(self) -> None:
        if self.stop.is_set():
            self.hurry.set()
            return
        self.stop.set()
        if self._rising is not None:
            self._rising.cancel()


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
