"""What the programs share: they write lines, run until they are told to stop, and may speak TLS."""

import asyncio
import ssl
from typing import TextIO

from ringbridge.loops import on_signals

__all__ = ["put", "stopped", "tls_of"]


def put(line: str, stream: TextIO) -> None:
    """Write a line that is read at once."""
    stream.write(f"{line}\n")
    stream.flush()


async def stopped() -> None:
    """Wait for SIGTERM or SIGINT."""
    stop = asyncio.Event()
    on_signals(stop.set)
    await stop.wait()


def tls_of(certificate: str) -> ssl.SSLContext | None:
    """A server's context of a file with chain and key; None where there is no file."""
    if not certificate:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    return context
