"""The agent's API, asked by pyngrok's own requests; then the whole program, started by pyngrok."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from pyngrok import ngrok
from pyngrok.conf import PyngrokConfig
from pyngrok.exception import PyngrokNgrokError, PyngrokNgrokHTTPError
from pyngrok.ngrok import NgrokTunnel

from ringbridge.emulator.addresses import AddressBook
from ringbridge.emulator.tunnels.edge import Edge
from ringbridge.emulator.tunnels.ngrok import NGROK, NgrokAgent
from ringbridge.emulator.tunnels.ngrok_program import VERSION
from ringbridge.emulator.tunnels.programs import Setup, install

RESERVED = "desk.ngrok.app"


@asynccontextmanager
async def running(**more):
    async with Edge(NGROK) as edge, NgrokAgent(edge, **more) as agent:
        yield agent, edge


async def ask(agent, method, path, data=None):
    return await asyncio.to_thread(ngrok.api_request, f"{agent.api_url}{path}", method, data)


@pytest.mark.parametrize("version", ["2", "3"])
async def test_a_tunnel_is_opened_seen_and_closed(local, session, version):
    every, key = ("/api/tunnels", "tunnels") if version == "2" else ("/api/endpoints", "endpoints")
    upstream = f"http://localhost:{local.port}"
    wanted = {"addr": upstream, "proto": "http"} if version == "2" else {"upstream": {"url": upstream}}
    config = PyngrokConfig(config_version=version)
    async with running() as (agent, edge):
        assert (await ask(agent, "GET", every))[key] == []
        tunnel = NgrokTunnel(await ask(agent, "POST", every, {"name": "desk", **wanted}), config, agent.api_url)
        assert tunnel.public_url.startswith("https://")
        assert tunnel.public_url.endswith(".ngrok-free.app")
        assert (tunnel.proto, tunnel.uri, tunnel.upstream) == ("https", f"{every}/desk", {"url": upstream})
        host = tunnel.public_url.removeprefix("https://")
        async with session.get(edge.origin, headers={"Host": host}) as response:
            assert (await response.json())["headers"]["x-forwarded-host"] == host
        assert [NgrokTunnel(one, config, agent.api_url).id for one in (await ask(agent, "GET", every))[key]] == [
            tunnel.id
        ]
        await asyncio.to_thread(tunnel.refresh_metrics)
        await ask(agent, "DELETE", tunnel.uri)
        assert agent.tunnels == {}
        async with session.get(edge.origin, headers={"Host": host}) as response:
            assert response.status == 404
        assert (await ask(agent, "GET", "/api/status"))["status"] == "online"


@pytest.mark.parametrize("asked", [{"domain": RESERVED}, {"url": f"https://{RESERVED}/"}, {"hostname": RESERVED}])
async def test_a_reserved_domain_is_kept(asked):
    async with running(reserved=[RESERVED]) as (agent, _):
        for _ in range(2):
            tunnel = await ask(
                agent, "POST", "/api/tunnels", {"name": "desk", "addr": "3001", "proto": "http", **asked}
            )
            assert tunnel["public_url"] == f"https://{RESERVED}"
            await ask(agent, "DELETE", tunnel["uri"])


@pytest.mark.parametrize(
    ("asked", "status", "text"),
    [
        ({"domain": "other.ngrok.app"}, 502, "ERR_NGROK_320"),
        ({"domain": RESERVED}, 502, "ERR_NGROK_334"),
        ({"name": "first"}, 400, "already exists"),
        ({"proto": "tcp"}, 400, "HTTP tunnels only"),
        ({"auth_token": "x"}, 400, "field auth_token not found"),
        ({"addr": "file:///etc"}, 400, "forwards to"),
    ],
)
async def test_what_the_agent_refuses(asked, status, text):
    async with running(reserved=[RESERVED]) as (agent, _):
        await ask(agent, "POST", "/api/tunnels", {"name": "first", "addr": "3001", "domain": RESERVED})
        with pytest.raises(PyngrokNgrokHTTPError, match=text) as refusal:
            await ask(agent, "POST", "/api/tunnels", {"name": "second", "addr": "3001", "proto": "http", **asked})
        assert refusal.value.status_code == status
        assert list(agent.tunnels) == ["first"]


async def test_an_account_has_only_so_many_tunnels_and_no_others():
    async with running(most=1) as (agent, _):
        await ask(agent, "POST", "/api/tunnels", {"name": "first", "addr": "3001"})
        with pytest.raises(PyngrokNgrokHTTPError, match="ERR_NGROK_324"):
            await ask(agent, "POST", "/api/tunnels", {"name": "second", "addr": "3001"})
        with pytest.raises(PyngrokNgrokHTTPError, match="Resource not found"):
            await ask(agent, "DELETE", "/api/tunnels/second")


@pytest.mark.true_time
async def test_pyngrok_starts_the_program_and_opens_a_tunnel(local, session, tmp_path, free_port):
    setup = Setup(edge_port=free_port, reserved=[RESERVED])
    program = install(tmp_path, "ngrok", setup)
    config = PyngrokConfig(str(program), str(tmp_path / "ngrok.yml"), monitor_thread=False)
    addresses = AddressBook({RESERVED: f"http://127.0.0.1:{free_port}"})
    try:
        tunnel = await asyncio.to_thread(
            ngrok.connect, str(local.port), pyngrok_config=config, url=f"https://{RESERVED}"
        )
        assert tunnel.public_url == f"https://{RESERVED}"
        route = addresses.route(tunnel.public_url + "/healthz")
        async with session.get(route.url, headers=route.headers) as response:
            assert (await response.json())["path"] == "/healthz"
        assert len(await asyncio.to_thread(ngrok.get_tunnels, config)) == 1
        await asyncio.to_thread(ngrok.disconnect, tunnel.public_url, config)
        assert await asyncio.to_thread(ngrok.get_tunnels, config) == []
    finally:
        process = ngrok.process._current_processes[config.ngrok_path].proc
        ngrok.kill(config)
        process.stdout.close()


@pytest.mark.true_time
async def test_a_program_without_its_token_gives_up(tmp_path):
    program = install(tmp_path, "ngrok", Setup(fails="authentication failed: ERR_NGROK_4018"))
    config = PyngrokConfig(str(program), str(tmp_path / "ngrok.yml"), monitor_thread=False)
    assert (await asyncio.to_thread(ngrok.get_version, config))[0] == VERSION
    with pytest.raises(PyngrokNgrokError, match="ERR_NGROK_4018") as failure:
        await asyncio.to_thread(ngrok.connect, "3001", pyngrok_config=config)
    del failure
