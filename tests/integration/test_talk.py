"""`ringbridge talk`: what is typed, and what is shown. Most of it on a clock that does not wait."""

import os
import re
import subprocess
import sys
import textwrap
import warnings
from pathlib import Path

import pytest
from click.testing import CliRunner

from ringbridge.cli import talk
from ringbridge.cli.main import cli
from ringbridge.config import describe
from ringbridge.emulator.clock import VirtualTimeLoop

SETTINGS = {row.name for row in describe()}

BRAIN = """
    import asyncio

    async def reply(turn):
        match turn.text.split():
            case ["fail"]:
                raise RuntimeError("the caller's secret words")
            case ["bye"]:
                yield "Goodbye then."
                await turn.call.hang_up()
            case ["leave"]:
                await turn.call.hang_up()
            case ["story"]:
                yield "This is a long story, and it goes on and on. " * 20
            case ["slow"]:
                await asyncio.sleep(1)
                yield "That took a second."
            case ["nothing"]:
                pass
            case ["code"]:
                yield "Your code, please."
                await turn.call.collect_digits(4)
            case _:
                yield f"You said {turn.text}. This is the end of what I have to say to that."
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the command runs: nothing is set, and there is a brain in `brain.py`."""
    for name in SETTINGS & set(os.environ):
        monkeypatch.delenv(name)
    (tmp_path / "brain.py").write_text(textwrap.dedent(BRAIN))
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


@pytest.fixture
def typed(folder, monkeypatch):
    """Type these lines; get what is shown after the greeting."""
    monkeypatch.setattr(talk, "loop_factory", lambda: VirtualTimeLoop)

    def run(*lines: str, brain: str | None = "brain.py:reply") -> list[str]:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            done = CliRunner().invoke(
                talk.command,
                [] if brain is None else ["--brain", brain],
                input="".join(f"{line}\n" for line in lines),
                catch_exceptions=False,
            )
        assert done.exit_code == 0
        greeting, shown = done.output.split("how can I help you?\n", 1)
        assert talk.HELP in greeting
        *shown, last = shown.splitlines()
        assert last == "The call is over."
        return [line.strip() for line in shown]

    return run


END = "agent  This is the end of what I have to say to that."


def without_times(lines: list[str]) -> list[str]:
    return [re.sub(r"  \(\d+\.\d\d s\)$", "", line) for line in lines]


def test_each_line_is_said_once_the_one_before_is_answered(typed):
    shown = typed("Hello", "", "  how are you  ")
    assert without_times(shown) == ["agent  You said Hello.", END, "agent  You said how are you.", END]


def test_nothing_typed_is_a_call_that_ends_after_the_greeting(typed):
    assert typed() == []


def test_each_answer_has_its_time(typed):
    shown = typed("slow", "hello", "/dtmf 42#")
    assert shown[0] == "agent  That took a second.  (1.00 s)"
    assert shown[1] == "agent  You said hello.  (0.00 s)"
    assert shown[3] == "keys  42"
    assert re.fullmatch(r"agent  You said Caller pressed 42\.  \(0\.4\d s\)", shown[4])


def test_hanging_up_leaves_the_rest_unsaid(typed):
    assert without_times(typed("hello", "/hangup", "more")) == ["agent  You said hello.", END]


def test_keys_are_pressed(typed):
    shown = without_times(typed("code", "/dtmf 1234", "/dtmf 9"))
    assert shown == [
        "agent  Your code, please.", "keys  1234", "agent  You said Caller pressed 1234.", END,
        "keys  9", "agent  You said Caller pressed 9.", END,
    ]  # fmt: skip


def test_what_is_no_key_is_said(typed):
    shown = without_times(typed("/dtmf 1x", "hello"))
    assert shown == ["keys are 0-9, *, #, A-D: '1x'", "agent  You said hello.", END]


@pytest.mark.parametrize("line", ["/help", "/dtmf", "/dtmf 1 2", "/hangup now", "/"])
def test_an_unknown_command_is_explained_and_not_said(typed, line):
    assert typed(line) == [talk.HELP]


def test_cutting_in_ends_the_answer(typed):
    shown = without_times(typed("story", "/interrupt", "hello"))
    assert shown[0] == "agent  This is a long story, and it goes on and on."
    assert re.fullmatch(r"the caller heard: '[^']*'", shown[1])
    assert shown[2:] == ["agent  You said hello.", END]


def test_cutting_in_waits_for_the_agents_first_word(typed):
    shown = without_times(typed("slow", "/interrupt"))
    assert shown == ["agent  That took a second.", "the caller heard: ''"]


@pytest.mark.parametrize(("line", "words"), [("bye", ["agent  Goodbye then."]), ("leave", [])])
def test_the_agent_hangs_up(typed, line, words):
    assert without_times(typed(line, "more", "and more")) == words


def test_a_brain_that_fails_is_shown_and_the_call_goes_on(typed):
    shown = without_times(typed("fail", "hello"))
    assert shown == [
        "failed  RuntimeError in reply (brain.py:7)",
        "agent  I'm sorry, I ran into a problem.", "agent  Could you say that again?",
        "agent  You said hello.", END,
    ]  # fmt: skip


def test_a_brain_that_says_nothing(typed):
    shown = without_times(typed("nothing", "hello"))
    assert shown[:2] == ["agent  Sorry, I didn't catch that.", "agent  Could you say it again?"]
    assert shown[2:] == ["agent  You said hello.", END]


def test_tools_and_their_times_are_shown(typed):
    shown = typed("book a table for 2", "at the window", "bye", "more", brain=None)
    assert shown[0] == 'tool  book_table {"party": 2}'
    assert re.fullmatch(r"agent  One moment, please\.  \(\d\.\d\d s\)", shown[1])
    assert re.fullmatch(
        r"tool  book_table: done after 1\.6\d s\. A table for 2 is booked for seven tonight\.", shown[2]
    )
    rest = without_times(shown[3:])
    assert rest[0] == "agent  Your table for two is booked for seven tonight."
    assert "agent  Very well, the table at the window is yours." in rest
    assert "tool  hang_up {}" in rest
    assert {"agent  Thank you for calling.", "agent  Goodbye!"} <= set(rest)


def test_a_brain_that_is_not_there_is_no_traceback(folder):
    done = CliRunner().invoke(cli, ["talk", "--brain", "gone.py:reply"])
    assert done.exit_code == 1
    assert "there is no file" in done.output


def test_the_call_ends_while_someone_sits_at_the_keyboard(folder):
    """Nobody waits for the keyboard: the process ends although there may be more to read."""
    command = [sys.executable, "-m", "ringbridge", "talk", "--brain", "brain.py:reply"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=folder, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        process.stdin.write("bye\n")
        process.stdin.flush()
        assert process.wait(timeout=30) == 0
        assert process.stdout.read().endswith("The call is over.\n")
        assert process.stderr.read() == ""
