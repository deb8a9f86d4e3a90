"""How commands fail: a sentence and a next step, and a traceback only where it is asked for."""

import errno
import sys

import click
import pytest
from click.testing import CliRunner

from ringbridge.cli import main
from ringbridge.cli.main import cli
from ringbridge.errors import BrainNotFound, SettingsError, VendorError

SECRET = "sk_very-secret"


@pytest.fixture
def fail(monkeypatch):
    """Runs a command that raises this error."""
    module = sys.modules[__name__]

    def run(error, *args):
        @click.command("fail")
        def command():
            raise error

        monkeypatch.setattr(module, "command", command, raising=False)
        monkeypatch.setitem(main.COMMANDS, "fail", main.Verb(__name__, "Fails."))
        return CliRunner().invoke(cli, [*args, "fail"])

    return run


def test_what_was_not_foreseen(fail):
    done = fail(KeyError(SECRET))

    assert done.exit_code == 1
    assert done.stderr.startswith("Error: this was not foreseen: KeyError at test_errors.py:")
    assert "ringbridge --debug fail" in done.stderr
    assert SECRET not in done.output
    assert "Traceback" not in done.output


def test_the_traceback_on_demand(fail, capsys):
    done = fail(BrainNotFound("there is no file"), "--debug")

    assert "Error: there is no file\n" in done.stderr
    assert "Traceback (most recent call last)" in done.stderr


def test_settings_are_listed(fail):
    done = fail(SettingsError(["A: is not set; set it", "B: is odd; mend it"]))

    assert "in the environment or in .env:\n  A: is not set; set it\n  B: is odd; mend it\n" in done.stderr


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("it was refused with 401; check the key", "it was refused with 401; check the key"),
        ("it can't be reached: ConnectError", "it can't be reached: ConnectError; `ringbridge doctor` may tell why"),
    ],
)
def test_a_vendors_refusal_has_a_next_step(fail, text, told):
    assert fail(VendorError(text)).stderr == f"Error: {told}\n"


def test_what_several_tasks_were_about(fail):
    group = ExceptionGroup("unhandled errors", [ExceptionGroup("more", [BrainNotFound("there is no file")])])

    assert fail(group).stderr == "Error: there is no file\n"
    assert "ExceptionGroup" in fail(ExceptionGroup("both", [KeyError(1), KeyError(2)])).stderr


def test_usage_is_clicks_own_affair(fail):
    done = fail(click.UsageError("no such thing"), "--debug")

    assert (done.exit_code, "Traceback" in done.stderr) == (2, False)


def test_a_reader_that_has_gone_is_no_error(fail):
    done = fail(BrokenPipeError(errno.EPIPE, "Broken pipe"))

    assert (done.exit_code, done.stderr) == (1, "")


def test_a_log_writes_down_what_ends_the_process(fail, monkeypatch):
    monkeypatch.setattr(sys, "excepthook", lambda *_: None)

    assert isinstance(fail(KeyError(SECRET)).exception, KeyError)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(shell):
    done = CliRunner().invoke(cli, ["completion", shell], prog_name="ringbridge")

    assert done.exit_code == 0
    assert "_RINGBRIDGE_COMPLETE" in done.stdout


def test_completion_knows_verbs_and_options():
    def completed(words, count):
        environ = {"_RINGBRIDGE_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(count)}
        return CliRunner().invoke(cli, prog_name="ringbridge", env=environ).stdout

    assert "plain,doctor\n" in completed("ringbridge do", 1)
    assert "plain,--live\n" in completed("ringbridge doctor --l", 2)
