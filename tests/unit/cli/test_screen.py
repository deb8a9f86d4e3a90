import json

import pytest

from ringbridge import facts
from ringbridge.cli.screen import CrowdScreen, DialogueScreen, JsonDisplay
from ringbridge.emulator.caller import Line
from ringbridge.emulator.crowd import Load
from ringbridge.emulator.play import Report, TurnWait
from ringbridge.emulator.wiretap import Frames
from ringbridge.waterfall import Waterfall

LONG = "Of course, I would be happy to book a table for two, at the window or in the garden under the old trees"

LOAD = Load(seconds=60, cpu_seconds=9, late_ms=[0.0, 1.0, 7.0], tasks=(3, 4), files=(10, 12))


WAITED = facts.CallerWaited(2, Waterfall("brain", "heard", 540.0, 0.25, 1204.4, 0.12, 110.0, 0.3, 20.6))


class FakeCaller:
    def __init__(self) -> None:
        self.on_line = []
        self.on_partial = []


def report(*problems: str) -> Report:
    return Report(
        "CA1",
        lines=[Line("agent", "Hello.", 0, 360)],
        waits=[TurnWait("hello", 720), TurnWait("", None)],
        end="caller",
        frames=Frames(to_engine=100, lost_to_engine=0, to_caller=50, lost_to_caller=2),
        problems=list(problems),
    )


def test_a_dialogue_is_readable_on_80_columns(capsys: pytest.CaptureFixture[str]):
    screen, caller = DialogueScreen(), FakeCaller()
    screen.follow(caller)
    for line in (
        Line("caller", "Hello.", 1200, 1500),
        Line("agent", LONG, 2300, 9000, cut=True),
        Line("keys", "42#", 12_345, 12_745),
        Line("caller", "", 110_000, 112_000),
    ):
        caller.on_line[0](line)

    shown = capsys.readouterr().out
    assert shown == (
        "\n"
        "   1.2 s  caller  Hello.\n"
        "   2.3 s  agent   Of course, I would be happy to book a table for two, at the\n"
        "                  window or in the garden under the old trees\N{NO-BREAK SPACE}—\n"
        "  12.3 s  caller  presses 42#\n"
        " 110.0 s  caller  plays the recording\n"
    )
    assert caller.on_partial == []


def test_the_waits_and_the_verdict(capsys: pytest.CaptureFixture[str]):
    screen = DialogueScreen()
    screen.finished(report())
    screen.result([report()], LOAD, [])

    shown = capsys.readouterr().out
    assert "  0.72 s  after 'hello'\n nothing  after 'the recording'\n" in shown
    assert "Audio: 100 frames to the engine, 50 to the caller, 2 lost.\n" in shown
    assert shown.endswith("All that was heard is what should have been.\n")


def test_what_a_wait_was_made_of(capsys: pytest.CaptureFixture[str]):
    screen = DialogueScreen()
    for turn, text in ((2, LONG), (3, "No."), (4, "Yes.")):
        screen.observe("CA1", facts.TurnBegan(turn, "", text, interrupted=False))
    screen.observe("CA1", WAITED)
    screen.observe("CA1", facts.CallerWaited(3, Waterfall(None, "superseded", asking=1.0)))
    screen.observe("CA1", facts.CallerWaited(4, Waterfall("filler", "cut", None, 0.1, 1200.0, None, 99.0, 0.2)))
    screen.finished(report())

    shown = capsys.readouterr().out
    assert shown.partition("\nWhat it")[2] == (
        " was made of, in ms (asking, wording and relaying are the bridge's own):\n\n"
        "hearing asking  model wording  voice relaying   line  total\n"
        "    540    0.2   1204     0.1    110      0.3     21   1876  Of course, I would…\n"
        "      -    0.1   1200       -     99      0.2      -   1299  filler: Yes.\n"
    )
    assert max(map(len, shown.splitlines())) <= 80


def test_each_problem_is_shown(capsys: pytest.CaptureFixture[str]):
    DialogueScreen().result([report("this", "that")], LOAD, ["this", "that"])

    assert capsys.readouterr().out.endswith("\nthis\nthat\n")


def test_a_crowd_is_shown_as_numbers(capsys: pytest.CaptureFixture[str]):
    screen = CrowdScreen()
    screen.follow(FakeCaller())
    screen.observe("CA1", WAITED)
    screen.observe("CA1", facts.CallerBegan())
    screen.finished(report("this"))
    screen.result([report("this"), report()], LOAD, ["9 tasks were left over", "this"])

    assert capsys.readouterr().out.splitlines() == [
        "CA1: this",
        "",
        "calls       2 in 60 s",
        "waits       half within 720 ms, 99 % within 720 ms, all within 720 ms",
        "of them our half within 0.7 ms, 99 % within 0.7 ms, all within 0.7 ms",
        "late frames half within 1 ms, 99 % within 7 ms, all within 7 ms",
        "processor   15% of one core",
        "tasks       3 before, 4 after",
        "open files  10 before, 12 after",
        "Audio: 200 frames to the engine, 100 to the caller, 4 lost.",
        "9 tasks were left over",
        "2 problems in all.",
    ]


def test_one_document_says_it_all(capsys: pytest.CaptureFixture[str]):
    display = JsonDisplay()
    display.notice("by the way")
    display.observe("CA1", WAITED)
    display.observe("CA2", WAITED)
    display.result([report("this")], LOAD, ["this"])

    out, err = capsys.readouterr()
    document = json.loads(out)
    assert err == "by the way\n"
    assert (document["ok"], document["problems"]) == (False, ["this"])
    assert document["calls"][0]["lines"] == [
        {"who": "agent", "text": "Hello.", "from_ms": 0, "to_ms": 360, "cut": False}
    ]
    assert document["calls"][0]["waterfalls"] == [{"turn": 2, **WAITED.waterfall.as_json()}]
    assert document["load"]["late_ms"] == 7.0
