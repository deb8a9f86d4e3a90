"""How lines are written: constant text and fields, which end up in the standard library's logging.

A module asks for its logger once, and says what happened and to what: `log.warning("refused", route=route)`. Which
fields are personal is said in `telemetry/personal.py`; how lines look, in `telemetry/writing.py`.
"""

import logging
import sys
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Final

import structlog
from structlog.contextvars import bind_contextvars, merge_contextvars
from structlog.stdlib import BoundLogger
from structlog.typing import EventDict, WrappedLogger

from ringbridge.telemetry.personal import masked
from ringbridge.telemetry.writing import Style, handler

__all__ = ["bind_ids", "get_logger", "set_up"]

NOISY: Final = ("httpx", "httpx2", "twilio", "aiohttp.access", "openai")
"""Libraries that tell of each request."""

_STRUCTLOGS_FRAMES: Final = 3
"""Between the line that logs and the standard library: that line is what a record names as its place."""


def get_logger(name: str) -> BoundLogger:
    """The logger of a module: what it is told goes to the standard library's logger of that name."""
    logger: BoundLogger = structlog.wrap_logger(
        logging.getLogger(name),
        processors=[structlog.stdlib.filter_by_level, merge_contextvars, _to_record],
        wrapper_class=BoundLogger,
        cache_logger_on_first_use=True,
    )
    return logger


def bind_ids(ids: Mapping[str, str]) -> None:
    """Have every line of the task that runs, and of those that it starts, bear these fields."""
    bind_contextvars(**ids)


def set_up(style: Style = "auto", *, personal: bool = False, secrets: tuple[str, ...] = ()) -> None:
    """Log to standard error: ours from INFO on, the libraries' from WARNING on.

    `style` is LOG_FORMAT, `personal` LOG_PERSONAL; `secrets` are never written. Where the process has a log set up
    already, that one stays. What ends the process goes there, too.
    """
    logging.basicConfig(level=logging.INFO, handlers=[handler(sys.stderr, style, personal=personal, secrets=secrets)])
    for name in NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)
    sys.excepthook = _uncaught


def _uncaught(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    """What nobody caught ends the process: Python's own report would show its text as it is."""
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, traceback)
    else:
        get_logger("ringbridge").critical("the process ends", exc_info=error)


class _Line(dict[str, Any]):
    """A line on its way to the handlers that there are. One that is not of our making shows it masked, too."""

    def __str__(self) -> str:
        fields = (f"{name}={masked(name, value)!r}" for name, value in self.items() if name != "event")
        return " ".join([str(self["event"]), *fields])


def _to_record(logger: WrappedLogger, name: str, event: EventDict) -> tuple[tuple[_Line], dict[str, Any]]:
    failure = event.pop("exc_info", None)
    extra = {"_logger": logger, "_name": name}  # by which structlog's formatter knows its own
    return (_Line(event),), {"extra": extra, "exc_info": failure, "stacklevel": _STRUCTLOGS_FRAMES + 1}
