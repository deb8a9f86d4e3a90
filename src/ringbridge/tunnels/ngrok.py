"""ngrok: by an agent that runs already, or by one that is started for us and ends with us."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from typing import Final

from ringbridge.provision.failures import NotProvided
from ringbridge.provision.program import Note
from ringbridge.tunnels.agent import Agent, open_agent, refusal
from ringbridge.tunnels.base import Lender, Lent, public_url

__all__ = ["AGENT_URL", "ngrok"]

AGENT_URL: Final = "http://127.0.0.1:4040"
"""Where an agent has its API, unless its owner says otherwise."""


def ngrok(*, domain: str | None, program: str | None, note: Note, agent_url: str = AGENT_URL) -> Lender:
    """Lends under `domain`, else under any. Where no agent runs at `agent_url`, `program` is started as one.

    `note` is told of its process.
    """

    @asynccontextmanager
    async def lend(port: int) -> AsyncIterator[Lent]:
        async with AsyncExitStack() as stack:
            agent = await stack.enter_async_context(open_agent(agent_url))
            lender = "the ngrok agent that runs"
            if not await agent.is_there():
                lender = "ngrok"
                url = await stack.enter_async_context(_own_agent(program, note))
                agent = await stack.enter_async_context(open_agent(url))
            yield await stack.enter_async_context(_tunnel(agent, lender, port, domain))

    return lend


@asynccontextmanager
async def _tunnel(agent: Agent, lender: str, port: int, domain: str | None) -> AsyncIterator[Lent]:
    """A tunnel to this very port that somebody else has opened stays as it is; ours is closed in the end.

    Ours may be there already, where we were killed before.
    """
    name = f"ringbridge-{port}"
    for tunnel in await agent.tunnels():
        url = public_url(tunnel.public_url, lender)
        if tunnel.port == port and tunnel.name != name and domain in {None, url.host}:
            yield Lent(url, lender, is_new=False)
            return
    await agent.close(name)
    try:
        opened = await agent.open(name, port, domain)
        yield Lent(public_url(opened.public_url, lender), lender)
    finally:
        await agent.close(name)


@asynccontextmanager
async def _own_agent(program: str | None, note: Note) -> AsyncIterator[str]:
    """An agent of our own, without tunnels; gives where its API is. Raises `NotProvided` when it does not start."""
    if program is None:
        raise NotProvided("ngrok is not installed, and no agent of it runs", "install it from https://ngrok.com")
    from pyngrok import ngrok as pyngrok  # noqa: PLC0415 - only who has ngrok waits for it
    from pyngrok.conf import PyngrokConfig  # noqa: PLC0415
    from pyngrok.exception import PyngrokError, PyngrokNgrokError  # noqa: PLC0415

    # Ctrl-C at a terminal goes to the whole group of processes; calls that go on still need the tunnel.
    config = PyngrokConfig(ngrok_path=program, start_new_session=os.name == "posix")
    noting = ExitStack()
    try:
        process = await asyncio.to_thread(pyngrok.get_ngrok_process, config)
        noting.enter_context(note(process.proc.pid))
        yield str(process.api_url)
    except PyngrokNgrokError as error:
        raise refusal(f"{error.ngrok_error or ''} {error}") from None
    except (PyngrokError, OSError) as error:
        raise NotProvided(f"ngrok does not start: {type(error).__name__}", "try `ngrok http 3001`") from None
    finally:
        with noting:
            # Cancelled while it starts, this waits until it has.
            await asyncio.to_thread(pyngrok.kill, config)
