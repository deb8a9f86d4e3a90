"""Who may speak: the vendor's event ids, the conversation so far, and whose text is too late.

Pure. Ids are one rising counter, shared by turns, replies and interruptions; an interruption and the reply after it can
carry the same one. A transcript that got no answer is sent again, also when a newer one has been answered already
(reported by users of the vendor's JavaScript SDK, its issue 453).
"""

from dataclasses import dataclass
from typing import TypeAlias

__all__ = ["Line", "Turn", "Turns"]

Line: TypeAlias = dict[str, str]
"""One item of the history: `role` (user or agent) and `content`."""


@dataclass(slots=True, eq=False)
class Turn:
    """One transcript that asks for a reply. `open` until its reply is whole, or it is the caller's turn again."""

    event_id: int
    history: list[Line]
    provisional: bool = False
    """It is about to be transcribed again, so that nothing of its reply will be heard."""
    answered: bool = False
    open: bool = True


class Turns:
    """The turns of one conversation. Its `history` belongs to the caller of these methods, too."""

    def __init__(self) -> None:
        self.history: list[Line] = []
        self.current: Turn | None = None
        self._by_id: dict[int, Turn] = {}
        self._last_id = 0
        self._shares = False
        self._id_is_shared = False

    @property
    def next_id(self) -> int:
        """The id that the next turn or reply will carry."""
        return self._last_id if self._id_is_shared else self._last_id + 1

    def take_id(self) -> int:
        """An id for a reply that no transcript asked for."""
        self._last_id = self.next_id
        self._id_is_shared = False
        return self._last_id

    def open(self, text: str | None, *, provisional: bool = False) -> Turn:
        """A new turn, opened by the caller's words, or by their silence; it supersedes the one before."""
        if text is not None:
            self.history.append({"role": "user", "content": text})
        return self._open(Turn(self.take_id(), [dict(line) for line in self.history], provisional))

    def reopen(self, turn: Turn, *, provisional: bool = False) -> Turn:
        """The turn once more, under a new id: the same pause has been transcribed again."""
        return self._open(Turn(self.take_id(), turn.history, provisional))

    def _open(self, turn: Turn) -> Turn:
        self.close()
        self.current = self._by_id[turn.event_id] = turn
        return turn

    def interrupt(self) -> int:
        """The caller cut in: the current turn is over. The interruption's id; the next turn shares every other one."""
        self.close()
        self._last_id += 1
        self._shares = not self._shares
        self._id_is_shared = self._shares
        return self._last_id

    def close(self) -> None:
        """The current turn is over; text that still comes for it is too late."""
        if self.current is not None:
            self.current.open = False

    def answer(self, event_id: int) -> bool:
        """Text has come for `event_id`: its transcript needs no further sending. Whether the text may be spoken."""
        turn = self._by_id.get(event_id)
        if turn is None:
            return False
        turn.answered = True
        return turn.open and not turn.provisional
