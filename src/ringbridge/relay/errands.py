"""What a brain asked for, from asking to done: the one that waits for its words to be heard, and what runs on the line.

This file says when; what it means for the call is `machine.py`'s.
"""

from dataclasses import dataclass

from ringbridge.plans import Plan
from ringbridge.relay.playout import Playout

__all__ = ["Errand", "Waiting"]

SLACK_SECONDS = 2.0
"""How much later than its own length queued audio may have been played."""

NO_AUDIO_SECONDS = 5.0
"""A reply of which nothing was heard so long after it was said is not waited for."""

MOST_SECONDS = 30.0
"""Nothing waits longer, whatever is still being said."""


@dataclass(frozen=True, slots=True)
class Errand:
    """A plan, and the number by which its asker knows it."""

    number: int
    plan: Plan

    @property
    def kind(self) -> str:
        """What facts call it."""
        return type(self.plan).__name__


class Waiting:
    """The errand that is to begin once the reply `event_id` was heard."""

    def __init__(self, errand: Errand, event_id: int | None, playout: Playout) -> None:
        """Without an `event_id` it waits for whatever is being said."""
        self.errand = errand
        self.is_due = playout.silent if event_id is None else playout.was_heard(event_id)
        """Whether it need not wait, unless more of the reply comes."""
        self._is_sure = event_id is None or playout.is_complete(event_id)
        self.event_id = playout.reply if event_id is None else event_id
        self._playout = playout
        self._progress = playout.progress
        self._waited = 0.0

    @property
    def seconds(self) -> float:
        """When to look again whether anything moves: marks may never come back."""
        unheard = self._playout.unheard_ms / 1000
        least = SLACK_SECONDS if self.is_due else NO_AUDIO_SECONDS
        seconds = min(max(unheard + SLACK_SECONDS, least), max(MOST_SECONDS - self._waited, 0.0))
        self._waited += seconds
        self._progress = self._playout.progress
        return seconds

    @property
    def can_begin(self) -> bool:
        """Whether it need not wait at all: where the engine does not tell, a pause looks like an end."""
        return self.is_due and self._is_sure

    @property
    def is_stuck(self) -> bool:
        """Whether nothing has moved since, or all patience is used up."""
        return self._playout.progress == self._progress or self._waited >= MOST_SECONDS

    def is_cut_by(self, event_id: int) -> bool:
        """Whether the caller's words, which open the turn `event_id`, came after those that it waits for."""
        return self.event_id is None or self.event_id < event_id
