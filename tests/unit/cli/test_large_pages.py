import platform
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ringbridge.cli.large_pages import LARGE_PAGE, large_pages

SMAPS = """\
{start:x}-{end:x} {perms} 00000000 {device} {inode} {path}
Size:           {size:>8} kB
KernelPageSize:        4 kB
MMUPageSize:           4 kB
Rss:            {rss:>8} kB
Pss:            {rss:>8} kB
VmFlags: rd wr mr mw me ac sd
"""


def smaps(start, end, *, perms="rw-p", device="00:00", inode=0, path="", there=1.0):
    size = (end - start) // 1024
    known = {"start": start, "end": end, "perms": perms, "device": device, "inode": inode, "path": path}
    return SMAPS.format(size=size, rss=round(size * there), **known).splitlines()


P = LARGE_PAGE


@pytest.mark.parametrize(
    ("start", "end", "pages"),
    [
        (5 * P, 7 * P, [5 * P, 6 * P]),
        (5 * P + 4096, 8 * P - 4096, [6 * P]),
        (5 * P + 4096, 7 * P - 4096, []),
        (5 * P, 5 * P + 4096, []),
    ],
)
def test_only_pages_that_are_covered_whole(start, end, pages):
    assert list(large_pages(smaps(start, end))) == pages


@pytest.mark.parametrize(
    "other",
    [
        {"perms": "r--p"},
        {"perms": "rw-s"},
        {"device": "fe:00", "inode": 12, "path": "/usr/lib/libpython3.so"},
        {"path": "[stack]"},
        {"there": 0.7},
    ],
)
def test_nothing_but_memory_of_our_own_that_is_mostly_there(other):
    lines = [*smaps(5 * P, 7 * P, **other), *smaps(9 * P, 10 * P, path="[heap]", there=0.8)]

    assert list(large_pages(lines)) == [9 * P]


PROGRAM = """
from ringbridge.cli.large_pages import use_large_pages
kept = [bytes([number]) * 1000 for number in range(256) for _ in range(40)]
use_large_pages()
assert all(set(block) == {number // 40} for number, block in enumerate(kept))
print(next(line for line in open("/proc/self/smaps_rollup") if line.startswith("AnonHugePages")).split()[1])
"""


def can_collapse():
    release = re.match(r"(\d+)\.(\d+)", platform.release())
    is_known = sys.platform == "linux" and release is not None and (int(release[1]), int(release[2])) >= (6, 1)
    return is_known and Path("/sys/kernel/mm/transparent_hugepage").exists()


@pytest.mark.skipif(not can_collapse(), reason="MADV_COLLAPSE is Linux', from 6.1 on, with transparent huge pages")
def test_what_is_there_lies_in_large_pages_and_is_the_same():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, timeout=60)

    assert int(done.stdout) >= 4096
