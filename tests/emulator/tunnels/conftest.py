"""Something behind a tunnel, to be asked through it."""

import socket
from dataclasses import dataclass, field

import pytest
from aiohttp import ClientSession, web

from ringbridge.emulator.certificate import made_up


async def tell(request):
    body = await request.text()
    headers = {name.lower(): value for name, value in request.headers.items()}
    return web.json_response({"method": request.method, "path": request.raw_path, "headers": headers, "body": body})


@dataclass
class Local:
    """What runs on this machine: where, and how its WebSockets were closed."""

    port: int = 0
    closed: list[int | None] = field(default_factory=list)

    async def echo(self, request):
        ws = web.WebSocketResponse(protocols=("convai",), max_msg_size=2**24)
        await ws.prepare(request)
        async for message in ws:
            await ws.send_str(message.data)
        self.closed.append(ws.close_code)
        return ws


@pytest.fixture
async def local():
    """A local service: it tells what it was asked, and echoes what is said on a WebSocket."""
    local, app = Local(), web.Application()
    app.router.add_get("/ws", local.echo)
    app.router.add_route("*", "/{path:.*}", tell)
    runner = web.AppRunner(app, shutdown_timeout=0.2)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    local.port = runner.addresses[0][1]
    yield local
    await runner.cleanup()


@pytest.fixture
async def session():
    async with ClientSession() as session:
        yield session


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """A file with a certificate for two made-up names, and its key."""
    names = ("*.ngrok-free.app", "*.trycloudflare.com")
    return made_up(*names).write(tmp_path_factory.mktemp("tls") / "both.pem")


@pytest.fixture
def free_port():
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]
