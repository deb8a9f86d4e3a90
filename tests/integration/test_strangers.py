"""Whoever finds our port: every route with nothing, with rubbish, with megabytes, and with half of the truth.

After each of these the log holds no traceback, no vendor was asked for anything, and the next call is carried.
"""

import asyncio
import gzip
import logging
from contextlib import asynccontextmanager, suppress

import pytest

from .raw_house import RawCall, call_token, house, new_call_sid, noise, verbs
from .raw_http import ask, head
from .raw_proofs import API_KEY, AUTH_TOKEN, HOST, SHARED_SECRET, engine_token, twilio_signature, unsigned
from .raw_twilio import FORM_TYPE
from .raw_websocket import BINARY, KEY, PING, VERSION, Ended

WEBHOOKS = ("/incoming-call", "/call-ended", "/dial-ended", "/stream-status", "/fallback")
SOCKETS = ("/media-stream", "/ws")
OPEN = ("/healthz", "/readyz")
UNKNOWN = (
    "/",
    "//",
    "/nothing/here",
    "/incoming-call/",
    "/ws/",
    "/../../etc/passwd",
    "/%2e%2e/%00",
    "/?a=1",
    "/Ws",
    "*",
)

TWO_MEGABYTES = 2 * 1024 * 1024
FORGOTTEN_SECONDS = 100
"""After so long nothing that could still happen will."""

SHORT = 200
"""Bytes of a body that tells no more than what was wrong."""


@pytest.fixture
async def home(caplog):
    """A bridge that opens nothing for whatever the test does, and is none the worse for it."""
    async with unharmed(caplog) as home:
        yield home
        await asyncio.sleep(FORGOTTEN_SECONDS)
        assert (home.elevenlabs.connections, home.rest.connections) == (0, 0)


@pytest.fixture
async def busy_home(caplog):
    """The same for a test that has a call of its own."""
    async with unharmed(caplog) as home:
        yield home


@asynccontextmanager
async def unharmed(caplog):
    caplog.set_level(logging.INFO)
    async with house() as home:
        yield home
        await asyncio.sleep(FORGOTTEN_SECONDS)
        await home.is_healthy()
        assert await home.calls_in_progress() == 0
        await home.carries_a_call()
    records = [*caplog.get_records("call"), *caplog.get_records("teardown")]
    told = [record.getMessage() for record in records]
    assert [text for record, text in zip(records, told, strict=True) if record.exc_info or "Traceback" in text] == []
    assert not any(secret in text for text in told for secret in (API_KEY, AUTH_TOKEN, SHARED_SECRET))


def request(method, path, headers=(), body=b""):
    return head(f"{method} {path} HTTP/1.1", {"Host": HOST, "Connection": "close", **dict(headers)}) + body


def assert_refused(answer, statuses=range(400, 500)):
    assert answer.status in statuses, answer
    assert len(answer.body) < SHORT, answer
    assert b"Traceback" not in answer.body


def signed(path, fields=(), **headers):
    return {"X-Twilio-Signature": twilio_signature(f"https://{HOST}{path}", fields), **headers}


# Nothing


@pytest.mark.parametrize("path", WEBHOOKS)
async def test_a_webhook_with_nothing_is_forbidden(home, path):
    answer = await ask(home.port, request("POST", path))
    assert_refused(answer, {403})
    assert answer.body == b""


async def test_a_socket_without_proof_is_refused(home):
    for headers in ({}, {"Upgrade": "websocket", "Connection": "Upgrade"}):
        for path, status in zip(SOCKETS, (403, 401), strict=True):
            answer = await ask(home.port, request("GET", path, headers))
            assert_refused(answer, {status})
            assert answer.body == b""


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "LOCK"])
async def test_another_method_is_not_allowed(home, method):
    for path in (*WEBHOOKS, *SOCKETS, *OPEN):
        right = {"POST"} if path in WEBHOOKS else {"GET"} if path in SOCKETS else {"GET", "HEAD"}
        if method not in right:
            assert_refused(await ask(home.port, request(method, path)), {405})


async def test_an_unknown_path_is_not_found(home):
    for path in UNKNOWN:
        for method in ("GET", "POST", "OPTIONS", "CONNECT"):
            assert_refused(await ask(home.port, request(method, path)), {400, 404})


# Rubbish

BODIES = {
    "binary": ("application/octet-stream", noise(5000)),
    "binary form": (FORM_TYPE, noise(5000)),
    "json": ("application/json", b'{"CallSid": "CA1", "CallStatus": "ringing"}'),
    "deep json": ("application/json", b"[" * 50_000),
    "multipart": (
        "multipart/form-data; boundary=x",
        b'--x\r\nContent-Disposition: form-data; name="CallSid"\r\n\r\nCA1',
    ),
    "multipart without boundary": ("multipart/form-data", b"--x"),
    "endless parameters": ("application/x-www-form-urlencoded" + "; a=b" * 500, b"a=b"),
    "deep form": (FORM_TYPE, b"a" + b"[a]" * 10_000 + b"=1"),
    "ten thousand fields": (FORM_TYPE, b"a&" * 10_000),
    "bad percent-encoding": (FORM_TYPE, b"CallSid=%&From=%zz&%=%%%"),
    "bad utf-8": (FORM_TYPE, b"CallSid=\xff\xfe&From=%ff%fe"),
    "lone surrogate": (FORM_TYPE, b"CallSid=%ed%a0%80"),
    "nul": (FORM_TYPE, b"CallSid=%00\x00"),
    "utf-16": ("application/x-www-form-urlencoded; charset=utf-16", "CallSid=CA1".encode("utf-16")),
    "xml bomb": ("text/xml", b'<!DOCTYPE a [<!ENTITY b "bb">]><a>&b;</a>'),
    "type of rubbish": (";;;/=", b"a=1"),
}
rubbish = pytest.mark.parametrize(("content_type", "body"), BODIES.values(), ids=BODIES)


@rubbish
async def test_a_body_of_rubbish_is_refused(home, content_type, body):
    headers = {"Content-Type": content_type, "Content-Length": str(len(body))}
    for path in (*WEBHOOKS, *SOCKETS, *OPEN, "/nothing/here"):
        for signature in ({}, {"X-Twilio-Signature": "rubbish"}, signed(path)):
            assert_refused(await ask(home.port, request("POST", path, {**headers, **signature}, body)))


@pytest.mark.parametrize(
    "rest",
    [b"zz\r\nrubbish\r\n", b"5\r\nab\r\n0\r\n\r\n", b"-1\r\n\r\n", b"ffffffffffffffffffff\r\n", b"1;" + b"x" * 20_000],
)
async def test_broken_chunks_are_refused(home, rest):
    for path in (*WEBHOOKS, *SOCKETS, *OPEN):
        chunked = {"Transfer-Encoding": "chunked", "Content-Type": FORM_TYPE}
        for headers in (chunked, {**chunked, **signed(path)}):
            assert_refused(await ask(home.port, request("POST", path, headers), rest))


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "rubbish"])
async def test_a_body_that_does_not_unpack_is_refused(home, encoding):
    for path in WEBHOOKS:
        headers = {"Content-Encoding": encoding, "Content-Type": FORM_TYPE, "Content-Length": "700", **signed(path)}
        assert_refused(await ask(home.port, request("POST", path, headers, b"rubbish" * 100)))


async def test_a_body_that_unpacks_to_much_is_refused(home):
    bomb = gzip.compress(b"a" * 5_000_000)
    headers = {"Content-Encoding": "gzip", "Content-Type": FORM_TYPE, "Content-Length": str(len(bomb))}
    for path in WEBHOOKS:
        assert_refused(await ask(home.port, request("POST", path, {**headers, **signed(path)}, bomb)), {413})


@pytest.mark.parametrize(
    "lines",
    [
        [b"no colon"],
        [b": no name"],
        [b"na me: x"],
        [b"name\x00: x"],
        [b"name: x\x00y"],
        [b"name: x", b" folded"],
        [b"X: " + b"x" * 20_000],
        [b"X%d: x" % number for number in range(10_000)],
        [b"Content-Length: -1"],
        [b"Content-Length: 1", b"Content-Length: 2"],
        [b"Content-Length: 0x10"],
        [b"Content-Length: 5", b"Transfer-Encoding: chunked"],
        [b"Transfer-Encoding: rubbish"],
        [b"Expect: rubbish"],
        [b"X-Twilio-Signature: \xff\xfe"],
        [b"X-Twilio-Signature: a", b"X-Twilio-Signature: b"],
        [b"x-api-key: \xff\xfe", b"X-Elevenlabs-Speech-Engine-Authorization: \xff.\xfe.\xfd"],
        [b"Upgrade: websocket", b"Connection: upgrade", b"Sec-WebSocket-Key: short", b"Sec-WebSocket-Version: 99"],
        [b"Cookie: " + b"=;" * 2000],
        [b"Host: \xff", b"X-Forwarded-Host: \r"],
    ],
    ids=lambda lines: lines[0][:30].decode("latin-1").encode("unicode_escape").decode(),
)
async def test_headers_of_rubbish_are_refused(home, lines):
    for method, path in [("POST", path) for path in (*WEBHOOKS, *OPEN)] + [("GET", path) for path in SOCKETS]:
        opening = f"{method} {path} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n".encode()
        assert_refused(await ask(home.port, opening + b"\r\n".join(lines) + b"\r\n\r\n"))


@pytest.mark.parametrize(
    "line",
    [
        b"rubbish",
        b"GET",
        b"GET  /ws HTTP/1.1",
        b"GET /ws HTTP/9.9",
        b"GET /ws FTP/1.1",
        b"GET /\xff\xfe HTTP/1.1",
        b"GET /" + b"x" * 20_000 + b" HTTP/1.1",
        b"POST /incoming-call?" + b"%" * 5000 + b" HTTP/1.1",
        b"POST /incoming-call?\xed\xa0\x80 HTTP/1.1",
        b"POST http://[::1/incoming-call HTTP/1.1",
        b"POST http://evil.test/incoming-call HTTP/1.1",
        b"G\x00T / HTTP/1.1",
        b"PRI * HTTP/2.0",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"\x05\x01\x00",
    ],
    ids=lambda line: line[:30].decode("latin-1").encode("unicode_escape").decode(),
)
async def test_a_request_line_of_rubbish_is_refused(home, line):
    assert_refused(await ask(home.port, line + b"\r\nHost: x\r\nX-Twilio-Signature: x\r\n\r\n"))


async def test_connections_that_come_to_nothing_are_no_incident(home):
    for opening in (b"", b"\r\n", b"POST /incoming-call HTTP/1.1\r\nHost: x\r\n", request("GET", "/healthz")):
        _, writer = await home.twilio.connect()
        writer.write(opening)
        await writer.drain()
        writer.transport.abort()


# Megabytes


@pytest.mark.parametrize("path", [*WEBHOOKS, *SOCKETS, *OPEN, "/nothing/here"])
@pytest.mark.parametrize("length", ["told", "not told"])
async def test_two_megabytes_are_refused(home, path, length):
    for headers in ({}, {"Content-Type": FORM_TYPE, **signed(path)}):
        for method in ("POST", "GET") if path in SOCKETS else ("POST",):
            assert_refused(await ask(home.port, *megabytes(method, path, headers, length)))


@pytest.mark.parametrize("expect", [{}, {"Expect": "100-continue"}], ids=["at once", "when asked to go on"])
async def test_two_megabytes_that_claim_to_be_signed_are_too_large(home, expect):
    for path in WEBHOOKS:
        headers = {"Content-Type": FORM_TYPE, **signed(path), **expect}
        assert_refused(await ask(home.port, *megabytes("POST", path, headers, "told")), {413})


def megabytes(method, path, headers, length):
    piece = b"a" * 65_536
    count = TWO_MEGABYTES // len(piece)
    if length == "told":
        yield request(method, path, {**headers, "Content-Length": str(TWO_MEGABYTES)})
        yield from [piece] * count
    else:
        yield request(method, path, {**headers, "Transfer-Encoding": "chunked"})
        yield from [b"10000\r\n" + piece + b"\r\n"] * count
        yield b"0\r\n\r\n"


# Half of the truth: signatures


async def test_a_forged_webhook_is_forbidden(home):
    form = home.form(new_call_sid())
    other = [("CallSid", new_call_sid()), *form[1:]]
    for path in WEBHOOKS:
        url = f"https://{HOST}{path}"
        good = twilio_signature(url, form)
        forgeries = [
            (form, "x"),
            (form, good[:-1]),
            (form, good.swapcase()),
            (form, twilio_signature(url, form, "another token")),
            (form, twilio_signature(url, form, API_KEY)),
            (form, twilio_signature(url)),
            (form, twilio_signature(f"http://{HOST}{path}", form)),
            (form, twilio_signature(f"https://evil.test{path}", form)),
            (form, twilio_signature(f"https://{HOST}/another", form)),
            (form[1:], good),
            ([*form, ("To", "+14155550199")], good),
            (other, good),
            ([*form, other[0]], good),
        ]
        for fields, signature in forgeries:
            lies = {"Host": "evil.test", "X-Forwarded-Host": "evil.test", "X-Forwarded-Proto": "http"}
            answer = await home.twilio.post(path, fields, signature=signature, **lies)
            assert_refused(answer, {403})
            assert answer.body == b""


async def test_a_signed_webhook_that_tells_of_no_call_is_bad(home):
    for path in WEBHOOKS:
        for fields in ([], [("CallSid", "")], [("From", "+14155550177")]):
            answer = await home.twilio.post(path, fields)
            assert_refused(answer, {400})
            assert answer.body == b""


async def test_a_replayed_webhook_costs_nothing(busy_home):
    call = await busy_home.place_call()
    form = busy_home.form(call.sid)
    first = await busy_home.twilio.post("/incoming-call", form)
    retry = {"I-Twilio-Idempotency-Token": "8be6b5d4"}
    for headers in ({}, retry, retry, {"I-Twilio-Idempotency-Token": "another"}):
        assert (await busy_home.twilio.post("/incoming-call", form, **headers)).body == first.body
    await call.hang_up()
    assert verbs(await busy_home.twilio.post("/incoming-call", form)) == ["Hangup"]
    await asyncio.sleep(FORGOTTEN_SECONDS)
    assert busy_home.elevenlabs.connections == 2  # the call's own: a signed URL, and the conversation


async def test_a_webhook_of_a_call_that_is_over_costs_nothing(home):
    for status in ("completed", "busy", "failed", "no-answer", "canceled"):
        form = home.form(new_call_sid(), status)
        for path in ("/incoming-call", "/call-ended", "/dial-ended", "/fallback"):
            assert verbs(await home.twilio.post(path, form)) == []


# Half of the truth: media streams


@pytest.mark.parametrize(
    "signature",
    [
        "",
        "x",
        twilio_signature(f"ws://{HOST}/media-stream"),
        twilio_signature("wss://evil.test/media-stream"),
        twilio_signature(f"wss://{HOST}/media-stream", token="another token"),
        twilio_signature(f"wss://{HOST}/media-stream", [("CallSid", "CA1")]),
        twilio_signature(f"wss://{HOST}/media-stream/"),
    ],
)
async def test_an_upgrade_with_a_wrong_signature_is_forbidden(home, signature):
    answer = await home.twilio.upgrade(signature=signature)
    assert_refused(answer, {403})
    assert answer.body == b""


async def test_a_signed_request_that_is_no_upgrade_is_bad(home):
    headers = {"X-Twilio-Signature": twilio_signature(f"wss://{HOST}/media-stream"), "Connection": "close"}
    assert_refused(await ask(home.port, request("GET", "/media-stream", headers)), {400})
    upgrade = {**headers, **VERSION, "Sec-WebSocket-Key": KEY}
    for lacking in (*VERSION, "Sec-WebSocket-Key"):
        rest = {name: value for name, value in upgrade.items() if name != lacking}
        assert_refused(await ask(home.port, request("GET", "/media-stream", rest)), {400})


async def test_a_stream_without_a_start_is_closed_after_five_seconds(home):
    stream = await home.stream(new_call_sid())
    stream.socket.send(event="connected", protocol="Call", version="1.0.0")
    since = home.clock()
    assert await stream.socket.ended() == 1008
    assert 4.9 < home.clock() - since < 5.5


async def test_a_stream_that_sends_everything_but_a_start_is_closed_after_five_seconds(home):
    stream = await home.stream(new_call_sid())
    since = home.clock()
    for event in ("media", "mark", "dtmf", "stop", "unknown"):
        stream.socket.send(
            event=event, streamSid=stream.sid, media={"payload": "AA=="}, mark={"name": "e0:1"}, dtmf={"digit": "1"}
        )
        stream.socket.write(stream.socket.frame(noise(1000), BINARY) + stream.socket.frame(b"", PING))
        await asyncio.sleep(0.5)
    assert await stream.socket.ended() == 1008
    assert home.clock() - since < 5.5


class Tokens:
    """Tokens for streams that must not be let in. The calls are not ringing, so nothing is made ready for them."""

    def __init__(self, home):
        self.home = home
        self.sid = new_call_sid()

    async def own(self, sid=None):
        form = self.home.form(sid or self.sid, "in-progress")
        return call_token(await self.home.twilio.post("/incoming-call", form))

    async def missing(self):
        return None

    async def empty(self):
        return ""

    async def rubbish(self):
        return "x.y.z"

    async def of_another_call(self):
        return await self.own(new_call_sid())

    async def altered(self):
        head, claims, signature = (await self.own()).split(".")
        return f"{head}.{claims}.{signature[::-1]}"

    async def unsigned(self):
        return unsigned(await self.own())

    async def expired(self):
        token = await self.own()
        await asyncio.sleep(91)
        return token

    async def of_the_engine(self):
        return engine_token(self.home.clock())


WRONG_TOKENS = (
    Tokens.missing,
    Tokens.empty,
    Tokens.rubbish,
    Tokens.of_another_call,
    Tokens.altered,
    Tokens.unsigned,
    Tokens.expired,
    Tokens.of_the_engine,
)


@pytest.mark.parametrize("wrong", WRONG_TOKENS, ids=lambda wrong: wrong.__name__)
async def test_a_start_with_a_wrong_token_is_refused(home, wrong):
    tokens = Tokens(home)
    token = await wrong(tokens)
    stream = await home.stream(tokens.sid)
    stream.begin(token)
    stream.socket.write(stream.media(noise(1600)))
    assert await stream.socket.ended() == 1008


@pytest.mark.parametrize(
    "details",
    [
        {"accountSid": "AC" + "0" * 32},
        {"accountSid": ""},
        {"callSid": "CA" + "0" * 32},
        {"mediaFormat": {"encoding": "audio/l16", "sampleRate": 8000, "channels": 1}},
        {"mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 16000, "channels": 1}},
        {"mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 2}},
        {"mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": "8000", "channels": 1}},
        {"mediaFormat": None},
        {"customParameters": {"token": 5}},
        {"customParameters": []},
        {"streamSid": None},
    ],
    ids=str,
)
async def test_a_start_with_wrong_details_is_refused(home, details):
    tokens = Tokens(home)
    token = await tokens.own()
    stream = await home.stream(tokens.sid)
    stream.begin(token, **details)
    assert await stream.socket.ended() == 1008


@pytest.mark.parametrize(
    "text",
    [b"", b"rubbish", b"{", b"null", b"[]", b"5", b"\xff\xfe", b"[" * 100_000, b'{"event": []}', b'{"event": "start"}'],
    ids=lambda text: text[:20].decode("latin-1"),
)
async def test_rubbish_before_the_start_is_refused_at_once(home, text):
    stream = await home.stream(new_call_sid())
    stream.socket.write(stream.socket.frame(text))
    since = home.clock()
    assert await stream.socket.ended() == 1008
    assert home.clock() - since < 0.1


async def test_a_message_of_20_megabytes_is_not_taken(home):
    for socket in ((await home.stream(new_call_sid())).socket, await home.dial_brain()):
        with suppress(ConnectionError):
            await socket.send_in([socket.frame(b" " * 20 * 1024 * 1024)])
        assert await socket.ended() in {1009, None}


@pytest.mark.parametrize(
    "frames",
    [
        b"\x81\x05hello",  # a client must mask
        b"\xc1\x80" + bytes(4),  # compressed, though that was not agreed on
        b"\x83\x80" + bytes(4),  # a kind of frame that does not exist
        b"\x00\x80" + bytes(4),  # the continuation of nothing
        b"\x01\x80" + bytes(4) + b"\x81\x80" + bytes(4),  # a message in the middle of another
        b"\x09\x80" + bytes(4),  # a ping in two parts
        b"\x89\xfe\x00\x7e" + bytes(4 + 126),  # a ping that is too long
        b"\x88\x81" + bytes(5),  # half of a close code
        b"\x88\x82" + bytes(4) + b"\x00\x01",  # a close code that does not exist
        b"\x81\xff" + b"\xff" * 8,  # longer than anything
        noise(2000),
    ],
)
async def test_a_socket_that_breaks_its_protocol_is_closed(home, frames):
    for socket in ((await home.stream(new_call_sid())).socket, await home.dial_brain()):
        socket.write(frames)
        since = home.clock()
        await socket.ended()
        assert home.clock() - since < 11


# Streams beside a call that goes on


async def test_a_spent_token_opens_no_second_stream(busy_home):
    sid = new_call_sid()
    token = await busy_home.announce(sid)
    stream = await busy_home.stream(sid)
    stream.begin(token)
    call = RawCall(sid, stream, await busy_home.elevenlabs.conversation())
    await call.carries(noise(800))
    second = await busy_home.stream(sid)
    second.begin(token)
    assert await second.socket.ended() == 1008
    await call.carries(noise(1600))
    await call.hang_up()


async def test_a_second_start_on_a_stream_changes_nothing(busy_home):
    call = await busy_home.place_call()
    await call.carries(noise(800))
    other = Tokens(busy_home)
    call.stream.begin(await other.own())
    call.stream.begin(await other.own(), callSid=other.sid)
    await call.carries(noise(1600))
    await call.hang_up()
    assert busy_home.elevenlabs.connections == 2


@pytest.mark.parametrize("wrong", WRONG_TOKENS, ids=lambda wrong: wrong.__name__)
async def test_nobody_takes_over_a_call_with_a_wrong_token(busy_home, wrong):
    tokens = Tokens(busy_home)
    tokens.sid = new_call_sid()
    token = await wrong(tokens)
    call = await busy_home.place_call()
    thief = await busy_home.stream(call.sid)
    thief.begin(token)
    assert await thief.socket.ended() == 1008
    await call.carries(noise(1600))
    await call.hang_up()


async def test_a_message_of_20_megabytes_costs_a_call_its_stream_and_no_more(busy_home):
    call = await busy_home.place_call()
    await call.carries(noise(800))
    with suppress(ConnectionError):
        await call.stream.socket.send_in([call.stream.socket.frame(b" " * 20 * 1024 * 1024)])
    assert await call.stream.socket.ended() in {1009, None}
    answer = await busy_home.twilio.post("/call-ended", busy_home.form(call.sid, "in-progress"))
    call.stream = await busy_home.stream(call.sid)
    call.stream.begin(call_token(answer))
    await call.carries(noise(1600))
    await call.hang_up()


# Half of the truth: brain sockets

TOKEN_HEADER = "X-Elevenlabs-Speech-Engine-Authorization"


@pytest.mark.parametrize(
    "headers",
    [
        {"x-api-key": ""},
        {"x-api-key": "x"},
        {"x-api-key": SHARED_SECRET.upper()},
        {"x-api-key": SHARED_SECRET[:-1]},
        {"x-api-key": f"Bearer {SHARED_SECRET}"},
        {"x-api-key": API_KEY},
        {"x-api-key": "ümlaut"},
        {TOKEN_HEADER: ""},
        {TOKEN_HEADER: "x"},
        {TOKEN_HEADER: "Bearer"},
        {TOKEN_HEADER: "a.b.c"},
        {TOKEN_HEADER: SHARED_SECRET},
        {TOKEN_HEADER: "." * 5000},
        {"x-api-key": "", TOKEN_HEADER: "", "Authorization": f"Bearer {SHARED_SECRET}"},
    ],
    ids=lambda headers: "-".join(headers.values())[:40],
)
async def test_a_brain_socket_with_one_proof_is_refused(home, headers):
    answer = await home.dial_brain(**headers)
    assert_refused(answer, {401})
    assert answer.body == b""


@pytest.mark.parametrize(
    "token",
    [
        lambda now: engine_token(now, key="sk_another_key_of_the_same_account"),
        lambda now: engine_token(now, key=SHARED_SECRET),
        lambda now: engine_token(now, exp=int(now) - 61),
        lambda now: engine_token(now, iat=int(now) + 61),
        lambda now: engine_token(now, iss="https://evil.test"),
        lambda now: engine_token(now, sub="somebody else"),
        lambda now: engine_token(now, exp="never"),
        lambda now: engine_token(now, exp=None),
        lambda now: unsigned(engine_token(now)),
        lambda now: unsigned(engine_token(now)) + engine_token(now).rpartition(".")[2],
        lambda now: engine_token(now)[:-4],
        lambda now: engine_token(now).replace(".", ".."),
    ],
    ids=[
        "foreign key",
        "secret as key",
        "expired",
        "from the future",
        "of another issuer",
        "for another subject",
        "time as text",
        "no time",
        "algorithm none",
        "algorithm none with a signature",
        "cut",
        "five parts",
    ],
)
async def test_a_brain_socket_with_a_wrong_token_is_refused(home, token, caplog):
    answer = await home.dial_brain(**{TOKEN_HEADER: token(home.clock())})
    assert_refused(answer, {401})
    assert answer.body == b""
    assert len([record for record in caplog.records if "GET /ws was refused" in record.getMessage()]) == 1


async def test_a_brain_socket_that_is_no_upgrade_is_bad(home):
    headers = {"x-api-key": SHARED_SECRET, TOKEN_HEADER: engine_token(home.clock())}
    assert_refused(await ask(home.port, request("GET", "/ws", headers)), {400})


@pytest.mark.parametrize(
    "messages",
    [
        [],
        [b"", b"{", b"null", b"[" * 100_000, b"\xff\xfe"],
        [b'{"type": "user_transcript", "user_transcript": [{"role": "user", "content": "hello"}], "event_id": 1}'],
        [b'{"type": "init", "conversation_id": "conv_of_nobody"}'],
        [b'{"type": "init", "conversation_id": ""}'],
        [b'{"type": "init", "conversation_id": 5}'],
        [b'{"type": "init", "conversation_id": "conv_1"}', b'{"type": "init", "conversation_id": "conv_2"}'],
        [b'{"type": "close"}'],
        [b'{"type": "error", "message": "no"}'],
    ],
    ids=lambda messages: (messages or [b"nothing"])[-1][:40].decode("latin-1"),
)
async def test_a_brain_socket_of_no_call_is_closed_and_never_answered(home, messages):
    socket = await home.dial_brain()
    for text in messages:
        socket.write(socket.frame(text) + socket.frame(noise(10), BINARY))
    since = home.clock()
    with pytest.raises(Ended):
        await socket.receive()
    assert home.clock() - since < 31
