import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringbridge.emulator.elevenlabs.cutting import Cutter


def test_a_sentence_is_complete_when_something_follows():
    cutter = Cutter()
    assert cutter.feed("It is five") == []
    assert cutter.feed(".") == []
    assert cutter.feed("3 miles.") == []
    assert cutter.feed(" So") == ["It is five.3 miles."]
    assert cutter.end() == ["So"]


def test_the_first_clause_comes_early():
    cutter = Cutter()
    assert cutter.feed("Well, I think so,") == []
    assert cutter.feed(" and") == ["Well, I think so,"]
    assert cutter.feed(" then there is more, I believe, of it. But") == ["and then there is more, I believe, of it."]


def test_text_without_an_end_is_spoken_before_it_grows_too_long():
    cutter = Cutter()
    clauses = cutter.feed("word " * 100)
    assert sum(len(clause) + 1 for clause in clauses) == 500
    assert all(len(clause) <= 150 for clause in clauses)


@pytest.mark.parametrize("text", ["", " ", "\n"])
def test_nothing_makes_no_clause(text):
    cutter = Cutter()
    assert cutter.feed(text) == []
    assert cutter.end() == []


@given(st.lists(st.text(st.sampled_from("ab ,.!?\n"), max_size=40), max_size=20))
def test_no_word_is_lost_however_the_text_comes(pieces):
    cutter = Cutter()
    clauses = [clause for piece in pieces for clause in cutter.feed(piece)] + cutter.end()
    assert " ".join(clauses).split() == "".join(pieces).split()
    assert all(clause.strip() == clause and clause for clause in clauses)
