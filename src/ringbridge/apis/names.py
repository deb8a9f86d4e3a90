"""Names of hosts, resolved once for many connections."""

import asyncio
import socket
from ipaddress import ip_address
from typing import Final

from aiohttp import AddrInfoType
from cachetools import TTLCache

__all__ = ["Names"]

MAX_NAMES: Final = 64
"""Hosts whose addresses are remembered; the oldest goes first."""


class Names:
    """Remembers the addresses of a host for `seconds`."""

    def __init__(self, seconds: float) -> None:
        self._known: TTLCache[tuple[str, int], list[AddrInfoType]] = TTLCache(MAX_NAMES, seconds)

    async def addresses(self, host: str, port: int) -> list[AddrInfoType]:
        """The addresses of a host, the best first, as `getaddrinfo` gives them. Raises `OSError`."""
        loop = asyncio.get_running_loop()
        if (known := self._known.get((host, port))) is not None:
            return known
        flags = socket.AI_NUMERICHOST if _is_address(host) else socket.AI_ADDRCONFIG
        found: list[AddrInfoType] = [*await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)]
        self._known[host, port] = found
        return found

    def forget(self, host: str) -> None:
        """Nobody answers there: it may have moved."""
        for key in [key for key in self._known if key[0] == host]:
            del self._known[key]


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
