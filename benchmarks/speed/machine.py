"""The machine: whose cores are whose, and what a process has cost so far."""

import os
import platform
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

__all__ = ["Cores", "core_count", "cpu_model", "cpu_seconds", "own_memory", "split_cores"]


class Cores:
    """Some cores of this machine. As a context manager: a process started within it runs on these alone."""

    def __init__(self, numbers: set[int]) -> None:
        self.numbers = numbers
        self._before: set[int] = set()

    def __enter__(self) -> Self:
        self._before = os.sched_getaffinity(0)
        os.sched_setaffinity(0, self.numbers)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.sched_setaffinity(0, self._before)


def split_cores() -> tuple[Cores, Cores]:
    """One core for the contender, the others for the players. Raises `ValueError` where there is but one."""
    numbers = sorted(os.sched_getaffinity(0))
    if len(numbers) < 2:
        raise ValueError("this takes two cores: one for the bridge, and one for those who phone it")
    return Cores({numbers[0]}), Cores(set(numbers[1:]))


def cpu_seconds(pid: int) -> float:
    """User and system time of a process, of all its threads, living or not, and of its children."""
    total = 0
    with suppress(psutil.NoSuchProcess):
        family = [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]
        for member in family:
            with suppress(OSError):
                total += time.clock_gettime_ns(_cpu_clock(member))
    return total / 1e9


def _cpu_clock(pid: int) -> int:
    """The kernel's CPU-time clock of another process; as `clock_getcpuclockid(3)` makes it on Linux."""
    return (~pid << 3) | 2


def own_memory(pid: int) -> int:
    """Bytes of RAM that would be free if this process and its children were not there."""
    process = psutil.Process(pid)
    return sum(int(member.memory_full_info().uss) for member in (process, *process.children(recursive=True)))


def core_count() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0))


def cpu_model() -> str:
    """What the processor calls itself."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
