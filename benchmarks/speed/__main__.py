"""Compares bridges in one run, in turns: CPU per frame, latency, calls per core, start of a call, memory, the brain.

    python -m benchmarks.speed --quick

Each is put between two players of ours, who are Twilio and ElevenLabs at full load. A whole run takes twenty minutes
and rewrites docs/performance.md with its plots. The exit code is 3 where the machine was too noisy.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks.speed import plots, report
from benchmarks.speed.contenders import CONTENDERS, Contender
from benchmarks.speed.hall import Hall
from benchmarks.speed.plan import FIGURES, Item, play, quick, whole
from benchmarks.speed.trials import WARM_CALLS

from ringbridge.emulator.certificate import made_up

QUICK: Final = ("ours", "guide", "node")
ON_REQUEST: Final = "pipecat"
TOO_NOISY: Final = 3


def main() -> int:
    """Measure, report, judge."""
    options = _parser().parse_args()
    contenders = _contenders(options)
    with tempfile.TemporaryDirectory() as folder:
        certificate = Path(folder) / "engine.pem"
        made_up("127.0.0.1").write(certificate)
        hall = Hall(certificate)
        play(hall, contenders, _items(options), options.rounds or (2 if options.quick else 3))
    hall.results.keep(options.figure or FIGURES)
    measured = report.markdown(hall.results)
    print(measured)
    if options.json:
        options.json.write_text(json.dumps(hall.results.document(), indent=1), encoding="utf-8")
    if not (options.quick or options.only or options.figure or options.calls):
        report.rewrite(options.into / "performance.md", f"{report.machine()}\n\n{measured}")
        plots.draw(hall.results, options.into)
    print(*report.warnings(hall.results), sep="\n", file=sys.stderr)
    return TOO_NOISY if hall.results.untrusted() else int(bool(hall.results.problems))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scripts/bench", description="Compares bridges in one run, in turns.")
    parser.add_argument("--quick", action="store_true", help="in two minutes, with fewer figures and bridges")
    parser.add_argument("--calls", type=_calls, help="calls at once  [default: 100, and for some 50, 200, 300]")
    parser.add_argument("--only", nargs="+", metavar="NAME", choices=[one.name for one in CONTENDERS])
    parser.add_argument("--figure", nargs="+", choices=FIGURES)
    parser.add_argument("--rounds", type=int, help="[default: 3; quick: 2]")
    parser.add_argument("--seconds", type=float, help="of each measurement under load  [default: 2.4; quick: 2]")
    parser.add_argument(f"--{ON_REQUEST}", action="store_true", help=f"with {ON_REQUEST}, which takes long to install")
    parser.add_argument("--json", type=Path, metavar="FILE", help="every value that was measured")
    parser.add_argument("--into", type=Path, default=Path("docs"), help="the folder of the report  [default: docs]")
    return parser


def _calls(text: str) -> int:
    """How many, if that is enough."""
    calls = int(text)
    if calls <= WARM_CALLS:
        raise argparse.ArgumentTypeError(f"it takes more than {WARM_CALLS}")
    return calls


def _items(options: argparse.Namespace) -> list[Item]:
    make, seconds = (quick, 2.0) if options.quick else (whole, 2.4)
    items = make(options.calls, options.seconds or seconds)
    return [item for item in items if not options.figure or item.figures & set(options.figure)]


def _contenders(options: argparse.Namespace) -> Sequence[Contender]:
    """Those that were asked for and can run here, made ready."""
    wanted = set(options.only or (QUICK if options.quick else [one.name for one in CONTENDERS]))
    if not options.only:
        wanted -= set() if options.pipecat else {ON_REQUEST}
    if options.pipecat:
        wanted.add(ON_REQUEST)
    found = []
    for contender in CONTENDERS:
        if contender.name in wanted:
            if why := contender.missing():
                print(f"without {contender.name}: {why}", file=sys.stderr)
                continue
            contender.prepare()
            found.append(contender)
    return found


if __name__ == "__main__":
    sys.exit(main())
