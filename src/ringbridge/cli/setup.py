"""`ringbridge setup`: the speech engine and the number, made as the bridge at a fixed address needs them."""

import asyncio
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import click

__all__ = ["command"]

DIFFERS = 2
"""The exit code of a dry run that found something to do."""


@click.command("setup")
@click.option("--apply", "applies", is_flag=True, help="Write it. Without this, nothing is changed.")
@click.option("--fallback-url", metavar="URL", help="Whom Twilio asks when we fail, a TwiML Bin say.  [default: ours]")
@click.option("--take", "takes", is_flag=True, help="Take the number, though a trunk, an app or an agent has it.")
@click.option("--voice", metavar="VOICE_ID", help="Who speaks.  [default: the engine's own voice]")
@click.option("--language", metavar="CODE", help="Such as fr.  [default: the engine's own, a new one's is en]")
@click.option("--greeting", metavar="TEXT", help="The first words of a call.  [default: GREETING]")
@click.option("--json", "in_json", is_flag=True, help="For programs.")
@click.option("--env-file", type=click.Path(path_type=Path), default=Path(".env"), show_default=True)
def command(
    *,
    applies: bool,
    fallback_url: str | None,
    takes: bool,
    voice: str | None,
    language: str | None,
    greeting: str | None,
    in_json: bool,
    env_file: Path,
) -> None:
    """Show what the speech engine and the Twilio number should be for PUBLIC_URL, and what they are.

    With --apply it is written, for good; an engine is made where there is none, and SHARED_SECRET. A second run finds
    nothing to do. Exits with 2 when something differs and was not written.
    """
    from ringbridge.cli.choosing import choose_number  # noqa: PLC0415 - `--help` does not wait for these
    from ringbridge.cli.findings import as_json, as_text  # noqa: PLC0415
    from ringbridge.config import load  # noqa: PLC0415
    from ringbridge.provision.fixed import FixedAddress, Request, set_up  # noqa: PLC0415

    if fallback_url is not None and not _is_url(fallback_url):
        raise click.ClickException("--fallback-url is not a URL; begin it with https://")
    request = Request(
        applies=applies, takes=takes, fallback_url=fallback_url, voice=voice, language=language, greeting=greeting
    )
    account = load(FixedAddress, env_file)
    findings = asyncio.run(set_up(account, env_file, request, choose=choose_number, tell=partial(click.echo, err=True)))
    differs = any(finding.differs for finding in findings)
    if in_json:
        click.echo(as_json(findings, "same" if not differs else "written" if applies else "differs"))
    else:
        click.echo(as_text(findings))
        click.echo(f"\n{_verdict(differs=differs, applies=applies)}")
    if differs and not applies:
        raise SystemExit(DIFFERS)


def _verdict(*, differs: bool, applies: bool) -> str:
    if not differs:
        return "Nothing to do."
    return "Written." if applies else "Nothing was changed. To write it, say the same with --apply."


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname)
