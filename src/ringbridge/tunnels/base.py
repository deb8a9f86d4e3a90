"""What every tunnel gives, and how one is asked for."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import TypeAlias

from ringbridge.provision.failures import NotProvided
from ringbridge.public_url import PublicUrl

__all__ = ["Lender", "Lent", "fixed", "public_url"]


@dataclass(frozen=True, slots=True)
class Lent:
    """A public name that leads to a port of this machine; `lender` says by whom, in a few words.

    A name that `is_new` may take a while to be known to the world.
    """

    url: PublicUrl
    lender: str
    is_new: bool = True


Lender: TypeAlias = Callable[[int], AbstractAsyncContextManager[Lent]]
"""Lends a name for a port of 127.0.0.1 while the context lasts. Raises `NotProvided`."""


def fixed(url: PublicUrl) -> Lender:
    """A name that leads here without us."""

    @asynccontextmanager
    async def lend(_port: int) -> AsyncIterator[Lent]:
        yield Lent(url, "PUBLIC_URL", is_new=False)

    return lend


def public_url(text: str, lender: str) -> PublicUrl:
    """The name in a tunnel's own words. Raises `NotProvided` for one that can't be called."""
    try:
        return PublicUrl.parse(text)
    except ValueError as error:
        what, _, mend = str(error).partition("; ")
        raise NotProvided(f"the address that {lender} lends {what}", mend or "set PUBLIC_URL") from None
