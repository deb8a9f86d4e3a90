"""An address book: public names that a local port answers to, as a tunnel would have it.

The twins sign and read `https://bridge.test/…` as the vendors do, and dial what the book says. So the bridge
needs no relaxed rule to be reached on this machine, and no name server is asked.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["AddressBook", "Route"]

VENDOR_ADDRESS = "203.0.113.7"
"""Where the twins' requests seem to come from: an address that RFC 5737 keeps for documents."""

_PUBLIC = re.compile(r"(?P<kind>http|ws)(?P<s>s?)://(?P<authority>[^/?#@]+)(?P<rest>.*)", re.IGNORECASE | re.DOTALL)
_ORIGIN = re.compile(r"http(?P<s>s?)://(?P<authority>[^/?#@]+)")
_PORT = re.compile(r":\d*$")


@dataclass(frozen=True, slots=True)
class Route:
    """Where to dial for a public URL, and the headers that a tunnel would add on the way.

    `url` is quoted already: hand aiohttp `yarl.URL(route.url, encoded=True)`, so that path and query stay as
    they were signed.
    """

    url: str
    headers: dict[str, str] = field(default_factory=dict)


class AddressBook:
    """Public hosts and the local origins behind them, as `{"bridge.test": "http://127.0.0.1:4711"}`."""

    def __init__(self, entries: Mapping[str, str] | None = None) -> None:
        self._origins: dict[str, re.Match[str]] = {}
        for host, origin in (entries or {}).items():
            self.add(host, origin)

    def add(self, host: str, origin: str) -> None:
        """Let `origin` (scheme, host, port) answer to `host` (no port), instead of an older entry.

        Raises `ValueError` when `origin` is not of the form `http://host:port` or `https://host:port`.
        """
        match = _ORIGIN.fullmatch(origin)
        if match is None:
            raise ValueError(f"an origin has a scheme, a host and a port, and nothing else: {origin!r}")
        self._origins[host.lower()] = match

    def route(self, url: str) -> Route:
        """Tell where to dial for a public http(s) or ws(s) URL; what is not in the book stays as it is."""
        public = _PUBLIC.fullmatch(url)
        origin = self._origins.get(_PORT.sub("", public["authority"]).lower()) if public else None
        if public is None or origin is None:
            return Route(url)
        return Route(
            f"{public['kind'].lower()}{origin['s']}://{origin['authority']}{public['rest']}",
            {
                "Host": public["authority"],
                "X-Forwarded-Proto": "https" if public["s"] else "http",
                "X-Forwarded-Host": public["authority"],
                "X-Forwarded-For": VENDOR_ADDRESS,
            },
        )
