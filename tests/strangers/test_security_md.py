"""`SECURITY.md` says what is the case: every fence stands, every test that is named exists, every group is named."""

import ast
import re
from pathlib import Path

from .test_rows import GROUPS

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
THREATS = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in re.findall(r"^\| threat .*?\n\|[-|]+\n(.*?)\n\n", TEXT, re.MULTILINE | re.DOTALL)[0].splitlines()
]


def names_in(path: Path) -> set[str]:
    functions = ast.FunctionDef | ast.AsyncFunctionDef
    return {node.name for node in ast.parse(path.read_text(encoding="utf-8")).body if isinstance(node, functions)}


def test_every_test_that_is_named_exists():
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", TEXT)
    assert len(named) > 20
    assert [(path, name) for path, name in named if name not in names_in(ROOT / path)] == []


def test_every_group_of_rows_is_named_and_no_other():
    assert sorted(re.findall(r"rows `([\w ]+)`", TEXT)) == sorted(GROUPS)


def test_every_test_of_strangers_stands_for_a_threat():
    """Those of the bounds, the calls, the signed URLs and the rotation; the others test the tests."""
    named = {name for _, name in re.findall(r"`(tests/strangers/\w+\.py)::(\w+)`", TEXT)}
    files = ("test_rotation.py", "test_signed_urls.py", "test_bounds.py", "test_calls.py")
    assert all(named & names_in(Path(__file__).parent / name) for name in files)


def test_every_threat_has_a_fence_and_a_test():
    assert len(THREATS) > 20
    for threat, fence, test in THREATS:
        assert threat
        paths = re.findall(r"`([\w./]+)`", fence)
        assert paths, threat
        for path in paths:
            assert (ROOT / "src/ringbridge" / path).is_file() or (ROOT / path).is_file(), path
        assert "`" in test or test == "not tested", threat
