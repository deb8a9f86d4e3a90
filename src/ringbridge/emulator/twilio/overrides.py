"""Connection overrides: what the fragment of a webhook's URL says about deadlines and retries.

https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides
"""

from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl

__all__ = ["Overrides", "read"]

_ALL: Final = frozenset({"4xx", "5xx", "ct", "rt"})


@dataclass(frozen=True, slots=True)
class Overrides:
    """How long a request may take, in seconds, and what it is tried again for; the defaults are Twilio's."""

    connect_seconds: float = 5.0
    read_seconds: float = 15.0
    total_seconds: float = 15.0
    retries: int = 1
    retried: frozenset[str] = frozenset({"ct"})


def read(url: str) -> Overrides:
    """What `url` asks for. A value that Twilio does not offer counts as left out: what it makes of one is not told."""
    given = dict(parse_qsl(url.partition("#")[2]))
    usual = Overrides()
    retried = frozenset(given.get("rp", "ct").split(","))
    return Overrides(
        _milliseconds(given.get("ct"), 100, 10_000) or usual.connect_seconds,
        _milliseconds(given.get("rt"), 100, 15_000) or usual.read_seconds,
        _milliseconds(given.get("tt"), 100, 15_000) or usual.total_seconds,
        int(given["rc"]) if given.get("rc", "") in {"0", "1", "2", "3", "4", "5"} else usual.retries,
        _ALL if "all" in retried else retried & _ALL,
    )


def _milliseconds(text: str | None, least: int, most: int) -> float | None:
    if text is None or not (text.isascii() and text.isdecimal()) or not least <= int(text) <= most:
        return None
    return int(text) / 1000
