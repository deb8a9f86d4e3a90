"""The command as a user meets it, in a folder of its own; a process of its own where that makes a difference."""

import os
import re
import subprocess
import sys
from contextlib import chdir
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from dotenv import dotenv_values

from ringbridge import __version__
from ringbridge.cli.main import COMMANDS, cli
from ringbridge.config import describe, load_settings
from ringbridge.errors import SettingsError

pytest_plugins = ["pytester"]

SETTINGS = {row.name for row in describe()}


def python(*args: str, cwd: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if name not in SETTINGS}
    return subprocess.run(
        [sys.executable, *args],
        cwd=cwd,
        env=inherited | environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def ringbridge(*args: str, cwd: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    return python("-m", "ringbridge", *args, cwd=cwd, **environ)


def invoked(*args: str, cwd: Path, **environ: str) -> Result:
    """The command in this very process. What would be a traceback is raised here."""
    with chdir(cwd):
        return CliRunner().invoke(
            cli, args, env=dict.fromkeys(SETTINGS) | environ, prog_name="ringbridge", catch_exceptions=False
        )


def test_help_is_there_at_once(tmp_path: Path):
    before = os.times()
    assert "simulate" in ringbridge("--help", cwd=tmp_path).stdout
    after = os.times()
    # What it took of a processor, however busy the machine is.
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    assert spent < 0.5


def test_help_imports_nothing_but_click(tmp_path: Path):
    imported = python("-c", "import ringbridge.cli.main, sys; print(*sys.modules)", cwd=tmp_path).stdout.split()

    assert "click" in imported
    assert not {"asyncio", "aiohttp", "pydantic", "twilio", "elevenlabs", "openai", "cryptography"} & set(imported)


def test_version(tmp_path: Path):
    assert ringbridge("--version", cwd=tmp_path).stdout == f"ringbridge {__version__}\n"


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_explains_itself(name: str):
    done = CliRunner().invoke(cli, [name, "--help"], prog_name="ringbridge")

    assert done.exit_code == 0
    assert done.output.startswith(f"Usage: ringbridge {name} ")


def test_an_unknown_command_is_no_traceback(tmp_path: Path):
    done = ringbridge("dial", cwd=tmp_path)

    assert done.returncode == 2
    assert "No such command 'dial'" in done.stderr


def test_init_writes_a_beginning(tmp_path: Path):
    done = ringbridge("init", cwd=tmp_path)

    assert done.returncode == 0
    assert {file.name for file in tmp_path.iterdir()} == {"brain.py", "test_brain.py", ".env"}
    assert "ringbridge simulate --brain brain.py:reply" in done.stdout
    assert len((tmp_path / "brain.py").read_text().splitlines()) <= 16
    env = dotenv_values(tmp_path / ".env")
    assert env["BRAIN"] == "brain.py:reply"
    assert re.fullmatch(r"[0-9a-f]{64}", env["SHARED_SECRET"] or "")
    assert (tmp_path / ".env").stat().st_mode & 0o077 == 0


def test_each_init_makes_its_own_secret(tmp_path: Path):
    for folder in ("one", "two"):
        assert f"cd {folder}\n" in invoked("init", folder, cwd=tmp_path).stdout

    assert (tmp_path / "one/.env").read_text() != (tmp_path / "two/.env").read_text()


def test_inits_settings_lack_only_what_the_vendors_give(tmp_path: Path):
    invoked("init", cwd=tmp_path)

    with pytest.raises(SettingsError) as lacking:
        load_settings(tmp_path / ".env", {})

    said = str(lacking.value)
    assert re.findall(r"^([A-Z_]+): is still the example's", said, re.MULTILINE) == [
        "ELEVENLABS_API_KEY", "SPEECH_ENGINE_ID", "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "PUBLIC_URL",
    ]  # fmt: skip
    assert "SHARED_SECRET" not in said


def test_inits_test_passes_and_fails_where_the_brain_says_something_else(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
):
    tmp_path = pytester.path
    invoked("init", cwd=tmp_path)
    brain, test = tmp_path / "brain.py", tmp_path / "test_brain.py"
    (tmp_path / "other.py").write_text(brain.read_text().replace("{turn.text}", "nothing"))
    (tmp_path / "test_other.py").write_text(test.read_text().replace("from brain import", "from other import"))

    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)
    scope = "asyncio_default_fixture_loop_scope=function"
    done = pytester.runpytest_inprocess("-p", "no:langsmith_plugin", "-o", scope)

    done.assert_outcomes(passed=1, failed=1)
    done.stdout.fnmatch_lines("FAILED test_other.py*")


def test_init_overwrites_nothing_and_lists_what_is_there(tmp_path: Path):
    (tmp_path / "brain.py").write_text("mine")
    (tmp_path / ".env").write_text("mine")
    (tmp_path / "notes.txt").write_text("mine")

    done = invoked("init", cwd=tmp_path)

    assert done.exit_code == 1
    assert "brain.py, .env already" in done.stderr
    assert "ringbridge init FOLDER" in done.stderr
    assert {file.name: file.read_text() for file in tmp_path.iterdir()} == dict.fromkeys(
        ("brain.py", ".env", "notes.txt"), "mine"
    )


def test_init_beside_other_files(tmp_path: Path):
    (tmp_path / "notes.txt").write_text("mine")

    assert invoked("init", cwd=tmp_path).exit_code == 0


def test_init_into_a_place_that_is_no_folder(tmp_path: Path):
    (tmp_path / "file").write_text("mine")

    done = invoked("init", "file/folder", cwd=tmp_path)

    assert done.exit_code == 1
    assert "Name a folder" in done.stderr


def test_fallback_twiml_needs_no_other_setting(tmp_path: Path):
    done = invoked("fallback-twiml", cwd=tmp_path)

    assert done.exit_code == 0
    assert done.stdout.startswith("<?xml")
    assert "<Say" in done.stdout
    assert "<Dial" not in done.stdout


def test_fallback_twiml_dials_the_fallback_number(tmp_path: Path):
    (tmp_path / ".env").write_text("FALLBACK_NUMBER=+1 555 010 0199\n")

    assert "<Number>+15550100199</Number>" in invoked("fallback-twiml", cwd=tmp_path).stdout
    done = invoked("fallback-twiml", cwd=tmp_path, FALLBACK_NUMBER="+442079460000")
    assert "<Number>+442079460000</Number>" in done.stdout


def test_wrong_settings_are_told_without_a_traceback(tmp_path: Path):
    done = invoked("fallback-twiml", cwd=tmp_path, FALLBACK_NUMBER="112")

    assert done.exit_code == 1
    assert "\n  FALLBACK_NUMBER: is not a phone number in E.164; " in done.stderr
