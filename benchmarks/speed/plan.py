"""Which trials a run is made of."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.speed.contenders import CONTENDERS, Contender
from benchmarks.speed.hall import Hall
from benchmarks.speed.players.process import PlayerFailed
from benchmarks.speed.results import OURS, REFERENCE
from benchmarks.speed.stage import NotServing
from benchmarks.speed.trials import Trial, answered, beside, brain, capacity, loaded, started

__all__ = ["FIGURES", "Item", "play", "quick", "whole"]

FIGURES: Final = ("beside", "cpu", "latency", "memory", "capacity", "start", "answer", "brain")
CALLS: Final = 100

LONGER: Final = 2
"""What the first of the goals judge is measured for so many times as long: two turns of the same bridge can differ by a
fifth on a machine that others share."""

JUDGED: Final = frozenset({OURS, REFERENCE, "node"})
"""Whom the goals compare: they are measured in every round, the others in the first alone."""

_LOAD: Final = frozenset({"cpu", "latency", "memory"})
_BESIDE: Final = frozenset({"beside"})
_ANSWER: Final = frozenset({"answer"})

_NOBODY: Final[frozenset[str]] = frozenset()
_US: Final = frozenset({OURS})
_SAMPLE: Final = frozenset({REFERENCE})
_RIVALS: Final = frozenset({OURS, "node"})
_FLOOR: Final = frozenset({"floor"})
_NO_BRAIN: Final = frozenset(one.name for one in CONTENDERS if not one.has_brain)
_NO_TLS: Final = frozenset(one.name for one in CONTENDERS if not one.speaks_tls)


@dataclass(frozen=True, slots=True)
class Item:
    """A trial, the figures that come of it, and for whom it is: all of them in the first round, `often` in the rest."""

    figures: frozenset[str]
    trial: Trial
    only: frozenset[str] | None = None
    without: frozenset[str] = _NOBODY
    often: frozenset[str] = JUDGED

    def is_for(self, contender: Contender, number: int) -> bool:
        """Whether this contender takes part in the round of this number."""
        name = contender.name
        invited = name not in self.without and (self.only is None or name in self.only)
        return invited and (number == 0 or name in self.often)


def whole(calls: int | None, seconds: float) -> list[Item]:
    """Everything, with 100 calls at once and with others; or with so many `calls` alone."""
    few, beyond, around = (CALLS, (200,), (50, CALLS, 300)) if calls is None else (calls, (), (calls,))
    return [
        Item(_BESIDE, beside(few, *beyond, seconds=seconds * LONGER), only=_RIVALS),
        Item(_BESIDE, beside(few, seconds=seconds), without=_RIVALS | _SAMPLE),
        Item(_BESIDE, beside(few, seconds=seconds * LONGER, scheme="wss"), only=_US),
        Item(_BESIDE, beside(few, seconds=seconds, scheme="wss"), without=_US | _SAMPLE | _NO_TLS),
        Item(_LOAD, loaded(*around, seconds=seconds), only=_US),
        Item(_LOAD, loaded(few, seconds=seconds), without=_US, often=_FLOOR),
        Item(_LOAD, loaded(few, seconds=seconds, scheme="wss"), without=_NO_TLS, often=_US),
        Item(frozenset({"start"}), started(20), without=_FLOOR, often=_US),
        Item(_ANSWER, answered(24), without=_SAMPLE | _NO_BRAIN, often=_US),
        Item(_ANSWER, answered(24, "wss"), only=_RIVALS, often=_US),
        Item(frozenset({"brain"}), brain(few, seconds), only=_US),
        Item(frozenset({"capacity"}), capacity(min(seconds, 2.0)), without=_FLOOR, often=_NOBODY),
    ]


def quick(calls: int | None, seconds: float) -> list[Item]:
    """What two minutes allow."""
    return [
        Item(_BESIDE, beside(calls or CALLS, seconds=seconds), without=_SAMPLE, often=_US),
        Item(_LOAD, loaded(calls or CALLS, seconds=seconds), only=_US),
        Item(frozenset({"start"}), started(6), only=_US | _SAMPLE, often=_NOBODY),
        Item(_ANSWER, answered(8), only=_US),
        Item(frozenset({"brain"}), brain(calls or CALLS, seconds), only=_US),
    ]


def play(hall: Hall, contenders: Sequence[Contender], items: Sequence[Item], rounds: int) -> None:
    """All in turns; who comes first in one round comes last in the next."""
    for number in range(rounds):
        for item in items:
            for contender in _turned(contenders, number):
                if item.is_for(contender, number):
                    hall.tell(f"round {number + 1} of {rounds}: {'/'.join(sorted(item.figures))}, {contender.name}")
                    try:
                        item.trial(hall, contender, number)
                    except (NotServing, PlayerFailed) as problem:
                        hall.results.problems.append(f"{contender.name}: {problem}")


def _turned(contenders: Sequence[Contender], number: int) -> Iterator[Contender]:
    for index in range(len(contenders)):
        yield contenders[(index + number) % len(contenders)]
