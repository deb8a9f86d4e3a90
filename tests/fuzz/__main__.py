"""Fuzzes every reader of what comes from outside, one after the other.

    python -m tests.fuzz --seconds 600

Prints for each how many inputs were tried; at an exception that is not our own, its traceback and the smallest input
that was found for it. Exits with 1 if there was one.
"""

import argparse
import logging
import sys
import traceback

from .hunting import Foreign, hunt
from .readers import READERS


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/fuzz", description="Fuzzes every reader of what comes from outside.")
    parser.add_argument("--seconds", type=float, default=600.0, help="for all of them together  [default: 600]")
    parser.add_argument("--only", default="", help="readers whose name holds this")
    options = parser.parse_args()
    logging.disable()  # each refusal is a line of it
    readers = [reader for reader in READERS if options.only in reader.name]
    findings = 0
    for reader in readers:
        try:
            tried = hunt(reader, seconds=options.seconds / len(readers))
        except (Foreign, ExceptionGroup) as foreign:
            findings += 1
            print(f"{reader.name}: {foreign}", flush=True)  # noqa: T201 - a script
            traceback.print_exception(foreign)
        else:
            print(f"{reader.name}: {tried:,} inputs, no exception but our own", flush=True)  # noqa: T201
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
