"""`ringbridge simulate`: a phone call from here, to a bridge that is started for it, or to one that runs."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ringbridge.cli.speech import SPEECH_KINDS, load_speech
from ringbridge.loops import loop_factory

if TYPE_CHECKING:
    from ringbridge.emulator.scenario import Scenario

__all__ = ["command"]

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("simulate")
@click.option("--say", "says", multiple=True, metavar="TEXT", help="What the caller says. Once for each turn.")
@click.option(
    "--barge-in",
    "barge_ins",
    multiple=True,
    metavar="MS",
    type=click.IntRange(min=0),
    help="The last --say cuts in on the agent, so long after it began to speak. Given twice, the last two do.",
)
@click.option("--wav", metavar="FILE", type=_FILE, help="A recording that the caller plays before all else.")
@click.option("--dtmf", metavar="KEYS", help="Keys that the caller presses after all else, such as 42#.")
@click.option("--scenario", "script", metavar="FILE", type=_FILE, help="A scripted call, in TOML, instead.")
@click.option("--brain", help="What finds the words: module:function or path/file.py:function.  [default: a demo]")
@click.option("--url", help="Call a bridge that runs, by the settings in .env: http://127.0.0.1:3001, say.")
@click.option(
    "--rest-port",
    type=click.IntRange(1, 65535),
    metavar="PORT",
    help="With --url: where that bridge finds Twilio's API, if TWILIO_BASE_URL=http://127.0.0.1:PORT.",
)
@click.option("--calls", type=click.IntRange(min=1), default=1, metavar="N", help="So many calls at once.")
@click.option(
    "--for", "seconds", type=click.FloatRange(min=0), default=0, metavar="SECONDS", help="Dial again for so long."
)
@click.option(
    "--speech",
    type=click.Choice(SPEECH_KINDS),
    default="auto",
    help="Real speech, or a codec that comes back to the letter.  [default: real for one call, if installed]",
)
@click.option(
    "--record", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path), help="Write the first call as WAV."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of the dialogue.")
@click.option("-v", "--verbose", is_flag=True, help="Show what the bridge logs.")
@click.pass_context
def command(
    ctx: click.Context,
    *,
    says: tuple[str, ...],
    barge_ins: tuple[int, ...],
    wav: Path | None,
    dtmf: str | None,
    script: Path | None,
    brain: str | None,
    url: str | None,
    rest_port: int | None,
    calls: int,
    seconds: float,
    speech: str,
    record: Path | None,
    as_json: bool,
    verbose: bool,
) -> None:
    """Play a phone call through the real bridge, without any account.

    Both vendors are twins on this machine. Without options it is a demonstration: a greeting, two turns, a barge-in, a
    key and a goodbye. The exit code is 0 if all was heard that should have been, and no audio was lost.
    """
    if url and brain:
        raise click.UsageError("--brain is for a bridge that is started here; the one at --url has its own")
    if rest_port and not url:
        raise click.UsageError("--rest-port is for a bridge that runs, at --url; one that is started here finds it")
    scenario = _scenario(script, says, barge_ins, wav, dtmf)
    if not as_json:
        where = f"to {url}, from a twin of Twilio" if url else "through the real bridge, between twins of both vendors"
        click.echo(f"A phone call {where}.")
    many = calls > 1 or seconds > 0
    with ThreadPoolExecutor(1, "load speech") as loader:
        loading = loader.submit(load_speech, "exact" if speech == "auto" and many else speech)
        # Heavy, like the speech, so both are loaded at the same time.
        from ringbridge.cli import screen, simulation  # noqa: PLC0415

        simulation.set_up_log(verbose=verbose)
        plan = simulation.Plan(scenario, brain, url, rest_port or 0, calls, seconds, record)
        display = screen.JsonDisplay() if as_json else screen.CrowdScreen() if many else screen.DialogueScreen()
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            went_well = runner.run(simulation.simulate(plan, loading, display))
    ctx.exit(0 if went_well else 1)


def _scenario(
    script: Path | None, says: tuple[str, ...], barge_ins: tuple[int, ...], wav: Path | None, dtmf: str | None
) -> "Scenario":
    from ringbridge.emulator import scenario  # noqa: PLC0415

    if len(barge_ins) > len(says):
        raise click.UsageError("each --barge-in needs a --say that cuts in")
    cuts = [None] * (len(says) - len(barge_ins)) + list(barge_ins)
    try:
        steps: list[scenario.Step] = [scenario.Play(str(wav))] if wav else []
        steps += [scenario.Say(text, cut) for text, cut in zip(says, cuts, strict=True)]
        steps += [scenario.Press(dtmf)] if dtmf else []
        if script is None:
            return scenario.Scenario(tuple(steps)) if steps else scenario.DEMO
        if steps:
            raise click.UsageError("--scenario says all of the call; leave out --say, --wav and --dtmf")
        return scenario.read(script.read_text(encoding="utf-8"), script.parent)
    except (ValueError, OSError, scenario.ScenarioError) as error:
        raise click.UsageError(f"{script}: {error}" if script else str(error)) from error
