"""Questions, as they are spoken."""

from datetime import UTC, date, datetime, time
from enum import Enum

import pytest

from ringbridge.tools.question import read_question, speakable

AT = datetime.fromisoformat("2026-11-21T19:00")


class Seat(Enum):
    WINDOW = "window"


@pytest.mark.parametrize(
    ("value", "language", "words"),
    [
        (4, "en", "4"),
        (2.0, "en", "2"),
        (1234567.5, "en", "1234567.5"),
        (Seat.WINDOW, "en", "window"),
        (["Ann", "Bob"], "en", "Ann, Bob"),
        (date(2026, 11, 21), "en", "Saturday, November 21, 2026"),
        (date(2026, 11, 21), "de", "Samstag, 21. November 2026"),
        (date(2026, 11, 21), "fr", "samedi 21 novembre 2026"),
        (date(2026, 11, 21), "es", "sábado, 21 de noviembre de 2026"),
        (date(2026, 11, 21), "hi", "शनिवार, 21 नवंबर 2026"),
        (time(19, 0), "de", "19:00"),
        (AT.replace(tzinfo=UTC), "de-AT", "Samstag, 21. November 2026, 19:00"),
        (AT, "zz", "Saturday, November 21, 2026, 7:00\u202fPM"),
    ],
)
def test_values_are_made_fit_to_be_spoken(value, language, words):
    assert speakable(value, language) == words


def test_a_question_has_the_very_arguments():
    question = read_question("Book {{a}} table for {party} at {at}?", {"party", "at"})
    values = {"party": 4, "at": AT, "note": ""}
    assert question.ask(values, "en") == "Book {a} table for 4 at Saturday, November 21, 2026, 7:00 PM?"


def test_what_is_in_an_argument_is_no_template():
    assert read_question("Hello {name}?", {"name"}).ask({"name": "{name.__class__}\n\n  x"}, "en") == (
        "Hello {name.__class__} x?"
    )
