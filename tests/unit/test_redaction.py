"""What is taken out of a text, and what is left."""

import pytest

from ringbridge.redaction import redact


@pytest.mark.parametrize(
    "card",
    [
        "4111111111111111", "4111 1111 1111 1111", "4111-1111-1111-1111", "4111, 1111, 1111, 1111", "3782 822463 10005",
        "four one one one one one one one one one one one one one one one",
        "four triple one, double one double one, one one one one, one one one one",
        "four one one one um one one one one 1111 1111",
        "vier eins eins eins eins eins eins eins eins eins eins eins eins eins eins eins",
        "cuatro uno uno uno uno uno uno uno uno uno uno uno uno uno uno uno",
        "quatre un un un un un un un un un un un un un un un",
        "चार एक एक एक एक एक एक एक एक एक एक एक एक एक एक एक",
        "five five five five oh oh oh oh one two three four",
    ],
)  # fmt: skip
def test_cards(card):
    assert redact(f"My card is {card}, thanks") == "My card is [card], thanks"


@pytest.mark.parametrize(
    "email",
    [
        "john.smith@example.com", "j+x_1@mail.example.co.uk", "john dot smith at example dot com",
        "anna at example dot co dot uk", "anna punkt berg at example punkt de", "juan arroba ejemplo punto es",
    ],
)  # fmt: skip
def test_emails(email):
    assert redact(f"It is {email} please") in ("It is [email] please", "It [email] please")


@pytest.mark.parametrize(
    "phone",
    ["+49 30 123456", "+14155550123", "(415) 555-0123", "415 555 0123", "030 1234567", "0171/2345678",
     "four one five five five five oh one two three"],
)  # fmt: skip
def test_phones(phone):
    assert "[phone]" in redact(f"Call {phone} now")
    assert not any(part in redact(f"Call {phone} now") for part in ("555", "1234", "five", "2345"))


@pytest.mark.parametrize(
    "text",
    [
        "At seven thirty for two, please.", "It costs 1,250.00 dollars.", "1.250.000 Euro", "On 21.11.2026 at 19:30",
        "Order 123456", "In 2026", "Table 12 for 4 at 8", "We are two or three people", "I have one question at noon",
        "2026-11-21", "look at example", "room 101 and 102", "",
    ],
)  # fmt: skip
def test_everyday_numbers_stay(text):
    assert redact(text) == text


def test_a_long_text_takes_no_longer_than_its_length():
    for piece in ("one ", "1 ", "a at b dot ", "a.", "a@", "double ", "+1", "((", "4111 "):
        redact(piece * 20_000)


def test_it_is_what_the_package_gives():
    import ringbridge

    assert ringbridge.redact is redact
