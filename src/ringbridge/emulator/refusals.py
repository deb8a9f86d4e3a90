"""Requests that shall be refused, one by one: where a fault strikes whatever comes next, these wait for theirs."""

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

__all__ = ["Refusal", "Refusals"]


@dataclass(frozen=True, slots=True)
class Refusal:
    """What is answered instead: the status, and the JSON as the vendor would write it, after `seconds`."""

    status: int
    body: Mapping[str, Any]
    seconds: float = 0.0


@dataclass(slots=True)
class _Waiting:
    method: str
    path: str
    refusal: Refusal
    times: int


class Refusals:
    """Those that are still to come, of one REST API."""

    def __init__(self) -> None:
        self._waiting: list[_Waiting] = []

    def add(self, method: str, path: str, refusal: Refusal, *, times: int = 1) -> None:
        """Refuse the next `times` requests (-1: all of them) of this method; `path` may hold a `*` for anything."""
        self._waiting.append(_Waiting(method, path, refusal, times))

    def take(self, method: str, path: str) -> Refusal | None:
        """Count and hand out what strikes this request, if anything does; the oldest goes first."""
        for waiting in self._waiting:
            if waiting.method == method and fnmatchcase(path, waiting.path):
                waiting.times -= 1
                if waiting.times == 0:
                    self._waiting.remove(waiting)
                return waiting.refusal
        return None
