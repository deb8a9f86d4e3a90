"""A TLS-terminating reverse proxy, small but real, and the certificate by which the internet knows it."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TypeAlias

from ringbridge.emulator.certificate import made_up

Address: TypeAlias = tuple[str, int]

KINDS = ("keeps Host", "rewrites Host", "rewrites Host and lies")
"""What proxies do to the headers that tell where a request went."""

LONGEST_SECONDS = 600
"""Of any connection, on whichever clock."""


@asynccontextmanager
async def tls_proxy(kind: str, host: str, upstream: Address, certificate: Path) -> AsyncIterator[Address]:
    """A proxy of this kind for `host`, in front of `upstream`; gives its own address."""
    proxy = _Proxy(host, upstream, rewrites_host="rewrites" in kind, lies="lies" in kind)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0, ssl=tls)
    async with server:
        yield server.sockets[0].getsockname()


class _Proxy:
    """Carries one request, or one WebSocket, on each connection."""

    def __init__(self, host: str, upstream: Address, *, rewrites_host: bool, lies: bool) -> None:
        self._host = host
        self._upstream = upstream
        self._rewrites_host = rewrites_host
        self._lies = lies

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up_reader, up_writer = await asyncio.open_connection(*self._upstream)
        try:
            async with asyncio.timeout(LONGEST_SECONDS), asyncio.TaskGroup() as pumps:
                up_writer.write(self._forwarded(await reader.readuntil(b"\r\n\r\n")))
                inwards = pumps.create_task(_pump_to_the_end(reader, up_writer))
                await _pump(up_reader, writer)
                inwards.cancel()
        finally:
            writer.close()
            up_writer.close()

    def _forwarded(self, head: bytes) -> bytes:
        first, *lines = head.decode().rstrip().split("\r\n")
        headers = [line for line in lines if not line.lower().startswith("x-forwarded-")]
        if self._rewrites_host:
            headers = [line for line in headers if not line.lower().startswith("host:")]
            headers.append("Host: {}:{}".format(*self._upstream))
        headers.append(f"X-Forwarded-Proto: {'http' if self._lies else 'https'}")
        headers.append(f"X-Forwarded-Host: {'evil.test' if self._lies else self._host}")
        headers.append("X-Forwarded-For: 203.0.113.7")
        if not any(line.lower().startswith("upgrade:") for line in headers):
            headers.append("Connection: close")
        return "\r\n".join([first, *headers, "", ""]).encode()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()


async def _pump_to_the_end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await _pump(reader, writer)
    with suppress(OSError):
        writer.write_eof()


def write_certificate(folder: Path, host: str) -> Path:
    """A self-signed certificate for this host: the file that holds it with its key."""
    return made_up(host).write(folder / "both.pem")
