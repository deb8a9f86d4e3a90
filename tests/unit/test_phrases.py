"""What Ringbridge itself says: complete in each language, and fit to be spoken."""

import re
from dataclasses import fields

import pytest
from babel import Locale

from ringbridge.brain.plain import Plain
from ringbridge.phrases import ENGLISH, LANGUAGES, Phrases, for_language

TABLES = pytest.mark.parametrize("table", LANGUAGES.values(), ids=LANGUAGES)


def said(table: Phrases) -> list[str]:
    """All sentences, in the order of the fields."""
    values = [getattr(table, field.name) for field in fields(table) if field.name not in ("code", "language")]
    return [text for value in values for text in ([value] if isinstance(value, str) else value)]


def test_there_are_five_languages_by_their_codes():
    assert set(LANGUAGES) == {"en", "de", "es", "fr", "hi"}
    assert all(code == table.code for code, table in LANGUAGES.items())


@TABLES
def test_each_table_is_complete(table):
    assert len(table.ask_again) == len(table.still_there) == 2
    assert len(table.fillers) >= 5
    assert len(said(table)) == 19 + 2 + 2 + len(table.fillers)
    locale = Locale.parse(table.language, sep="-")
    assert locale.language == table.code
    assert locale.territory


@TABLES
def test_nothing_is_said_twice(table):
    assert len(set(said(table))) == len(said(table))


@TABLES
def test_each_is_a_whole_sentence(table):
    for text in said(table):
        assert re.search(r"[.!?।]$", text), text
        assert text == text.strip()
        assert "  " not in text
        assert not text[0].islower()


@TABLES
def test_there_is_no_markup_in_it(table):
    for text in said(table):
        plain = Plain()
        assert plain.feed(text) + plain.finish() == text
        assert not re.search(r"[*_#`<>\[\]{}|\\&\n]", text), text


@TABLES
def test_a_filler_is_short_and_asks_nothing(table):
    for text in table.fillers:
        assert len(text) <= 40
        assert "?" not in text


@TABLES
def test_what_asks_is_a_question_and_what_ends_a_call_is_not(table):
    for text in (*table.ask_again, *table.still_there, table.model_failed, table.too_slow, table.declined):
        assert text.endswith("?"), text
    for text in (table.goodbye, table.farewell, table.farewell_silent, table.budget_spent, table.sorry):
        assert "?" not in text, text


@pytest.mark.parametrize("code", [code for code in LANGUAGES if code != "en"])
def test_no_sentence_was_left_in_english(code):
    assert not set(said(LANGUAGES[code])) & set(said(ENGLISH))


def test_hindi_is_written_in_devanagari():
    assert not any(re.search(r"[A-Za-z]", text) for text in said(LANGUAGES["hi"]))


@pytest.mark.parametrize("code", ["de", "de-AT", "DE", "De-ch", "de-Latn-DE"])
def test_a_language_is_found_by_its_code_whatever_follows(code):
    assert for_language(code) is LANGUAGES["de"]


@pytest.mark.parametrize("code", ["en", "en-IN", "pt", "pt-BR", "deu", "", "-", "klingon"])
def test_an_unknown_language_is_english(code):
    assert for_language(code) is ENGLISH
