"""What the bridge runs on: Python, libraries, processor, file descriptors."""

import platform
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement

from ringbridge import __version__
from ringbridge.doctor.verdict import Verdict, failure, ok, warning

__all__ = ["CGROUP", "check_descriptors", "check_libraries", "check_processor", "check_python", "hard_limit"]

PYTHON: Final = "Python"
LIBRARIES: Final = "libraries"
PROCESSOR: Final = "processor"
DESCRIPTORS: Final = "file descriptors"

OLDEST: Final = (3, 11)

CGROUP: Final = Path("/sys/fs/cgroup/cpu.max")
"""How much of how many processors a container gets: `quota period` in µs, or `max period` (Linux, cgroup v2)."""

CALLS_PER_CORE: Final = 500
"""What one core carried without a frame too late, docs/performance.md; a bridge uses one."""

DESCRIPTORS_PER_CALL: Final = 4
"""A call has two sockets that we accept, and half of all descriptors are kept for what we open ourselves."""

SPARE: Final = 100
"""For everything but calls."""


def check_python() -> list[Verdict]:
    """The interpreter's version."""
    found = f"{platform.python_implementation()} {platform.python_version()}, ringbridge {__version__}"
    if sys.version_info < OLDEST:
        return [failure(PYTHON, found, "install Python 3.11 or newer")]
    return [ok(PYTHON, found)]


def check_libraries(package: str = "ringbridge") -> list[Verdict]:
    """What is installed, against what `package` asks for."""
    try:
        asked = [Requirement(text) for text in requires(package) or ()]
    except PackageNotFoundError:
        return [warning(LIBRARIES, f"{package} is not installed, it runs from its source", f"pip install {package}")]
    problems = [*_problems(asked)]
    if problems:
        return [failure(LIBRARIES, ", ".join(problems), f"pip install --upgrade {package}")]
    return [ok(LIBRARIES, f"{len(asked)} are as {package} asks for")]


def _problems(asked: list[Requirement]) -> Iterator[str]:
    for one in asked:
        if one.marker is not None and not one.marker.evaluate({"extra": ""}):
            continue
        try:
            there = version(one.name)
        except PackageNotFoundError:
            yield f"{one.name} is missing"
            continue
        if not one.specifier.contains(there, prereleases=True):
            yield f"{one.name} is {there}, not {one.specifier}"


def check_processor(max_calls: int, cgroup: Path = CGROUP) -> list[Verdict]:
    """Whether what this process gets of a core does for so many calls at once."""
    share = min(1.0, _share(cgroup))
    calls = int(CALLS_PER_CORE * share)
    found = f"{share:g} of a core for the bridge, which carries some {calls} calls; MAX_CALLS is {max_calls}"
    if max_calls <= calls:
        return [ok(PROCESSOR, found)]
    if share < 1:
        return [warning(PROCESSOR, found, f"give the container a whole core, or set MAX_CALLS={calls}")]
    return [warning(PROCESSOR, found, f"set MAX_CALLS={calls}: a process uses one core")]


def _share(cgroup: Path) -> float:
    try:
        quota, period = cgroup.read_text().split()
        return float("inf") if quota == "max" else int(quota) / int(period)
    except (OSError, ValueError):  # no container, or another system
        return float("inf")


def hard_limit() -> int | None:
    """How many descriptors the process could have; `None` for as many as it likes, or on Windows."""
    if sys.platform == "win32":
        return None
    import resource  # noqa: PLC0415 - Unix alone has it

    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if hard == resource.RLIM_INFINITY else hard


def check_descriptors(max_calls: int, limit: int | None) -> list[Verdict]:
    """Whether so many calls at once have enough of them; `serve` takes what the system would give it."""
    needed = max_calls * DESCRIPTORS_PER_CALL + SPARE
    if limit is None:
        return [ok(DESCRIPTORS, "no limit")]
    found = f"{limit} at most, and MAX_CALLS={max_calls} needs {needed}"
    if limit < needed:
        fewer = max(1, (limit - SPARE) // DESCRIPTORS_PER_CALL)
        mend = f"raise the limit (ulimit -Hn, systemd LimitNOFILE, docker --ulimit nofile), or set MAX_CALLS={fewer}"
        return [warning(DESCRIPTORS, found, mend)]
    return [ok(DESCRIPTORS, found)]
