"""How we dial out, against real servers: TLS resumed, names remembered, idle connections kept, redirects refused."""

import asyncio
import itertools
import socket
import ssl
import tempfile
from contextlib import asynccontextmanager, suppress

import pytest
import uvloop
from aiohttp import ClientConnectorError, ClientResponseError, TraceConfig, web

from ringbridge.apis.dialling import PROBE_SECONDS, Dialler, open_dialler, open_session
from ringbridge.apis.names import Names
from ringbridge.apis.tls import MAX_HOSTS, ResumingContext, trusted
from ringbridge.live.socket import UpgradeFailed
from ringbridge.live.sockets import connect

from .tls_proxy import write_certificate

NAME = "engine.test"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return write_certificate(tmp_path_factory.mktemp("tls"), NAME)


@asynccontextmanager
async def tls_server(certificate):
    """Echoes one byte, over TLS; gives its port. It knows only the tickets of its own making."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)

    async def echo(reader, writer):
        writer.write(await reader.read(1))
        await reader.read()
        writer.close()

    async with await asyncio.start_server(echo, "127.0.0.1", 0, ssl=context) as server:
        yield server.sockets[0].getsockname()[1]


async def dial(port, context, name=NAME):
    """One connection from its first byte to its last; gives whether its TLS session was an older one's."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname=name)
    writer.write(b"x")
    await reader.readexactly(1)
    writer.close()
    await writer.wait_closed()
    return writer.get_extra_info("ssl_object").session_reused


def trusting(certificate):
    context = ResumingContext()
    context.load_verify_locations(certificate)
    return context


@pytest.mark.parametrize("loop", [asyncio.SelectorEventLoop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def test_a_session_is_resumed_by_the_same_context_under_the_same_name(loop, certificate):
    async def story():
        async with tls_server(certificate) as port:
            context = trusting(certificate)
            assert [await dial(port, context) for _ in range(4)] == [False, True, True, True]
            assert not await dial(port, trusting(certificate))
            with pytest.raises(ssl.SSLCertVerificationError):
                await dial(port, context, "other.test")
            assert await dial(port, context)

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(story())


async def test_a_server_that_has_forgotten_the_session_shakes_hands_anew(certificate):
    context = trusting(certificate)
    async with tls_server(certificate) as port:
        assert [await dial(port, context) for _ in range(2)] == [False, True]
    async with tls_server(certificate) as port:
        assert [await dial(port, context) for _ in range(2)] == [False, True]


async def test_a_session_is_asked_for_once(certificate):
    """CPython (3.11 to 3.13, at the least) loses 6 KB each time."""
    asked = []

    class Watched(ssl.SSLObject):
        @property
        def session(self):
            asked.append(self)
            return super().session

    context = trusting(certificate)
    context.sslobject_class = Watched
    async with tls_server(certificate) as port:
        assert not await dial(port, context)
        for _ in range(3):  # connections that are still shaking hands
            context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname=NAME)
        assert [await dial(port, context) for _ in range(3)] == [True, True, True]
    assert len(asked) == 1


async def test_a_socket_resumes_a_session_and_needs_no_file(certificate, tmp_path, monkeypatch):
    """Containers have a root that can't be written to, and waiting for a disk would hold up everybody's audio."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    resumed = []

    async def upgrade(request):
        resumed.append(request.transport.get_extra_info("ssl_object").session_reused)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.receive()
        return socket

    class Here(Names):
        async def addresses(self, host, port):
            return await super().addresses("127.0.0.1", port)

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    app = web.Application()
    app.router.add_get("/", upgrade)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    url = f"wss://{NAME}:{runner.addresses[0][1]}"
    async with open_session() as session:
        dialler = Dialler(session, trusting(certificate), Here(60))
        for _ in range(3):
            socket = await connect(dialler, url, seconds=5, heartbeat=20)
            await socket.close()
        with pytest.raises(ssl.SSLCertVerificationError):
            await connect(dialler, url.replace(NAME, "other.test"), seconds=5, heartbeat=20)
    await runner.cleanup()
    assert resumed == [False, True, True]


def test_few_hosts_are_remembered():
    context = ResumingContext()
    for number in range(2 * MAX_HOSTS):
        context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname=f"host-{number}.test")
    assert [*context._known] == [f"host-{number}.test" for number in range(MAX_HOSTS, 2 * MAX_HOSTS)]


def test_whom_we_trust_is_judged_as_strictly_as_anywhere():
    ours, usual = trusted(), ssl.create_default_context()
    for name in ("verify_mode", "check_hostname", "verify_flags", "minimum_version", "options"):
        assert getattr(ours, name) == getattr(usual, name)
    assert ours.cert_store_stats() == usual.cert_store_stats()


class Server:
    """A server that can be told to hang up: on the next request, or after each."""

    def __init__(self):
        self.connections = 0
        self.is_closing = False
        self.hangs_up = False

    @asynccontextmanager
    async def on(self, port=0):
        async with await asyncio.start_server(self._serve, "127.0.0.1", port) as server:
            yield server.sockets[0].getsockname()[1]

    async def _serve(self, reader, writer):
        self.connections += 1
        with suppress(asyncio.IncompleteReadError):
            for number in itertools.count():
                await reader.readuntil(b"\r\n\r\n")
                if number and self.is_closing:
                    break
                after = b"Connection: close\r\n" if self.hangs_up else b""
                writer.write(b"HTTP/1.1 200 OK\r\n" + after + b"Content-Length: 2\r\n\r\n")
                await asyncio.sleep(0.001)
                writer.write(b"ok")
                if self.hangs_up:
                    break
        writer.close()


async def fetch(session, port, host="127.0.0.1"):
    async with session.get(f"http://{host}:{port}/") as response:
        return await response.text()


async def test_an_idle_connection_is_used_again_and_probed_meanwhile():
    server = Server()
    async with server.on() as port, open_session() as session:
        async with session.get(f"http://127.0.0.1:{port}/") as response:
            opened = response.connection.transport.get_extra_info("socket")
            assert opened.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            if hasattr(socket, "TCP_KEEPIDLE"):
                assert opened.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == PROBE_SECONDS
            await response.read()
        assert await fetch(session, port) == "ok"
        assert server.connections == 1


async def test_no_request_is_lost_where_the_server_hangs_up_as_it_goes_out():
    server = Server()
    async with server.on() as port, open_session() as session:
        assert await fetch(session, port) == "ok"
        server.is_closing = True
        assert await fetch(session, port) == "ok"
        assert server.connections == 2


@pytest.mark.true_time
async def test_a_name_is_resolved_once_and_again_when_nobody_answers_there():
    server, resolved = Server(), []
    tracing = TraceConfig()

    async def note(_session, _context, resolving):
        resolved.append(resolving.host)

    tracing.on_dns_resolvehost_start.append(note)
    server.hangs_up = True
    async with open_session(trace_configs=[tracing]) as session:
        async with server.on() as port:
            assert [await fetch(session, port, "localhost") for _ in range(2)] == ["ok", "ok"]
            assert (resolved, server.connections) == (["localhost"], 2)
        with pytest.raises(ClientConnectorError):
            await fetch(session, port, "localhost")
        async with server.on(port):
            assert await fetch(session, port, "localhost") == "ok"
    assert resolved == ["localhost"] * 2


async def test_neither_a_request_nor_a_socket_follows_a_redirect():
    went = []

    async def redirect(request):
        went.append(request.path)
        raise web.HTTPTemporaryRedirect("/elsewhere")

    app = web.Application()
    app.router.add_get("/{path}", redirect)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    async with open_dialler() as dialler:
        with pytest.raises(ClientResponseError) as asked:
            await dialler.session.get(f"{url}/request")
        with pytest.raises(UpgradeFailed) as dialled:
            await connect(dialler, f"{url.replace('http', 'ws')}/socket", seconds=1, heartbeat=20)
    await runner.cleanup()
    assert (asked.value.status, dialled.value.status) == (307, 307)
    assert went == ["/request", "/socket"]
