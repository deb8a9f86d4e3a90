"""The report of a run: soak.md, and soak.svg beside it."""

import platform
import statistics
from collections import Counter
from dataclasses import dataclass, fields
from pathlib import Path

from benchmarks.soak.census import Held, Sample
from benchmarks.soak.witness import Witness

__all__ = ["GROWTH_KIB", "Result", "summary", "write"]

GROWTH_KIB = 0.5
"""Memory may grow by so much a call, over the last two thirds of a run, by least squares."""

ENOUGH_CALLS = 5000
"""In a shorter run the memory is still finding its size, and is shown without a verdict."""


@dataclass(frozen=True, slots=True)
class Result:
    """All that a run has told."""

    at_once: int
    seed: int
    seconds: float
    before: Held
    after: Held
    rests: list[Held]
    samples: list[Sample]
    witness: Witness

    @property
    def calls(self) -> int:
        """How many there were."""
        return self.witness.seen["calls"]

    @property
    def growth_kib(self) -> float:
        """What memory grew by a call, over the last two thirds of the run."""
        late = [sample for sample in self.samples if sample.calls >= self.calls / 3]
        slope, _ = statistics.linear_regression([s.calls for s in late], [s.memory_mib for s in late])
        return slope * 1024

    @property
    def unseen_faults(self) -> int:
        """Faults that can rob a caller of the answer, in places of which no call's diary tells."""
        places = ("signed_url", "engine_socket")
        return sum(times for (where, _), times in self.witness.faults.items() if where in places)

    @property
    def problems(self) -> list[str]:
        """What makes this run a failure."""
        left = [f"{more} {name} were left" for name, more in self.after.beyond(self.before).items()]
        grew = self.calls >= ENOUGH_CALLS and self.growth_kib > GROWTH_KIB
        growth = [f"memory grew by {self.growth_kib:.2f} KiB a call; {GROWTH_KIB} are allowed"] if grew else []
        unanswered = self.witness.seen["unanswered"]
        dumb = unanswered > self.unseen_faults
        silence = [f"{unanswered} callers had no answer; {self.unseen_faults} faults could explain it"] if dumb else []
        more = self.witness.seen["findings"] - len(self.witness.findings)
        return [*left, *growth, *silence, *self.witness.findings, *([f"{more} more findings"] if more > 0 else [])]


def summary(result: Result) -> str:
    """A few lines for a terminal."""
    head = f"{result.calls} calls in {result.seconds:.0f} s; memory {result.growth_kib:+.2f} KiB a call"
    return "\n".join([head, *result.problems]) if result.problems else f"{head}; nothing was left behind."


def write(result: Result, folder: Path) -> None:
    """Write both files."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "soak.md").write_text(_markdown(result), encoding="utf-8")
    _plot(result, folder / "soak.svg")


def _markdown(result: Result) -> str:
    seen = result.witness.seen
    verdict = (
        "Nothing was left behind, and nobody heard what was another's."
        if not result.problems
        else "**It failed:**\n\n" + "\n".join(f"- {problem}" for problem in result.problems)
    )
    return f"""# Soak: {result.calls:,} calls

Written by `scripts/soak`; not edited by hand.

{result.calls:,} short calls, {result.at_once} at once, seed {result.seed}, in {result.seconds / 60:.0f} minutes, in one
process: both twins, the bridge between them and all callers, on real sockets, on {platform.python_implementation()}
{platform.python_version()}. Time jumps to the next timer whenever there is nothing to do. They come in
{len(result.rests)} batches; after each, everybody has hung up, and the bridge's clock is set a day ahead, when what is
remembered of calls for a day is forgotten.

{verdict}

## What is left

| | before the first call | after the last |
|---|---:|---:|
{_held(result)}

Before and after: with all servers closed. Between the batches, with everything still serving, calls in the roster:
{max(rest.roster for rest in result.rests)}, and calls, sockets and brain sessions that something still holds:
{max(rest.objects for rest in result.rests)}.

## Memory

![Memory, descriptors and tasks over the calls](soak.svg)

{result.samples[0].memory_mib:.1f} MiB when the first calls were over, {result.samples[-1].memory_mib:.1f} MiB after the
last. Over the last two thirds the memory of the whole process changed by {result.growth_kib:+.2f} KiB a call (least
squares; up to {GROWTH_KIB} is taken for flat). The twins' tapes of a call, which a test would look at, are thrown away
when it is over.

## Whose words

Each caller says a number that is nobody else's, and the brain answers with the number that it was told. At every end
the words that arrived were read back from the audio, and none held another call's number: {result.calls:,} callers'
ears, {seen["conversations"]:,} conversations' ears and transcripts, {seen["turns"]:,} turns of the brain.

## What happened

{seen["callers who heard the brain"]:,} callers heard the brain's whole answer; the others hung up before, or something
struck: of those who waited, with a brain that had an answer, {seen["unanswered"]:,} had none though no fault stands in
their call's diary, and {result.unseen_faults:,} faults of signed URLs and conversation sockets account for them.
{seen["conversations dialled again"]:,} conversations were lost and dialled again; {seen["calls that failed"]:,} calls
could not go on, and ended with the sorry.

{_table("outcome of a call", result.witness.outcomes)}

{_table("fault of a connection or a request", Counter({": ".join(k): n for k, n in result.witness.faults.items()}))}

{_table("clip of the bridge's own", _clips(seen))}
"""


def _held(result: Result) -> str:
    names = [field.name for field in fields(Held)]
    return "\n".join(f"| {name} | {getattr(result.before, name)} | {getattr(result.after, name)} |" for name in names)


def _clips(seen: Counter[str]) -> Counter[str]:
    return Counter({name.removeprefix("clip "): times for name, times in seen.items() if name.startswith("clip ")})


def _table(head: str, counts: Counter[str]) -> str:
    rows = [f"| {name} | {times:,} |" for name, times in sorted(counts.items())]
    return "\n".join([f"| {head} | times |", "|---|---:|", *rows])


def _plot(result: Result, path: Path) -> None:
    import matplotlib as mpl  # noqa: PLC0415 - slow, and needed at the very end only
    from matplotlib.figure import Figure  # noqa: PLC0415

    mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "soak", "font.family": "sans-serif"})
    figure = Figure(figsize=(8, 6), layout="constrained")
    panels = figure.subplots(3, sharex=True)
    calls = [sample.calls for sample in result.samples]
    for panel, label, values in (
        (panels[0], "memory, MiB", [sample.memory_mib for sample in result.samples]),
        (panels[1], "descriptors", [sample.descriptors for sample in result.samples]),
        (panels[2], "tasks", [sample.tasks for sample in result.samples]),
    ):
        panel.plot(calls, values, linewidth=1)
        panel.set_ylabel(label)
        panel.set_ylim(bottom=0)
        panel.grid(visible=True, alpha=0.3)
    panels[2].set_xlabel("calls that were over")
    figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None})
