"""Who may use the telephone: the page behind the link that was printed, in a browser on this machine.

A name that is made to lead to 127.0.0.1 (DNS rebinding) gives itself away in `Host`, another site's page in `Origin`.
Whoever else runs programs here does not know the ticket.
"""

import hmac
from collections.abc import Callable

__all__ = ["PROTOCOL", "Gate", "is_own_host", "is_own_page"]

PROTOCOL = "ringbridge.phone"
"""The socket's subprotocol. The ticket comes along with it, as `ticket.…`."""

_TICKET = "ticket."


def is_own_host(host: str | None, port: int) -> bool:
    """Whether a request was meant for this machine by name: `Host`, and the port that we listen on."""
    return host in {f"127.0.0.1:{port}", f"localhost:{port}"}


def is_own_page(origin: str | None, host: str | None) -> bool:
    """Whether a socket is opened by a page of ours: its `Origin` is that very `Host`."""
    return origin is not None and origin == f"http://{host}"


class Gate:
    """Holds the one ticket that is good. Each opens one socket, which is given the next."""

    def __init__(self, mint: Callable[[], str]) -> None:
        """`mint` makes up tickets of letters, digits, `-` and `_`, which nobody can guess."""
        self._mint = mint
        self.ticket = mint()
        """The one that is good now."""

    def redeem(self, protocols: list[str]) -> bool:
        """Whether the subprotocols that a socket offers hold the ticket; it is not good any more then."""
        offered = [name.removeprefix(_TICKET) for name in protocols if name.startswith(_TICKET)]
        if len(offered) != 1 or not hmac.compare_digest(offered[0].encode(), self.ticket.encode()):
            return False
        self.ticket = self._mint()
        return True
