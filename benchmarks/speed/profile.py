"""Where the CPU of the relay goes, under load: a flame graph.

    python -m benchmarks.speed.profile --calls 100 --seconds 10

The bridge runs as the benchmark runs it, between the same players. py-spy samples it from outside while it holds the
interpreter, down into compiled code where that can be done. So waiting is not in the graph, and neither is the
kernel's share of reading, for which uvloop lets go of the interpreter; that of writing is. Where py-spy may not look
into another process (macOS without root, a container without ptrace), cProfile counts from inside: a table in .txt
where the SVG would be. Its own cost is in the table and falls on small functions the most.
"""

import argparse
import pstats
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.speed.contenders import CONTENDERS, Contender
from benchmarks.speed.contenders.contender import BUILT
from benchmarks.speed.hall import Hall

from ringbridge.emulator.certificate import made_up

RATE: Final = 400
"""Samples a second."""

ROWS: Final = 50
LEAVE_SECONDS: Final = 30.0


class NotSampled(Exception):
    """py-spy can't do it here."""


@dataclass(frozen=True, slots=True)
class Counted(Contender):
    """Ours under cProfile, which writes into `stats` when the bridge leaves."""

    ours: Contender
    stats: Path

    def command(self, port: int) -> list[str]:
        python, minus_m, ringbridge, *arguments = self.ours.command(port)
        assert (minus_m, ringbridge) == ("-m", "ringbridge")
        return [python, minus_m, "benchmarks.speed.counted", str(self.stats), *arguments]

    def environ(self, settings: Mapping[str, str]) -> dict[str, str]:
        return self.ours.environ(settings)


def main() -> int:
    """Make the graph, or the table."""
    parser = argparse.ArgumentParser(prog="scripts/profile", description="A flame graph of the relay under load.")
    parser.add_argument("--calls", type=int, default=100, help="calls at once  [default: 100]")
    parser.add_argument("--seconds", type=float, default=10, help="how long it is watched  [default: 10]")
    parser.add_argument("--out", type=Path, default=BUILT / "profile.svg", help="[default: .bench/profile.svg]")
    options = parser.parse_args()
    options.out.parent.mkdir(exist_ok=True)
    ours = CONTENDERS[0]
    with tempfile.TemporaryDirectory() as folder:
        certificate = Path(folder) / "engine.pem"
        made_up("127.0.0.1").write(certificate)
        hall = Hall(certificate)
        try:
            sample(hall, ours, options.calls, options.seconds, options.out)
            print(f"{options.out}: a flame graph of {options.calls} calls; open it in a browser")
        except NotSampled as reason:
            table = options.out.with_suffix(".txt")
            print(f"py-spy can't look into the bridge ({reason}), so cProfile counts from inside.", file=sys.stderr)
            counted = Counted(ours.name, ours.title, ours, Path(folder) / "stats")
            count(hall, counted, options.calls, options.seconds, table)
            print(f"{table}: functions by their own time, {options.calls} calls")
    return 0


def sample(hall: Hall, contender: Contender, calls: int, seconds: float, out: Path) -> None:
    """Write the flame graph of a contender. Raises `NotSampled`."""
    beside = str(Path(sys.executable).parent)
    spy = shutil.which("py-spy", path=beside) or shutil.which("py-spy")
    if spy is None:
        raise NotSampled("it is not installed")
    with hall.stage(contender) as stage:
        stage.dial(calls)
        command = [spy, "record", "--pid", str(stage.process.pid), "--duration", str(max(1, round(seconds)))]
        command += ["--gil", "--rate", str(RATE), "--output", str(out)]
        # It can't unwind compiled code on every machine; Python alone is better than nothing.
        with hall.others:
            problem = _run([*command, "--native"]) and _run(command)
    if problem:
        raise NotSampled(problem)


def _run(command: list[str]) -> str:
    """Give what went wrong, in a line."""
    ended = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    lines = ended.stderr.strip().splitlines()
    return "" if ended.returncode == 0 else next(reversed(lines), f"it has left with {ended.returncode}")


def count(hall: Hall, contender: Counted, calls: int, seconds: float, out: Path) -> None:
    """Write the table of a contender."""
    with hall.stage(contender) as stage:
        stage.dial(calls)
        stage.process.send_signal(signal.SIGUSR1)
        stage.measure(seconds)
        stage.hang_up()
        stage.process.send_signal(signal.SIGTERM)
        stage.process.wait(LEAVE_SECONDS)
    with out.open("w", encoding="utf-8") as text:
        pstats.Stats(str(contender.stats), stream=text).strip_dirs().sort_stats("tottime").print_stats(ROWS)


if __name__ == "__main__":
    sys.exit(main())
