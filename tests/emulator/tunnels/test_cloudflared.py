"""The program cloudflared, run as its users run it."""

import asyncio
import re
import signal
from asyncio.subprocess import PIPE

import pytest

from ringbridge.emulator.addresses import AddressBook
from ringbridge.emulator.tunnels.programs import Setup, install

pytestmark = pytest.mark.true_time

HOST = "seasonal-deck-organisms-sf.trycloudflare.com"


async def start(folder, setup, *arguments):
    program = install(folder, "cloudflared", setup)
    return await asyncio.create_subprocess_exec(program, *arguments, stdout=PIPE, stderr=PIPE)


async def until(process, pattern):
    """The first line that matches, read as a user of the program would."""
    async with asyncio.timeout(10):
        while line := (await process.stderr.readline()).decode():
            if match := re.search(pattern, line):
                return match
    raise AssertionError(f"no line like {pattern}")


async def test_a_quick_tunnel(local, session, tmp_path, free_port, certificate):
    setup = Setup(host=HOST, edge_port=free_port, certificate=str(certificate))
    process = await start(tmp_path, setup, "tunnel", "--no-autoupdate", "--url", f"http://localhost:{local.port}")
    try:
        found = await until(process, r"https://[a-z0-9-]+\.trycloudflare\.com")
        metrics = await until(process, r"Starting metrics server on (\S+)/metrics")
        await until(process, "Registered tunnel connection connIndex=0")
        async with session.get(f"http://{metrics[1]}/quicktunnel") as response:
            assert f"https://{(await response.json())['hostname']}" == found[0]
        async with session.get(f"http://{metrics[1]}/ready") as response:
            assert (await response.json())["readyConnections"] == 1
        addresses = AddressBook({HOST: f"http://127.0.0.1:{free_port}"})
        route = addresses.route(found[0] + "/healthz")
        async with session.get(route.url, headers=route.headers) as response:
            headers = (await response.json())["headers"]
        assert (headers["host"], headers["x-forwarded-proto"]) == (HOST, "https")
        assert headers["cf-connecting-ip"]
        route = addresses.route(f"wss://{HOST}/ws")
        async with session.ws_connect(route.url, headers=route.headers) as ws:
            await ws.send_str("hello")
            assert await ws.receive_str() == "hello"
    finally:
        process.send_signal(signal.SIGTERM)
        _, rest = await process.communicate()
    assert process.returncode == 0
    assert b"Initiating graceful shutdown" in rest


async def test_no_quick_tunnel_is_to_be_had(tmp_path):
    setup = Setup(fails="invalid status code 429")
    process = await start(tmp_path, setup, "tunnel", "--url", "http://localhost:3001")
    _, told = await process.communicate()
    assert process.returncode == 1
    assert b"failed to request quick Tunnel: invalid status code 429" in told
