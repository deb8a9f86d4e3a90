"""Memory that lasts, in large pages: the processor finds a thing in memory by fewer entries of its tables.

A call is cold whenever its next frame comes, and so is the code for whatever is rare. With pages of 4 KiB each of these
has to be found through tables that are cold themselves. Transparent huge pages: Linux, madvise(2).
"""

import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

__all__ = ["LARGE_PAGE", "large_pages", "use_large_pages"]

LARGE_PAGE: Final = 2 * 1024 * 1024
"""Bytes, on x86-64 and on ARM with pages of 4 KiB."""

MOSTLY: Final = 0.75
"""A range of which less is there, such as the stack of a thread, would grow by being moved."""

_COLLAPSE: Final = 25
"""`MADV_COLLAPSE`, since Linux 6.1: move what is there into a large page, now."""

_RANGE: Final = re.compile(r"([0-9a-f]+)-([0-9a-f]+) rw-p \S+ \S+ 0\s*(\[heap\])?$")
_FIELD: Final = re.compile(r"(Size|Rss): +(\d+) kB$")


def use_large_pages() -> None:
    """Move what was made by now into large pages. Where the system can't do that, it stays where it is."""
    if sys.platform != "linux":
        return
    try:
        import ctypes  # noqa: PLC0415 - a Python that was built without libffi has none

        ranges = Path("/proc/self/smaps").read_text()
    except (ImportError, OSError):
        return
    madvise = ctypes.CDLL(None).madvise
    madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    for address in large_pages(ranges.splitlines()):
        madvise(address, LARGE_PAGE, _COLLAPSE)


def large_pages(smaps: Iterable[str]) -> Iterator[int]:
    """The addresses of all large pages that the process' own memory covers; `smaps` are lines of proc_pid_smaps(5)."""
    start = end = size = 0
    for line in smaps:
        if found := _FIELD.match(line):
            kib = int(found[2])
            if found[1] == "Size":
                size = kib
            elif kib >= size * MOSTLY:
                yield from range(-(-start // LARGE_PAGE) * LARGE_PAGE, end - LARGE_PAGE + 1, LARGE_PAGE)
        elif "-" in line.partition(" ")[0]:
            found = _RANGE.match(line)
            start, end = (int(found[1], 16), int(found[2], 16)) if found else (0, 0)
