"""Lines on a terminal, or on whatever takes their place: a margin, and text that is wrapped beside it."""

import re
import textwrap
from contextlib import suppress
from typing import Final

from rich.console import Console
from rich.text import Text

__all__ = ["PLAIN", "Paper", "entry", "put"]

PLAIN: Final = ""
"""The style of most text."""

_NARROWEST: Final = 20

_PAINTING: Final = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""What would move the cursor, name the window or turn the writing round: callers and models choose their words."""


class Paper(Console):
    """rich's console, which would end the process when its reader has gone: before everything is put back."""

    def on_broken_pipe(self) -> None:
        """Write no more."""
        self.quiet = True


def entry(console: Console, margin: Text, text: str, style: str = PLAIN) -> Text:
    """`text` beside `margin`, and below it as far as it is longer than the console is wide."""
    width = max(_NARROWEST, console.width - margin.cell_len)
    lines = textwrap.wrap(_PAINTING.sub(" ", text), width, break_on_hyphens=False) or [""]
    made = margin.copy()
    for number, line in enumerate(lines):
        made.append(f"\n{' ' * margin.cell_len}" if number else "")
        made.append(line, style)
    made.rstrip()
    return made


def put(console: Console, *blocks: Text) -> None:
    """Print each. What is shown is never worth more than what is done: a terminal that is gone is no error."""
    with suppress(OSError):
        for block in blocks:
            console.print(block, soft_wrap=True, highlight=False)
