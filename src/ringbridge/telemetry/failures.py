"""An exception as the log shows it: what it is and where it was raised. Its words are personal unless they are ours."""

from traceback import walk_tb
from typing import Final

from ringbridge.errors import RingbridgeError
from ringbridge.telemetry.personal import mask, visible
from ringbridge.telemetry.places import whereabouts

__all__ = ["as_text"]

_MOST_FRAMES: Final = 30
_MOST_CAUSES: Final = 8


def as_text(error: BaseException, *, personal: bool) -> str:
    """One line for its type (and text, masked unless `personal`), one for each frame; then the same of its causes.

    Neither the values of variables nor lines of source are in it.
    """
    return "\n".join(_lines(error, personal, _MOST_CAUSES))


def _lines(error: BaseException, personal: bool, causes: int) -> list[str]:  # noqa: FBT001 - private
    lines = [_title(error, personal), *_frames(error)]
    if isinstance(error, BaseExceptionGroup):
        for part in error.exceptions[:causes]:
            lines += ["with", *_lines(part, personal, causes - 1)]
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None and causes:
        lines += ["caused by" if error.__cause__ else "while handling", *_lines(cause, personal, causes - 1)]
    return lines


def _title(error: BaseException, personal: bool) -> str:  # noqa: FBT001 - private
    try:
        text = str(error)
    except Exception:  # somebody's own class may do anything here
        text = ""
    shown = visible(text) if personal or isinstance(error, RingbridgeError) else mask(text)
    return f"{type(error).__qualname__}: {shown}" if text else type(error).__qualname__


def _frames(error: BaseException) -> list[str]:
    frames = [
        f"  {whereabouts(frame.f_code.co_filename, line)} in {frame.f_code.co_name}"
        for frame, line in walk_tb(error.__traceback__)
    ]
    return frames[-_MOST_FRAMES:]
