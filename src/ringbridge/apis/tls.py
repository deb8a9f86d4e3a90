"""TLS that is resumed: who was dialled before is dialled again without a certificate being sent and checked.

asyncio and aiohttp have no place for a TLS session, but asyncio's loops and uvloop ask the context for each
connection's TLS object, by `wrap_bio`. So the context itself can remember.
"""

import ssl
import sys
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Self

__all__ = ["ResumingContext", "trusted"]

MAX_HOSTS: Final = 16
"""Hosts whose TLS session is remembered; the one that was dialled longest ago goes first."""


@dataclass(slots=True)
class _Known:
    """What is remembered of a host: a session with a ticket, and the newest connection."""

    session: ssl.SSLSession | None = None
    newest: ssl.SSLObject | None = None

    def ticket(self) -> ssl.SSLSession | None:
        """A session that can be resumed: the same for as long as the host takes it.

        Each connection brings another one, but CPython copies a session that it is asked for, which takes as long as
        shaking hands, and forgets to free 6 KB. TLS 1.3 sends a ticket after the handshake: it is looked for late. An
        expired one is not offered, and one that the server does not take costs nothing: OpenSSL sees to both.
        """
        newest, self.newest = self.newest, None
        if newest is not None and newest.version() is not None and not newest.session_reused:  # its handshake is done
            with suppress(ValueError):  # one that is too long to be copied
                session = newest.session
                if session is not None and session.has_ticket:
                    self.session = session
        return self.session


class ResumingContext(ssl.SSLContext):
    """A client's context that resumes a session of the host that it dials: same name, same context, no other.

    When a session is resumed, OpenSSL checks no name in a certificate (RFC 8446, 2.2: none is sent), so a session must
    never be offered under another name than that for which it was checked.
    """

    _aiofastnet_force_fallback_ssl = True
    """Asks aiofastnet, which is below picows, for `wrap_bio`, too. Its own way past `ssl` shakes hands in full, and
    writes each peer's certificate into a temporary file: where nothing can be written, there is no connection."""

    def __new__(cls) -> Self:  # noqa: D102
        return super().__new__(cls, ssl.PROTOCOL_TLS_CLIENT)

    def __init__(self) -> None:
        self._known: OrderedDict[str, _Known] = OrderedDict()

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,  # noqa: FBT001, FBT002 - as in the base class
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        """As in the base class; a remembered session is handed in where none is given."""
        if not isinstance(server_hostname, str):
            return super().wrap_bio(incoming, outgoing, server_side, server_hostname, session)
        known = self._known.setdefault(server_hostname, _Known())
        self._known.move_to_end(server_hostname)
        if len(self._known) > MAX_HOSTS:
            self._known.popitem(last=False)
        made = super().wrap_bio(incoming, outgoing, server_side, server_hostname, session or known.ticket())
        known.newest = made
        return made


def trusted() -> ResumingContext:
    """A context that trusts whom the system trusts, as strictly as `ssl.create_default_context()`, for HTTP/1.1."""
    context = ResumingContext()
    context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    context.set_alpn_protocols(["http/1.1"])
    if sys.version_info >= (3, 13):
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | ssl.VERIFY_X509_STRICT
    return context
