"""`ringbridge doctor`: looks at everything that calls need, and says how to mend what is not well."""

import asyncio
import logging
import os
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from ringbridge.loops import loop_factory

if TYPE_CHECKING:
    from collections.abc import Callable

    from ringbridge.doctor.verdict import Verdict

__all__ = ["command"]


@click.command("doctor")
@click.option("--live", is_flag=True, help="Open a conversation for real, which /ws answers. Costs a few credits.")
@click.option(
    "--request",
    "captured",
    type=click.File(encoding="utf-8", errors="replace"),
    help="Say for which URL and token a webhook was signed that was refused; a file with its headers and body.",
)
@click.option(
    "--idle",
    type=click.FloatRange(3, 600),
    default=3.0,
    show_default=True,
    help="How many seconds of silence a socket is tried with.",
)
@click.option("--json", "in_json", is_flag=True, help="For programs.")
@click.option("--env-file", type=click.Path(path_type=Path), default=Path(".env"), show_default=True)
def command(*, live: bool, captured: IO[str] | None, idle: float, in_json: bool, env_file: Path) -> None:
    """Look at settings, vendors, number, address and models; nothing is changed.

    Where no bridge runs, the public address is proved to lead here. A captured request may be a raw dump, what curl -v
    tells, a curl command, nginx's debug log, or JSON. Exits with 1 when something is a failure.
    """
    from ringbridge.cli.verdicts import as_json, print_table  # noqa: PLC0415 - `--help` does not wait for these
    from ringbridge.doctor.verdict import has_failure  # noqa: PLC0415

    def show(verdicts: "list[Verdict]") -> None:
        if in_json:
            click.echo(as_json(verdicts))
        else:
            print_table(verdicts)

    if captured is not None:
        verdicts = [_request(captured.read(), env_file)]
        show(verdicts)
    else:
        verdicts = _everything(env_file, show, live=live, idle=idle)
    if has_failure(verdicts):
        raise SystemExit(1)


def _everything(env_file: Path, show: "Callable[[list[Verdict]], None]", *, live: bool, idle: float) -> "list[Verdict]":
    from ringbridge.doctor.address import Wishes  # noqa: PLC0415
    from ringbridge.doctor.examine import examine  # noqa: PLC0415

    logging.getLogger().addHandler(logging.NullHandler())  # the table is what there is to read
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        verdicts = runner.run(examine(env_file, os.environ, Wishes(live=live, idle_seconds=idle)))
        show(verdicts)  # while it closes, name servers may still be waited for
    return verdicts


def _request(text: str, env_file: Path) -> "Verdict":
    from ringbridge.config import load  # noqa: PLC0415
    from ringbridge.doctor.captured import NotCaptured, read_captured  # noqa: PLC0415
    from ringbridge.doctor.refused import explain  # noqa: PLC0415
    from ringbridge.doctor.settings import Signer  # noqa: PLC0415

    signer = load(Signer, env_file)
    try:
        return explain(read_captured(text), signer.public_url, signer.tokens, signer.twilio_account_sid)
    except NotCaptured as error:
        raise click.ClickException(str(error)) from error
