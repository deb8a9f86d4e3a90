"""Runs ringbridge under cProfile, which counts CPU, not waiting, and from SIGUSR1 on, not the start.

    python -m benchmarks.speed.counted STATS serve --port 3001

What was counted is in STATS when the command ends.
"""

import cProfile
import runpy
import signal
import sys
import time


def main(stats: str) -> None:
    """The command's arguments are what is left of ours."""
    profile = cProfile.Profile(time.process_time)
    signal.signal(signal.SIGUSR1, lambda _number, _frame: profile.enable())
    del sys.argv[1]
    try:
        runpy.run_module("ringbridge", run_name="__main__", alter_sys=True)
    finally:
        profile.disable()
        profile.dump_stats(stats)


if __name__ == "__main__":
    main(sys.argv[1])
