"""The guards on a real server, met by a real client and by bare sockets."""

import asyncio
import gzip
import io
import json
import logging
from hashlib import sha256
from urllib.parse import urlencode

import aiohttp
import pytest
from aiohttp import http_parser, web, web_protocol
from multidict import MultiDict
from twilio.request_validator import RequestValidator
from yarl import URL

from ringbridge.errors import BrokenMessage
from ringbridge.live.sockets import accept
from ringbridge.web import guards
from ringbridge.web.guards import (
    MAX_BODY_BYTES,
    MAX_FIELDS,
    TwilioGuard,
    guard_errors,
    hide_server,
    malformed_is_no_incident,
)

ORIGIN = "https://bridge.test"
TOKEN = "0123456789abcdef0123456789abcdef"
OLD_TOKEN = "fedcba9876543210fedcba9876543210"
FORM = [
    ("CallSid", "CA" + "1" * 32),
    ("From", "+15550100"),
    ("Digits", "2"),
    ("Digits", "1"),
    ("Name", "Zoë & ;+%"),
    ("City", ""),
]
FORM_TYPE = "application/x-www-form-urlencoded; charset=UTF-8"


def sign(url, form=(), token=TOKEN):
    return RequestValidator(token).compute_signature(url, MultiDict(form))


def signed(target="/incoming-call", form=(), **headers):
    return {"X-Twilio-Signature": sign(ORIGIN + target, form), **headers}


def make_app(guard):
    async def incoming(request):
        form = await guard.form(request)
        return web.json_response(list(form.items()))

    async def stream(request):
        guard.upgrade(request)
        socket = await accept(request)
        if request.query.get("fail"):
            raise RuntimeError("in the middle of a stream")
        await socket.close()
        return socket.response

    async def fails(request):
        raise RuntimeError("s3cret")

    async def breaks(request):
        raise BrokenMessage("CallSid is missing")

    app = web.Application(middlewares=[guard_errors])
    app.on_response_prepare.append(hide_server)
    app.router.add_post("/incoming-call", incoming)
    app.router.add_get("/media-stream", stream)
    app.router.add_get("/fails", fails)
    app.router.add_get("/breaks", breaks)
    return app


@pytest.fixture
async def server(aiohttp_server):
    return await aiohttp_server(make_app(TwilioGuard(ORIGIN, (TOKEN, OLD_TOKEN))))


@pytest.fixture
async def client(aiohttp_client, server):
    return await aiohttp_client(server)


@pytest.fixture(autouse=True)
def no_traceback(caplog):
    """Nothing that a stranger sends may surface as a traceback."""
    yield
    for record in caplog.records:
        assert record.exc_info is None or "failed" in record.message, record.getMessage()


def refusals(caplog):
    return [record.getMessage() for record in caplog.records if record.name == "ringbridge.web.guards"]


async def assert_refused(response, status, caplog):
    assert response.status == status
    assert await response.read() == b""
    assert "Server" not in response.headers
    (line,) = refusals(caplog)
    for secret in (
        TOKEN,
        OLD_TOKEN,
        "+15550100",
        "CA1",
        *response.request_info.headers.getall("X-Twilio-Signature", []),
    ):
        assert not secret or secret not in line
    return line


async def raw(server, *parts):
    """Send bytes as they are, and read until the server closes or has answered."""
    reader, writer = await asyncio.open_connection(server.host, server.port)
    try:
        async with asyncio.timeout(5):
            for part in parts:
                writer.write(part)
                await writer.drain()
            return await reader.readuntil(b"\r\n\r\n")
    finally:
        writer.close()


# What Twilio signed


async def test_signed_form_is_read_with_all_its_values(client, caplog):
    response = await client.post("/incoming-call", data=FORM, headers=signed(form=FORM))
    assert response.status == 200
    assert sorted(await response.json()) == sorted(map(list, FORM))
    assert "Server" not in response.headers
    assert not refusals(caplog)


async def test_either_token_signs(client):
    headers = {"X-Twilio-Signature": sign(ORIGIN + "/incoming-call", FORM, OLD_TOKEN)}
    assert (await client.post("/incoming-call", data=FORM, headers=headers)).status == 200


async def test_query_is_checked_as_it_came(client):
    target = "/incoming-call?b=%2f&a=1"
    url = URL(f"{client.make_url('/').origin()}{target}", encoded=True)
    async with aiohttp.ClientSession() as session:
        assert (await session.post(url, data=FORM, headers=signed(target, FORM))).status == 200
        other = signed("/incoming-call?b=%2F&a=1", FORM)
        assert (await session.post(url, data=FORM, headers=other)).status == 403


async def test_headers_about_the_route_change_nothing(client):
    lies = {
        "Host": "evil.test",
        "X-Forwarded-Host": "evil.test",
        "X-Forwarded-Proto": "http",
        "X-Forwarded-For": "::1",
        "X-Forwarded-Port": "1",
        "Forwarded": "host=evil.test;proto=http",
        "X-HTTP-Method-Override": "GET",
        "X-Original-URL": "/other",
    }
    assert (await client.post("/incoming-call", data=FORM, headers=signed(form=FORM, **lies))).status == 200


async def test_form_may_be_empty(client):
    response = await client.post("/incoming-call", data=b"", headers=signed(**{"Content-Type": FORM_TYPE}))
    assert await response.json() == []


async def test_form_may_come_in_chunks(client):
    async def chunks():
        for piece in urlencode(FORM).encode():
            yield bytes([piece])

    headers = signed(form=FORM, **{"Content-Type": FORM_TYPE})
    assert (await client.post("/incoming-call", data=chunks(), headers=headers)).status == 200


async def test_form_may_be_of_64_kib(client):
    form = [("a", "x" * (MAX_BODY_BYTES - 2))]
    assert (await client.post("/incoming-call", data=form, headers=signed(form=form))).status == 200


async def test_signed_json_is_let_through_without_fields(client):
    body = json.dumps({"CallSid": "CA1"})
    target = f"/incoming-call?bodySHA256={sha256(body.encode()).hexdigest()}"
    headers = signed(target, **{"Content-Type": "application/json"})
    response = await client.post(target, data=body, headers=headers)
    assert await response.json() == []
    assert (await client.post(target, data=body + " ", headers=headers)).status == 403


# What it did not


async def test_unsigned_is_refused_without_reading_the_body(server, caplog):
    answer = await raw(server, b"POST /incoming-call HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 403 ")
    assert b"Content-Length: 0" in answer
    assert refusals(caplog) == [
        "refused route='POST /incoming-call' diagnosis='0 signatures, not from Twilio or lost in a proxy'",
    ]


async def test_forged_form_is_refused_and_diagnosed(client, caplog):
    response = await client.post("/incoming-call", data=FORM, headers=signed(form=FORM[1:]))
    line = await assert_refused(response, 403, caplog)
    assert line.startswith(
        "refused route='POST /incoming-call'"
        ' diagnosis="signature does not fit https://bridge.test/incoming-call with 6 '
    )
    assert "TWILIO_AUTH_TOKEN" in line


@pytest.mark.parametrize(
    ("url", "headers"),
    [
        ("http://bridge.test/incoming-call", {}),
        ("https://bridge.test:8443/incoming-call", {"Host": "bridge.test:8443"}),
        ("https://old.test/incoming-call", {"Host": "old.test"}),
        ("https://old.test/incoming-call", {"X-Forwarded-Host": "old.test"}),
    ],
)
async def test_the_log_tells_which_url_would_have_fitted(client, caplog, url, headers):
    signature = {"X-Twilio-Signature": sign(url, FORM, OLD_TOKEN)}
    response = await client.post("/incoming-call", data=FORM, headers=signature | headers)
    line = await assert_refused(response, 403, caplog)
    assert f"it would fit {url} with the other auth token" in line


async def test_two_signatures_are_refused(client, caplog):
    headers = MultiDict([*signed(form=FORM).items()] * 2)
    assert len(headers) == 2
    response = await client.post("/incoming-call", data=FORM, headers=headers)
    assert "2 signatures" in await assert_refused(response, 403, caplog)


@pytest.mark.parametrize("signature", ["", "xyz", "=" * 28, "x" * 8000])
async def test_rubbish_signature_is_refused(client, caplog, signature):
    response = await client.post("/incoming-call", data=FORM, headers={"X-Twilio-Signature": signature})
    await assert_refused(response, 403, caplog)


@pytest.mark.parametrize("content_type", ["text/plain", "application/octet-stream", "multipart/form-data", "x", ""])
async def test_fields_in_another_guise_are_no_fields(client, caplog, content_type):
    headers = signed(form=FORM, **{"Content-Type": content_type})
    response = await client.post("/incoming-call", data=urlencode(FORM).encode(), headers=headers)
    assert "with 0 fields" in await assert_refused(response, 403, caplog)


async def test_multipart_is_refused(client, caplog):
    with aiohttp.MultipartWriter("form-data") as body:
        body.append("CA1").set_content_disposition("form-data", name="CallSid")
    response = await client.post("/incoming-call", data=body, headers=signed(form=[("CallSid", "CA1")]))
    await assert_refused(response, 403, caplog)


async def test_broken_multipart_is_no_form(client, caplog):
    headers = signed(**{"Content-Type": "multipart/form-data; boundary=x"})
    response = await client.post("/incoming-call", data=b"--x\r\n\x00--y", headers=headers)
    assert response.status == 200  # its signature covers no field, and none is read from it
    assert await response.json() == []
    assert not refusals(caplog)


@pytest.mark.parametrize("charset", ["latin-1", "utf-7", "no-such-thing", "hex"])
async def test_charset_is_utf8_whatever_is_claimed(client, charset):
    headers = signed(form=FORM, **{"Content-Type": f"application/x-www-form-urlencoded; charset={charset}"})
    response = await client.post("/incoming-call", data=urlencode(FORM).encode(), headers=headers)
    assert response.status == 200


@pytest.mark.parametrize("body", [b"a=\xff", b"\x80\x81=1", b"&".join([b"a"] * (MAX_FIELDS + 1))])
async def test_form_that_is_none_is_refused(client, caplog, body):
    response = await client.post("/incoming-call", data=body, headers=signed(**{"Content-Type": FORM_TYPE}))
    await assert_refused(response, 400, caplog)


@pytest.mark.parametrize("body", [b"\x00\x01;;&&==%%%zz", b"a=%FF", b"CallSid=%ED%A0%80"])
async def test_rubbish_body_is_refused(client, caplog, body):
    headers = signed(form=FORM, **{"Content-Type": FORM_TYPE})
    response = await client.post("/incoming-call", data=body, headers=headers)
    await assert_refused(response, 403, caplog)


@pytest.mark.parametrize("size", [MAX_BODY_BYTES + 1, 2_000_000])
@pytest.mark.parametrize("chunked", [True, False])
async def test_long_body_is_refused(client, caplog, size, chunked):
    async def pieces():
        for start in range(0, size, 50_000):
            yield b"x" * min(50_000, size - start)

    headers = signed(form=FORM, **{"Content-Type": FORM_TYPE})
    body = pieces() if chunked else io.BytesIO(b"x" * size)
    await assert_refused(await client.post("/incoming-call", data=body, headers=headers), 413, caplog)


async def test_long_body_that_came_short_is_refused(client, caplog):
    headers = signed(**{"Content-Type": FORM_TYPE, "Content-Encoding": "gzip"})
    bomb = gzip.compress(b"x" * 2_000_000)
    assert len(bomb) < MAX_BODY_BYTES
    await assert_refused(await client.post("/incoming-call", data=bomb, headers=headers), 413, caplog)


async def test_body_that_does_not_unpack_is_refused(client, caplog):
    headers = signed(**{"Content-Type": FORM_TYPE, "Content-Encoding": "gzip"})
    await assert_refused(await client.post("/incoming-call", data=b"rubbish" * 100, headers=headers), 400, caplog)


HEAD = f"POST /incoming-call HTTP/1.1\r\nHost: x\r\nX-Twilio-Signature: x\r\nContent-Type: {FORM_TYPE}\r\n".encode()


async def test_slow_body_is_refused(server, caplog, monkeypatch):
    monkeypatch.setattr(guards, "BODY_SECONDS", 0.05)
    answer = await raw(server, HEAD + b"Content-Length: 10\r\n\r\na=1")
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"Content-Length: 0" in answer
    assert b"Connection: close" in answer
    assert len(refusals(caplog)) == 1


@pytest.fixture
def filtered():
    logger = logging.getLogger("aiohttp.server")
    logger.addFilter(malformed_is_no_incident)
    yield
    logger.removeFilter(malformed_is_no_incident)


@pytest.mark.parametrize(
    "parts",
    [
        [HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"zz\r\nrubbish\r\n"],
        [HEAD + b"Content-Length: -1\r\n\r\n"],
        [HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx"],
        [HEAD + b"X: " + b"x" * 100_000 + b"\r\n\r\n"],
    ],
)
async def test_what_is_no_request_is_refused_in_one_line(server, caplog, filtered, parts):
    answer = await raw(server, *parts)
    assert answer.split()[1] in {b"400", b"431"}
    assert len(caplog.records) == 1
    assert refusals(caplog)[0].startswith("refused a malformed request kind=")


async def test_body_without_length_is_none(server, caplog):
    answer = await raw(server, HEAD + b"\r\n")
    assert answer.startswith(b"HTTP/1.1 403 ")
    assert "with 0 fields" in refusals(caplog)[0]


async def test_client_that_leaves_in_the_middle_is_no_incident(caplog):
    runner = web.AppRunner(make_app(TwilioGuard(ORIGIN, (TOKEN,))))  # a test server would cancel the handler
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    reader, writer = await asyncio.open_connection(*runner.addresses[0])
    writer.write(HEAD + b"Expect: 100-continue\r\nContent-Length: 10\r\n\r\na=1")
    assert (await reader.readline()).startswith(b"HTTP/1.1 100 ")
    writer.close()
    await writer.wait_closed()
    async with asyncio.timeout(5):
        while not refusals(caplog):
            await asyncio.sleep(0.01)
    assert refusals(caplog) == ["refused route='POST /incoming-call' diagnosis='body Bad Request'"]
    await runner.cleanup()


@pytest.fixture(params=["HttpRequestParserC", "HttpRequestParserPy"])
async def impatient_server(request, aiohttp_server, monkeypatch, filtered):
    """With either parser of aiohttp's: on a broken body one fails where the other waits for more."""
    monkeypatch.setattr(guards, "BODY_SECONDS", 0.1)
    monkeypatch.setattr(web_protocol, "HttpRequestParser", getattr(http_parser, request.param))
    return await aiohttp_server(make_app(TwilioGuard(ORIGIN, (TOKEN,))))


@pytest.mark.parametrize(
    ("header", "rest"),
    [
        (b"", b"zz\r\nrubbish\r\n"),
        (b"", b"3\r\nabcd\r\n"),
        (b"Content-Encoding: gzip\r\n", b"3\r\nabc\r\n0\r\n\r\n"),
        (b"Content-Encoding: deflate\r\n", b"3\r\nabc\r\n0\r\n\r\n"),
    ],
)
async def test_body_that_breaks_while_it_is_read_is_refused_in_one_line(impatient_server, caplog, header, rest):
    server = impatient_server
    reader, writer = await asyncio.open_connection(server.host, server.port)
    async with asyncio.timeout(5):
        writer.write(HEAD + b"Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n" + header + b"\r\n")
        await reader.readuntil(b"\r\n\r\n")
        writer.write(rest)
        assert (await reader.readuntil(b"\r\n\r\n")).split()[1] in {b"400", b"408"}
        writer.close()
        await writer.wait_closed()
    await server.close()
    assert len(caplog.records) == 1
    assert refusals(caplog)[0].startswith("refused route='POST /incoming-call' diagnosis='body ")


@pytest.mark.parametrize("rubbish", [b"rubbish\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"])
async def test_what_is_not_even_http_is_refused_silently(server, caplog, filtered, rubbish):
    assert (await raw(server, rubbish)).split()[1] == b"400"
    assert not caplog.records


@pytest.mark.parametrize(
    "target", [b"https://bridge.test/incoming-call", b"http://evil.test/incoming-call", b"//bridge.test/incoming-call"]
)
async def test_target_with_a_host_of_its_own_never_passes(server, target):
    signature = sign(ORIGIN + target.decode())
    head = b"POST %b HTTP/1.1\r\nHost: x\r\nX-Twilio-Signature: %b\r\n\r\n" % (target, signature.encode())
    answer = await raw(server, head)
    assert answer.split()[1] in {b"403", b"404"}


async def test_target_that_is_no_text_is_refused(server):
    answer = await raw(server, b"POST /incoming-call?\xff\xfe HTTP/1.1\r\nHost: x\r\nX-Twilio-Signature: x\r\n\r\n")
    assert answer.split()[1] in {b"400", b"403"}


@pytest.mark.parametrize("method", ["GET", "PUT", "HEAD", "DELETE", "OPTIONS"])
async def test_other_methods_are_not_allowed(client, method):
    response = await client.request(method, "/incoming-call", headers=signed())
    assert response.status == 405
    assert "Server" not in response.headers


# The media socket


@pytest.mark.parametrize("scheme", ["wss", "https"])
async def test_signed_upgrade_is_accepted(client, scheme):
    signature = sign(f"{scheme}://bridge.test/media-stream")
    async with client.ws_connect("/media-stream", headers={"x-twilio-signature": signature}) as ws:
        assert (await ws.receive()).type is aiohttp.WSMsgType.CLOSE
    assert "Server" not in ws._response.headers


@pytest.mark.parametrize("scheme", ["ws", "http"])
async def test_upgrade_signed_in_clear_is_refused_and_diagnosed(client, caplog, scheme):
    headers = {"X-Twilio-Signature": sign(f"{scheme}://bridge.test/media-stream")}
    with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
        await client.ws_connect("/media-stream", headers=headers)
    assert caught.value.status == 403
    assert f"it would fit {scheme}://bridge.test/media-stream with the current" in refusals(caplog)[0]
    assert "does not fit wss://bridge.test/media-stream or https://bridge.test/media-stream" in refusals(caplog)[0]


async def test_unsigned_upgrade_is_refused(client, caplog):
    response = await client.get("/media-stream")
    await assert_refused(response, 403, caplog)


async def test_signature_of_a_post_does_not_open_a_socket(client, caplog):
    response = await client.get("/media-stream", headers=signed("/media-stream", FORM))
    await assert_refused(response, 403, caplog)


async def test_upgrade_check_can_be_switched_off(aiohttp_client, caplog):
    client = await aiohttp_client(make_app(TwilioGuard(ORIGIN, (TOKEN,), check_upgrade=False)))
    async with client.ws_connect("/media-stream") as ws:
        assert (await ws.receive()).type is aiohttp.WSMsgType.CLOSE
    assert (await client.post("/incoming-call", data=FORM)).status == 403


# Errors of our own


async def test_failing_handler_tells_the_log_and_not_the_client(client, caplog):
    response = await client.get("/fails")
    assert response.status == 500
    assert await response.read() == b""
    assert "Server" not in response.headers
    (record,) = caplog.records
    assert record.getMessage() == "a handler failed route='GET /fails'"
    assert record.exc_info is not None


async def test_broken_message_is_the_clients_fault(client, caplog):
    response = await client.get("/breaks")
    assert response.status == 400
    assert await response.read() == b""
    assert refusals(caplog) == ["refused a broken request route='GET /breaks' problem='CallSid is missing'"]


async def test_handler_that_fails_in_a_stream_cuts_it(client, caplog):
    signature = sign("wss://bridge.test/media-stream?fail=1")
    ws = await client.ws_connect("/media-stream?fail=1", headers={"X-Twilio-Signature": signature})
    message = await ws.receive(timeout=5)
    assert message.type is aiohttp.WSMsgType.CLOSED
    assert ws.close_code == aiohttp.WSCloseCode.ABNORMAL_CLOSURE
    assert [record.getMessage() for record in caplog.records] == ["a handler failed route='GET /media-stream'"]


async def test_unknown_route_is_not_found(client, caplog):
    response = await client.post("/nothing/here", data=FORM)
    assert response.status == 404
    assert "Server" not in response.headers


def test_guard_does_not_show_its_tokens():
    assert TOKEN not in repr(TwilioGuard(ORIGIN, (TOKEN,)))
