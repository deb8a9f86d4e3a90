"""What is measured of a contender, one trial after the other."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeAlias

from benchmarks.speed.contenders import CONTENDERS, Contender
from benchmarks.speed.hall import Hall
from benchmarks.speed.noise import Noise
from benchmarks.speed.results import REFERENCE
from benchmarks.speed.stage import SETTLE_SECONDS, Load, NotServing, Stage

__all__ = ["WARM_CALLS", "Trial", "answered", "beside", "brain", "capacity", "loaded", "started"]

_REFERENCE: Final = next(one for one in CONTENDERS if one.name == REFERENCE)

Trial: TypeAlias = Callable[[Hall, Contender, int], None]
"""Measures a contender in the round of this number, and notes what it finds."""

FRAMES_PER_CALL: Final = 55
"""A second: 50 of the caller's, and five of the agent's."""

WARM_CALLS: Final = 4
"""They pay for what is made once, and don't count for the memory."""

FIRST_CALLS: Final = 100
LEAP: Final = 0.6
STEP: Final = 0.1
"""Of the calls whose frames would take all of the core, if each cost what it costs with few: at once, and then each."""

TURN_SECONDS: Final = 0.6
TURN_SETTLE_SECONDS: Final = 0.2
"""Frames are counted for about so long at a time, and flow for so long before. A machine that others share stands still
for some ms in some of these times; the median of many is of the rest."""

ANSWER_TURNS: Final = 3
"""For two in turns: how often each answers some calls."""

LATE_MS: Final = 20.0
"""One frame: a bridge that is later than that in one case of a hundred has more calls than it can carry."""

HELD_SECONDS: Final = 0.08
"""What a signed URL takes, and an upgrade."""


def loaded(*steps: int, seconds: float, scheme: str = "ws") -> Trial:
    """CPU per frame, latency and memory per call, with as many calls at once as each step says, in rising order."""
    times = _times(seconds)

    def trial(hall: Hall, contender: Contender, number: int) -> None:
        with hall.stage(contender, scheme=scheme) as stage:
            stage.dial(WARM_CALLS)
            stage.begin_memory()
            for calls in steps:
                stage.dial(calls - stage.calls)
                time.sleep(SETTLE_SECONDS)
                where = f"{scheme}, {calls} calls"
                for _ in range(times):
                    load, noise = hall.watched(stage, seconds / times, settle=TURN_SETTLE_SECONDS)
                    _check(hall, contender, where, load)
                    hall.note(f"cpu, {where}", contender, number, load.us_per_frame, spoilt=noise.spoils_cpu())
                    hall.note(f"memory, {where}", contender, number, load.bytes_per_call / 1024)
                    for figure, value in _latencies(load):
                        hall.note(f"{figure}, {where}", contender, number, value, spoilt=noise.spoils_time())
            if missing := stage.hang_up():
                hall.results.problems.append(f"{contender.name}, {scheme}: {missing} frames missing at the end")

    return trial


def _times(seconds: float) -> int:
    """How often frames are counted to have been counted for so long."""
    return max(1, round(seconds / TURN_SECONDS))


def _latencies(load: Load) -> Iterator[tuple[str, float]]:
    for side, latency in load.latency_ms.items():
        for share, value in latency.items():
            yield f"latency {side} {share}", value


def _check(hall: Hall, contender: Contender, where: str, load: Load) -> None:
    if not load.carried_all:
        fate = f"{load.lost} frames lost, {load.wrong} wrong, {load.gone} calls gone"
        hall.results.problems.append(f"{contender.name}, {where}: {fate}")


def beside(*steps: int, seconds: float, scheme: str = "ws") -> Trial:
    """CPU per frame, in turns with the reference, which has as many calls on the same core.

    Both are up; for part of a second one carries its calls' frames, then the other. What makes the core slower for a
    while does so for both, and neither takes the core from the other, as with both at once it would.
    """

    def trial(hall: Hall, contender: Contender, number: int) -> None:
        with hall.stage(contender, scheme=scheme) as stage, hall.stage(_REFERENCE, scheme=scheme) as other:
            for calls in steps:
                for one in (stage, other):
                    one.dial(calls - one.calls)
                    one.pause()
                noise = hall.watch(stage, other)
                mine, theirs = _by_turns((stage, other), seconds)
                where = f"{scheme}, {calls} calls"
                for load in mine:
                    _check(hall, contender, where, load)
                value, reference = _us_per_frame(mine), _us_per_frame(theirs)
                spoilt = noise().spoils_cpu() or _lateness(mine + theirs)
                hall.note_pair(f"beside, {where}", contender, number, value, reference, spoilt=spoilt)

    return trial


def _by_turns(stages: Sequence[Stage], seconds: float) -> list[list[Load]]:
    """What was seen of each, in all of its turns."""
    loads: list[list[Load]] = [[] for _ in stages]
    turns = _times(seconds)
    for _ in range(turns):
        for stage, seen in zip(stages, loads, strict=True):
            stage.resume()
            seen.append(stage.measure(seconds / turns, settle=TURN_SETTLE_SECONDS))
            stage.pause()
    return loads


def _lateness(loads: Sequence[Load]) -> str:
    """Why the CPU of frames that were late says nothing; empty where they were not."""
    return "" if all(map(_keeps_up, loads)) else "frames were late: they came in heaps, where each is cheaper"


def _us_per_frame(loads: Sequence[Load]) -> float:
    return sum(load.cpu_seconds for load in loads) / sum(load.frames for load in loads) * 1e6


def capacity(seconds: float) -> Trial:
    """How many calls a core carries without a frame lost, and 99 of 100 frames within one frame's length."""

    def trial(hall: Hall, contender: Contender, number: int) -> None:
        with hall.stage(contender) as stage:
            stage.dial(FIRST_CALLS)
            load, noise = hall.watched(stage, seconds)
            most = 1e6 / (load.us_per_frame * FRAMES_PER_CALL)
            carried, at_least = (stage.calls if _carries(load) else 0), False
            while carried == stage.calls:
                try:
                    stage.dial(max(round(most * STEP), round(most * LEAP) - stage.calls))
                except NotServing:
                    break
                load, noise = hall.watched(stage, seconds)
                if not _carries(load):  # a single hiccup is not the bridge's
                    load, noise = hall.watched(stage, seconds)
                if _carries(load):
                    carried = stage.calls
                else:
                    at_least = _players_fail(hall, load, noise)
        hall.note("capacity", contender, number, carried, spoilt=noise.spoils_cpu(), at_least=at_least)

    return trial


def _carries(load: Load) -> bool:
    return load.carried_all and _keeps_up(load)


def _keeps_up(load: Load) -> bool:
    return max(side.get("p99", math.inf) for side in load.latency_ms.values()) <= LATE_MS


def _players_fail(hall: Hall, load: Load, noise: Noise) -> bool:
    """Whether it may be them who lost frames or were late, as they had no time to spare."""
    return load.players_busy > 0.85 * len(hall.others.numbers) or noise.late_ms > LATE_MS / 2


def started(calls: int) -> Trial:
    """The wait from `start` to the caller's first sample, while the vendor takes its time."""

    def trial(hall: Hall, contender: Contender, number: int) -> None:
        with hall.stage(contender) as stage:
            _warm(stage)
            noise = hall.watch(stage)
            stage.use_brains(greets=True, url_seconds=HELD_SECONDS, upgrade_seconds=HELD_SECONDS)
            waits = stage.greet(calls, at_once=4).wait_ms
            spoilt = noise().spoils_time()
        for share in ("p50", "p99"):
            hall.note(f"start {share}", contender, number, waits[share], spoilt=spoilt)

    return trial


def answered(calls: int, scheme: str = "ws") -> Trial:
    """CPU per answered call, its brain's socket included, in turns with the reference; so many calls in each turn."""

    def trial(hall: Hall, contender: Contender, number: int) -> None:
        with hall.stage(contender, scheme=scheme) as stage, hall.stage(_REFERENCE, scheme=scheme) as other:
            for one in (stage, other):
                _warm(one)
            noise = hall.watch(stage, other)
            greeted = [[one.greet(calls, at_once=8).cpu_seconds for one in (stage, other)] for _ in range(ANSWER_TURNS)]
            mine, theirs = (sum(each) / ANSWER_TURNS * 1000 for each in zip(*greeted, strict=True))
            hall.note_pair(f"answer, {scheme}", contender, number, mine, theirs, spoilt=noise().spoils_cpu())

    return trial


def _warm(stage: Stage) -> None:
    """The first calls cost more than the rest."""
    stage.use_brains(greets=True)
    stage.greet(8, at_once=4)


def brain(calls: int, seconds: float) -> Trial:
    """Our share of a turn: from a transcript to the first words of a brain that answers at once, under full load."""

    def trial(hall: Hall, contender: Contender, number: int) -> None:
        with hall.stage(contender) as stage:
            stage.use_brains()
            stage.dial(calls)
            load, noise = hall.watched(stage, seconds)
            stage.hang_up()
        if not load.brain_ms:
            raise NotServing("no brain answered")
        for share in ("p50", "p99"):
            hall.note(
                f"brain {share}, {calls} calls", contender, number, load.brain_ms[share], spoilt=noise.spoils_time()
            )

    return trial
