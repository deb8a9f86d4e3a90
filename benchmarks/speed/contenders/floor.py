"""The floor, in C: compiled once, and again when its text has changed."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.speed.contenders.contender import BUILT, PROGRAMS, Contender

__all__ = ["Floor"]

SOURCE = PROGRAMS / "floor"
BINARY = BUILT / "floor"


@dataclass(frozen=True, slots=True)
class Floor(Contender):
    """`programs/floor`, the cost of moving the bytes and of nothing else."""

    def missing(self) -> str | None:
        if sys.platform != "linux":
            return "it needs epoll, which Linux has"
        return None if shutil.which("cc") else "no C compiler, cc, found"

    def prepare(self) -> None:
        if self.prepared():
            return
        BUILT.mkdir(exist_ok=True)
        compiler = shutil.which("cc") or "cc"
        fresh = BINARY.with_suffix(".new")
        subprocess.run([compiler, "-O2", "-o", fresh, SOURCE / "floor.c"], check=True)  # noqa: S603 - our own text
        fresh.replace(BINARY)

    def prepared(self) -> bool:
        return BINARY.exists() and BINARY.stat().st_mtime > max(file.stat().st_mtime for file in _text())

    def command(self, port: int) -> list[str]:
        return [str(BINARY), str(port)]


def _text() -> Iterator[Path]:
    yield from SOURCE.glob("*.[ch]")
