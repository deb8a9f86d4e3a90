"""Where a reply is cut while it streams, in five languages."""

import re
import time

import pytest

from ringbridge.brain.cutting import Cutter

TOKENS = re.compile(r"\s?\d{1,3}|\s?[^\s\d.,:;!?…।@/()€$₹%-]+|\s?\S|\s")
"""Much as a model's tokens are: a word with the space before it, three digits, a mark."""

WHOLE = {
    "en": [
        "3.50", "1,250.00", "1 000 000", "10:30", "10:30 p.m. sharp", "20 %", "20%", "$3.50", "US$ 5", "5 dollars",
        "3, 4", "1/2", "555-0100", "(555) 010-0100", "192.168.0.1", "No. 5", "Dr. Smith", "Mr. & Mrs. Smith", "vs. us",
        "St. John", "e.g. this", "i.e. that", "a.k.a. him", "U.S. Army", "Ph.D. student", "J. R. R. Tolkien", "10 – 12",
        "info@example.com", "a.b@example.co.uk", "https://example.com/a.b,c?d=e;f", "www.example.com", "Jan. 5",
    ],
    "de": [
        "3. Mai", "31. Dezember", "1.250,00", "12 €", "€ 12", "1.250,00 EUR", "EUR 12", "10:30 Uhr", "z. B. das",
        "z.B. das", "d. h. nun", "u. a. die", "i. d. R. so", "Prof. Dr. med. Müller", "Hr. Maier", "Hauptstr. 5",
        "Hausnr. 5", "Nr. 5", "ca. 5", "5 Mio. Euro", "bzw. das", "S. Fischer", "CHF 5.-",
    ],
    "es": [
        "p. ej. esto", "Sra. García", "Sres. García", "D. José", "Dña. María", "núm. 5", "n.º 5", "a. m. en",
        "Ud. sabe", "EE. UU. hoy", "12,50 €", "Avda. América",
    ],
    "fr": [
        "M. Dupont", "Mme. Dupont", "MM. Dupont", "p. ex. cela", "c.-à-d. ceci", "18 h 30", "10h30", "n° 5",
        "1 250,00 €", "12,5 %", "av. Foch", "bd. Voltaire", "tél. 01",
    ],
    "hi": [
        "डॉ. शर्मा", "डॉ॰ शर्मा", "श्री. राम", "₹1,00,000", "₹ 1,00,000", "₹ १२", "१२.५०", "१०:३०", "रु. 500", "रु 500",
        "Rs. 500", "ए. पी. जे. अब्दुल", "कि.मी. दूर",
    ],
}  # fmt: skip
BEFORE = ["", "well ", "one two ", "one two three ", "Hello. ", "Hello. one two three ", "Oh, on "]
AFTER = [" then we will go on and on.", " Then. More", ", und", " है।"]


def pieces(*fed: str, flush: bool = False) -> list[str]:
    """What comes out; `flush` has a pause after each."""
    cutter = Cutter()
    out: list[str] = []
    for text in fed:
        out += cutter.feed(text)
        out += [cutter.flush()] if flush else []
    return [piece for piece in [*out, cutter.finish()] if piece]


def cuts(out: list[str]) -> set[int]:
    return {sum(map(len, out[: index + 1])) for index in range(len(out) - 1)}


@pytest.mark.parametrize("language", WHOLE)
def test_nothing_is_torn_that_belongs_together(language):
    for whole in WHOLE[language]:
        for before in BEFORE:
            for after in AFTER:
                text = before + whole + after
                inside = set(range(len(before) + 1, len(before + whole)))
                for out in (pieces(text), pieces(*text), pieces(*TOKENS.findall(text))):
                    assert "".join(out) == text
                    assert not cuts(out) & inside, out


@pytest.mark.parametrize(
    "whole",
    [
        "3.50", "1,250.00", "1.250,00", "10:30", "20 %", "$3.50", "$ 3.50", "12 €", "€ 12", "₹1,00,000", "1/2", "1 000",
        "555-0100", "12 EUR", "Dr. Smith", "z. B. das", "J. R. R. Tolkien", "Sra. García", "M. Dupont", "3. Mai",
        "https://a.org/b.c", "www.example.com", "Mr. & Mrs. Smith", "Nr. 5", "10 – 12",
    ],
)  # fmt: skip
def test_a_pause_tears_nothing_either(whole):
    for before in BEFORE:
        text = before + whole + " then we go on."
        out = pieces(*TOKENS.findall(text), flush=True)
        inside = set(range(len(before) + 1, len(before + whole)))
        assert "".join(out) == text
        assert not cuts(out) & inside, out


@pytest.mark.parametrize(
    ("text", "out"),
    [
        ("Sure! I can do that.", ["Sure! ", "I can do that."]),
        ("Well, I can do that.", ["Well, ", "I can do that."]),
        ("Hello there — good day.", ["Hello there — ", "good day."]),
        ("We are open every day.", ["We are open ", "every day."]),
        ("नमस्ते। मैं आपकी मदद करूँगा।", ["नमस्ते। ", "मैं आपकी मदद करूँगा।"]),
        ("¡Hola! ¿En qué puedo ayudarle?", ["¡Hola! ", "¿En qué puedo ayudarle?"]),
        ("Très bien ! Je regarde.", ["Très bien ! ", "Je regarde."]),
        ("Pourriez-vous le répéter ? Merci.", ["Pourriez-vous le répéter ? ", "Merci."]),
        ("Je vous écoute\u202f! Allez-y.", ["Je vous écoute\u202f! ", "Allez-y."]),
        ('"Yes." That is what he said.', ['"Yes." ', "That is what he said."]),
        ("你好。请问您要几位？", ["你好。", "请问您要几位？"]),
        ("Oh no I am sorry.", ["Oh no I ", "am sorry."]),
        (" \n Well, good.", [" \n Well, ", "good."]),
        ("One moment", ["One moment"]),
        ("", []),
    ],
)
def test_the_first_words_go_out_early(text, out):
    assert pieces(*TOKENS.findall(text)) == out


def test_the_first_sentence_goes_out_in_clauses_and_the_others_whole():
    out = pieces(
        *TOKENS.findall(
            "Your table is booked for the four of you tonight at our place, by the window. "
            "The kitchen, by the way, is open until late at night on Fridays. Is that all?"
        )
    )
    assert out == [
        "Your table is ",
        "booked for the four of you tonight at ",
        "our place, ",
        "by the window. ",
        "The kitchen, by the way, is open until late at night on Fridays. ",
        "Is that all?",
    ]


@pytest.mark.parametrize(
    "end", ["in 2024. ", "at 10:30. ", "for $3.50. ", "for $12. ", "20 %. ", "at 5! ", "for 12 €. "]
)
def test_a_number_can_end_a_sentence(end):
    assert pieces(f"Hi. It is {end}Then we go on.") == ["Hi. ", f"It is {end}", "Then we go on."]


def test_a_sentence_without_an_end_is_cut_at_a_word():
    out = pieces("Hello. ", *("word " for _ in range(90)))
    assert [len(piece.split()) for piece in out] == [1, 40, 40, 10]


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("One moment", "One moment"),
        ("One moment ", "One moment "),
        ("One moment.", "One moment."),
        ("The bill is 3", "The bill is "),
        ("The bill is 3.", "The bill is "),
        ("Good, in 2024. ", "Good, in 2024. "),
        ("The bill is $", "The bill is "),
        ("Ask Dr.", "Ask "),
        ("Ask Dr", "Ask "),
        ("See https:", "See "),
        ("Write to info@example", "Write to "),
        ("Look at example.co", "Look at "),
        ("I said “", "I said "),
        ("between 10 –", "between "),
        ("Est-ce qu'il est", "Est-ce qu'il est"),
        ("3", ""),
        ("Dr. ", ""),
        ("", ""),
    ],
)
def test_what_a_pause_lets_out(text, spoken):
    cutter = Cutter()
    out = "".join(cutter.feed(text)) + cutter.flush()
    assert out == spoken
    assert out + cutter.finish() == text


def test_it_goes_on_after_a_pause():
    cutter = Cutter()
    assert cutter.feed("Hello") == []
    assert cutter.flush() == "Hello"
    assert cutter.feed(" there. How") == [" there. "]
    assert cutter.feed(" are you? Well") == ["How are you? "]
    assert cutter.flush() == "Well"
    assert cutter.finish() == ""


def test_a_word_that_never_ends_costs_no_more_than_others():
    """A look at all of it for each letter would take minutes."""
    cutter = Cutter()
    begun = time.process_time()
    assert not any(cutter.feed("x") for _ in range(100_000))
    assert time.process_time() - begun < 5
    assert cutter.finish() == "x" * 100_000
