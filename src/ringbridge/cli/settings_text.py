"""The settings as text: `.env` and the README's table, both from the same place as the code's own."""

import textwrap
from collections.abc import Mapping

from ringbridge.config import Row, describe

__all__ = ["dotenv", "table"]


def dotenv(values: Mapping[str, str] | None = None) -> str:
    """A commented `.env`. What is needed, or is among `values`, is set; the rest is there to be uncommented."""
    values = values or {}
    return "\n".join(_entry(row, values.get(row.name)) for row in describe())


def table() -> str:
    """The README's table, in Markdown."""
    lines = ["| setting | default | what it is |", "|---|---|---|"]
    lines += [f"| `{row.name}` | {_default(row)} | {row.help} |" for row in describe()]
    return "\n".join(lines) + "\n"


def _entry(row: Row, value: str | None) -> str:
    comment = "\n".join(f"# {line}" for line in textwrap.wrap(row.help.replace("`", ""), 98))
    off = "" if row.needed or value is not None else "# "
    return f"{comment}\n{off}{row.name}={_quoted(value or row.example or row.default)}\n"


def _quoted(value: str) -> str:
    return f'"{value}"' if " " in value else value


def _default(row: Row) -> str:
    return f"`{row.default}`" if row.default else row.otherwise
