"""Behind a proxy that ends TLS, where the request's own URL is not the one that Twilio signed."""

import socket
import ssl
from urllib.parse import urlencode

import aiohttp
import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver
from multidict import MultiDict
from twilio.request_validator import RequestValidator
from yarl import URL

from ringbridge.live.sockets import accept
from ringbridge.web.guards import TwilioGuard, guard_errors, hide_server

from .tls_proxy import KINDS, tls_proxy, write_certificate

HOST = "bridge.test"
ORIGIN = f"https://{HOST}"
TOKEN = "0123456789abcdef0123456789abcdef"

FORMS = [
    [("CallSid", "CA" + "1" * 32), ("From", "+15550100"), ("CallStatus", "ringing")],
    [("CallSid", "CA" + "1" * 32), ("Digits", "2"), ("Digits", "1"), ("Digits", "2")],
    [("CallSid", "CA" + "1" * 32), ("CallerName", "Zoë & Söhne = 50% + 1;"), ("FromCity", "東京")],
    [("CallSid", "CA" + "1" * 32), ("FromCity", ""), ("empty", ""), ("a b", " c ")],
    [(f"Field{number}", "x" * number) for number in range(120)],
    [],
]
TARGETS = ["/incoming-call", "/incoming-call?tenant=7", "/incoming-call?b=%2f&a=%E2%82%AC+1&a=2&c"]


class PublicNames(AbstractResolver):
    """Public DNS, where our host's name leads to the proxy."""

    def __init__(self, address):
        self.address = address

    async def resolve(self, host, port=0, family=socket.AF_INET):
        assert (host, port) == (HOST, 443)
        ip, port = self.address
        return [{"hostname": host, "host": ip, "port": port, "family": socket.AF_INET, "proto": 0, "flags": 0}]

    async def close(self):
        pass


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return write_certificate(tmp_path_factory.mktemp("tls"), HOST)


@pytest.fixture
def seen():
    """The URLs that the app itself would make of the requests it got."""
    return []


@pytest.fixture
async def upstream(aiohttp_server, seen):
    guard = TwilioGuard(ORIGIN, (TOKEN,))

    async def incoming(request):
        seen.append(str(request.url))
        return web.json_response(list((await guard.form(request)).items()))

    async def stream(request):
        seen.append(str(request.url))
        guard.upgrade(request)
        ws = await accept(request)
        ws.listen(ws.send)
        await ws.closed()
        return ws.response

    app = web.Application(middlewares=[guard_errors])
    app.on_response_prepare.append(hide_server)
    app.router.add_post("/incoming-call", incoming)
    app.router.add_get("/media-stream", stream)
    server = await aiohttp_server(app)
    return server.host, server.port


@pytest.fixture(params=KINDS)
async def twilio(request, upstream, certificate):
    """A client out on the internet, which reaches us through the proxy only."""
    trust = ssl.create_default_context(cafile=certificate)
    async with tls_proxy(request.param, HOST, upstream, certificate) as address:
        connector = aiohttp.TCPConnector(resolver=PublicNames(address), ssl=trust, force_close=True)
        async with aiohttp.ClientSession(connector=connector) as session:
            yield session


def sign(url, form=(), token=TOKEN):
    return RequestValidator(token).compute_signature(url, MultiDict(form))


async def post(twilio, target, form, signature):
    headers = {"Content-Type": "application/x-www-form-urlencoded; charset=UTF-8"}
    if signature is not None:
        headers["X-Twilio-Signature"] = signature
    url = URL(ORIGIN + target, encoded=True)
    return await twilio.post(url, data=urlencode(form).encode(), headers=headers)


async def upgrade(twilio, signature):
    headers = {} if signature is None else {"X-Twilio-Signature": signature}
    return await twilio.ws_connect(f"wss://{HOST}/media-stream", headers=headers)


@pytest.mark.parametrize("target", TARGETS)
async def test_every_signed_request_is_accepted(twilio, target, caplog):
    for form in FORMS:
        response = await post(twilio, target, form, sign(ORIGIN + target, form))
        assert response.status == 200
        assert sorted(await response.json()) == sorted(map(list, form))
    assert not caplog.records


async def test_checking_the_requests_own_url_would_have_refused_them(twilio, seen):
    form = FORMS[0]
    signature = sign(f"{ORIGIN}/incoming-call", form)
    assert (await post(twilio, "/incoming-call", form, signature)).status == 200
    assert seen[0].startswith("http://")
    assert not RequestValidator(TOKEN).validate(seen[0], MultiDict(form), signature)


async def test_every_forged_request_is_refused(twilio, caplog):
    form = FORMS[0]
    url = f"{ORIGIN}/incoming-call"
    good = sign(url, form)
    forged = [
        (form, None),
        (form, ""),
        (form, good[:-2] + "A="),
        (form, sign(url, form, "another token")),
        (form, sign(url, ())),
        (form, sign(f"http://{HOST}/incoming-call", form)),
        (form, sign("https://evil.test/incoming-call", form)),
        (form, sign("http://evil.test/incoming-call", form)),
        (form, sign(f"{url}?", form)),
        (form, sign(f"{url}/", form)),
        ([*form, ("To", "+15550199")], good),
        (form[1:], good),
        ([("CallSid", "CA" + "2" * 32), *form[1:]], good),
        ([*form, ("CallSid", "CA" + "2" * 32)], good),
        ([], good),
    ]
    for fields, signature in forged:
        response = await post(twilio, "/incoming-call", fields, signature)
        assert response.status == 403
        assert await response.read() == b""
    response = await post(twilio, "/incoming-call?x=1", form, good)
    assert response.status == 403
    assert len(caplog.records) == len(forged) + 1


async def test_the_log_tells_how_twilio_was_set_up_wrongly(twilio, caplog):
    signature = sign(f"http://{HOST}/incoming-call", FORMS[0])
    assert (await post(twilio, "/incoming-call", FORMS[0], signature)).status == 403
    (record,) = caplog.records
    assert f"it would fit http://{HOST}/incoming-call with the current auth token" in record.getMessage()


@pytest.mark.parametrize("scheme", ["wss", "https"])
async def test_signed_media_socket_is_opened(twilio, scheme):
    async with await upgrade(twilio, sign(f"{scheme}://{HOST}/media-stream")) as ws:
        await ws.send_str('{"event":"connected"}')
        assert await ws.receive_str(timeout=5) == '{"event":"connected"}'


@pytest.mark.parametrize(
    "signature",
    [
        None,
        "",
        sign(f"ws://{HOST}/media-stream"),
        sign(f"http://{HOST}/media-stream"),
        sign("wss://evil.test/media-stream"),
        sign(f"wss://{HOST}/media-stream/"),
        sign(f"wss://{HOST}/incoming-call"),
        sign(f"wss://{HOST}/media-stream", token="another token"),
        sign(f"wss://{HOST}/media-stream", FORMS[0]),
    ],
)
async def test_forged_media_socket_is_refused(twilio, signature, caplog):
    with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
        await upgrade(twilio, signature)
    assert caught.value.status == 403
    assert len(caplog.records) == 1
