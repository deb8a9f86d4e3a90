"""A talk whose call is in another process: what the brain says of it is told to the one that is there."""

from collections.abc import Callable

from ringbridge.brain.talk import Talk, Told
from ringbridge.phrases import Phrases
from ringbridge.split.messages import Counted, History, Piece
from ringbridge.turn import Message

__all__ = ["FarTalk", "joined"]


class FarTalk(Talk):
    """The copy of a call's talk that a brain has."""

    def __init__(self, phrases: Phrases, told: Callable[[History | Piece], None]) -> None:
        """`told` takes what the call's own talk must be told, too."""
        super().__init__(phrases)
        self._told_elsewhere = told
        self._newest: tuple[Message, ...] = ()

    @property
    def counted(self) -> Counted:
        """What is counted from turn to turn."""
        return Counted(self.answered, self.silences, self.failures, self.wordless)

    def sent(self, event_id: int | None, text: str, *, filler: bool = False) -> None:
        """Note what was sent to be spoken, in the reply `event_id`."""
        super().sent(event_id, text, filler=filler)
        self._told_elsewhere(Piece(event_id, text, filler))

    def tell(self, history: tuple[Message, ...]) -> Told:
        """A transcript came, with the engine's history of this conversation: give it as it was heard."""
        kept = _common(self._newest, history)
        self._newest = history
        self._told_elsewhere(History(kept, history[kept:]))
        return super().tell(history)


def joined(before: tuple[Message, ...], message: History) -> tuple[Message, ...]:
    """The history that a brain tells of, after the one `before`."""
    return before[: message.kept] + message.added


def _common(one: tuple[Message, ...], other: tuple[Message, ...]) -> int:
    """How many entries both begin with."""
    return next(
        (number for number, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )
