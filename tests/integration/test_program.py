"""Programs that outlive us: noted while they run, and ended later, if it is still they."""

import subprocess
import sys
import time
from dataclasses import dataclass, field

import psutil
import pytest

from ringbridge.provision import program as programs
from ringbridge.provision.journal import Program, open_journal, unfinished
from ringbridge.provision.program import end_program, noted

pytestmark = pytest.mark.true_time

STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(60)"


@dataclass
class Child:
    """A process of ours, as the journal knows it."""

    process: subprocess.Popen
    told: list[str] = field(default_factory=list)

    @property
    def program(self):
        found = psutil.Process(self.process.pid)
        return Program(found.name(), found.pid, found.create_time())


@pytest.fixture
def start():
    """Starts a child; in the end it is no more."""
    children = []

    def started(code="print(flush=True); input()"):
        process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        children.append(process)
        process.stdout.readline()
        return Child(process)

    yield started
    for process in children:
        process.kill()
        process.communicate()


def test_it_is_noted_for_as_long_as_it_is_wanted(tmp_path, start):
    child = start()
    with open_journal(tmp_path) as journal:
        with noted(journal, child.process.pid):
            assert unfinished(tmp_path) == (child.program,)
        assert unfinished(tmp_path) == ()


def test_one_that_has_ended_already_is_not_noted(tmp_path, start):
    child = start()
    child.process.communicate(b"\n")
    with open_journal(tmp_path) as journal, noted(journal, child.process.pid):
        assert unfinished(tmp_path) == ()


async def test_it_is_told_to_end(start):
    child = start()
    await end_program(child.program, child.told.append)
    assert child.process.wait(5) == -15
    assert len(child.told) == 1


async def test_one_that_does_not_listen_is_killed(start, monkeypatch):
    monkeypatch.setattr(programs, "END_SECONDS", 0.1)
    child = start(STUBBORN)
    await end_program(child.program, child.told.append)
    assert child.process.wait(5) == -9
    assert len(child.told) == 1


@pytest.mark.parametrize("other", [{"started": 1.0}, {"name": "cloudflared"}, {"pid": 2**22 + 1}])
async def test_another_process_with_its_number_is_left_alone(start, other):
    child = start()
    known = {"name": child.program.name, "pid": child.program.pid, "started": child.program.started}
    await end_program(Program(**{**known, **other}), child.told.append)
    assert child.process.poll() is None
    assert child.told == []


async def test_one_that_has_ended_and_was_not_asked_how_is_no_more(start):
    child = start()
    program = child.program
    child.process.kill()
    while psutil.Process(program.pid).status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.01)
    await end_program(program, child.told.append)
    assert child.told == []
