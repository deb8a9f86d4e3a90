"""Something behind a tunnel, to be asked through it."""

import datetime as dt
import socket
from dataclasses import dataclass, field

import pytest
from aiohttp import ClientSession, web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


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
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tunnel")])
    now = dt.datetime.now(dt.UTC)
    names = [x509.DNSName("*.ngrok-free.app"), x509.DNSName("*.trycloudflare.com")]
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
    file = tmp_path_factory.mktemp("tls") / "both.pem"
    file.write_bytes(signed.public_bytes(pem) + secret)
    return file


@pytest.fixture
def free_port():
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]
