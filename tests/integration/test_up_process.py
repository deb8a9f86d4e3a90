"""Ctrl-C, SIGTERM and SIGKILL, each met by a process that is up; what it leaves at the vendors."""

import asyncio
import json
import os
import signal
import socket
import sys
from asyncio.subprocess import PIPE
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest

from ringbridge.cli.offline import DOMAIN, open_offline
from ringbridge.emulator.speech.base import Speech
from ringbridge.emulator.speech.exact import ExactEars, ExactVoice
from ringbridge.emulator.tunnels.programs import Setup, install
from ringbridge.emulator.world import OWN_NUMBER
from ringbridge.provision.journal import FILE, Program, unfinished

from .tls_proxy import write_certificate

pytestmark = pytest.mark.true_time

PROGRAM = Path(__file__).with_name("up_process.py")
QUICK = "seasonal-deck-organisms-sf.trycloudflare.com"


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


def quick_tunnel(folder):
    """A cloudflared to be started, and what leads to it. Its ports can be had once at a time."""
    file = write_certificate(folder, QUICK)
    tls_port = free_port()
    install(folder, "cloudflared", Setup(QUICK, free_port(), str(file), tls_port))
    return {"pem": file.read_text(), "tls_port": tls_port, "domain": None, "tunnel": "cloudflared", "path": str(folder)}


@asynccontextmanager
async def running(offline, folder, port, **tunnel):
    """The process, up; it has ended when this is left."""
    told = {
        "pem": offline.certificate.pem,
        "tls_port": offline.edge.tls_port,
        "agent_url": offline.agent.api_url,
        "folder": str(folder),
        "domain": DOMAIN,
        "tunnel": None,
        "settings": {**offline.settings, "BRAIN": "brain.py:reply", "PORT": str(port)},
        **tunnel,
    }
    environ = {**os.environ, "PATH": f"{tunnel.get('path', '')}:{os.environ['PATH']}"}
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(PROGRAM), json.dumps(told), stdout=PIPE, env=environ
    )
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


async def ended_by(number, offline, folder, port, **tunnel):
    async with running(offline, folder, port, **tunnel) as process:
        host = QUICK if tunnel else DOMAIN
        assert offline.twilio.account.numbers[OWN_NUMBER].voice_url.startswith(f"https://{host}/")
        process.send_signal(number)
    assert process.returncode == 0, process.told
    assert f"{OWN_NUMBER} is as it was before" in process.told


async def killed_and_started_again(offline, folder, port, **tunnel):
    before = offline.snapshots()
    async with running(offline, folder, port, **tunnel) as killed:
        killed.send_signal(signal.SIGKILL)
    assert offline.snapshots() != before
    assert (folder / FILE).exists()
    (agent,) = [psutil.Process(entry.pid) for entry in unfinished(folder) if isinstance(entry, Program)]
    assert agent.is_running(), "the tunnel's program did not outlive its starter, so nothing is shown"
    # The next start puts that back first; so what it puts back itself is what was there at the very beginning.
    await ended_by(signal.SIGINT, offline, folder, port, **tunnel)
    assert not agent.is_running() or agent.status() == psutil.STATUS_ZOMBIE


async def test_whatever_ends_it_the_accounts_are_as_they_were(tmp_path_factory, unused_tcp_port_factory):
    async with (
        house(tmp_path_factory.mktemp("ended")) as one,
        house(tmp_path_factory.mktemp("killed")) as other,
        asyncio.TaskGroup() as tasks,
    ):
        tasks.create_task(ended_by(signal.SIGTERM, *one, unused_tcp_port_factory()))
        tunnel = quick_tunnel(tmp_path_factory.mktemp("tunnel"))
        tasks.create_task(killed_and_started_again(*other, unused_tcp_port_factory(), **tunnel))
