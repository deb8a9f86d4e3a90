"""`ringbridge init`: the beginnings of a brain of one's own."""

import secrets
import shlex
from pathlib import Path

import click

from ringbridge.cli.settings_text import dotenv

__all__ = ["command"]

_BRAIN = '''\
"""The brain of your phone number: what it yields, the caller hears."""

from collections.abc import AsyncIterator

from ringbridge import Turn


async def reply(turn: Turn) -> AsyncIterator[str]:
    """Answer one turn. Yield in pieces: each is spoken as soon as it is there."""
    if "hours" in turn.text:
        yield "We are open from nine to five."
        return
    yield f"You said: {turn.text}. "
    yield "What else can I do for you?"
'''

_TEST = '''\
"""A phone call to the brain, through the real bridge; it needs no account and no network."""

import pytest
from brain import reply


@pytest.fixture
def brain():
    return reply


async def test_the_caller_hears_an_answer(phone):
    call = await phone.dial()
    await call.say("a table for two please")
    assert "a table for two" in await call.heard()
'''

_NEXT = """
Run next:
{cd}  ringbridge talk --brain brain.py:reply
  ringbridge simulate --brain brain.py:reply --say "A table for two, please"
  python -m pytest          the same, as a test (it needs pytest)
  ringbridge serve          for real calls, once .env is filled in
"""


@click.command("init")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), default=Path())
def command(folder: Path) -> None:
    """Write brain.py, test_brain.py and .env into FOLDER (the current one by default).

    Nothing is ever overwritten.
    """
    files = {"brain.py": _BRAIN, "test_brain.py": _TEST, ".env": _settings()}
    there = [name for name in files if (folder / name).exists()]
    if there:
        raise click.ClickException(
            f"{folder.absolute()} has {', '.join(there)} already, and nothing is overwritten.\n"
            "Name an empty folder: ringbridge init my-phone"
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            _write(folder / name, text)
            click.echo(f"wrote {folder / name}")
    except OSError as error:
        raise click.ClickException(
            f"{error.filename}: {error.strerror}. Name a folder that you may write to."
        ) from error
    click.echo(_NEXT.format(cd="" if folder == Path() else f"  cd {shlex.quote(str(folder))}\n"), nl=False)


def _settings() -> str:
    head = "# Ringbridge's settings. They hold secrets: keep this file out of version control.\n\n"
    return head + dotenv({"SHARED_SECRET": secrets.token_hex(), "BRAIN": "brain.py:reply"})


def _write(file: Path, text: str) -> None:
    # Readable by its owner alone where it holds secrets.
    file.touch(mode=0o600 if file.name == ".env" else 0o666, exist_ok=False)
    file.write_text(text, encoding="utf-8")
