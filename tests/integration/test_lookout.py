"""A look at the public address, now and then: what is told when calls can't come any more, and when again."""

import asyncio

import pytest
from aiohttp import web

from ringbridge.cli.offline import _Here
from ringbridge.doctor.outside import Outside
from ringbridge.emulator.certificate import made_up
from ringbridge.emulator.tunnels.edge import Edge
from ringbridge.emulator.tunnels.ngrok import NGROK
from ringbridge.public_url import PublicUrl
from ringbridge.up.lookout import PAUSE_SECONDS, look_out
from ringbridge.web.health import HEALTH, PROCESS, PROCESS_NAME

HOST = "desk.ngrok.app"


@pytest.fixture
async def house(aiohttp_server):
    """What answers under the name, to be changed; and what is told."""
    answer = {PROCESS: PROCESS_NAME}
    told = []

    async def health(_request):
        return web.Response(headers=answer)

    app = web.Application()
    app.router.add_get(HEALTH, health)
    server = await aiohttp_server(app)
    certificate = made_up(HOST)
    async with Edge(NGROK, tls=certificate.server) as edge, asyncio.TaskGroup() as tasks:
        edge.open(HOST, f"http://127.0.0.1:{server.port}")
        outside = Outside(certificate.client(), lambda: _Here(edge.tls_port))
        looking = tasks.create_task(look_out(PublicUrl.parse(HOST), outside, lambda *words: told.append(words)))
        yield answer, told, edge
        looking.cancel()


async def looks(times):
    await asyncio.sleep((times + 0.5) * PAUSE_SECONDS)


async def test_while_it_leads_here_nothing_is_told(house):
    _, told, _ = house
    await looks(5)
    assert told == []


async def test_another_bridge_has_the_name(house):
    answer, told, _ = house
    answer[PROCESS] = "another"
    await looks(1)
    assert told == []
    await looks(1)
    assert [style for _, style in told] == ["red"]
    assert "another bridge answers" in told[0][0]
    answer[PROCESS] = PROCESS_NAME
    await looks(1)
    assert told[1:] == [(f"https://{HOST} leads here again.", "green")]


async def test_the_tunnel_has_ended(house):
    _, told, edge = house
    edge.close(HOST)
    await looks(4)
    ((sentence, _),) = told
    assert "does not lead here any more, it answers with 404" in sentence
