"""What of the agent's audio the caller has really heard: told by marks, which Twilio echoes as they are played.

`clear` makes Twilio echo every pending mark at once (Twilio, "WebSocket Messages"), so that an echo alone does not mean
"heard". Each name holds an epoch, which a clear ends: `e7:42` is the 42nd mark, of the epoch after seven clears.
"""

from collections import deque
from dataclasses import dataclass

from ringbridge.facts import Heard

__all__ = ["Playout"]


@dataclass(frozen=True, slots=True)
class _Pending:
    name: str
    event_id: int | None
    reply_ms: float
    total_ms: float


class Playout:
    """The queue of one caller's loudspeaker, as far as we can know it. Times in ms of audio."""

    def __init__(self) -> None:
        self.heard: Heard | None = None
        self._epoch = 0
        self._marks = 0
        self._pending: deque[_Pending] = deque()
        self._reply: int | None = None
        self._reply_ms = 0.0
        self._queued_ms = 0.0
        self._heard_ms = 0.0

    @property
    def unheard_ms(self) -> float:
        """Audio that was sent and neither heard nor cleared, as far as marks have told."""
        return self._queued_ms - self._heard_ms

    @property
    def silent(self) -> bool:
        """Everything that was sent has been heard or cleared."""
        return not self._pending

    def queue(self, ms: float, event_id: int | None) -> str:
        """Audio of a reply was sent; gives the name of the mark to be sent behind it."""
        if event_id != self._reply:
            self._reply, self._reply_ms = event_id, 0.0
        self._reply_ms += ms
        self._queued_ms += ms
        self._marks += 1
        name = f"e{self._epoch}:{self._marks}"
        self._pending.append(_Pending(name, event_id, self._reply_ms, self._queued_ms))
        return name

    def echoed(self, name: str) -> Heard | None:
        """A mark came back. Gives the new position; `None` if it tells nothing (an older epoch, a name not ours)."""
        if not any(mark.name == name for mark in self._pending):
            return None
        while True:  # a mark that was lost on the way was heard if a later one was
            mark = self._pending.popleft()
            if mark.name == name:
                break
        self._heard_ms = mark.total_ms
        self.heard = Heard(mark.event_id, round(mark.reply_ms))
        return self.heard

    def clear(self) -> int:
        """The queue was emptied, or its stream is gone. Gives the ms that were never heard."""
        dropped = round(self.unheard_ms)
        self._epoch += 1
        self._pending.clear()
        self._heard_ms = self._queued_ms
        return dropped
