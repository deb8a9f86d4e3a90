"""`ringbridge init`: the beginnings of a brain of one's own."""

import os
import secrets
import shlex
import sys
from pathlib import Path
from typing import Final

import click

from ringbridge.cli.beginnings import BEGINNINGS
from ringbridge.cli.settings_text import dotenv

__all__ = ["command"]

_PLAIN: Final = "plain"

_NEXT = """
Run next:
{cd}  ringbridge talk --brain brain.py:reply
  ringbridge simulate --brain brain.py:reply --say "A table for two, please"
  ringbridge phone --brain brain.py:reply    speak with it in your browser
  python -m pytest          the same, as a test (it needs pytest)
  ringbridge up             for real calls to this machine, once .env has the keys
  ringbridge doctor         what is left to do for a server
  ringbridge serve          for real calls to a server
"""

_CHOICES: Final = "\n".join(f"{name:<13} {beginning.summary}" for name, beginning in BEGINNINGS.items())


@click.command("init", epilog=f"\b\nBrains:\n{_CHOICES}")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), default=Path())
@click.option("--brain", type=click.Choice([*BEGINNINGS]), help=f"What to begin with.  [default: asked, else {_PLAIN}]")
@click.option("--yes", is_flag=True, help="Ask nothing.")
def command(folder: Path, *, brain: str | None, yes: bool) -> None:
    """Write brain.py, test_brain.py and .env into FOLDER (the current one by default).

    In a terminal, asks for what .env needs and the environment does not have; each key is checked as it is typed.
    Nothing is ever overwritten: a .env that is there stays as it is.
    """
    there = [name for name in ("brain.py", "test_brain.py", ".env") if (folder / name).exists()]
    if there not in ([], [".env"]):
        raise click.ClickException(
            f"{folder.absolute()} has {', '.join(there)} already, and nothing is overwritten.\n"
            "Name another folder: ringbridge init FOLDER"
        )
    asks = sys.stdin.isatty() and not yes
    beginning = BEGINNINGS[brain or (_choose() if asks else _PLAIN)]
    answers = _ask(asks_model=beginning.asks_model) if asks and not there else {}
    files = {"brain.py": beginning.brain, "test_brain.py": beginning.test}
    if not there:
        files[".env"] = _settings(answers)
    _write_all(folder, files)
    for name in there:
        click.echo(f"kept {folder / name}; `ringbridge doctor` tells what it lacks")
    click.echo(_NEXT.format(cd="" if folder == Path() else f"  cd {shlex.quote(str(folder))}\n"), nl=False)


def _choose() -> str:
    click.echo(f"{_CHOICES}\n")
    return str(click.prompt("Which brain do you begin with?", type=click.Choice([*BEGINNINGS]), default=_PLAIN))


def _ask(*, asks_model: bool) -> dict[str, str]:
    from ringbridge.cli.asking import ask_settings  # noqa: PLC0415 - who asks nothing does not wait for it

    click.echo("What you leave empty stays open in .env.")
    return ask_settings(os.environ, asks_model=asks_model)


def _settings(answers: dict[str, str]) -> str:
    head = "# Ringbridge's settings. They hold secrets: keep this file out of version control.\n\n"
    return head + dotenv({"SHARED_SECRET": secrets.token_hex(), "BRAIN": "brain.py:reply", **answers})


def _write_all(folder: Path, files: dict[str, str]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            _write(folder / name, text)
            click.echo(f"wrote {folder / name}")
    except OSError as error:
        raise click.ClickException(
            f"{error.filename}: {error.strerror}. Name a folder that you may write to."
        ) from error


def _write(file: Path, text: str) -> None:
    # Readable by its owner alone where it holds secrets.
    file.touch(mode=0o600 if file.name == ".env" else 0o666, exist_ok=False)
    file.write_text(text, encoding="utf-8")
