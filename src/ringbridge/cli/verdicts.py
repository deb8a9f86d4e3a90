"""Verdicts as a table for people, and as JSON for programs."""

import json
from collections.abc import Iterator, Sequence
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ringbridge.doctor.verdict import Outcome, Verdict

__all__ = ["as_json", "print_table"]

_COLOURS: Final[dict[Outcome, str]] = {"ok": "green", "warning": "yellow", "failure": "red"}


def print_table(verdicts: Sequence[Verdict], console: Console | None = None) -> None:
    """On standard output: in a terminal as wide as that is, elsewhere a line for each verdict."""
    console = console or Console(highlight=False)
    if console.is_terminal:
        console.print(_table(verdicts))
    else:
        for line in _lines(verdicts):
            console.print(line, markup=False, soft_wrap=True)
    console.print(f"\n{_summary(verdicts)}", soft_wrap=True)


def as_json(verdicts: Sequence[Verdict]) -> str:
    """One object: the worst outcome, and all verdicts."""
    outcomes = {verdict.outcome for verdict in verdicts}
    worst = next((outcome for outcome in ("failure", "warning") if outcome in outcomes), "ok")
    checks = [
        {"name": verdict.name, "outcome": verdict.outcome, "found": verdict.found, "mend": verdict.mend or None}
        for verdict in verdicts
    ]
    return json.dumps({"outcome": worst, "checks": checks}, indent=2, ensure_ascii=False)


def _table(verdicts: Sequence[Verdict]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(max_width=28)
    table.add_column()
    for verdict in verdicts:
        found = Text(verdict.found)
        if verdict.mend:
            found.append(f"\n→ {verdict.mend}", style="bold")
        table.add_row(Text(verdict.outcome, style=_COLOURS[verdict.outcome]), Text(verdict.name), found)
    return table


def _lines(verdicts: Sequence[Verdict]) -> Iterator[str]:
    width = max((len(verdict.name) for verdict in verdicts), default=0)
    for verdict in verdicts:
        mend = f"  → {verdict.mend}" if verdict.mend else ""
        yield f"{verdict.outcome:<7}  {verdict.name:<{width}}  {verdict.found}{mend}"


def _summary(verdicts: Sequence[Verdict]) -> str:
    counts = {outcome: sum(verdict.outcome == outcome for verdict in verdicts) for outcome in _COLOURS}
    warnings, failures = counts["warning"], counts["failure"]
    return (
        f"{counts['ok']} ok, {warnings} {'warning' if warnings == 1 else 'warnings'}, "
        f"{failures} {'failure' if failures == 1 else 'failures'}"
    )
