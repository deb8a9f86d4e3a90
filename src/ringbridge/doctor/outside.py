"""The bridge's public name, seen as the world sees it: names are resolved and certificates checked anew."""

import asyncio
import ipaddress
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import ClientSession, ClientTimeout, DummyCookieJar, TCPConnector, ThreadedResolver
from aiohttp.abc import AbstractResolver

from ringbridge.doctor.verdict import Verdict, failure, ok, warning
from ringbridge.public_url import PublicUrl

__all__ = ["DNS", "TLS", "Outside", "addresses_verdict", "check_dns", "check_tls", "expiry_verdict"]

DNS: Final = "DNS"
TLS: Final = "TLS"

CONNECT_SECONDS: Final = 2.5
REQUEST_SECONDS: Final = 3.0

SOON_DAYS: Final = 14
"""Who renews by itself (Let's Encrypt's clients, every proxy with ACME) has done so by then."""

_DAY: Final = 86400.0

_CHAIN: Final = "have the proxy send a certificate for this name, with its whole chain (Let's Encrypt: fullchain.pem)"


@dataclass(frozen=True, slots=True)
class Outside:
    """How the public name is reached. In a test, the name leads to this machine and its certificate is trusted."""

    tls: ssl.SSLContext = field(default_factory=ssl.create_default_context)
    resolver: Callable[[], AbstractResolver] = ThreadedResolver

    @asynccontextmanager
    async def session(self) -> AsyncIterator[ClientSession]:
        """For requests to it: a connection for each, no cookies, nothing remembered."""
        connector = TCPConnector(resolver=self.resolver(), ssl=self.tls, force_close=True, use_dns_cache=False)
        timeout = ClientTimeout(total=REQUEST_SECONDS)
        async with ClientSession(connector=connector, cookie_jar=DummyCookieJar(), timeout=timeout) as session:
            yield session

    async def lookup(self, url: PublicUrl) -> list[tuple[str, int]]:
        """The addresses and the port to dial. Raises `OSError`."""
        host, port = _host_and_port(url)
        resolver = self.resolver()
        try:
            return [(found["host"], found["port"]) for found in await resolver.resolve(host, port)]
        finally:
            await resolver.close()


async def check_dns(outside: Outside, url: PublicUrl) -> Verdict:
    """Whether the name leads anywhere."""
    host, _ = _host_and_port(url)
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            found = await outside.lookup(url)
    except OSError:  # a time-out is one, too
        mend = "start the tunnel, or make a record for the name where its domain is kept; a new one takes minutes"
        return failure(DNS, f"{host} is not known", mend)
    return addresses_verdict(host, sorted({address for address, _ in found}))


def addresses_verdict(host: str, addresses: list[str]) -> Verdict:
    """What to think of the addresses of a name, IPv4 or IPv6."""
    found = f"{host} is {', '.join(addresses)}"
    if all(ipaddress.ip_address(address).is_global for address in addresses):
        return ok(DNS, found)
    return warning(DNS, f"{found}, which the world can't reach", "ask a name server outside, such as 1.1.1.1")


async def check_tls(outside: Outside, url: PublicUrl, clock: Callable[[], float] = time.time) -> Verdict:
    """Whether a certificate that the world trusts is shown under the name, and for how long; `clock` as `time.time`."""
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            certificate = await _certificate(outside, url)
    except ssl.SSLCertVerificationError as error:
        return failure(TLS, f"the certificate is not trusted: {error.verify_message}", _CHAIN)
    except ssl.SSLError as error:
        return failure(TLS, f"there was no handshake: {error.reason or 'it was broken off'}", _CHAIN)
    except OSError as error:
        what = "nobody answered in time" if isinstance(error, TimeoutError) else f"{type(error).__name__}"
        mend = "open the port to the world, and start the tunnel or proxy that ends TLS there"
        return failure(TLS, f"no connection to {url.host}: {what}", mend)
    return expiry_verdict(ssl.cert_time_to_seconds(certificate["notAfter"]) - clock())


def expiry_verdict(seconds: float) -> Verdict:
    """What to think of a trusted certificate that lasts for so long."""
    found = f"trusted, for {seconds / _DAY:.0f} days"
    if seconds < SOON_DAYS * _DAY:
        return warning(TLS, found, "see why it was not renewed: Twilio calls nobody whose certificate has expired")
    return ok(TLS, found)


async def _certificate(outside: Outside, url: PublicUrl) -> dict[str, Any]:
    host, _ = _host_and_port(url)
    address, port = (await outside.lookup(url))[0]
    _, writer = await asyncio.open_connection(address, port, ssl=outside.tls, server_hostname=host)
    certificate: dict[str, Any] = writer.get_extra_info("peercert") or {}
    writer.transport.abort()  # a farewell could take as long as the peer likes
    return certificate


def _host_and_port(url: PublicUrl) -> tuple[str, int]:
    host, _, port = url.host.partition(":")
    return host, int(port or 443)
