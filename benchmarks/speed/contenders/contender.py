"""What the benchmark knows of a contender: how to make it ready and how to start it."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

__all__ = ["BUILT", "PROGRAMS", "Contender", "PythonProgram"]

PROGRAMS = Path(__file__).with_name("programs")

BUILT = Path(__file__).parents[3] / ".bench"
"""What `prepare` makes goes here. Git does not see it."""

KEPT = ("PATH", "HOME", "LANG", "TMPDIR", "VIRTUAL_ENV")
"""What a contender's environment has of ours; the rest is its settings."""


@dataclass(frozen=True, slots=True)
class Contender:
    """A bridge that is one process, and ready once its port accepts."""

    name: str
    title: str
    speaks_tls: bool = field(default=True, kw_only=True)
    """Whether it can dial an engine by wss."""
    has_brain: bool = field(default=True, kw_only=True)
    """Whether an engine can dial its brain, at `/ws`."""

    def missing(self) -> str | None:
        """Say why it can't run here; None where it can, once it is prepared."""
        return None

    def prepare(self) -> None:
        """Build or install what it needs, once. May take a minute; raises CalledProcessError where that fails."""

    def prepared(self) -> bool:
        """Whether `prepare` has nothing left to do."""
        return True

    def command(self, port: int) -> list[str]:
        """Give the command that serves on this port of 127.0.0.1."""
        raise NotImplementedError

    def environ(self, settings: Mapping[str, str]) -> dict[str, str]:
        """Give its whole environment."""
        return {name: os.environ[name] for name in KEPT if name in os.environ} | dict(settings)


@dataclass(frozen=True, slots=True)
class PythonProgram(Contender):
    """A file of `programs/`, run by the Python that runs us. `packages` are the modules that it imports."""

    file: str
    packages: tuple[str, ...] = ()
    options: tuple[str, ...] = ()

    def missing(self) -> str | None:
        absent = [package for package in self.packages if find_spec(package) is None]
        return f"{', '.join(absent)} not installed" if absent else None

    def command(self, port: int) -> list[str]:
        return [sys.executable, str(PROGRAMS / self.file), str(port), *self.options]
