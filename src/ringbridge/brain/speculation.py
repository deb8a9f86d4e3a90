"""What the brain is asked while the caller's words are still tentative: a guess at the next turn, kept back.

    nothing ──other words──▶ settling ──they stood still──▶ a guess ──the transcript says the same──▶ the turn's reply
       ▲                        │                              │
       └────────────────────────┴── other words, or a doubt ───┘

At most one guess runs at a time, and only while no reply does. What a guess says is kept, what it asks for waits
(`live/line.py`), and how it ends otherwise than in a reply leaves no trace but a count: the turn is asked anew.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Literal

from ringbridge import facts
from ringbridge.brain import events
from ringbridge.brain.commands import CancelReply, Command, DropTimer, Report, SetTimer, StartReply
from ringbridge.brain.events import Timer
from ringbridge.brain.talk import Talk, Told

__all__ = ["GUESS_SECONDS", "SETTLE_SECONDS", "Guess", "Speculation"]

SETTLE_SECONDS: Final = (0.1, 0.2, 0.4, 0.8)
"""For so long the words must stand still before the first, second, third and fourth guess of a turn; there is no fifth.
Who is still speaking changes them sooner. Where they come to end like a sentence, they are guessed at once."""

GUESS_SECONDS: Final = 10.0
"""A guess waits so long for its transcript, then it is dropped."""

_SENTENCE_ENDS: Final = (".", "!", "?", "…", "。", "？", "！", "।", "؟")
_PUNCTUATION: Final = " .,;:!?…。、，．！？；：।؟،۔"


@dataclass(slots=True)
class Guess:
    """A reply to what the caller may be saying: what it was told, and what it has said to that, kept back."""

    number: int
    told: Told
    kept: list[events.ReplyEvent] = field(default_factory=list)
    ended: bool = False


class Speculation:
    """The guesses of one socket. Whoever has it calls `overheard` and `settled` only when no reply runs."""

    def __init__(self, numbers: Iterator[int], *, enabled: bool) -> None:
        """`numbers` are those of replies; without `enabled` nothing is ever guessed."""
        self._numbers = numbers
        self._enabled = enabled
        self._text = ""
        """What was understood last of this turn's words."""
        self._made = 0
        """Guesses in this turn."""
        self._guess: Guess | None = None
        self._leaving: int | None = None
        """A dropped guess that the brain has not let go of yet."""
        self._due = False
        """Whether the next one waits for that."""

    def overheard(self, text: str, talk: Talk) -> list[Command]:
        """The engine has understood this of what the caller is saying."""
        if not self._enabled or talk.gathering or not any(map(str.isalnum, text)):
            return []
        if _words(text) == _words(self._text):
            return []
        ends = _ends(text) and not _ends(self._text)  # an engine that ends all of them like sentences tells nothing
        dropped = self.drop("cancelled")
        self._text = text
        if self._made == len(SETTLE_SECONDS):
            return dropped
        if ends:
            return [*dropped, *self.settled(talk)]
        return [*dropped, SetTimer(Timer.SETTLED, SETTLE_SECONDS[self._made])]

    def settled(self, talk: Talk) -> list[Command]:
        """The words have stood still."""
        if not self._text or self._guess is not None or self._made == len(SETTLE_SECONDS):
            return []
        if self._leaving is not None:
            self._due = True
            return []
        self._made += 1
        self._due = False
        guess = self._guess = Guess(next(self._numbers), talk.expect(self._text))
        return [StartReply(guess.number, guess.told, guessed=True), SetTimer(Timer.OUTDATED, GUESS_SECONDS)]

    def keep(self, event: events.ReplyEvent, talk: Talk) -> list[Command]:
        """A reply that is not the turn's tells something: it is a guess's, or nobody's any more."""
        guess = self._guess
        if event.number == self._leaving and isinstance(event, events.ReplyEnd):
            self._leaving = None
            return self.settled(talk) if self._due else []
        if guess is None or event.number != guess.number:
            return []
        if isinstance(event, events.ReplyFailed | events.ReplyCancelled):
            self._guess = None
            return [DropTimer(Timer.OUTDATED), Report(facts.Speculated("cancelled"))]
        guess.kept.append(event)
        guess.ended = isinstance(event, events.ReplyEnded)
        return []

    def close(self, told: Told) -> tuple[Guess | None, list[Command]]:
        """The transcript has come, and the brain is to be `told` this: the guess at it, if there is one."""
        guess = self._guess
        self._made = 0
        if guess is None or _essence(guess.told) != _essence(told):
            return None, self.drop("wrong")
        self._guess, self._text = None, ""
        return guess, [DropTimer(Timer.OUTDATED), Report(facts.Speculated("used"))]

    def drop(self, outcome: Literal["wrong", "cancelled"]) -> list[Command]:
        """Nothing that was understood so far counts any more."""
        settling: list[Command] = [DropTimer(Timer.SETTLED)] if self._text else []
        self._text, self._due = "", False
        guess, self._guess = self._guess, None
        if guess is None:
            return settling
        if not guess.ended:
            self._leaving = guess.number
            settling.append(CancelReply(guess.number))
        return [*settling, DropTimer(Timer.OUTDATED), Report(facts.Speculated(outcome))]


def _ends(text: str) -> bool:
    return text.rstrip().endswith(_SENTENCE_ENDS)


def _words(text: str) -> str:
    """The caller's words as they are compared: whatever their case, their white space, how they end."""
    return " ".join(text.casefold().split()).rstrip(_PUNCTUATION)


def _letters(text: str) -> str:
    """The agent's words as they are compared: the engine writes down our own, spaced and pointed as it likes."""
    return "".join(filter(str.isalnum, text.casefold()))


def _essence(told: Told) -> tuple[object, ...]:
    """All that a brain is told, as far as another answer could come of it."""
    said = tuple((one.role, (_words if one.role == "user" else _letters)(one.text)) for one in told.history)
    return said, told.interrupted, _letters(told.heard), told.heard_out, told.utterance
