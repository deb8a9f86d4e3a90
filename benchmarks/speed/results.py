"""What was measured, by whom and in which round; medians, and ratios to the guide's sample of the same rounds."""

import statistics
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

__all__ = ["OURS", "REFERENCE", "Measured", "Results"]

OURS = "ours"

REFERENCE = "guide"
"""Whom the others are compared with."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One value. `what` begins with the name of its figure; `spoilt` says why it says nothing, if so.

    `at_least`: it may be more, but the players knew no more. `beside`: the reference's value, if that was measured on
    the same core at the same moment.
    """

    what: str
    contender: str
    round: int
    value: float
    spoilt: str = ""
    at_least: bool = False
    beside: float | None = None

    @property
    def share(self) -> float:
        """Of the reference's value beside it; where there is none, the value."""
        return self.value / self.beside if self.beside else self.value


@dataclass(slots=True)
class Results:
    """All of one run."""

    values: list[Measured] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    """What a contender failed to do."""

    def keep(self, figures: Collection[str]) -> None:
        """Forget all values but those of these figures."""
        self.values = [one for one in self.values if one.what.replace(",", " ").split()[0] in figures]

    def of(self, what: str, contender: str) -> list[Measured]:
        """Those of all rounds; those that were disturbed only where none was not."""
        found = [one for one in self.values if (one.what, one.contender) == (what, contender)]
        return [one for one in found if not one.spoilt] or found

    def median(self, what: str, contender: str) -> float | None:
        """None where it was not measured."""
        values = [one.value for one in self.of(what, contender)]
        return statistics.median(values) if values else None

    def ratio(self, what: str, contender: str, to: str = REFERENCE) -> float | None:
        """The median of the ratios of the rounds that both were in; where they were measured side by side, of those."""
        mine = self.of(what, contender)
        if contender == to:
            return 1.0 if mine else None
        if to == REFERENCE and any(one.beside for one in mine):
            return statistics.median(one.share for one in mine if one.beside)
        by_round, theirs = _by_round(mine), _by_round(self.of(what, to))
        ratios = [share / theirs[number] for number, share in by_round.items() if theirs.get(number)]
        if ratios:
            return statistics.median(ratios)
        mine_median, their_median = self.median(what, contender), self.median(what, to)
        return mine_median / their_median if mine_median is not None and their_median else None

    def is_bound(self, what: str, contender: str) -> bool:
        """Whether the value is the least that it can be, as the players knew no more."""
        return any(one.at_least for one in self.of(what, contender))

    def untrusted(self) -> dict[tuple[str, str], str]:
        """Which figures of which contender were disturbed in more than half of the rounds, and what once did so."""
        rounds: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
        for one in self.values:
            rounds[one.what, one.contender].append(one.spoilt)
        return {
            which: next(filter(None, spoilt))
            for which, spoilt in rounds.items()
            if 2 * sum(map(bool, spoilt)) > len(spoilt)
        }

    def contenders(self) -> list[str]:
        """Who was measured, in the order in which they were first."""
        return list(dict.fromkeys(one.contender for one in self.values))

    def document(self) -> dict[str, Any]:
        """Everything, for a JSON file."""
        return {"values": [asdict(one) for one in self.values], "problems": self.problems}


def _by_round(values: Iterable[Measured]) -> dict[int, float]:
    """The median of each round."""
    rounds: defaultdict[int, list[float]] = defaultdict(list)
    for one in values:
        rounds[one.round].append(one.share)
    return {number: statistics.median(shares) for number, shares in rounds.items()}
