"""The table of attacks and outcomes, printed when they were run on their own."""

import pytest

from ..integration.conftest import world  # noqa: F401 - a fixture

ROWS: list[tuple[str, str, str]] = []
"""Of each attack: its name, what the model tried, what came of it."""


@pytest.fixture
def table():
    """Takes a row for each attack."""
    return ROWS


def pytest_terminal_summary(terminalreporter):
    if not ROWS:
        return
    terminalreporter.section(f"{len(ROWS)} attacks")
    width = max(len(name) for name, *_ in ROWS)
    for name, tried, came in ROWS:
        terminalreporter.write_line(f"{name:<{width}}  {tried[:34]:<34}  {came[:76]}")
