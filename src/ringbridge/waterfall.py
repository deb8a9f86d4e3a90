"""What a caller waited for one answer, part by part. The parts join without a gap, so they sum to the whole.

    the caller's last sound ─hearing─► transcript at our brain ─asking─► brain asked ─model─► its first token ─wording─►
    first words sent ─voice─► first audio here ─relaying─► written to Twilio ─line─► the caller hears it

`asking`, `wording` and `relaying` are ours; `hearing` and `voice` the engine's; `line` is Twilio's.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from typing import Any, Final, Literal, TypeAlias

__all__ = ["OURS", "PARTS", "End", "Waterfall", "Words"]

Words: TypeAlias = Literal["brain", "filler", "model_failed", "ask_again", "still_there", "farewell", "too_slow"]
"""Whose words the caller heard first: the brain's, or which of our own."""

End: TypeAlias = Literal["heard", "cut", "superseded", "lost"]
"""How a wait ends: `heard`; or, before anything was heard, `cut` (the caller cut in, or the stream was lost),
`superseded` (a newer turn began), `lost` (with its conversation or its call)."""


@dataclass(frozen=True, slots=True)
class Waterfall:
    """One wait. Parts are in ms, to the µs; `None` is one that is not known, or that it did not come to.

    Where only the moment between two parts is not known, the first of them is both: a filler's `model` is all the time
    for which the brain said nothing.
    """

    by: Words | None
    """`None`: there were no words yet."""
    end: End
    hearing: float | None = None
    """Until the engine has understood, and taken the caller for done. Not known where it sends no `vad_score`."""
    asking: float | None = None
    """Until the brain is asked; with it, the letting go of an older answer."""
    model: float | None = None
    """Until the brain's first token."""
    wording: float | None = None
    """Until what is cleaned, and can be spoken as it stands, has gone to the engine."""
    voice: float | None = None
    """Until the first of its audio is here."""
    relaying: float | None = None
    """Until that has been written to Twilio."""
    line: float | None = None
    """Until it is heard: the echo of its mark, less its length. What was still being played comes first."""

    @classmethod
    def between(cls, moments: Iterable[float | None], *, by: Words | None, end: End) -> "Waterfall":
        """From the eight moments at which one part ends and the next begins, in seconds on one clock.

        A moment before an earlier one counts as that.
        """
        parts: dict[str, float] = {}
        begun, since = -1, 0
        for number, moment in enumerate(moments):
            if moment is None:
                continue
            at = round(moment * 1_000_000)
            if begun >= 0:
                at = max(at, since)
                parts[PARTS[begun]] = (at - since) / 1000
            begun, since = number, at
        return cls(by, end, **parts)

    @property
    def parts(self) -> dict[str, float | None]:
        """Every part by its name, in order."""
        return {name: getattr(self, name) for name in PARTS}

    @property
    def total(self) -> float:
        """What the caller waited, in ms, as far as it is known: the sum of the parts."""
        return _sum(self.parts.values())

    @property
    def ours(self) -> float | None:
        """What of it we took, in ms; `None` unless the answer went to the caller."""
        return _sum(getattr(self, name) for name in OURS) if self.is_answer else None

    @property
    def is_answer(self) -> bool:
        """Whether audio went to the caller."""
        return self.relaying is not None

    def as_json(self) -> dict[str, Any]:
        """All of it, for a document."""
        return {**asdict(self), "ours": self.ours, "total": self.total}


PARTS: Final = tuple(field.name for field in fields(Waterfall))[2:]
"""Their names, in order."""

OURS: Final = ("asking", "wording", "relaying")


def _sum(parts: Iterable[float | None]) -> float:
    return round(sum(part for part in parts if part is not None), 3)
