"""Ringbridge itself: the real command with its usual settings, log, metrics, tokens, marks and all."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.speed.contenders.contender import BUILT, PROGRAMS, Contender

__all__ = ["Ours"]

NEEDED = {"SHARED_SECRET": "a-secret-of-the-benchmark", "MAX_CALLS": "100000"}
"""What a user would set, too: the engine's secret, and room for more calls than 500."""


@dataclass(frozen=True, slots=True)
class Ours(Contender):
    """`ringbridge serve`. A setting that is passed in, BRAIN and SHARED_SECRET among them, wins over ours."""

    def command(self, port: int) -> list[str]:
        no_env_file = str(BUILT / "no.env")
        return [sys.executable, "-m", "ringbridge", "serve", "--port", str(port), "--env-file", no_env_file]

    def environ(self, settings: Mapping[str, str]) -> dict[str, str]:
        # Not `super()`: it does not work in a dataclass with slots on Python 3.11 to 3.13.
        return Contender.environ(self, {"BRAIN": f"{PROGRAMS / 'brain.py'}:reply", **NEEDED, **settings})
