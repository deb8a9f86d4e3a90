"""The document of faults is what the tests have seen."""

from pathlib import Path

from .all import page
from .table import ROWS

ROOT = Path(__file__).parents[2]


def test_there_are_enough_faults_and_none_is_told_twice():
    names = [(place, row.fault) for place, row in ROWS]
    assert len(names) >= 45
    assert len(set(names)) == len(names)


def test_the_document_is_fresh():
    written = (ROOT / "docs/faults.md").read_text(encoding="utf-8")
    assert written == page(), "run scripts/docs"
