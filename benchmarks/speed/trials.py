"""What is measured of a contender, one trial after the other."""

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeAlias

from benchmarks.speed.contenders import CONTENDERS, Contender
from benchmarks.speed.hall import Hall
from benchmarks.speed.noise import Noise
from benchmarks.speed.results import REFERENCE
from benchmarks.speed.stage import Load, NotServing, Stage

__all__ = ["WARM_CALLS", "Trial", "answered", "beside", "brain", "capacity", "loaded", "started"]

Trial: TypeAlias = Callable[[Hall, Contender, int], None]
"""Measures a contender in the round of this number, and notes what it finds."""

FRAMES_PER_CALL: Final = 55
"""A second: 50 of the caller's, and five of the agent's."""

WARM_CALLS: Final = 4
"""They pay for what is made once, and don't count for the memory."""

FIRST_CALLS: Final = 100
STEP: Final = 0.1
"""Of the calls whose frames would take all of the core, if each cost what it costs with few."""

LATE_MS: Final = 20.0
"""One frame: a bridge that is later than that in one case of a hundred has more calls than it can carry."""

HELD_SECONDS: Final = 0.08
"""What a signed URL takes, and an upgrade."""


def loaded(calls: int, seconds: float, scheme: str = "ws") -> Trial:
    """CPU per frame, latency and memory per call of so many calls at once."""

    def trial(hall: Hall, contender: Contender, number: int) -> None:
        with hall.stage(contender, scheme=scheme) as stage:
            stage.dial(WARM_CALLS)
            stage.begin_memory()
            stage.dial(calls - WARM_CALLS)
            load, noise = hall.watched(stage, seconds)
            missing = stage.hang_up()
        where = f"{scheme}, {calls} calls"
        hall.note(f"cpu, {where}", contender, number, load.us_per_frame, spoilt=noise.spoils_cpu())
        for share in ("p50", "p90", "p99", "max"):
            for side, latency in load.latency_ms.items():
                hall.note(
                    f"latency {side} {share}, {where}", contender, number, latency[share], spoilt=noise.spoils_time()
                )
        hall.note(f"memory, {where}", contender, number, load.bytes_per_call / 1024)
        if missing or not load.carried_all:
            fate = f"{load.lost} frames lost, {load.wrong} wrong, {missing} missing at the end, {load.gone} calls gone"
            hall.results.problems.append(f"{contender.name}, {where}: {fate}")

    return trial


def beside(calls: int, seconds: float, scheme: str = "ws") -> Trial:
    """CPU per frame as a share of the reference's, while both carry so many calls on the same core.

    What makes the core slower for a while does so for both.
    """
    reference = next(one for one in CONTENDERS if one.name == REFERENCE)

    def trial(hall: Hall, contender: Contender, number: int) -> None:
        if contender.name == REFERENCE:
            return
        with hall.stage(contender, scheme=scheme) as stage, hall.stage(reference, scheme=scheme) as other:
            for one in (stage, other):
                one.dial(calls)
            with ThreadPoolExecutor() as pool:
                mine, theirs = pool.map(lambda one: one.measure(seconds), (stage, other))
            for one in (stage, other):
                one.hang_up()
        hall.note(f"beside, {scheme}, {calls} calls", contender, number, mine.us_per_frame / theirs.us_per_frame)

    return trial


def capacity(seconds: float) -> Trial:
    """How many calls a core carries without a frame lost, and 99 of 100 frames within one frame's length."""

    def trial(hall: Hall, contender: Contender, number: int) -> None:
        with hall.stage(contender) as stage:
            stage.dial(FIRST_CALLS)
            load, noise = hall.watched(stage, seconds)
            step = round(1e6 / (load.us_per_frame * FRAMES_PER_CALL) * STEP)
            carried, at_least = (stage.calls if _carries(load) else 0), False
            while carried == stage.calls:
                try:
                    stage.dial(step)
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
    return load.carried_all and max(side.get("p99", math.inf) for side in load.latency_ms.values()) <= LATE_MS


def _players_fail(hall: Hall, load: Load, noise: Noise) -> bool:
    """Whether it may be them who lost frames or were late, as they had no time to spare."""
    return load.players_busy > 0.85 * len(hall.others.numbers) or noise.late_ms > LATE_MS / 2


def started(calls: int) -> Trial:
    """The wait from `start` to the caller's first sample, while the vendor takes its time."""

    def trial(hall: Hall, contender: Contender, number: int) -> None:
        with hall.stage(contender) as stage:
            _warm(stage)
            noise = hall.watch(stage)
            stage.engine.ask("manners", greets=True, url_seconds=HELD_SECONDS, upgrade_seconds=HELD_SECONDS)
            waits = stage.greet(calls, at_once=2).wait_ms
            spoilt = noise().spoils_time()
        for share in ("p50", "p99"):
            hall.note(f"start {share}", contender, number, waits[share], spoilt=spoilt)

    return trial


def answered(calls: int, scheme: str = "ws") -> Trial:
    """CPU per answered call: many short ones, one after the other."""

    def trial(hall: Hall, contender: Contender, number: int) -> None:
        with hall.stage(contender, scheme=scheme) as stage:
            _warm(stage)
            noise = hall.watch(stage)
            spent = stage.greet(calls, at_once=4).cpu_seconds
            spoilt = noise().spoils_cpu()
        hall.note(f"answer, {scheme}", contender, number, spent * 1000, spoilt=spoilt)

    return trial


def _warm(stage: Stage) -> None:
    """The first calls cost more than the rest."""
    stage.engine.ask("manners", greets=True)
    stage.greet(8, at_once=4)


def brain(calls: int, seconds: float) -> Trial:
    """Our share of a turn: from a transcript to the first words of a brain that answers at once, under full load."""

    def trial(hall: Hall, contender: Contender, number: int) -> None:
        with hall.stage(contender) as stage:
            stage.dial(calls)
            stage.dial_brains()
            load, noise = hall.watched(stage, seconds)
            stage.hang_up()
        for share in ("p50", "p99"):
            value = load.brain_ms.get(share, math.nan)
            hall.note(f"brain {share}, {calls} calls", contender, number, value, spoilt=noise.spoils_time())

    return trial
