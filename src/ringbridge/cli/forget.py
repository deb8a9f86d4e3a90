"""`ringbridge forget`: a caller's wish to be forgotten."""

import asyncio
from pathlib import Path
from typing import Annotated

import click

__all__ = ["command"]


@click.command("forget")
@click.argument("number")
@click.option("--env-file", type=click.Path(path_type=Path), default=Path(".env"), show_default=True)
def command(number: str, env_file: Path) -> None:
    """Forget everything that was kept about the caller with this NUMBER, in the file that MEMORY_FILE names."""
    from ringbridge.callers.base import is_known  # noqa: PLC0415 - `--help` does not wait for these
    from ringbridge.callers.sqlite import open_sqlite_memory  # noqa: PLC0415
    from ringbridge.config import FromEnvironment, load  # noqa: PLC0415
    from ringbridge.setting_types import Hint  # noqa: PLC0415

    class Memory(FromEnvironment):
        memory_file: Annotated[Path, Hint("name the SQLite file of the bridge whose callers these are")]

    if not is_known(number):
        raise click.UsageError(f"{number} is not a caller's number; write it with + and the country's code")
    path = load(Memory, env_file).memory_file
    if not path.exists():
        raise click.ClickException(f"MEMORY_FILE: there is no {path}, so nothing was kept")

    async def forget() -> int:
        async with open_sqlite_memory(path) as memory:
            return await memory.forget(number)

    count = asyncio.run(forget())
    click.echo(f"{count} {'entry' if count == 1 else 'entries'} of {number} forgotten.")
