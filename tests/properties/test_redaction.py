"""Whatever is said, no card number gets through, and what was redacted stays as it is."""

import re

from hypothesis import given
from hypothesis import strategies as st

from ringbridge.redaction import redact

WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]


def with_check_digit(digits):
    doubled = [int(digit) * (1 if place % 2 else 2) for place, digit in enumerate(reversed(digits))]
    return digits + str(-sum(value - 9 if value > 9 else value for value in doubled) % 10)


cards = st.text("0123456789", min_size=12, max_size=18).map(with_check_digit)


@given(cards, st.data(), st.text(max_size=20), st.text(max_size=20))
def test_no_card_gets_through(card, data, before, after):
    said = [digit if data.draw(st.booleans()) else f" {WORDS[int(digit)]} " for digit in card]
    gaps = [data.draw(st.sampled_from(["", "", " ", "-", ", ", " um "])) for _ in card]
    text = f"{before} my card {''.join(a + b for a, b in zip(said, gaps, strict=True))} is it. {after}"
    left = redact(text)
    assert "[card]" in left
    inner = left.partition("my card")[2].partition("is it")[0]
    assert len(re.findall(rf"\d|{'|'.join(WORDS)}", inner)) < 6


PIECES = """
    one 5 zero double triple um and 4111 1111 12 2026 21.11.2026 19:30 +49 030 , . - / ( : _ [card] [phone] at dot @
    com john a fünf पाँच 1,250.00 2 000 000 415 555 0123 9810123456
"""
told = st.lists(st.sampled_from(PIECES.split()) | st.sampled_from(["", " ", "\n"]), max_size=20).map("".join)


@given(st.text() | told)
def test_it_never_fails_and_what_is_redacted_stays(text):
    once = redact(text)
    assert redact(once) == once
