"""How we dial out: a name is resolved once, TLS resumed, an idle connection kept, and no redirect followed.

The options of the sockets that we open, and what is remembered between calls, are named here alone.
"""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import aiofastnet
import aiohappyeyeballs
from aiohttp import (
    AddrInfoType,
    ClientConnectorError,
    ClientHandlerType,
    ClientRequest,
    ClientResponse,
    ClientResponseError,
    ClientSession,
    DummyCookieJar,
    TCPConnector,
)

from ringbridge.apis.names import Names
from ringbridge.apis.tls import ResumingContext, trusted

__all__ = ["Dialler", "open_dialler", "open_session"]

KEEP_IDLE_SECONDS: Final = 600.0
"""An idle connection is kept so long, for the next call. ElevenLabs' front end is Google's ("via: 1.1 google"), which
keeps it for 610 s ("Client HTTP keepalive timeout"): whoever lets go first can't be surprised by the other."""

RESOLVED_SECONDS: Final = 300
"""A name is resolved again after so long, or as soon as a connection to it fails. aiohttp's default is 10 s."""

NEXT_ADDRESS_SECONDS: Final = 0.25
"""An address that has not answered after so long is tried side by side with the next (RFC 8305, section 5)."""

PROBE_SECONDS: Final = 60
"""An idle connection is probed by TCP so often: the networks between us would forget it, without a word, after 4 to 6
minutes (Azure's load balancers, AWS' NAT gateways), and the next call's request would go nowhere."""

_PROBE_AGAIN_SECONDS: Final = 10
_MOST_PROBES: Final = 3

_OPTIONS: Final = {
    "TCP_KEEPIDLE": PROBE_SECONDS,
    "TCP_KEEPALIVE": PROBE_SECONDS,  # macOS' name of the same
    "TCP_KEEPINTVL": _PROBE_AGAIN_SECONDS,
    "TCP_KEEPCNT": _MOST_PROBES,
}


@dataclass(frozen=True, slots=True)
class Dialler:
    """Dials for a whole process: requests by `session`, other connections by `tcp` and, where they need it, `tls`."""

    session: ClientSession
    tls: ssl.SSLContext
    _names: Names

    async def tcp(self, host: str, port: int) -> socket.socket:
        """A connection to a host, non-blocking; to be closed by the caller. Raises `OSError`."""
        try:
            addresses = await self._names.addresses(host, port)
            if len(addresses) == 1:
                return await _connected(addresses[0])
            return await aiohappyeyeballs.start_connection(
                addresses,
                happy_eyeballs_delay=NEXT_ADDRESS_SECONDS,
                interleave=1,
                socket_factory=_open_socket,
            )
        except OSError:
            self._names.forget(host)
            raise


@asynccontextmanager
async def open_dialler() -> AsyncIterator[Dialler]:
    """A dialler for as long as the context lasts."""
    async with open_session() as session:
        yield Dialler(session, _trusted(), Names(RESOLVED_SECONDS))


def open_session(**options: Any) -> ClientSession:
    """A session that dials in this way; its maker closes it. `options` are more of aiohttp's for it.

    A redirect ends in aiohttp's `ClientResponseError` with its status: where a key, or a call's audio, may go is
    settled before it is dialled. A request of an idempotent method that meets a connection which the peer is just
    closing goes out once more, on a fresh one (aiohttp does that).
    """
    connector = TCPConnector(
        limit=0,  # a conversation holds one as long as it lasts: how many there may be is not a pool's to say
        ssl=_trusted(),
        keepalive_timeout=KEEP_IDLE_SECONDS,
        ttl_dns_cache=RESOLVED_SECONDS,
        socket_factory=_open_socket,
    )

    async def watch(request: ClientRequest, send: ClientHandlerType) -> ClientResponse:
        try:
            response = await send(request)
        except ClientConnectorError:
            connector.clear_dns_cache()  # it may have moved
            raise
        if 300 <= response.status < 400:
            response.close()
            raise ClientResponseError(
                response.request_info, response.history, status=response.status, message="redirected"
            )
        return response

    return ClientSession(connector=connector, middlewares=[watch], cookie_jar=DummyCookieJar(), **options)


@cache
def _trusted() -> ResumingContext:
    """One for all sessions: reading the authorities takes 20 ms, and what one has dialled the other resumes."""
    return trusted()


async def _connected(address: AddrInfoType) -> socket.socket:
    """Where there is nothing to choose from: uvloop's own way has a thread look up even what is no name."""
    opened = _open_socket(address)
    try:
        opened.settimeout(0)
        await aiofastnet.sock_connect(asyncio.get_running_loop(), opened, address[4])
    except BaseException:
        opened.close()
        raise
    return opened


def _open_socket(address: AddrInfoType) -> socket.socket:
    family, kind, protocol, *_ = address
    opened = socket.socket(family, kind, protocol)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _OPTIONS.items():
        if (option := getattr(socket, name, None)) is not None:
            opened.setsockopt(socket.IPPROTO_TCP, option, value)
    return opened
