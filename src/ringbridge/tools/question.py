"""The question that a caller has to say yes to before a tool runs."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from enum import Enum
from string import Formatter
from typing import Any

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_time

__all__ = ["MAX_LETTERS", "Question", "read_question", "speakable"]

MAX_LETTERS = 400
"""A longer question is read out to nobody: who says yes to it does not know to what."""


@dataclass(frozen=True, slots=True)
class Question:
    """A template with the tool's parameters in braces."""

    template: str

    def ask(self, values: Mapping[str, Any], language: str) -> str:
        """The question about these arguments, as it is spoken."""
        spoken = {name: speakable(value, language) for name, value in values.items()}
        return " ".join(self.template.format_map(spoken).split())


def read_question(template: str, names: Collection[str]) -> Question:
    """Check a template against the names of the parameters. Raises `TypeError`."""
    try:
        fields = [(name, spec, how) for _, name, spec, how in Formatter().parse(template) if name is not None]
    except ValueError as error:
        raise TypeError(f"its question can't be read: {error}") from None
    for name, spec, how in fields:
        if name not in names:
            known = ", ".join(f"{{{each}}}" for each in sorted(names)) or "none"
            raise TypeError(f"its question has {{{name}}}, which is not a parameter that a model passes: {known}")
        if spec or how:
            raise TypeError(f"its question has a format for {name}: leave it out, values are made fit to be spoken")
    return Question(template)


def speakable(value: object, language: str) -> str:
    """A value in words and numbers that a voice reads well. `language` is an ISO 639 code."""
    match value:
        case datetime():
            return f"{_day(value, language)}, {_time(value.time(), language)}"
        case date():
            return _day(value, language)
        case time():
            return _time(value.replace(tzinfo=None), language)
        case Enum():
            return speakable(value.value, language)
        case list() | tuple() | set() | frozenset():
            return ", ".join(speakable(each, language) for each in value)
        case float():
            return f"{value:.12g}"
        case _:
            return str(value)


def _day(value: date, language: str) -> str:
    # With the year: a caller's yes must not cover one that was left out.
    return str(format_date(value, "full", locale=_locale(language)))


def _time(value: time, language: str) -> str:
    return str(format_time(value, "short", locale=_locale(language)))


def _locale(language: str) -> Locale:
    try:
        return Locale.parse(language, sep="-" if "-" in language else "_")
    except (UnknownLocaleError, ValueError):
        return Locale("en")
