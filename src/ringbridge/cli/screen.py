"""What `ringbridge simulate` shows: the dialogue as it happens, then what came of it. Readable on 80 columns."""

import sys
import textwrap
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final, Protocol

import click
import msgspec

from ringbridge import facts
from ringbridge.emulator.caller import Caller, Line
from ringbridge.emulator.crowd import Load
from ringbridge.emulator.play import Report
from ringbridge.facts import Fact
from ringbridge.ids import CallSid
from ringbridge.waterfall import OURS, PARTS, Waterfall

__all__ = ["CrowdScreen", "DialogueScreen", "Display", "JsonDisplay"]

_COLUMNS: Final = 80
_INDENT: Final = 18
"""Columns for the time and the speaker."""

_CUT: Final = "\N{NO-BREAK SPACE}\N{EM DASH}"

_COLOURS: Final = {"caller": "green", "keys": "green", "agent": "cyan"}


class Display(Protocol):
    """Is told of every call."""

    def notice(self, text: str) -> None:
        """Something that the user should know, in a line."""
        ...

    def follow(self, caller: Caller) -> None:
        """A call begins."""
        ...

    def observe(self, call_sid: CallSid, fact: Fact) -> None:
        """Something has happened on a call, as the bridge tells it."""
        ...

    def finished(self, report: Report) -> None:
        """A call is over."""
        ...

    def result(self, reports: Sequence[Report], load: Load, problems: Sequence[str]) -> None:
        """All calls are over."""
        ...


class DialogueScreen:
    """One call, word for word."""

    def __init__(self) -> None:
        self._caller: Caller | None = None
        self._turns: dict[int | None, str] = {}
        self._waterfalls: list[tuple[str, Waterfall]] = []

    def notice(self, text: str) -> None:
        """Print it."""
        click.echo(textwrap.fill(text, _COLUMNS))

    def follow(self, caller: Caller) -> None:
        """Print each line as it is known; on a terminal, the agent's words as they are understood, too."""
        click.echo()
        self._caller = caller
        caller.on_line.append(self._line)
        if sys.stdout.isatty():
            caller.on_partial.append(self._partial)

    def observe(self, call_sid: CallSid, fact: Fact) -> None:
        """Print what one does not hear: tools, what the brain takes for heard, and why the call ends."""
        match fact:
            case facts.ToolEnded(name=name, how=how, ms=ms, result=result):
                self._remark("tool", f"{name}: {how} after {ms / 1000:.1f} s. {result}")
            case facts.FillerSpoken(text=text):
                self._remark("filler", f"{text}")
            case facts.TurnBegan(event_id=turn, prompt=prompt, text=text, interrupted=interrupted):
                self._turns[turn] = text
                if interrupted:
                    self._remark("prompt", f"ends at the last word that was heard: {prompt!r}")
            case facts.CallerWaited(event_id=turn, waterfall=waterfall) if waterfall.is_answer:
                self._waterfalls.append((self._turns[turn], waterfall))
            case facts.CallEnded(outcome=facts.Outcome.GOODBYE):
                self._remark("bridge", "has hung up, as the goodbye was heard")
            case _:
                pass

    def finished(self, report: Report) -> None:
        """Print how long the caller waited for each answer, and for what."""
        if report.waits:
            click.echo("\nThe caller waited for each answer:\n")
        for wait in report.waits:
            waited = "nothing" if wait.ms is None else f"{wait.ms / 1000:.2f} s"
            click.echo(f"{waited:>8}  after {textwrap.shorten(wait.text or 'the recording', _COLUMNS - 18)!r}")
        if self._waterfalls:
            click.echo(f"\nWhat it was made of, in ms ({', '.join(OURS[:-1])} and {OURS[-1]} are the bridge's own):\n")
            click.echo(" ".join(f"{name:>{_width(name)}}" for name in (*PARTS, "total")))
        for text, waterfall in self._waterfalls:
            click.echo(_row(text, waterfall))

    def result(self, reports: Sequence[Report], load: Load, problems: Sequence[str]) -> None:
        """Print the account of the audio and the verdict."""
        click.echo()
        _account(reports)
        for problem in problems:
            click.secho(textwrap.fill(problem, _COLUMNS, subsequent_indent="  "), fg="red")
        if not problems:
            click.secho("All that was heard is what should have been.", fg="green")

    def _line(self, line: Line) -> None:
        self._erase()
        text = {"keys": f"presses {line.text}"}.get(line.who, line.text or "plays the recording")
        click.echo(_written(line, f"{text}{_CUT}" if line.cut else text))

    def _remark(self, who: str, text: str) -> None:
        self._erase()
        at = 0 if self._caller is None else self._caller.now_ms
        head = f"{at / 1000:6.1f} s  {who:<8}"
        click.secho(textwrap.fill(head + text, _COLUMNS, subsequent_indent=" " * _INDENT), dim=True)

    def _partial(self, line: Line) -> None:
        self._erase()
        room = _COLUMNS - _INDENT - 2
        shown = line.text if len(line.text) <= room else f"…{line.text[1 - room :]}"
        click.echo(_written(line, shown), nl=False)

    def _erase(self) -> None:
        if sys.stdout.isatty():
            click.echo("\r\x1b[K", nl=False)


class CrowdScreen:
    """Many calls: what went wrong as it happens, and their numbers at the end."""

    def __init__(self) -> None:
        self._begun = self._over = 0
        self._ours: list[float] = []

    def notice(self, text: str) -> None:
        """Print it."""
        click.echo(textwrap.fill(text, _COLUMNS))

    def observe(self, call_sid: CallSid, fact: Fact) -> None:
        """Note what of each wait was the bridge's own."""
        if isinstance(fact, facts.CallerWaited) and (ours := fact.waterfall.ours) is not None:
            self._ours.append(ours)

    def follow(self, caller: Caller) -> None:
        """Count it."""
        self._begun += 1
        self._count()

    def finished(self, report: Report) -> None:
        """Count it, and print its problems."""
        self._over += 1
        if report.problems and sys.stdout.isatty():
            click.echo("\r\x1b[K", nl=False)
        for problem in report.problems:
            click.secho(f"{report.call_sid}: {problem}", fg="red")
        self._count()

    def result(self, reports: Sequence[Report], load: Load, problems: Sequence[str]) -> None:
        """Print the sums."""
        click.echo()
        waits = sorted(wait.ms for report in reports for wait in report.waits if wait.ms is not None)
        click.echo(f"calls       {len(reports)} in {load.seconds:.0f} s")
        if waits:
            click.echo(f"waits       {_quantiles(waits)}")
        if self._ours:
            click.echo(f"of them our {_quantiles(sorted(self._ours), digits=1)}")
        click.echo(f"late frames {_quantiles(load.late_ms)}")
        click.echo(f"processor   {load.cpu_seconds / load.seconds:.0%} of one core")
        click.echo(f"tasks       {load.tasks[0]} before, {load.tasks[1]} after")
        if load.files:
            click.echo(f"open files  {load.files[0]} before, {load.files[1]} after")
        _account(reports)
        told = {problem for report in reports for problem in report.problems}
        for problem in problems:
            if problem not in told:
                click.secho(problem, fg="red")
        if problems:
            click.secho(f"{len(problems)} problem{'s' if len(problems) > 1 else ''} in all.", fg="red")
        else:
            click.secho("All that was heard is what should have been.", fg="green")

    def _count(self) -> None:
        if sys.stdout.isatty():
            click.echo(f"\r\x1b[K{self._begun - self._over} calls under way, {self._over} over", nl=False)


class JsonDisplay:
    """Everything that came of the calls, as one document."""

    def __init__(self) -> None:
        self._waterfalls: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)

    def notice(self, text: str) -> None:
        """To standard error, so that the document stays one."""
        click.echo(text, err=True)

    def follow(self, caller: Caller) -> None:
        """Nothing."""

    def observe(self, call_sid: CallSid, fact: Fact) -> None:
        """Keep what each wait was made of."""
        if isinstance(fact, facts.CallerWaited):
            self._waterfalls[call_sid].append({"turn": fact.event_id, **fact.waterfall.as_json()})

    def finished(self, report: Report) -> None:
        """Nothing."""

    def result(self, reports: Sequence[Report], load: Load, problems: Sequence[str]) -> None:
        """Print it. `late_ms` is cut down to the worst one."""
        document = {
            "ok": not problems,
            "problems": problems,
            "calls": [{**asdict(report), "waterfalls": self._waterfalls[report.call_sid]} for report in reports],
            "load": {**asdict(load), "late_ms": max(load.late_ms, default=0)},
        }
        click.echo(msgspec.json.format(msgspec.json.encode(document)).decode())


def _written(line: Line, text: str) -> str:
    """The line with its time in the margin."""
    speaker = "agent" if line.who == "agent" else "caller"
    margin = f"{line.from_ms / 1000:6.1f} s  {speaker:<8}"
    first, *rest = textwrap.wrap(text, _COLUMNS - len(margin)) or [""]
    styled = [click.style(part, fg=_COLOURS[line.who]) for part in (first, *rest)]
    return ("\n" + " " * len(margin)).join([margin + styled[0], *styled[1:]])


def _row(text: str, waterfall: Waterfall) -> str:
    """The parts of one wait below their names; whose words it was that came first, unless they are the brain's."""
    parts = {**waterfall.parts, "total": waterfall.total}
    cells = [
        f"{'-' if ms is None else f'{ms:.{1 if name in OURS else 0}f}':>{_width(name)}}" for name, ms in parts.items()
    ]
    row = " ".join(cells)
    what = text if waterfall.by == "brain" else f"{waterfall.by}: {text}"
    return f"{row}  {textwrap.shorten(what, _COLUMNS - len(row) - 2, placeholder='…')}"


def _width(part: str) -> int:
    return max(6, len(part))


def _quantiles(ms: Sequence[float], *, digits: int = 0) -> str:
    marks = {"half within": 0.5, "99 % within": 0.99, "all within": 1.0}
    found = {name: ms[min(len(ms) - 1, int(part * len(ms)))] for name, part in marks.items()}
    return ", ".join(f"{name} {value:.{digits}f} ms" for name, value in found.items())


def _account(reports: Sequence[Report]) -> None:
    accounts = [report.frames for report in reports if report.frames]
    if not accounts:
        return
    to_engine, to_caller = sum(a.to_engine for a in accounts), sum(a.to_caller for a in accounts)
    lost = sum(a.lost_to_engine + a.lost_to_caller for a in accounts)
    click.echo(f"Audio: {to_engine} frames to the engine, {to_caller} to the caller, {lost or 'none'} lost.")
