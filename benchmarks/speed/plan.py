"""Which trials a run is made of."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.speed.contenders import Contender
from benchmarks.speed.hall import Hall
from benchmarks.speed.players.process import PlayerFailed
from benchmarks.speed.results import OURS
from benchmarks.speed.stage import NotServing
from benchmarks.speed.trials import Trial, answered, beside, brain, capacity, loaded, started

__all__ = ["FIGURES", "Item", "play", "quick", "whole"]

FIGURES: Final = ("beside", "cpu", "latency", "memory", "capacity", "start", "answer", "brain")
CALLS: Final = 100
_LOAD: Final = frozenset({"cpu", "latency", "memory"})


@dataclass(frozen=True, slots=True)
class Item:
    """A trial, the figures that come of it, and for whom it is."""

    figures: frozenset[str]
    trial: Trial
    only_ours: bool = False
    needs_tls: bool = False

    def is_for(self, contender: Contender) -> bool:
        """Whether this contender takes part."""
        return (contender.name == OURS or not self.only_ours) and (contender.speaks_tls or not self.needs_tls)


def whole(calls: int | None, seconds: float) -> list[Item]:
    """Everything, with 100 calls at once and then with others; or with so many `calls` alone."""
    loads = [Item(_LOAD, loaded(calls or CALLS, seconds))]
    if calls is None:
        loads += [
            Item(_LOAD, loaded(200, seconds)),
            Item(frozenset({"cpu", "memory"}), loaded(50, seconds), only_ours=True),
            Item(frozenset({"cpu", "memory"}), loaded(300, seconds), only_ours=True),
        ]
    return [
        Item(frozenset({"beside"}), beside(calls or CALLS, seconds)),
        Item(frozenset({"beside"}), beside(calls or CALLS, seconds, "wss"), needs_tls=True),
        *loads,
        Item(_LOAD, loaded(calls or CALLS, seconds, "wss"), needs_tls=True),
        Item(frozenset({"start"}), started(30)),
        Item(frozenset({"answer"}), answered(150)),
        Item(frozenset({"answer"}), answered(150, "wss"), needs_tls=True),
        Item(frozenset({"brain"}), brain(calls or CALLS, seconds), only_ours=True),
        Item(frozenset({"capacity"}), capacity(seconds)),
    ]


def quick(calls: int | None, seconds: float) -> list[Item]:
    """What two minutes allow."""
    return [
        Item(frozenset({"beside"}), beside(calls or CALLS, seconds)),
        Item(_LOAD, loaded(calls or CALLS, seconds)),
        Item(frozenset({"start"}), started(6)),
        Item(frozenset({"brain"}), brain(calls or CALLS, seconds), only_ours=True),
    ]


def play(hall: Hall, contenders: Sequence[Contender], items: Sequence[Item], rounds: int) -> None:
    """All in turns; who comes first in one round comes last in the next."""
    for number in range(rounds):
        for item in items:
            for contender in _turned(contenders, number):
                if item.is_for(contender):
                    hall.tell(f"round {number + 1} of {rounds}: {'/'.join(sorted(item.figures))}, {contender.name}")
                    try:
                        item.trial(hall, contender, number)
                    except (NotServing, PlayerFailed) as problem:
                        hall.results.problems.append(f"{contender.name}: {problem}")


def _turned(contenders: Sequence[Contender], number: int) -> Iterator[Contender]:
    for index in range(len(contenders)):
        yield contenders[(index + number) % len(contenders)]
