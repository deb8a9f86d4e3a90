"""Whether a client is alive, and how far away it is."""

from typing import Final

__all__ = ["Pulse"]

_REMEMBERED: Final = 16
"""Pings that may still be answered."""


class Pulse:
    """Pings that were sent, pongs that came. Times are ms on any one clock."""

    def __init__(self, now: int) -> None:
        self._heard_at = now
        self._sent_at: dict[int, int] = {}
        self._last_id = 0
        self._round_trip_ms: int | None = None

    def beat(self, now: int) -> None:
        """Something has come from the client."""
        self._heard_at = now

    def silence(self, now: int) -> int:
        """How long ago something came, in ms."""
        return now - self._heard_at

    def ping(self, now: int) -> tuple[int, int | None]:
        """The next ping: its event id, and the round trip that an earlier one measured, in ms."""
        self._last_id += 1
        self._sent_at[self._last_id] = now
        self._sent_at.pop(self._last_id - _REMEMBERED, None)
        return self._last_id, self._round_trip_ms

    def pong(self, event_id: int, now: int) -> None:
        """The client answered a ping; what it was not asked does not matter."""
        sent_at = self._sent_at.pop(event_id, None)
        if sent_at is not None:
            self._round_trip_ms = now - sent_at
