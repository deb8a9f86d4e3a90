"""Every record of the process as one line: JSON or pretty, with nothing personal or secret in it."""

import json
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, Literal, TextIO, TypeAlias

from structlog.contextvars import merge_contextvars
from structlog.dev import ConsoleRenderer, plain_traceback
from structlog.processors import JSONRenderer
from structlog.stdlib import ExtraAdder, ProcessorFormatter
from structlog.typing import EventDict, WrappedLogger

from ringbridge.telemetry.failures import as_text
from ringbridge.telemetry.personal import PERSONAL, mask, masked, visible
from ringbridge.telemetry.places import is_library
from ringbridge.telemetry.secrets import Scrub

__all__ = ["Style", "handler"]

Style: TypeAlias = Literal["auto", "json", "pretty"]
"""`auto` is pretty on a terminal and JSON elsewhere."""

_json: Final = json.JSONEncoder(ensure_ascii=False).encode
_OWN_NAME: Final = "ringbridge.log"
_META: Final = frozenset({"_record", "_from_structlog", "exc_info", "stack_info"})


def handler(stream: TextIO, style: Style, *, personal: bool, secrets: tuple[str, ...]) -> logging.Handler:
    """Writes records to `stream`: ours, a library's, the brain's own. `secrets` are in none of them.

    Personal fields are masked unless `personal`, and so are texts of exceptions which are not ours and what libraries
    fill into their messages.
    """
    is_terminal = stream.isatty()
    pretty = style == "pretty" or (style == "auto" and is_terminal)
    scrub = Scrub(secrets)
    shown = _Shown(personal=personal)
    made = _Handler(stream)
    made.setFormatter(
        _Formatter(
            None if pretty else lambda event: scrub(_json(event)),
            shown,
            processors=[
                shown,
                ProcessorFormatter.remove_processors_meta,
                _pretty(colors=is_terminal) if pretty else JSONRenderer(ensure_ascii=False),
                lambda _logger, _name, line: scrub(str(line)),
            ],
            foreign_pre_chain=[merge_contextvars, _Foreign(personal=personal)],
            keep_exc_info=True,
            pass_foreign_args=True,
            use_get_message=False,
        )
    )
    return made


def _pretty(*, colors: bool) -> ConsoleRenderer:
    return ConsoleRenderer(
        colors=colors,
        timestamp_key="time",
        pad_event_to=24,
        sort_keys=False,
        exception_formatter=plain_traceback,
    )


class _Formatter(ProcessorFormatter):
    """structlog's, past which our own lines take a short cut: there are some on each call, and it copies them twice."""

    def __init__(self, write: Callable[[EventDict], str] | None, shown: "_Shown", **options: Any) -> None:
        """`write` makes the line of what is `shown` of a record of ours; `None`: structlog does that, too."""
        super().__init__(**options)
        self._write = write
        self._shown = shown

    def format(self, record: logging.LogRecord) -> str:
        if self._write is None or "_logger" not in record.__dict__:  # by that structlog, too, knows its own
            return super().format(record)
        event: Any = record.msg
        return self._write(self._shown.fields(record, event))


class _Handler(logging.StreamHandler[TextIO]):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the library's name
        """Say that a line could not be written, without its arguments, which the library would show."""
        if record.name != _OWN_NAME:
            text = f"a line of {visible(record.name)} could not be written"
            self.emit(logging.LogRecord(_OWN_NAME, logging.ERROR, __file__, 0, text, None, None))


class _Foreign:
    """A library's record, or the brain's own, as a line of ours.

    What a library fills into its message may be anybody's words, and so is what stands below its first line.
    """

    def __init__(self, *, personal: bool) -> None:
        self._personal = personal
        self._add_extra = ExtraAdder()

    def __call__(self, logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
        text, args = str(event["event"]), event.pop("positional_args", ())
        if not is_library(event["_record"].pathname):
            event = self._add_extra(logger, name, event)
        elif not self._personal:
            text, args = text.partition("\n")[0], args and _hidden(args)
        event["event"] = text % args if args else text
        return event


class _Hidden:
    def __init__(self, value: object) -> None:
        self._text = mask(value) if isinstance(value, str) else f"({type(value).__name__})"

    def __repr__(self) -> str:
        return self._text


def _hidden(args: object) -> Any:
    if isinstance(args, Mapping):
        return {name: _harmless(value) for name, value in args.items()}
    return tuple(map(_harmless, args)) if isinstance(args, tuple) else _harmless(args)


def _harmless(value: object) -> object:
    return value if isinstance(value, int | float) else _Hidden(value)


class _Shown:
    """A record's fields as they are shown: when, how grave, what; then personal ones masked, and a failure as text."""

    def __init__(self, *, personal: bool) -> None:
        self._personal = personal

    def __call__(self, _logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
        record: logging.LogRecord = event["_record"]
        shown = self.fields(record, event)
        record.exc_info = record.exc_text = record.stack_info = None  # or the formatter would add them as they are
        return {**shown, **{name: event[name] for name in ("_record", "_from_structlog")}}

    def fields(self, record: logging.LogRecord, event: EventDict) -> EventDict:
        """What is shown of a record that holds this event."""
        shown: EventDict = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": "",
        }
        for name, value in event.items():
            if name not in _META:
                shown[name] = self._value(name, value)
        shown["logger"] = record.name
        if record.exc_info and (failure := record.exc_info[1]) is not None:
            shown["exception"] = as_text(failure, personal=self._personal)
        return shown

    def _value(self, name: str, value: object) -> object:
        if name in PERSONAL and not self._personal:
            value = masked(name, value)
        if isinstance(value, str):
            return visible(value)
        return value if value is None or isinstance(value, int | float) else f"({type(value).__name__})"
