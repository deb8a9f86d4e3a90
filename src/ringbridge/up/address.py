"""The public address: lent, and proved to lead to this very process before anyone else is told of it."""

import asyncio
import os
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from typing import Final

from ringbridge.doctor.outside import Outside
from ringbridge.doctor.through import Way
from ringbridge.doctor.verdict import Verdict
from ringbridge.doctor.witness import open_witness
from ringbridge.provision.failures import NotProvided
from ringbridge.provision.steps import Tell
from ringbridge.public_url import PublicUrl
from ringbridge.tunnels.base import Lender, Lent

__all__ = ["Address", "AddressStep", "no_port"]

NEW_NAME_SECONDS: Final = 60.0
"""How long the world's name servers may take to learn of a tunnel's name."""

KNOWN_NAME_SECONDS: Final = 5.0

PAUSE_SECONDS: Final = 1.0

SILENT_SECONDS: Final = 0.1
"""How long the socket that is tried stays silent; what cuts it after minutes is the doctor's to find."""


@dataclass(frozen=True, slots=True)
class Address:
    """The public URL, and the port of this machine that it leads to."""

    url: PublicUrl
    port: int


@dataclass(slots=True)
class AddressStep:
    """Borrows a name of `lender`, and asks itself through it: for what only this process knows, signed as by Twilio."""

    lender: Lender
    outside: Outside
    host: str
    port: int
    tokens: tuple[str, ...] = field(repr=False)
    _lent: Lent | None = field(default=None, init=False)
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack, init=False, repr=False)

    @property
    def title(self) -> str:
        """What it is about."""
        return "Public address"

    async def do(self, tell: Tell) -> Address:
        """Raises `NotProvided`: there is no name, it leads elsewhere, or the port is taken."""
        async with AsyncExitStack() as proof:
            try:
                witness = await proof.enter_async_context(open_witness(host=self.host, port=self.port))
            except OSError as error:
                raise no_port(self.host, self.port, error) from error
            session = await proof.enter_async_context(self.outside.session())
            lent = self._lent = await self._stack.enter_async_context(self.lender(witness.port))
            tell(f"{lent.url}, by {lent.lender}")
            way = Way(session, lent.url, witness, self.tokens)
            await _prove(way, NEW_NAME_SECONDS if lent.is_new else KNOWN_NAME_SECONDS)
            tell("a signed request to ourselves came through, and a WebSocket")
            return Address(lent.url, witness.port)

    async def undo(self, tell: Tell) -> None:
        """Give the name back."""
        lent, self._lent = self._lent, None
        await self._stack.aclose()
        if lent is not None and lent.is_new:
            tell(f"{lent.url} is given back")


def no_port(host: str, port: int, error: OSError) -> NotProvided:
    """Why nobody can listen there."""
    # asyncio puts a sentence of its own around the system's; a name that leads nowhere has a negative number.
    code = error.errno or 0
    reason = os.strerror(code) if code > 0 else error.strerror
    return NotProvided(f"can't listen on {host}:{port}: {reason}", "stop what does, or take another with --port")


async def _prove(way: Way, seconds: float) -> None:
    """Wait until the name leads here, and see whether what Twilio sends would arrive as it was sent."""
    reached = await way.reached()
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while reached.outcome == "failure":
                await asyncio.sleep(PAUSE_SECONDS)
                reached = await way.reached()
    _insist([reached])
    _insist(await way.webhook())
    _insist(await way.socket(SILENT_SECONDS))


def _insist(verdicts: list[Verdict]) -> None:
    for verdict in verdicts:
        if verdict.outcome == "failure":
            raise NotProvided(f"{verdict.name}: {verdict.found}", verdict.mend)
