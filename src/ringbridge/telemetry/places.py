"""Whose code a file is: the developer's, or a library's, Python's and ours."""

import sysconfig
from functools import lru_cache
from pathlib import Path, PurePath
from types import FrameType
from typing import Final

__all__ = ["blamed", "is_library", "whereabouts"]

_PATHS: Final = sysconfig.get_paths()
_OURS: Final = str(Path(__file__).parents[1])
_INSTALLED: Final = frozenset({"site-packages", "dist-packages"})
_PYTHONS: Final = (_PATHS["stdlib"], _PATHS["platstdlib"], "<frozen")
_LOOPS: Final = ("asyncio/base_events.py", "asyncio/events.py", "asyncio/runners.py")
"""Whose frames stand below each callback of a loop."""


@lru_cache(maxsize=4096)
def is_library(filename: str) -> bool:
    """Whether a file is anybody's but the developer's own."""
    return filename.startswith((_OURS, *_PYTHONS)) or _is_installed(filename)


def whereabouts(filename: str, line: int | None) -> str:
    """`file:line`, which editors and terminals open."""
    return f"{filename}:{line}"


def blamed(innermost: FrameType) -> str | None:
    """The line that keeps a loop from turning, out of its thread's frames: the developer's own if one is there.

    Otherwise the innermost that is not Python's own; `None` when the loop itself waits, as in a process that was
    stopped.
    """
    frames = list(_above_the_loop(innermost))
    theirs = (frame for frame in frames if not is_library(frame.f_code.co_filename))
    others = (frame for frame in frames if not _is_pythons(frame.f_code.co_filename))
    frame = next(theirs, None) or next(others, None)
    return whereabouts(frame.f_code.co_filename, frame.f_lineno) if frame else None


def _above_the_loop(innermost: FrameType) -> list[FrameType]:
    frames: list[FrameType] = []
    frame: FrameType | None = innermost
    while frame is not None and not frame.f_code.co_filename.replace("\\", "/").endswith(_LOOPS):
        frames.append(frame)
        frame = frame.f_back
    return frames


def _is_pythons(filename: str) -> bool:
    return filename.startswith(_PYTHONS) and not _is_installed(filename)


def _is_installed(filename: str) -> bool:
    return not _INSTALLED.isdisjoint(PurePath(filename).parts)
