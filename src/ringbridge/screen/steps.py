"""The steps of going up and down: on a terminal the one that is being done is alive, elsewhere each has its lines."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Final, Self

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

from ringbridge.errors import RingbridgeError
from ringbridge.screen.paper import entry, put

__all__ = ["StepScreen"]

_TITLE_COLUMNS: Final = 17
_REFRESH: Final = 8
"""Times a second."""


@dataclass(slots=True)
class _Running:
    """The step that is being done."""

    title: str
    since: float
    clock: Callable[[], float]
    lines: list[str] = field(default_factory=list)
    spinner: Spinner = field(default_factory=lambda: Spinner("dots", style="cyan"))

    @property
    def seconds(self) -> float:
        return self.clock() - self.since

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        del options
        mark = self.spinner.render(console.get_time())
        yield from _block(console, mark if isinstance(mark, Text) else Text("·"), self.title, self.seconds, self.lines)


class StepScreen:
    """A `provision.steps.Watch`. Leaving the context frees the terminal."""

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` gives seconds that only rise."""
        self.has_failed = False
        """Whether an error was shown already."""
        self._console = console
        self._clock = clock
        self._running: _Running | None = None
        self._live: Live | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._still()

    # A watch

    def begins(self, title: str) -> None:
        """Show that it is being done, where there is a terminal."""
        self._running = _Running(title, self._clock(), self._clock)
        self._move()

    def tells(self, title: str, line: str) -> None:
        """Show a line of a step that is done or, after that, undone."""
        if self._running is not None and self._running.title == title:
            self._running.lines.append(line)
        else:
            put(self._console, *_block(self._console, Text("↩", "cyan"), title, None, [line]))

    def ends(self, title: str) -> None:
        """Show for good what it came to."""
        self._settle(Text("✓", "green"), title, [])

    def stops(self, title: str) -> None:
        """Show how far it was."""
        self._settle(Text("✗", "bold red"), title, ["broken off"])

    def fails(self, title: str, error: RingbridgeError) -> None:
        """Show why, and the mend. An undo that fails is left to the next start."""
        self.has_failed = True
        is_undo = self._running is None
        again = "; the next start tries again" if is_undo else ""
        self._settle(Text("✗", "bold red"), title, [f"{error}{again}"])

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Leave the terminal to a question."""
        self._still()
        yield
        self._move()

    def _settle(self, mark: Text, title: str, more: list[str]) -> None:
        self._still()
        running, self._running = self._running, None
        lines = [*(running.lines if running else []), *more]
        put(self._console, *_block(self._console, mark, title, running.seconds if running else None, lines))

    def _move(self) -> None:
        if self._running is not None and self._console.is_terminal:
            self._live = Live(self._running, console=self._console, refresh_per_second=_REFRESH, transient=True)
            self._live.start(refresh=True)

    def _still(self) -> None:
        if self._live is not None:
            live, self._live = self._live, None
            with suppress(OSError):  # the terminal is gone
                live.stop()


def _block(console: Console, mark: Text, title: str, seconds: float | None, lines: list[str]) -> Iterator[Text]:
    """The step and, below one another, its lines."""
    took = "" if seconds is None else f"{seconds:.1f} s"
    margin = Text.assemble(mark, " ", (f"{title:<{_TITLE_COLUMNS}}", "bold"), (f"{took:>7}", "dim"), "  ")
    bad = mark.plain == "✗"
    for number, line in enumerate(lines or [""]):
        is_last = number == len(lines) - 1
        yield entry(console, Text(" " * margin.cell_len) if number else margin, line, "red" if bad and is_last else "")
