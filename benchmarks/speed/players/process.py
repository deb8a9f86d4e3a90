"""A player as the benchmark sees it: a process that is asked, and answers."""

import json
import select
import subprocess
import sys
from types import TracebackType
from typing import Any, Self

from benchmarks.speed.machine import Cores

__all__ = ["Player", "PlayerFailed"]

ANSWER_SECONDS = 120.0


class PlayerFailed(Exception):
    """A player has left, or does not answer."""


class Player:
    """One player's process, on its own cores. A context manager."""

    def __init__(self, name: str, cores: Cores, *arguments: str) -> None:
        self._name = name
        command = [sys.executable, "-m", f"benchmarks.speed.players.{name}", *arguments]
        with cores:
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603

    @property
    def pid(self) -> int:
        """Of its process."""
        return self._process.pid

    def ask(self, do: str, **fields: Any) -> dict[str, Any]:
        """Have it do something. Raises `PlayerFailed`."""
        self.tell(do, **fields)
        return self.answer()

    def tell(self, do: str, **fields: Any) -> None:
        """Have it do something; its `answer` is to be taken later."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps({"do": do, **fields}).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise PlayerFailed(f"{self._name} has left") from None

    def answer(self) -> dict[str, Any]:
        """What came of the oldest thing that it was told. Raises `PlayerFailed`."""
        assert self._process.stdout is not None
        ready, _, _ = select.select([self._process.stdout], [], [], ANSWER_SECONDS)
        line = self._process.stdout.readline() if ready else b""
        if not line:
            raise PlayerFailed(f"{self._name} {'has left' if ready else 'does not answer'}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()
