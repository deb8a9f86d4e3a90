import os
import stat
import subprocess
import sys

import pytest

from ringbridge.provision.failures import NotProvided
from ringbridge.provision.journal import FILE, Journal, Program, Written, open_journal, unfinished
from ringbridge.wanted.differences import Difference

ENGINE = Written("engine", "seng_1", "Mine", (Difference(("a", "b"), ["x"], None, secret=True),))
NUMBER = Written("number", "PN1", "+15550100002", (Difference(("voice_url",), "", "https://bridge.test"),))
AGENT = Program("ngrok", 4711, 1_790_000_000.25)


def test_what_is_added_outlasts_the_process(tmp_path):
    with open_journal(tmp_path) as journal:
        journal.add(ENGINE)
        journal.add(AGENT)
        journal.add(NUMBER)
    assert unfinished(tmp_path) == (ENGINE, AGENT, NUMBER)
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600
    with open_journal(tmp_path) as journal:
        assert journal.entries == (ENGINE, AGENT, NUMBER)
        journal.drop(NUMBER)
    assert unfinished(tmp_path) == (ENGINE, AGENT)


def test_nothing_stays_when_all_is_put_back(tmp_path):
    with open_journal(tmp_path) as journal:
        journal.add(ENGINE)
        journal.drop(ENGINE)
    assert [*tmp_path.iterdir()] == []


def test_one_at_a_time(tmp_path):
    with (
        open_journal(tmp_path) as journal,
        pytest.raises(NotProvided, match=f"process {os.getpid()} is at work"),
        open_journal(tmp_path),
    ):
        pytest.fail("it had the journal, too")
    journal.add(ENGINE)
    assert unfinished(tmp_path) == (ENGINE,)


def test_a_process_that_was_killed_holds_nothing(tmp_path):
    code = (
        "import os, signal, sys; from pathlib import Path; from ringbridge.provision.journal import *\n"
        "with open_journal(Path(sys.argv[1])) as journal:\n"
        "    journal.add(Written('number', 'PN1', 'mine', ()))\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, tmp_path], check=False, timeout=30)
    assert done.returncode == -9
    with open_journal(tmp_path) as journal:
        assert [entry.id for entry in journal.entries] == ["PN1"]


@pytest.mark.parametrize("content", [b"", b"{", b'{"entries": [{"type": "sofa"}]}', b"\xff"])
def test_a_broken_one_says_what_to_do(tmp_path, content):
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(NotProvided, match="look at the number and the engine yourself"), open_journal(tmp_path):
        pytest.fail("it was read")
    assert not (tmp_path / ".ringbridge-undo.lock").exists()


def test_a_folder_that_is_not_there_says_so(tmp_path):
    with pytest.raises(NotProvided, match="is no folder"), open_journal(tmp_path / "gone"):
        pytest.fail("it was opened")


def test_a_change_that_can_not_be_journalled_is_not_in_it(tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    journal = Journal(folder)
    folder.rmdir()
    with pytest.raises(NotProvided, match="can't be written"):
        journal.add(ENGINE)
    assert journal.entries == ()
