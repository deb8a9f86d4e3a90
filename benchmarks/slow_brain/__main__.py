"""Whether a slow brain makes the relay late.

    python -m benchmarks.slow_brain

Fifty calls, of which ten have a brain that blocks for 10 ms at each of its tokens, waiting or computing. The added
latency of the audio is measured with brains in the bridge's process and in one of their own, and, for comparison, with
a brain that does not block. All in turns, medians of the rounds. Both processes share one core.
"""

import argparse
import statistics
import sys
import tempfile
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.speed.contenders.contender import Contender
from benchmarks.speed.contenders.ours import Ours
from benchmarks.speed.hall import Hall
from benchmarks.speed.stage import Load

from ringbridge.emulator.certificate import made_up

BRAIN: Final = Path(__file__).with_name("brain.py")
KINDS: Final = ("does not block", "waits", "computes")
PLACES: Final = {"in the bridge": 0, "elsewhere": 1}
SHARES: Final = ("p50", "p99", "max")
TOO_NOISY: Final = 3
LATE_MS: Final = 3.0
"""The relay's own bound for the 99th percentile."""


@dataclass(frozen=True, slots=True)
class Slow(Ours):
    """Our bridge with this brain."""

    kind: str
    processes: int

    def environ(self, settings: Mapping[str, str]) -> dict[str, str]:
        """Give its whole environment."""
        own = {"BRAIN": f"{BRAIN}:reply", "SLOW_BRAIN": self.kind, "BRAIN_PROCESSES": str(self.processes)}
        return Ours.environ(self, {**settings, **own})


def main() -> int:
    """Measure, print; the exit code is 1 where brains elsewhere make the relay late, 3 where noise may have done it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.slow_brain")
    parser.add_argument("--calls", type=int, default=50, help="[default: 50]")
    parser.add_argument("--seconds", type=float, default=6, help="of each measurement  [default: 6]")
    parser.add_argument("--rounds", type=int, default=3, help="[default: 3]")
    options = parser.parse_args()
    loads: defaultdict[tuple[str, str], list[Load]] = defaultdict(list)
    noises: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        certificate = Path(folder) / "engine.pem"
        made_up("127.0.0.1").write(certificate)
        hall = Hall(certificate)
        for _ in range(options.rounds):
            for kind in KINDS:
                for place, processes in PLACES.items():
                    hall.tell(f"a brain that {kind}, {place}")
                    contender = Slow("ours", "ours", kind=kind, processes=processes)
                    load, noise = _measured(hall, contender, options.calls, options.seconds)
                    loads[kind, place].append(load)
                    noises += [noise] if noise else []
    is_late = _report(loads, options.calls)
    if noises:
        print(f"{len(noises)} of {options.rounds * len(loads)} measurements were disturbed: {noises[0]}")
    return (TOO_NOISY if noises else 1) if is_late else 0


def _measured(hall: Hall, contender: Contender, calls: int, seconds: float) -> tuple[Load, str]:
    with hall.stage(contender) as stage:
        stage.use_brains()
        stage.dial(calls)
        load, noise = hall.watched(stage, seconds)
        stage.hang_up()
    return load, noise.spoils_time()


def _report(loads: Mapping[tuple[str, str], list[Load]], calls: int) -> bool:
    """Print the table; gives whether brains elsewhere make the relay late."""
    print(f"{calls} calls. Added latency of the audio, and time to the brain's first words, in ms\n")
    print(f"| the brain | runs | {' | '.join(SHARES)} | frames lost | first words p50 | p99 |")
    print("|---|---|" + "--:|" * 6)
    for (kind, place), rounds in loads.items():
        audio = (f"{_latency(rounds, share):.2f}" for share in SHARES)
        words = (f"{statistics.median(load.brain_ms[share] for load in rounds):.0f}" for share in ("p50", "p99"))
        lost = sum(load.lost + load.wrong for load in rounds)
        print(f"| {kind} | {place} | {' | '.join(audio)} | {lost} | {' | '.join(words)} |")
    print()
    for kind in KINDS[1:]:
        ratios = [_latency(loads[kind, "elsewhere"], s) / _latency(loads[kind, "in the bridge"], s) for s in SHARES]
        print(f"A brain that {kind}: elsewhere, p50 is {ratios[0]:.2f} of that in the bridge, p99 {ratios[1]:.2f}.")
    return any(_latency(loads[kind, "elsewhere"], "p99") > LATE_MS for kind in KINDS)


def _latency(rounds: list[Load], share: str) -> float:
    """The worse direction's, the median of the rounds."""
    return statistics.median(max(side[share] for side in load.latency_ms.values()) for load in rounds)


if __name__ == "__main__":
    sys.exit(main())
