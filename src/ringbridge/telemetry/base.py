"""Numbers about the process, as the rest of the package knows them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from ringbridge.facts import Fact
from ringbridge.ids import CallSid

__all__ = ["Metrics", "Page"]


@dataclass(frozen=True, slots=True)
class Page:
    """What `GET /metrics` answers."""

    body: bytes
    content_type: str


class Metrics(Protocol):
    """An observer of calls that can be asked for what it has counted."""

    def __call__(self, sid: CallSid, fact: Fact) -> None:
        """Count a fact."""

    def loop_lagged(self, seconds: float) -> None:
        """A timer of the event loop fired so much too late."""

    def watch_buffers(self, read: Callable[[], float]) -> None:
        """Have `read` asked, at each look, for the bytes that wait in sockets for slow peers."""

    def page(self, accept: str) -> Page:
        """All numbers now, in the format that the header `Accept` prefers."""
