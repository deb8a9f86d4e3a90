"""The tables of the report: which figures stand together, and how each is written."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from benchmarks.speed.results import Results

__all__ = ["Column", "Table", "tables"]


@dataclass(frozen=True, slots=True)
class Column:
    """One figure. `what` is the name under which it was measured."""

    what: str
    head: str
    unit: str
    digits: int = 1


@dataclass(frozen=True, slots=True)
class Table:
    """Figures that stand side by side."""

    title: str
    about: str
    columns: tuple[Column, ...]


def tables(results: Results) -> tuple[Table, ...]:
    """All of them, with a column for each load under which something was measured."""
    return (
        Table(
            "CPU per relayed frame, side by side",
            "User and system time of the bridge's process for each frame that reached the other side, in turns "
            "with the guide's sample, which has as many calls on the same core; first, as a share of the sample's.",
            tuple(Column(f"beside, {where}", where, "µs") for where in _loads(results, "beside")),
        ),
        Table(
            "CPU per relayed frame, alone on the core",
            "One bridge after the other.",
            tuple(Column(f"cpu, {where}", where, "µs") for where in _loads(results, "cpu")),
        ),
        Table(
            "Calls per core",
            "As many as go without a frame lost, and with 99 of 100 frames at the other side within 20 ms.",
            (Column("capacity", "calls", "", 0),),
        ),
        Table(
            "Latency",
            "From a player's write to the other's read, so the players' own share is in it: the floor's is what they "
            "and the kernel take. Percentiles are of 0.6 s at a time, and in the middle of many such times.",
            tuple(_latencies(_loads(results, "latency up p50")[:1])),
        ),
        Table(
            "Start of a call",
            "From `start` to the caller's first sample, with 80 ms put on the signed URL and 80 on the upgrade; the "
            "stream comes 400 ms after the webhook's answer.",
            (Column("start p50", "median", "ms"), Column("start p99", "p99", "ms")),
        ),
        Table(
            "CPU per answered call",
            "From the webhook to the end, the brain's socket included, with nothing but a greeting in it, in turns "
            "with the guide's sample on the same core; first, as a share of the sample's.",
            (Column("answer, ws", "ws", "ms", 2), Column("answer, wss", "wss", "ms", 2)),
        ),
        Table(
            "Memory per call",
            "What the process has for itself alone, and grows by for each call.",
            tuple(Column(f"memory, {where}", where, "KiB", 0) for where in _loads(results, "memory")),
        ),
        Table(
            "The brain's share",
            "From a transcript to the first words of a brain that answers at once, with the relay under full load.",
            tuple(
                Column(f"brain {share}, {where}", f"{share}, {where}", "ms", 2)
                for where in _loads(results, "brain p50")
                for share in ("p50", "p99")
            ),
        ),
    )


def _loads(results: Results, figure: str) -> list[str]:
    """Under which loads a figure was measured, as `ws, 100 calls`; the fewest calls first, and `wss` last."""
    found = {one.what.removeprefix(f"{figure}, ") for one in results.values if one.what.startswith(f"{figure}, ")}
    return sorted(found, key=lambda load: (load.startswith("wss"), len(load), load))


def _latencies(loads: Iterable[str]) -> Iterator[Column]:
    for load in loads:
        for side, direction in (("up", "to the engine"), ("down", "to the caller")):
            for share in ("p50", "p99"):
                yield Column(f"latency {side} {share}, {load}", f"{direction}, {share}", "ms", 2)
