import pytest

from ringbridge.telemetry.personal import NUMBERS, QUOTED, WORDS, masked, visible


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("+15550100042", "+1…42"),
        ("+4915112345678", "+49…78"),
        ("anonymous", "(9 characters)"),
        ("client:bob", "(10 characters)"),
        ("sip:bob@example.com", "(19 characters)"),
        ("", "(0 characters)"),
    ],
)
def test_a_number_keeps_its_country_and_two_digits(number, shown):
    assert masked("caller", number) == shown


def test_words_keep_their_length():
    assert masked("text", "a table for two") == "(15 characters)"
    assert masked("digits", "4711") == "(4 characters)"


def test_a_sentence_of_a_vendor_keeps_all_but_what_it_quotes():
    assert masked("reason", "the number +15550100042 is not valid") == "the number [phone] is not valid"
    assert masked("complaint", "This request exceeds your quota limit.") == "This request exceeds your quota limit."


def test_what_is_not_personal_stays():
    assert masked("call_sid", "CA" + "1" * 32) == "CA" + "1" * 32
    assert masked("seconds", 12.5) == 12.5
    assert masked("diagnosis", "it would fit http://127.0.0.1:3001/") == "it would fit http://127.0.0.1:3001/"


def test_each_field_is_of_one_kind():
    assert not NUMBERS & WORDS
    assert not QUOTED & (NUMBERS | WORDS)


def test_nothing_visible_begins_a_line_or_paints():
    assert visible("a\nb\r\x1b[31mc\u2028d\x85") == r"a\x0ab\x0d\x1b[31mc\x2028d\x85"
