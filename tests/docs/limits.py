"""`docs/limits.md`: every bound that stands in the code, with the sentence that stands beside it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

__all__ = ["ROOT", "Limit", "limits", "page"]

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src/ringbridge"

ROOMS = {
    "At the door: connections, requests, sockets that have not said who they are": ("web",),
    "A call: its stream, its conversation, its silences": ("relay", "live"),
    "A turn: the brain's words": ("brain", "brains", "elsewhere", "split", "tools"),
    "What vendors, models and stores may take": ("apis", "llm", "shared", "callers", "telemetry"),
    "What is remembered of calls, and what Twilio is told": ("calls", "wire"),
}

NAME = re.compile(r"(.*_)?(SECONDS|MS|BYTES)|(MAX|MOST|CACHED)_.*|REDIALS")

UNITS = {"SECONDS": "s", "MS": "ms", "BYTES": "bytes"}

SETTINGS = ("MAX_CALLS", "CALLS_PER_MINUTE", "CALLS_PER_DAY", "DAILY_MINUTES", "MAX_CALL_SECONDS", "DRAIN_SECONDS")

HEAD = """# Bounds

Made by `scripts/docs` from the code: each constant, with what it bounds and what happens beyond it. What an operator
sets is in the README's table of settings: {settings}.

Every await on a network has one of these deadlines. What is beyond a buffer's bound is dropped as its row says, and a
peer that is too slow to be sent more is told of in the log and in `ringbridge_dropped_audio_total`.
"""


class Limit(NamedTuple):
    """One bound: where it stands, its name, its value with the unit, the sentence beside it (None: there is none)."""

    file: str
    name: str
    value: str
    meaning: str | None


def limits() -> Iterator[Limit]:
    """Every bound of the package, by file."""
    rooms = [room for names in ROOMS.values() for room in names]
    for room in rooms:
        for path in sorted((PACKAGE / room).rglob("*.py")):
            yield from _in_file(path)


def page() -> str:
    """The document."""
    found = list(limits())
    parts = [HEAD.format(settings=", ".join(f"`{name}`" for name in SETTINGS))]
    for title, rooms in ROOMS.items():
        parts += [f"\n## {title}\n", "| Where | Bound | Value | What it bounds, and what then |", "|---|---|---|---|"]
        parts += [
            f"| `{limit.file}` | `{limit.name}` | {limit.value} | {limit.meaning} |"
            for limit in found
            if limit.file.split("/")[0] in rooms
        ]
    return "\n".join(parts) + "\n"


def _in_file(path: Path) -> Iterator[Limit]:
    body = ast.parse(path.read_text(encoding="utf-8")).body
    for statement, after in zip(body, [*body[1:], None], strict=True):
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                pass
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                pass
            case _:
                continue
        if NAME.fullmatch(name) and name != "BYTES_PER_MS" and not name.startswith("_"):
            yield Limit(path.relative_to(PACKAGE).as_posix(), name, _shown(name, value), _sentence(after))


def _shown(name: str, value: ast.expr) -> str:
    number = eval(compile(ast.Expression(value), "bound", "eval"), {})
    unit = UNITS.get(name.rpartition("_")[2], "")
    match number:
        case int():
            return f"{number:,} {unit}".strip()
        case float():
            return f"{number:,g} {unit}".strip()
        case _:
            return str(number)


def _sentence(after: ast.stmt | None) -> str | None:
    match after:
        case ast.Expr(value=ast.Constant(value=str(text))):
            return " ".join(text.split()).replace("|", "\\|")
        case _:
            return None
