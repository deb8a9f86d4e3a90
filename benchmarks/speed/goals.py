"""What the bridge wants to stay within."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

from benchmarks.speed.results import OURS, REFERENCE, Results

__all__ = ["GOALS", "Goal"]

_Value: TypeAlias = Callable[[Results], float | None]


@dataclass(frozen=True, slots=True)
class Goal:
    """A value that is to be at most so much. `value` gives None where it was not measured."""

    what: str
    at_most: float
    value: _Value
    unit: str = ""


def _ratio(what: str, to: str = REFERENCE) -> _Value:
    return lambda results: results.ratio(what, OURS, to)


def _median(what: str) -> _Value:
    return lambda results: results.median(what, OURS)


def _worse(*values: _Value) -> _Value:
    def value(results: Results) -> float | None:
        known = [one for one in (value(results) for value in values) if one is not None]
        return max(known) if known else None

    return value


def _growth(of: str, since: str) -> _Value:
    def value(results: Results) -> float | None:
        more, less = results.median(of, OURS), results.median(since, OURS)
        return more / less if more is not None and less else None

    return value


_UP, _DOWN = "latency up {}, ws, 100 calls", "latency down {}, ws, 100 calls"

GOALS: Final = (
    Goal("CPU per frame, 100 calls, of the sample's", 0.50, _ratio("beside, ws, 100 calls")),
    Goal("CPU per frame, 200 calls, of the sample's", 0.50, _ratio("beside, ws, 200 calls")),
    Goal("CPU per frame with wss, of the sample's with wss", 0.55, _ratio("beside, wss, 100 calls")),
    Goal("CPU per frame, 100 calls, of Node's, each beside the sample", 0.75, _ratio("beside, ws, 100 calls", "node")),
    Goal("CPU per frame, 200 calls, of Node's, each beside the sample", 0.75, _ratio("beside, ws, 200 calls", "node")),
    Goal("CPU per frame at 300 calls, of that at 50", 1.0, _growth("cpu, ws, 300 calls", "cpu, ws, 50 calls")),
    Goal("latency, median", 0.5, _worse(_median(_UP.format("p50")), _median(_DOWN.format("p50"))), " ms"),
    Goal("latency, p99", 3.0, _worse(_median(_UP.format("p99")), _median(_DOWN.format("p99"))), " ms"),
    Goal(
        "latency, median, of the floor's",
        2.0,
        _worse(_ratio(_UP.format("p50"), "floor"), _ratio(_DOWN.format("p50"), "floor")),
    ),
    Goal(
        "latency, p99, of the floor's",
        2.0,
        _worse(_ratio(_UP.format("p99"), "floor"), _ratio(_DOWN.format("p99"), "floor")),
    ),
    Goal("memory per call", 60, _median("memory, ws, 100 calls"), " KiB"),
    Goal("memory per call with wss", 130, _median("memory, wss, 100 calls"), " KiB"),
    Goal("start of a call, median", 15, _median("start p50"), " ms"),
    Goal("CPU per answered call, of the sample's", 0.5, _ratio("answer, ws")),
    Goal("CPU per answered call with wss, of the sample's with wss", 0.55, _ratio("answer, wss")),
    Goal("our share of a turn, median", 1.0, _median("brain p50, 100 calls"), " ms"),
    Goal("our share of a turn, p99", 5.0, _median("brain p99, 100 calls"), " ms"),
)
