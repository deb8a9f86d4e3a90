"""Every bound has its sentence, and the document has every bound."""

from .limits import ROOT, limits, page


def test_each_bound_says_what_it_bounds():
    assert [f"{limit.file}: {limit.name}" for limit in limits() if limit.meaning is None] == []


def test_there_are_bounds_of_time_and_of_size():
    names = {limit.name.rpartition("_")[2] for limit in limits()}
    assert {"SECONDS", "MS", "BYTES"} <= names
    assert len(list(limits())) > 80


def test_the_document_is_fresh():
    assert (ROOT / "docs/limits.md").read_text(encoding="utf-8") == page(), "run scripts/docs"
