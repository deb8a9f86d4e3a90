"""What stands on the terminal, and where there is none."""

import io

from ringbridge import facts
from ringbridge.provision.failures import NotProvided
from ringbridge.screen.calls import CallScreen
from ringbridge.screen.paper import Paper
from ringbridge.screen.steps import StepScreen

LONG = "Of course, I would be happy to book a table for two, at the window or in the garden under the old trees"


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Closed(io.StringIO):
    def write(self, _text):
        raise BrokenPipeError


def paper(**more):
    return Paper(file=io.StringIO(), width=80, **more)


def shown(console):
    return console.file.getvalue()


def test_steps_have_their_lines_and_times():
    console, clock = paper(), Clock()
    with StepScreen(console, clock) as screen:
        screen.begins("Public address")
        clock.now = 1.25
        screen.tells("Public address", "https://desk.ngrok.app, by ngrok")
        screen.tells("Public address", LONG)
        screen.ends("Public address")
        screen.begins("Bridge")
        screen.fails("Bridge", NotProvided("can't listen on 127.0.0.1:3001", "take another with --port"))
        assert screen.has_failed
        screen.tells("Public address", "https://desk.ngrok.app is given back")
        screen.fails("Public address", NotProvided("it is busy", "wait"))
    assert shown(console) == (
        "✓ Public address     1.2 s  https://desk.ngrok.app, by ngrok\n"
        "                            Of course, I would be happy to book a table for two,\n"
        "                            at the window or in the garden under the old trees\n"
        "✗ Bridge             0.0 s  can't listen on 127.0.0.1:3001; take another with\n"
        "                            --port\n"
        "↩ Public address            https://desk.ngrok.app is given back\n"
        "✗ Public address            it is busy; wait; the next start tries again\n"
    )


def test_on_a_terminal_the_running_step_is_alive_and_leaves_its_place(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    console, clock = paper(force_terminal=True), Clock()
    with StepScreen(console, clock) as screen:
        screen.begins("Accounts")
        clock.now = 3.0
        screen.tells("Accounts", "+15550100002 of the Twilio account")
        with screen.paused():
            console.print("Which number?")
        before = shown(console)
        screen.ends("Accounts")
    assert "Accounts" in before.partition("Which number?")[0]
    assert "3.0 s" in before.partition("Which number?")[2]
    assert "\x1b[?25h" in shown(console)  # the cursor is back
    assert "✓" in shown(console)


def test_a_terminal_that_is_gone_is_no_error():
    console = Paper(file=Closed(), width=80)
    with StepScreen(console) as screen:
        screen.begins("Accounts")
        screen.ends("Accounts")
    CallScreen(console).notice("Going down.")


def test_calls_are_told_apart_while_there_are_several():
    console, clock = paper(), Clock()
    screen = CallScreen(console, clock)
    screen.observe("CA1", facts.CallBegan("+15550100001", "+15550100002", "en"))
    clock.now = 2.0
    screen.observe("CA1", facts.AgentSpoke(LONG))
    screen.observe("CA2", facts.CallBegan("+15550100009", "+15550100002", "en"))
    clock.now = 3.5
    screen.observe("CA2", facts.CallerSpoke("Hello."))
    screen.observe("CA2", facts.Heard(1, 20))
    screen.observe("CA2", facts.CallEnded(facts.Outcome.CALLER_GONE))
    screen.observe("CA1", facts.CallerSpoke("Bye."))
    screen.observe("CA3", facts.CallRefused("blocked"))
    screen.notice("Going down.")
    assert shown(console) == (
        "\n"
        "   0.0 s  call    +15550100001 is on the line of +15550100002\n"
        "   2.0 s  agent   Of course, I would be happy to book a table for two, at the\n"
        "                  window or in the garden under the old trees\n"
        "\n"
        "   0.0 s  …0009  call    +15550100009 is on the line of +15550100002\n"
        "   1.5 s  …0009  caller  Hello.\n"
        "   1.5 s  …0009  call    is over: the caller hung up\n"
        "   3.5 s  caller  Bye.\n"
        "   0.0 s  call    was not taken: blocked\n"
        "\n"
        "Going down.\n"
    )


def test_words_do_not_paint_on_the_terminal():
    console = paper()
    CallScreen(console, Clock()).observe("CA1", facts.AgentSpoke("a\x1b[2Jb\x9b1mc\x07\u202ed नमस्ते क्\u200dष"))
    assert shown(console) == "   0.0 s  agent   a [2Jb 1mc  d नमस्ते क्\u200dष\n"
