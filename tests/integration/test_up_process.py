"""Ctrl-C, SIGTERM and SIGKILL, each met by a process that is up; what it leaves at the vendors."""

import asyncio
import json
import signal
import sys
from asyncio.subprocess import PIPE
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from ringbridge.cli.offline import DOMAIN, open_offline
from ringbridge.emulator.speech.base import Speech
from ringbridge.emulator.speech.exact import ExactEars, ExactVoice
from ringbridge.emulator.world import OWN_NUMBER
from ringbridge.provision.journal import FILE

pytestmark = pytest.mark.true_time

PROGRAM = Path(__file__).with_name("up_process.py")


@asynccontextmanager
async def running(offline, folder, port):
    """The process, up; it has ended when this is left."""
    told = {
        "pem": offline.certificate.pem,
        "tls_port": offline.edge.tls_port,
        "agent_url": offline.agent.api_url,
        "folder": str(folder),
        "domain": DOMAIN,
        "settings": {**offline.settings, "BRAIN": "brain.py:reply", "PORT": str(port)},
    }
    process = await asyncio.create_subprocess_exec(sys.executable, str(PROGRAM), json.dumps(told), stdout=PIPE)
    try:
        async with asyncio.timeout(30):
            await process.stdout.readuntil(b"Ctrl-C ends it")
        yield process
        async with asyncio.timeout(30):
            process.told = (await process.communicate())[0].decode()
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


@asynccontextmanager
async def house(folder):
    speech = Speech(ExactVoice(), ExactVoice(), ExactEars())
    async with open_offline(speech) as offline:
        before = offline.snapshots()
        yield offline, folder
        assert offline.snapshots() == before, "the accounts are not as they were"
        assert offline.agent.tunnels == {}
        assert [*folder.iterdir()] == []


async def ended_by(number, offline, folder, port):
    async with running(offline, folder, port) as process:
        assert offline.twilio.account.numbers[OWN_NUMBER].voice_url.startswith(f"https://{DOMAIN}/")
        process.send_signal(number)
    assert process.returncode == 0, process.told
    assert f"{OWN_NUMBER} is as it was before" in process.told


async def killed_and_started_again(offline, folder, port):
    before = offline.snapshots()
    async with running(offline, folder, port) as killed:
        killed.send_signal(signal.SIGKILL)
    assert offline.snapshots() != before
    assert (folder / FILE).exists()
    # The next start puts that back first; so what it puts back itself is what was there at the very beginning.
    await ended_by(signal.SIGINT, offline, folder, port)


async def test_whatever_ends_it_the_accounts_are_as_they_were(tmp_path_factory, unused_tcp_port_factory):
    async with (
        house(tmp_path_factory.mktemp("ended")) as one,
        house(tmp_path_factory.mktemp("killed")) as other,
        asyncio.TaskGroup() as tasks,
    ):
        tasks.create_task(ended_by(signal.SIGTERM, *one, unused_tcp_port_factory()))
        tasks.create_task(killed_and_started_again(*other, unused_tcp_port_factory()))
