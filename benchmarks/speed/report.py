"""The report: tables with the ratios first, the goals, and which figures can't be trusted."""

import platform
from collections import defaultdict
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Final

from benchmarks.speed.columns import Column, Table, tables
from benchmarks.speed.contenders import CONTENDERS
from benchmarks.speed.goals import GOALS
from benchmarks.speed.machine import core_count, cpu_model
from benchmarks.speed.results import REFERENCE, Results

__all__ = ["machine", "markdown", "rewrite", "warnings"]

BEGIN: Final = "<!-- measured: written by scripts/bench -->"
END: Final = "<!-- end of what was measured -->"

_TITLES: Final[Mapping[str, str]] = {one.name: one.title for one in CONTENDERS}


def machine() -> str:
    """Where and with what this was measured."""
    packages = ", ".join(f"{name} {version(name)}" for name in ("aiohttp", "uvloop", "picows"))
    return (
        f"{cpu_model()}, {core_count()} cores, one of them for the bridge and the rest for the players; "
        f"{platform.system()} {platform.release()}, {platform.python_implementation()} {platform.python_version()}, "
        f"{packages}."
    )


def markdown(results: Results) -> str:
    """All tables of which there is something to show."""
    parts = [_table(results, table) for table in tables(results)]
    return "\n\n".join(filter(None, [*parts, _goals(results)]))


def warnings(results: Results) -> list[str]:
    """What failed, and what can't be trusted."""
    doubts: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for (what, name), why in results.untrusted().items():
        figure, _, load = what.partition(", ")
        doubts[name, why].append(", ".join(filter(None, (figure.split()[0], load))))
    return [
        *results.problems,
        *(
            f"can't be trusted: {'; '.join(dict.fromkeys(whats))} of {name}: {why}"
            for (name, why), whats in doubts.items()
        ),
    ]


def rewrite(document: Path, measured: str) -> None:
    """Put what was measured between the marks of a document. Raises `ValueError` where it has none."""
    text = document.read_text(encoding="utf-8")
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{document} has no place for what was measured")
    document.write_text(f"{head}{BEGIN}\n\n{measured}\n\n{END}{tail}", encoding="utf-8")


def _table(results: Results, table: Table) -> str:
    names = results.contenders()
    columns = [one for one in table.columns if any(results.of(one.what, name) for name in names)]
    rows = [[_TITLES.get(name, name), *(_cell(results, one, name) for one in columns)] for name in names]
    rows = [row for row in rows if any(row[1:])]
    if not rows:
        return ""
    grid = _grid([["", *(one.head for one in columns)], *rows])
    return f"### {table.title}\n\n{table.about}\n\n{grid}"


def _cell(results: Results, column: Column, name: str) -> str:
    """The ratio first, then the value; a question mark where the machine was too noisy."""
    median = results.median(column.what, name)
    if median is None:
        return ""
    bound = "≥ " if results.is_bound(column.what, name) else ""
    doubt = "?" if (column.what, name) in results.untrusted() else ""
    ratio = results.ratio(column.what, name)
    shown = "" if ratio is None or name == REFERENCE else f"{bound}**{ratio:.2f}**{doubt} · "
    return f"{shown}{bound}{median:.{column.digits}f}{doubt}{f' {column.unit}' if column.unit else ''}"


def _goals(results: Results) -> str:
    rows = []
    for goal in GOALS:
        value = goal.value(results)
        if value is not None:
            met = "yes" if value <= goal.at_most else "**no**"
            rows.append([goal.what, f"{goal.at_most:g}{goal.unit}", f"{value:.2f}{goal.unit}", met])
    return f"### Goals\n\n{_grid([['', 'at most', 'measured', 'met'], *rows])}" if rows else ""


def _grid(rows: Sequence[Sequence[str]]) -> str:
    """A table that reads well as it is, too; the first column to the left, the others to the right."""
    widths = [max(len(row[index]) for row in rows) for index in range(len(rows[0]))]
    head, *rest = ["| " + " | ".join(_pad(row, widths)) + " |" for row in rows]
    left, *right = ["-" * (width + 1) for width in widths]
    return "\n".join([head, f"|{left}-|{'|'.join(f'{line}:' for line in right)}|", *rest])


def _pad(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    return [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
