import pytest

from ringbridge.emulator.speech.sentences import CLAUSE_MAX, clauses, sentences


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("  \n ", []),
        ("One", ["One"]),
        ("One. Two! Three?  Four…\nFive", ["One.", "Two!", "Three?", "Four…", "Five"]),
        ("Dr. Smith and Mrs. Jones. They wait.", ["Dr. Smith and Mrs. Jones.", "They wait."]),
        ("It costs 3.50 today.", ["It costs 3.50 today."]),
        ("Wait... what?", ["Wait...", "what?"]),
    ],
)
def test_sentences(text, expected):
    assert sentences(text) == expected


def test_a_short_sentence_is_one_clause():
    assert clauses("Well, yes, of course.") == ["Well, yes, of course."]


def test_a_long_sentence_is_cut_at_commas():
    first, second = "a" * 80 + ",", "b" * 80 + ";"
    assert clauses(f"{first} {second} and so on.") == [first, f"{second} and so on."]


def test_without_commas_it_is_cut_between_words():
    text = " ".join(["word"] * 200)
    assert " ".join(clauses(text)) == text
    assert max(map(len, clauses(text))) <= CLAUSE_MAX


def test_a_word_is_never_cut():
    assert clauses("x" * 1000) == ["x" * 1000]
