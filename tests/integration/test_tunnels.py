"""Tunnels by the stand-ins for what lends them: an agent's API, and the programs, started and ended."""

import asyncio
import os
import socket
from contextlib import asynccontextmanager, nullcontext

import pytest
from pyngrok import ngrok as pyngrok

from ringbridge.emulator.tunnels.edge import Edge
from ringbridge.emulator.tunnels.ngrok import NGROK, NgrokAgent
from ringbridge.emulator.tunnels.programs import Setup, install
from ringbridge.provision.failures import NotProvided
from ringbridge.tunnels import cloudflared as quick
from ringbridge.tunnels.cloudflared import cloudflared
from ringbridge.tunnels.ngrok import ngrok

DOMAIN = "desk.ngrok.app"
NAME = "seasonal-deck-organisms-sf.trycloudflare.com"
NOBODY = "http://127.0.0.1:9"


def unnoted(_pid):
    return nullcontext()


@asynccontextmanager
async def running(**more):
    async with Edge(NGROK) as edge, NgrokAgent(edge, reserved=[DOMAIN], **more) as agent:
        yield agent


@pytest.mark.parametrize("domain", [None, DOMAIN])
async def test_an_agent_that_runs_gets_a_tunnel_more_until_the_end(domain):
    async with running() as agent:
        async with ngrok(domain=domain, program=None, note=unnoted, agent_url=agent.api_url)(3001) as lent:
            (tunnel,) = agent.tunnels.values()
            assert (str(lent.url), tunnel.upstream) == (tunnel.public_url, "http://127.0.0.1:3001")
            assert domain is None or lent.url.host == domain
            assert lent.is_new
        assert agent.tunnels == {}


async def test_what_its_owner_has_opened_is_used_and_stays():
    async with running() as agent:
        opened = agent.start({"name": "mine", "addr": "localhost:3001"})
        agent.start({"name": "other", "addr": "localhost:4000"})
        async with ngrok(domain=None, program=None, note=unnoted, agent_url=agent.api_url)(3001) as lent:
            assert (str(lent.url), lent.is_new) == (opened.public_url, False)
        async with ngrok(domain=DOMAIN, program=None, note=unnoted, agent_url=agent.api_url)(3001) as lent:
            assert lent.url.host == DOMAIN
        assert [*agent.tunnels] == ["mine", "other"]


async def test_what_a_killed_process_has_left_open_is_opened_anew():
    async with running() as agent:
        agent.start({"name": "ringbridge-3001", "addr": "http://127.0.0.1:3001", "domain": DOMAIN})
        async with ngrok(domain=DOMAIN, program=None, note=unnoted, agent_url=agent.api_url)(3001) as lent:
            assert lent.url.host == DOMAIN
        assert agent.tunnels == {}


@pytest.mark.parametrize(
    ("domain", "most", "words"),
    [("other.ngrok.app", 3, "reserve the domain"), (None, 0, "close one of that agent's tunnels")],
)
async def test_what_the_agent_refuses(domain, most, words):
    async with running(most=most) as agent:
        with pytest.raises(NotProvided, match=words):
            async with ngrok(domain=domain, program=None, note=unnoted, agent_url=agent.api_url)(3001):
                pytest.fail("a tunnel was opened")


async def test_an_agent_that_has_gone_has_closed_its_tunnels():
    async with running() as agent, ngrok(domain=None, program=None, note=unnoted, agent_url=agent.api_url)(3001):
        await agent._runner.cleanup()


async def test_neither_program_nor_agent():
    with pytest.raises(NotProvided, match="ngrok is not installed, and no agent of it runs"):
        async with ngrok(domain=None, program=None, note=unnoted, agent_url=NOBODY)(3001):
            pytest.fail("a tunnel was opened")


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


@pytest.fixture
def home(tmp_path, monkeypatch):
    """Where pyngrok keeps an agent's settings."""
    monkeypatch.setattr("pyngrok.conf.DEFAULT_CONFIG_PATH", str(tmp_path / "ngrok.yml"))
    return tmp_path


@pytest.mark.true_time
async def test_an_agent_of_our_own_ends_with_us(home):
    program = install(home, "ngrok", Setup(edge_port=free_port(), reserved=[DOMAIN]))
    async with ngrok(domain=DOMAIN, program=str(program), note=unnoted, agent_url=NOBODY)(3001) as lent:
        assert (lent.url.host, lent.lender) == (DOMAIN, "ngrok")
        process = pyngrok.process._current_processes[str(program)].proc
        assert os.getpgid(process.pid) != os.getpgid(0)
    assert process.poll() is not None
    process.stdout.close()


@pytest.mark.true_time
async def test_ngrok_without_its_token_tells_where_to_get_one(home):
    program = install(home, "ngrok", Setup(fails="authentication failed: ERR_NGROK_4018"))
    with pytest.raises(NotProvided, match=r"ERR_NGROK_4018.*add-authtoken"):
        async with ngrok(domain=None, program=str(program), note=unnoted, agent_url=NOBODY)(3001):
            pytest.fail("a tunnel was opened")


@pytest.mark.true_time
async def test_a_quick_tunnel_lasts_as_long_as_we_want_it(tmp_path):
    program = install(tmp_path, "cloudflared", Setup(host=NAME, edge_port=free_port()))
    async with cloudflared(str(program), unnoted)(3001) as lent:
        assert (lent.url.host, lent.lender) == (NAME, "cloudflared")


@pytest.mark.true_time
async def test_a_program_that_can_not_be_noted_does_not_stay(home):
    pids = []

    def unwritable(pid):
        pids.append(pid)
        raise NotProvided("the journal can't be written", "mend it")

    for program, lender in (
        ("cloudflared", lambda path: cloudflared(path, unwritable)),
        ("ngrok", lambda path: ngrok(domain=None, program=path, note=unwritable, agent_url=NOBODY)),
    ):
        path = str(install(home, program, Setup(host=NAME, edge_port=free_port())))
        with pytest.raises(NotProvided, match="the journal can't be written"):
            async with lender(path)(3001):
                pytest.fail("a tunnel was opened")
    assert len(pids) == 2
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


@pytest.mark.true_time
async def test_cloudflare_gives_no_tunnel(tmp_path, monkeypatch):
    program = install(tmp_path, "cloudflared", Setup(fails="status code 429 Too Many Requests"))
    with pytest.raises(NotProvided, match="has given up without a tunnel; wait an hour"):
        async with cloudflared(str(program), unnoted)(3001):
            pytest.fail("a tunnel was opened")
    with pytest.raises(NotProvided, match="does not start: No such file"):
        async with cloudflared(str(tmp_path / "none"), unnoted)(3001):
            pytest.fail("a tunnel was opened")
    stuck = tmp_path / "stuck"
    stuck.write_text("#!/bin/sh\ntrap '' TERM\nexec sleep 60\n")
    stuck.chmod(0o755)
    monkeypatch.setattr(quick, "START_SECONDS", 0.05)
    monkeypatch.setattr(quick, "END_SECONDS", 0.05)
    begun = asyncio.get_running_loop().time()
    with pytest.raises(NotProvided, match="no tunnel after"):
        async with cloudflared(str(stuck), unnoted)(3001):
            pytest.fail("a tunnel was opened")
    assert asyncio.get_running_loop().time() - begun < 5
