"""Which speech engine takes a call: one for each language, chosen by where the numbers are from.

A Speech Engine refuses to be told another language for one conversation, so there is an engine for each.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import phonenumbers
from babel import Locale, UnknownLocaleError
from babel.languages import get_official_languages

__all__ = ["EngineChoice", "choose_engine", "parse_engines"]


@dataclass(frozen=True, slots=True)
class EngineChoice:
    """A speech engine, and the language that it hears and speaks, as an ISO 639 code."""

    language: str
    engine_id: str


def parse_engines(text: str) -> tuple[EngineChoice, ...]:
    """Read `en:seng_…,fr:seng_…`. Raises `ValueError`, whose text says what is wrong with it, and the mend."""
    engines: dict[str, EngineChoice] = {}
    for part in text.split(","):
        language, colon, engine_id = (word.strip() for word in part.partition(":"))
        if not colon or not engine_id:
            raise ValueError("has an entry that is not language:engine; write it like en:seng_…,fr:seng_…")
        if engine_id.startswith("agent_"):
            raise ValueError("names an agent; copy the ids of speech engines, which begin with seng_")
        language = _code(language)
        if language in engines:
            raise ValueError(f"has the language {language} twice; a language has one engine")
        engines[language] = EngineChoice(language, engine_id)
    return tuple(engines.values())


def choose_engine(
    engines: tuple[EngineChoice, ...], *, default: EngineChoice, called: str, caller: str, caller_country: str
) -> EngineChoice:
    """The engine for a call: the called number's country decides, then the caller's, then it is the default.

    `called` and `caller` are as Twilio gives them; `caller_country` is Twilio's CallerCountry, an ISO 3166 code or
    empty. A country of several languages gets the first of its own that has an engine, be it the default.
    """
    if not engines:
        return default
    by_language = {engine.language: engine for engine in (default, *engines)}
    for country in (_country(called), _country(caller) or caller_country.upper()):
        for language in _languages(country):
            if language in by_language:
                return by_language[language]
    return default


def _code(language: str) -> str:
    try:
        return Locale.parse(language, sep="-").language
    except (ValueError, UnknownLocaleError):
        raise ValueError(f"has {language!r} for a language; write a code such as en, de, es, fr or hi") from None


def _country(number: str) -> str:
    try:
        country = phonenumbers.region_code_for_number(phonenumbers.parse(number)) or ""
    except phonenumbers.NumberParseException:
        return ""
    return "" if country == phonenumbers.REGION_CODE_FOR_NON_GEO_ENTITY else country


def _languages(country: str) -> Iterator[str]:
    for code in get_official_languages(country, regional=True, de_facto=True):
        yield code.partition("_")[0]
