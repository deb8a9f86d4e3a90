"""One reply of a brain on its way out: plain words, cut where speech can be."""

from ringbridge.brain.cutting import Cutter
from ringbridge.brain.plain import Plain

__all__ = ["Reply"]

PAUSE_SECONDS = 0.25
"""A model that pauses for so long in the midst of a sentence is not waited for."""

SENTENCE_PAUSE_SECONDS = 0.03
"""After what looks like a sentence's end: a model's next piece would have come, if a number or a name went on."""

_SENTENCE_ENDS = (".", "!", "?", "…", "।")


class Reply:
    """What of a reply was said, sent and kept back. The methods give the pieces to be sent now."""

    def __init__(self, number: int, event_id: int | None) -> None:
        """`number` is ours, `event_id` that of the transcript which is answered."""
        self.number = number
        self.event_id = event_id
        self.said = False
        """Whether the brain has said any words."""
        self.spoken = False
        """Whether any of them went out."""
        self.told = False
        """Whether that was told."""
        self.mid_sentence = False
        self.closed = False
        """Whether its words are complete, though the brain may not be done."""
        self.tools = 0
        """How many tools of the brain's run now."""
        self.unheard_letters = 0
        """What went out since the last filler: about as much may still have to be spoken."""
        self._plain = Plain()
        self._cutter = Cutter()
        self._held = 0
        self._last = ""

    @property
    def pause_seconds(self) -> float | None:
        """How long the brain may pause until what is kept back goes out; `None` when nothing is."""
        if self._held <= 0:
            return None
        return SENTENCE_PAUSE_SECONDS if self._last in _SENTENCE_ENDS else PAUSE_SECONDS

    def feed(self, text: str) -> list[str]:
        """The brain has said more."""
        self.said = self.said or _has_words(text)
        plain = self._plain.feed(text)
        self._held += len(plain)
        self._last = plain.rstrip()[-1:] or self._last
        return self._out(self._cutter.feed(plain))

    def flush(self) -> list[str]:
        """The brain pauses: whatever can be spoken as it stands."""
        return self._out([self._cutter.flush()])

    def complete(self) -> list[str]:
        """All that was said so far, however it ends: nothing follows, or something else than words does."""
        rest = [*self._cutter.feed(self._plain.finish()), self._cutter.finish()]
        self._plain, self._cutter = Plain(), Cutter()
        pieces = self._out(rest)
        self._held = 0
        return pieces

    def _out(self, pieces: list[str]) -> list[str]:
        pieces = [piece for piece in pieces if piece]
        for piece in pieces:
            self._held -= len(piece)
            self.unheard_letters += len(piece)
            self.spoken = self.spoken or _has_words(piece)
            if end := piece.rstrip()[-1:]:
                self.mid_sentence = end not in _SENTENCE_ENDS
        return pieces


def _has_words(text: str) -> bool:
    return any(map(str.isalnum, text))
