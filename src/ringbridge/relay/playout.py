"""What of the agent's audio the caller has really heard: told by marks, which Twilio echoes as they are played.

`clear` makes Twilio echo every pending mark at once (Twilio, "WebSocket Messages"), so that an echo alone does not mean
"heard". Each name holds an epoch, which a clear ends: `e7:42` is the 42nd mark, of the epoch after seven clears.

A mark stands behind the first piece after a pause, then behind two seconds of audio each, and behind the last piece
once no more has come. Between two of them the clock tells, as what is queued plays in real time; never past a mark that
is still out. A mark behind each piece would cost a seventh of all that a call costs; so would one behind each reply,
where an engine gives each piece a number of its own. A reply that another follows at once is told by the next mark.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from ringbridge.facts import Heard

__all__ = ["Cut", "Playout"]

MARKED_MS = 2_000
"""No more audio than that goes without a mark."""

_CLAUSE_ENDS = frozenset(".,;:!?…।")
"""Alignments come clause by clause, without the space between two of them."""


@dataclass(frozen=True, slots=True)
class Cut:
    """What a clear has cut off.

    `reply` was being heard (`None`: none was); `heard` are its words so far, `None` where the engine sent no alignment.
    """

    dropped_ms: int
    reply: int | None
    heard: str | None


class _Pending(NamedTuple):
    """All that was queued up to a mark, or up to the end of a reply: that has no mark of its own, and no name."""

    name: str
    event_id: int | None
    reply_ms: float
    total_ms: float
    is_clip: bool

    @property
    def heard(self) -> Heard:
        """What the caller has heard of the reply once this was played."""
        return Heard(self.event_id, round(self.reply_ms))


class Playout:
    """The queue of one caller's loudspeaker, as far as we can know it. Times in ms of audio."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock` tells seconds, and never goes back."""
        self._clock = clock
        self.heard: Heard | None = None
        self.reply: int | None = None
        """The reply whose audio came last."""
        self.last_mark = ""
        """The name of the mark that was given last."""
        self._epoch = 0
        self._marks = 0
        self._pending: list[_Pending] = []
        self._reply_ms = 0.0
        self._queued_ms = 0.0
        self._marked_ms = 0.0
        self._looked_ms = 0.0
        self._pauses = True
        self._heard_ms = 0.0
        self._ends_at = 0.0
        """When all that is queued will have been played, in seconds of the clock."""
        self._letters: list[tuple[int | None, str, float]] = []
        self._is_new_piece = True
        self._ended: int | None = None
        self._told_whole: int | None = None

    @property
    def unheard_ms(self) -> float:
        """Audio that was sent and neither heard nor cleared, as far as we can know."""
        return self._queued_ms - self._position

    @property
    def progress(self) -> float:
        """Rises whenever something is sent or heard."""
        return self._queued_ms + self._heard_ms

    @property
    def silent(self) -> bool:
        """Everything that was sent has been heard, as marks have told, or cleared."""
        return self._heard_ms == self._queued_ms

    def queue(self, ms: float, event_id: int | None) -> str | None:
        """Audio of a reply was sent; gives the name of the mark to be sent behind it, if one is due."""
        if event_id != self.reply:
            self._turn_to(event_id)
        if event_id == self._told_whole:
            self._told_whole = None  # it had only paused
        self._reply_ms += ms
        self._lengthen(ms)
        is_due = self._pauses or self._queued_ms - self._marked_ms >= MARKED_MS
        self._pauses = False
        return self._mark(event_id, is_clip=False) if is_due else None

    def queue_clip(self, ms: float) -> str:
        """Our own voice was sent, which is no part of any reply; gives the name of the mark to be sent behind it."""
        self._lengthen(ms)
        return self._mark(self.reply, is_clip=True)

    def mark_rest(self) -> str | None:
        """No more comes for now: gives the name of the mark to be sent behind it, if it has none."""
        self._pauses = True
        return None if self._marked_ms == self._queued_ms else self._mark(self.reply, is_clip=False)

    def mark_pause(self) -> str | None:
        """What `mark_rest` does, if nothing has come since it was last asked."""
        pauses, self._looked_ms = self._looked_ms == self._queued_ms, self._queued_ms
        return self.mark_rest() if pauses else None

    def spell(self, event_id: int | None, letters: Iterable[tuple[str, float]]) -> None:
        """What the audio of a reply will say from here on: letters, each with the ms to its end."""
        if event_id != self.reply:
            self._turn_to(event_id)
        self._is_new_piece = True
        for letter, ends in letters:
            self._add_letter(event_id, letter, self._reply_ms + ends)

    def echoed(self, name: str) -> list[Heard]:
        """A mark came back. Gives what was heard by now of each reply up to it, the newest last.

        Nothing if it tells nothing: it is of an older epoch, or its name is not ours.
        """
        for number, mark in enumerate(self._pending, 1):
            if name and mark.name == name:
                ends = [end.heard for end in self._pending[:number] if not end.name]
                del self._pending[:number]  # a mark that was lost on the way was heard if a later one was
                return [*ends, self._heard_to(mark)]
        return []

    def _heard_to(self, mark: _Pending) -> Heard:
        self._heard_ms = mark.total_ms
        self._plays_from(mark.total_ms)
        self.heard = mark.heard
        if self._letters and self._letters[0][0] != mark.event_id:
            first = next((at for at, letter in enumerate(self._letters) if letter[0] == mark.event_id), 0)
            del self._letters[:first]
        return self.heard

    def ended(self, reply: int) -> None:
        """The engine says that all audio of a reply was sent."""
        self._ended = reply

    def is_over(self, *, settled: bool) -> int | None:
        """The reply that was heard to its end just now, told once unless more of it comes.

        Until the engine has said that it is complete, only time can tell: `settled` says that it has.
        """
        last = self.heard
        if not self.silent or last is None or last.event_id is None or last.event_id == self._told_whole:
            return None
        if last.event_id != self.reply or not (settled or last.event_id == self._ended):
            return None
        self._told_whole = last.event_id
        return last.event_id

    def was_heard(self, reply: int) -> bool:
        """Whether this reply, or a later one, was heard to its end, as far as is known by now."""
        return self._told_whole is not None and reply <= self._told_whole

    def is_complete(self, reply: int) -> bool:
        """Whether the engine has said that no more of this reply, or of a later one, comes."""
        return self._ended is not None and reply <= self._ended

    def assume_heard(self) -> None:
        """Marks do not come back, and it must have been played by now."""
        self._forget_queue()

    def begin_sound(self) -> None:
        """What comes now is no reply, and is counted from its own start."""
        self.reply, self._reply_ms, self.heard = None, 0.0, None

    def begin_conversation(self) -> None:
        """Another conversation counts its replies anew."""
        self.reply = self.heard = self._ended = self._told_whole = None

    def clear(self) -> Cut:
        """The queue was emptied, or its stream is gone."""
        cut = self._cut()
        self._epoch += 1
        self._letters.clear()
        self._forget_queue()
        if self.reply is not None:
            self._told_whole = self.reply  # it never will be heard to its end
        return cut

    @property
    def _position(self) -> float:
        """What has been played by now of all that was ever queued: since the last echo the clock tells."""
        until = next((mark.total_ms for mark in self._pending if mark.name), self._queued_ms)
        return min(self._queued_ms - max(self._ends_at - self._clock(), 0.0) * 1000, until)

    def _plays_from(self, total_ms: float) -> None:
        self._ends_at = self._clock() + (self._queued_ms - total_ms) / 1000

    def _lengthen(self, ms: float) -> None:
        self._queued_ms += ms
        self._ends_at = max(self._ends_at, self._clock()) + ms / 1000

    def _forget_queue(self) -> None:
        """Nothing is queued any more."""
        self._pending.clear()
        self._heard_ms = self._marked_ms = self._queued_ms
        self._pauses = True
        self._plays_from(self._queued_ms)

    def _mark(self, event_id: int | None, *, is_clip: bool) -> str:
        self._marks += 1
        self._marked_ms = self._queued_ms
        self.last_mark = f"e{self._epoch}:{self._marks}"
        self._pending.append(self._upto(self.last_mark, event_id, is_clip=is_clip))
        return self.last_mark

    def _upto(self, name: str, event_id: int | None, *, is_clip: bool) -> _Pending:
        """All that is queued so far."""
        return _Pending(name, event_id, self._reply_ms, self._queued_ms, is_clip)

    def _turn_to(self, event_id: int | None) -> None:
        if self._reply_ms and self._marked_ms < self._queued_ms:
            self._pending.append(self._upto("", self.reply, is_clip=False))
        self.reply, self._reply_ms = event_id, 0.0

    def _add_letter(self, event_id: int | None, letter: str, ends: float) -> None:
        if self._letters and not letter.isspace():
            reply, before, ended = self._letters[-1]
            if reply == event_id and before in _CLAUSE_ENDS and ends > ended and self._is_new_piece:
                self._letters.append((event_id, " ", ended))
        self._is_new_piece = False
        self._letters.append((event_id, letter, ends))

    def _cut(self) -> Cut:
        dropped = round(self.unheard_ms)
        rest = self.reply if self._marked_ms < self._queued_ms else None
        unheard = next((piece.event_id for piece in self._unplayed if not piece.is_clip), rest)
        reply = self._unfinished if unheard is None else unheard
        return Cut(dropped, reply, None if reply is None else self._heard_words(reply))

    @property
    def _unplayed(self) -> list[_Pending]:
        """What is still to be played of all that is pending, as far as marks and the clock tell."""
        position = self._position
        return [piece for piece in self._pending if piece.name or piece.total_ms > position]

    @property
    def _unfinished(self) -> int | None:
        """The reply that is still being made, though all that came of it was heard."""
        reply = self.reply
        return None if reply is None or self._ended == reply or self.was_heard(reply) else reply

    def _heard_of(self, reply: int) -> float:
        """How many ms of it were heard."""
        told = self.heard.ms if self.heard is not None and self.heard.event_id == reply else 0.0
        plays = next(iter(self._unplayed), None) or self._upto("", self.reply, is_clip=False)
        return max(told, plays.reply_ms - (plays.total_ms - self._position)) if plays.event_id == reply else told

    def _heard_words(self, reply: int) -> str | None:
        spoken = [(letter, ends) for event_id, letter, ends in self._letters if event_id == reply]
        if not spoken:
            return None
        heard_ms = self._heard_of(reply)
        count = sum(ends <= heard_ms + 1 for _, ends in spoken)
        text = "".join(letter for letter, _ in spoken)
        heard, rest = text[:count], text[count:]
        if rest and not rest[0].isspace() and heard and not heard[-1].isspace():
            heard = heard.rpartition(" ")[0]  # a word that was cut is not heard
        return heard.strip()
