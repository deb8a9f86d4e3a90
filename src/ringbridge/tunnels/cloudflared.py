"""Cloudflare's quick tunnels, which need no account: a process of ours that ends with us.

https://developers.cloudflare.com/cloudflare-one/connections/connect-networks/do-more-with-tunnels/trycloudflare/
"""

import asyncio
import os
import re
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager, suppress
from typing import Final

from ringbridge.provision.failures import NotProvided
from ringbridge.provision.program import Note
from ringbridge.tunnels.base import Lender, Lent, public_url

__all__ = ["cloudflared"]

START_SECONDS: Final = 30.0
"""How long it may take to have a name and a connection."""

END_SECONDS: Final = 5.0
"""How long it may take to leave once it is told to."""

_URL: Final = re.compile(r"https://[a-z0-9-]+\.trycloudflare\.com")
_CONNECTED: Final = "Registered tunnel connection"
_LIMITED: Final = re.compile(r"\b429\b")


def cloudflared(program: str, note: Note) -> Lender:
    """Lends a name that is made up by Cloudflare, and another each time; `note` is told of the process."""

    @asynccontextmanager
    async def lend(port: int) -> AsyncIterator[Lent]:
        async with _running(program, port, note) as process:
            assert process.stderr is not None
            try:
                async with asyncio.timeout(START_SECONDS):
                    name = await _connected(process.stderr)
            except TimeoutError:
                raise NotProvided(
                    f"cloudflared had no tunnel after {START_SECONDS:g} s", "see whether port 7844 is open outwards"
                ) from None
            async with asyncio.TaskGroup() as tasks:
                # Unread, its log would fill the pipe, and it would wait for ever.
                reading = tasks.create_task(_read_past(process.stderr), name="cloudflared's log")
                try:
                    yield Lent(public_url(name, "cloudflared"), "cloudflared")
                finally:
                    reading.cancel()

    return lend


@asynccontextmanager
async def _running(program: str, port: int, note: Note) -> AsyncIterator[Process]:
    arguments = ("tunnel", "--no-autoupdate", "--url", f"http://127.0.0.1:{port}")
    try:
        # Ctrl-C at a terminal goes to the whole group of processes; calls that go on still need the tunnel.
        process = await asyncio.create_subprocess_exec(
            program, *arguments, stdin=DEVNULL, stdout=DEVNULL, stderr=PIPE, start_new_session=os.name == "posix"
        )
    except OSError as error:
        raise NotProvided(f"cloudflared does not start: {error.strerror}", "install it anew") from None
    with ExitStack() as noting:
        try:
            noting.enter_context(note(process.pid))
            yield process
        finally:
            await _end(process)


async def _end(process: Process) -> None:
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(END_SECONDS):
            await process.communicate()
    except TimeoutError:
        with suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


async def _connected(log: asyncio.StreamReader) -> str:
    """The public URL, as soon as it leads anywhere."""
    url, is_limited = "", False
    while line := (await log.readline()).decode(errors="replace"):
        is_limited = is_limited or _LIMITED.search(line) is not None
        found = _URL.search(line)
        url = found[0] if found else url
        if url and _CONNECTED in line:
            return url
    mend = "wait an hour, or take ngrok" if is_limited else "try `cloudflared tunnel --url http://localhost:3001`"
    raise NotProvided("cloudflared has given up without a tunnel", mend)


async def _read_past(log: asyncio.StreamReader) -> None:
    while await log.read(4096):
        pass
