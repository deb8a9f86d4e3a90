"""The faster sockets: what they lean on, what serves in their stead, how they end."""

import asyncio
import logging
from contextlib import asynccontextmanager
from types import SimpleNamespace

import picows.picows
import pytest
from aiohttp import web

from ringbridge.apis.dialling import open_dialler
from ringbridge.live import picows_upgrade, sockets
from ringbridge.live.aiohttp_socket import AiohttpSocket
from ringbridge.live.picows_socket import PicowsSocket
from ringbridge.live.socket import Bounds, UpgradeFailed


class Door:
    """Accepts sockets as the bridge does, and keeps them until they end."""

    def __init__(self, bounds=None):
        self.bounds = bounds or Bounds()
        self.sockets = asyncio.Queue()
        self.ends = asyncio.Queue()

    async def __aenter__(self):
        app = web.Application()
        app.router.add_get("/", self._hold)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"ws://127.0.0.1:{self._runner.addresses[0][1]}/"
        return self

    async def __aexit__(self, *error):
        await self._runner.cleanup()

    @property
    def connections(self):
        return len(self._runner.server.connections)

    async def _hold(self, request):
        socket = await sockets.accept(request, self.bounds)
        texts = []
        socket.listen(texts.append)
        self.sockets.put_nowait((socket, texts))
        self.ends.put_nowait(await socket.closed())
        return socket.response


@pytest.fixture
async def dialler():
    async with open_dialler() as dialler:
        yield dialler


async def test_this_release_can_take_over_a_connection(dialler):
    async with Door() as door:
        socket = await sockets.connect(dialler, door.url, seconds=5, heartbeat=20)
        accepted, _ = await door.sockets.get()
        assert type(accepted) is type(socket) is PicowsSocket
        await socket.close()


@pytest.mark.parametrize("breaks", ["WSProtocol is gone", "WSProtocol wants something else"])
async def test_where_it_can_not_the_plain_one_serves(dialler, monkeypatch, caplog, breaks):
    if breaks == "WSProtocol is gone":
        monkeypatch.delattr(picows.picows, "WSProtocol")
    else:
        monkeypatch.setattr(picows.picows, "WSProtocol", lambda one, two: None)
    async with Door() as door:
        with caplog.at_level(logging.WARNING):
            reader, writer = await _dial_by_hand(door.url)
            accepted, texts = await door.sockets.get()
        assert type(accepted) is AiohttpSocket
        assert "can't take over a socket" in caplog.text
        writer.write(b"\x81\x85\0\0\0\0hello")
        assert accepted.send(b"back")
        assert await reader.readexactly(6) == b"\x81\x04back"
        assert texts == [b"hello"]
        await accepted.close(1000)
        writer.close()


async def _dial_by_hand(url):
    port = int(url.rpartition(":")[2].rstrip("/"))
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(
        b"GET / HTTP/1.1\r\nHost: bridge.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101")
    return reader, writer


async def test_a_key_that_is_not_wholly_base64_is_refused_and_leaves_nothing(dialler):
    async with Door() as door:
        port = int(door.url.rpartition(":")[2].rstrip("/"))
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(
            b"GET / HTTP/1.1\r\nHost: bridge.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==!?\r\n\r\n"
        )
        assert (await reader.read()).startswith(b"HTTP/1.1 400")
        writer.close()
        assert door.connections == 0
        assert door.sockets.empty()


async def test_a_silent_peer_is_asked_and_then_given_up(dialler):
    async with Door() as door:
        reader, writer = await _dial_by_hand(door.url)
        began = asyncio.get_running_loop().time()
        assert await reader.readexactly(2) == b"\x89\x00", "a ping"
        asked = asyncio.get_running_loop().time() - began
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await reader.readexactly(1)
        gone = asyncio.get_running_loop().time() - began
        writer.close()
        assert (await door.ends.get()).code is None
    assert 20 <= asked <= 21
    assert 30 <= gone <= 31


async def test_a_peer_that_answers_is_kept(dialler):
    async with Door() as door:
        reader, writer = await _dial_by_hand(door.url)
        for _ in range(5):
            assert await reader.readexactly(2) == b"\x89\x00"
            writer.write(b"\x8a\x80\0\0\0\0")
        assert door.ends.empty()
        writer.close()
        await door.ends.get()


async def test_a_code_of_the_peers_own_is_told_and_answered(dialler):
    async with Door() as door:
        reader, writer = await _dial_by_hand(door.url)
        writer.write(b"\x88\x85\0\0\0\0" + (4321).to_bytes(2, "big") + b"bye")
        assert await reader.read() == b"\x88\x02" + (4321).to_bytes(2, "big")
        closed = await door.ends.get()
        assert (closed.code, closed.reason) == (4321, "bye")
        writer.close()


async def test_fragments_of_a_message_are_bounded_together(dialler):
    async with Door(Bounds(message_bytes=100)) as door:
        reader, writer = await _dial_by_hand(door.url)
        writer.write(b"\x01\xbc\0\0\0\0" + b"a" * 60 + b"\x80\xbc\0\0\0\0" + b"a" * 60)
        assert (await reader.read())[:4] == b"\x88\x19\x03\xf1", "1009"
        writer.close()
        await door.ends.get()


@pytest.mark.parametrize("answer", [b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", b"nonsense\r\n\r\n", b""])
async def test_who_makes_no_socket_of_it_is_told_without_the_url(dialler, answer):
    async def serve(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(UpgradeFailed) as failed:
        await sockets.connect(dialler, f"ws://127.0.0.1:{port}/?token=secret", seconds=5, heartbeat=4)
    server.close()
    await server.wait_closed()
    assert failed.value.status == (403 if b"403" in answer else None)
    assert "secret" not in str(failed.value)


async def test_a_peer_that_never_answers_is_let_go_in_time(dialler):
    held = []

    async def serve(reader, writer):
        held.append(writer)
        await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(TimeoutError):
        await sockets.connect(dialler, f"ws://127.0.0.1:{port}/", seconds=2, heartbeat=4)
    await asyncio.sleep(1)
    assert [writer.is_closing() for writer in held] == [True]
    server.close()
    await server.wait_closed()


async def test_a_listener_that_fails_ends_its_socket(dialler, caplog):
    async with Door() as door:
        socket = await sockets.connect(dialler, door.url, seconds=5, heartbeat=20)
        accepted, _ = await door.sockets.get()

        def fail(_text):
            raise RuntimeError("a fault of ours")

        accepted.listen(fail)
        socket.send(b"{}")
        assert (await socket.closed()).code is None
        assert "the listener of a socket failed" in caplog.text
        await socket.close()


def test_unsupported_is_raised_before_anything_is_touched(monkeypatch):
    monkeypatch.delattr(picows.picows, "WSProtocol")
    with pytest.raises(picows_upgrade.Unsupported):
        picows_upgrade._protocol(None, Bounds())


def shouted(text):
    """A translation: what begins with a dot is not passed on."""
    return None if text.startswith(b".") else text.upper()


@asynccontextmanager
async def carried():
    """Two sockets, of which the first carries to the other, and the peers of both."""
    async with Door() as door:
        _, from_writer = await _dial_by_hand(door.url)
        accepted, texts = await door.sockets.get()
        to_reader, to_writer = await _dial_by_hand(door.url)
        other, _ = await door.sockets.get()
        accepted.carry(other, shouted)

        def write(text):
            from_writer.write(bytes([0x81, 0x80 | len(text)]) + b"\0\0\0\0" + text)

        async def says(text):
            before = len(texts)
            write(text)
            write(b".")  # is never passed on, and so tells when the other was read
            while texts[before:][-1:] != [b"."]:
                await asyncio.sleep(0.001)
            return texts[before:-1]

        yield SimpleNamespace(says=says, write=write, accepted=accepted, other=other, reader=to_reader)
        from_writer.close()
        to_writer.close()


async def test_what_can_be_passed_on_does_not_come_to_the_listener():
    async with carried() as there:
        assert await there.says(b"one") == []
        assert await there.says(b".two") == [b".two"]
        assert await there.says(b"three") == []
        assert await there.reader.readexactly(12) == b"\x81\x03ONE\x81\x05THREE"
        assert there.accepted.has_spoken()
        assert not there.accepted.has_spoken()


async def test_another_listener_gets_everything():
    async with carried() as there:
        heard = []
        there.accepted.listen(heard.append)
        there.write(b"one")
        while not heard:
            await asyncio.sleep(0.001)
        assert heard == [b"one"]


async def test_a_slow_peer_is_carried_nothing_until_that_is_asked_for_again():
    async with carried() as there:
        there.other.ear.pause_writing()
        assert await there.says(b"one") == [b"one"]
        there.accepted.carry(there.other, shouted)
        assert await there.says(b"two") == [b"two"]
        there.other.ear.resume_writing()
        there.accepted.carry(there.other, shouted)
        assert await there.says(b"three") == []
        there.accepted.carry(None, shouted)
        assert await there.says(b"four") == [b"four"]
        assert await there.reader.readexactly(7) == b"\x81\x05THREE"
