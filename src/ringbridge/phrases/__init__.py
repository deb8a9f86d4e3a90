"""What Ringbridge itself says to a caller, in the call's language."""

from ringbridge.phrases.base import Phrases
from ringbridge.phrases.english import ENGLISH
from ringbridge.phrases.french import FRENCH
from ringbridge.phrases.german import GERMAN
from ringbridge.phrases.hindi import HINDI
from ringbridge.phrases.spanish import SPANISH

__all__ = ["ENGLISH", "LANGUAGES", "Phrases", "for_language"]

LANGUAGES = {table.code: table for table in (ENGLISH, GERMAN, SPANISH, FRENCH, HINDI)}
"""By ISO 639 code."""


def for_language(code: str) -> Phrases:
    """The sentences of a language, named by its code (`de`, also `de-AT`); English where there are none."""
    return LANGUAGES.get(code.partition("-")[0].casefold(), ENGLISH)
