"""Which tunnel it is to be: the one that is asked for, else the one that is there."""

import shutil
from collections.abc import Callable
from typing import Final, Literal, TypeAlias, get_args

from ringbridge.provision.failures import NotProvided
from ringbridge.provision.program import Note
from ringbridge.tunnels.agent import open_agent
from ringbridge.tunnels.base import Lender
from ringbridge.tunnels.cloudflared import cloudflared
from ringbridge.tunnels.ngrok import AGENT_URL, ngrok

__all__ = ["KINDS", "Kind", "choose_tunnel"]

Kind: TypeAlias = Literal["ngrok", "cloudflared"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)


async def choose_tunnel(
    kind: Kind | None,
    *,
    domain: str | None,
    note: Note,
    agent_url: str = AGENT_URL,
    which: Callable[[str], str | None] = shutil.which,
) -> Lender:
    """What lends a name. Without a `kind`: ngrok where it is installed or runs, else cloudflared.

    `note` is told of a process that is started for it.

    Raises `NotProvided` where there is neither, or not the one that is asked for.
    """
    if kind == "cloudflared" and domain is not None:
        raise NotProvided(
            "cloudflared's quick tunnels have names of their own",
            "leave out --domain, or run your own tunnel and set PUBLIC_URL to its name",
        )
    programs = {name: which(name) for name in KINDS}
    if kind is None and domain is None and programs["ngrok"] is None and not await _runs(agent_url):
        if programs["cloudflared"] is None:
            raise NotProvided(
                "there is neither PUBLIC_URL nor a tunnel", "install ngrok or cloudflared, or set PUBLIC_URL"
            )
        kind = "cloudflared"
    if kind != "cloudflared":
        return ngrok(domain=domain, program=programs["ngrok"], note=note, agent_url=agent_url)
    program = programs["cloudflared"]
    if program is None:
        raise NotProvided(
            "cloudflared is not installed", "install it: https://developers.cloudflare.com/cloudflared/downloads/"
        )
    return cloudflared(program, note)


async def _runs(agent_url: str) -> bool:
    async with open_agent(agent_url) as agent:
        return await agent.is_there()
