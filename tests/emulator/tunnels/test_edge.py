"""The far end of a tunnel."""

import asyncio
import socket
import ssl

import pytest
from aiohttp import ClientSession, TCPConnector, WSMsgType
from aiohttp.abc import AbstractResolver
from yarl import URL

from ringbridge.emulator.addresses import AddressBook
from ringbridge.emulator.tunnels.cloudflare import CLOUDFLARE
from ringbridge.emulator.tunnels.edge import Edge
from ringbridge.emulator.tunnels.ngrok import NGROK
from ringbridge.emulator.tunnels.running import tls_of

HOST = "quiet-desk.ngrok-free.app"


class Names(AbstractResolver):
    """Resolves every name to one local port."""

    def __init__(self, port):
        self._port = port

    async def resolve(self, host, port=0, family=socket.AF_INET):
        return [{"hostname": host, "host": "127.0.0.1", "port": self._port, "family": family, "proto": 0, "flags": 0}]

    async def close(self):
        pass


@pytest.fixture
async def book(local):
    """An address book whose `HOST` leads to the local service through an edge."""
    book = AddressBook()
    async with Edge(NGROK, book) as edge:
        edge.open(HOST, f"http://localhost:{local.port}")
        yield book


def at(book, path, scheme="https"):
    """What to hand a client of aiohttp, as the twins do."""
    route = book.route(f"{scheme}://{HOST}{path}")
    return {"url": URL(route.url, encoded=True), "headers": route.headers}


async def test_a_request_arrives_as_it_was_sent(book, session):
    async with session.post(**at(book, "/a%20b?x=%2B1&y=%c3%a9"), data=b"To=%2B1") as response:
        told = await response.json()
    assert (told["method"], told["path"], told["body"]) == ("POST", "/a%20b?x=%2B1&y=%c3%a9", "To=%2B1")
    headers = told["headers"]
    assert headers["host"] == headers["x-forwarded-host"] == HOST
    assert (headers["x-forwarded-proto"], headers["x-forwarded-for"]) == ("https", "203.0.113.7")


async def test_what_a_client_says_of_its_way_is_not_believed(local, session):
    async with Edge(CLOUDFLARE) as edge:
        edge.open(HOST, str(local.port))
        lies = {"Host": HOST, "X-Forwarded-Proto": "http", "X-Forwarded-Host": "evil.test", "CF-Connecting-IP": "::1"}
        async with session.get(edge.origin, headers=lies) as response:
            headers = (await response.json())["headers"]
    assert (headers["x-forwarded-proto"], headers["cf-connecting-ip"]) == ("https", "203.0.113.7")
    assert headers["cf-visitor"] == '{"scheme":"https"}'
    assert "x-forwarded-host" not in headers


@pytest.mark.parametrize("compress", [0, 15])
async def test_a_websocket_goes_through(book, local, session, compress):
    async with session.ws_connect(**at(book, "/ws", "wss"), protocols=["convai"], compress=compress) as ws:
        assert (ws.protocol, ws.compress) == ("convai", compress)
        for text in ("hello", "x" * 300_000, "bye"):
            await ws.send_str(text)
            assert await ws.receive_str() == text
        await ws.close(code=3008)
    assert local.closed == [3008]


async def test_a_client_that_vanishes_is_told_behind_the_tunnel(book, local, session):
    ws = await session.ws_connect(**at(book, "/ws", "wss"))
    ws._response.connection.transport.abort()
    async with asyncio.timeout(5):
        while not local.closed:
            await asyncio.sleep(0.01)
    assert local.closed == [1006]


async def test_a_name_leads_nowhere_before_and_after(local, session):
    async with Edge(NGROK) as edge:
        for wanted in (404, 200, 404):
            if wanted == 200:
                edge.open(HOST, str(local.port))
            elif edge._upstreams:
                edge.close(HOST)
            async with session.get(edge.origin, headers={"Host": HOST}) as response:
                assert response.status == wanted
                assert ("ERR_NGROK_3200" in await response.text()) is (wanted == 404)


async def test_nobody_is_behind_the_tunnel(session):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    async with Edge(NGROK) as edge:
        edge.open(HOST, f"localhost:{port}")
        async with session.get(edge.origin, headers={"Host": HOST}) as response:
            assert (response.status, "ERR_NGROK_8012" in await response.text()) == (502, True)


async def test_a_silent_connection_is_cut_when_the_edge_is_impatient(local, session):
    loop = asyncio.get_running_loop()
    async with Edge(NGROK, idle_seconds=20) as edge:
        edge.open(HOST, str(local.port))
        async with session.ws_connect(edge.origin + "/ws", headers={"Host": HOST}) as ws:
            await asyncio.sleep(15)
            await ws.send_str("still there")
            assert await ws.receive_str() == "still there"
            said = loop.time()
            assert (await ws.receive()).type in {WSMsgType.CLOSED, WSMsgType.ERROR}
            assert loop.time() - said == pytest.approx(20, abs=0.5)


async def test_leaving_cuts_every_connection(local, session):
    async with Edge(NGROK) as edge:
        edge.open(HOST, str(local.port))
        ws = await session.ws_connect(edge.origin + "/ws", headers={"Host": HOST})
    assert (await ws.receive()).type in {WSMsgType.CLOSED, WSMsgType.ERROR}


async def test_rubbish_and_silence_end_a_connection(local):
    async with Edge(NGROK) as edge:
        for sent in (b"", b"GET / HT", b"x" * 70_000):
            reader, writer = await asyncio.open_connection("127.0.0.1", edge.port)
            writer.write(sent)
            assert await reader.read() == b""
            writer.close()


async def test_a_certificate_is_shown_to_who_wants_one(local, certificate):
    trusting = ssl.create_default_context(cafile=certificate)
    async with Edge(NGROK, tls=tls_of(str(certificate))) as edge:
        edge.open(HOST, str(local.port))
        connector = TCPConnector(resolver=Names(edge.tls_port), ssl=trusting)
        async with ClientSession(connector=connector) as session:
            async with session.get(f"https://{HOST}/") as response:
                assert (await response.json())["headers"]["host"] == HOST
            async with session.ws_connect(f"wss://{HOST}/ws") as ws:
                await ws.send_str("hello")
                assert await ws.receive_str() == "hello"


@pytest.mark.parametrize("upstream", ["https://localhost:3001", "http://localhost", "ftp://localhost:21", ""])
async def test_what_it_can_not_forward_to(upstream):
    with pytest.raises(ValueError, match="forwards to"):
        Edge(NGROK).open(HOST, upstream)
