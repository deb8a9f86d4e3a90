"""Strangers who speak HTTP as nobody should."""

import asyncio
import gzip
import zlib
from collections.abc import Iterator

from ..integration.raw_house import House
from ..integration.raw_http import ask, head, read_message
from ..integration.raw_proofs import HOST
from ..integration.raw_twilio import FORM_TYPE, form_body
from .row import BRAIN, MEDIA, WEBHOOKS, Answer, Row, Send, posts, request, sends, signature
from .webhooks import FORM

TWO_MEGABYTES = 2 * 1024 * 1024


def opening(method: str, path: str, *lines: bytes) -> bytes:
    """A request whose headers are these very lines."""
    first = f"{method} {path} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n".encode()
    return first + b"".join(line + b"\r\n" for line in lines) + b"\r\n"


def methods() -> Iterator[Row]:
    right = {**{path: {"POST"} for path in WEBHOOKS}, MEDIA: {"GET"}, BRAIN: {"GET"}, "/readyz": {"GET", "HEAD"}}
    for path, allowed in right.items():
        for method in ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "LOCK"):
            if method not in allowed:
                yield Row(f"{method} {path}", (405,), sends(request(method, path)))


def targets() -> Iterator[Row]:
    for path in (
        "/",
        "//",
        "/nothing/here",
        "/Ws",
        "/ws/",
        "/?a=1",
        "/%2e%2e/%00",
        "/../../etc/passwd",
        "/.env",
        "/.git/HEAD",
    ):
        yield Row(f"GET {path}", (404,), sends(request("GET", path)))
    signed = {"X-Twilio-Signature": signature("/incoming-call", FORM), "Content-Type": FORM_TYPE}
    body = form_body(FORM)
    tricks = {
        "//incoming-call": (404,),
        "/incoming-call/": (404,),
        "/incoming-call/.": (404,),
        "/./incoming-call": (403, 404),
        "/x/../incoming-call": (403, 404),
        "/%2e/incoming-call": (403, 404),
        "/incoming%2dcall": (403,),
        "/incoming-cal%6c": (403,),
        "/incoming-call;a=1": (404,),
        "/incoming-call#x": (400, 403),
        "/INCOMING-CALL": (404,),
        f"https://{HOST}/incoming-call": (403,),
        "http://evil.test/incoming-call": (403,),
        f"//{HOST}/incoming-call": (404,),
        "*": (400, 404),
        "incoming-call": (400, 404),
    }
    for target, expected in tricks.items():
        sent = request("POST", target, {**signed, "Content-Length": str(len(body))}, body)
        yield Row(f"signed POST {target}", expected, sends(sent))
    lines = {
        b"rubbish": 400,
        b"GET": 400,
        b"GET /ws HTTP/9.9": 400,
        b"GET /ws FTP/1.1": 400,
        b"CONNECT evil.test:443 HTTP/1.1": 404,
        b"POST http://[::1/incoming-call HTTP/1.1": 400,
        b"G\x00T / HTTP/1.1": 400,
        b"PRI * HTTP/2.0": 400,
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03": 400,
        b"\x05\x01\x00": 400,
    }
    for line, status in lines.items():
        yield Row(f"first line {line!r}", (status,), sends(line + b"\r\nHost: x\r\n\r\n"))


def headers() -> Iterator[Row]:
    """Injected, broken and doubled ones: before anything is looked up, or refused for the lack of a proof."""
    refused = {
        "without colon": ([b"no colon"], 400),
        "without name": ([b": no name"], 400),
        "space in a name": ([b"na me: x"], 400),
        "space before the colon": ([b"X-Twilio-Signature : x"], 400),
        "NUL in a name": ([b"name\x00: x"], 400),
        "NUL in a value": ([b"name: x\x00y"], 400),
        "bare CR in a value": ([b"X-Twilio-Signature: x\rX-Other: y"], 400),
        "bare LF in a value": ([b"X-Twilio-Signature: x\nX-Twilio-Signature: y"], 400),
        "folded": ([b"X-Twilio-Signature: x", b" y"], 400),
        "percent-encoded CRLF": ([b"X-Twilio-Signature: x%0d%0aX-Other: y"], 403),
        "no text": ([b"X-Twilio-Signature: \xff\xfe"], 403),
        "signature twice": ([b"X-Twilio-Signature: a", b"X-Twilio-Signature: b"], 403),
        "negative length": ([b"Content-Length: -1"], 400),
        "hexadecimal length": ([b"Content-Length: 0x10"], 400),
        "length with a sign": ([b"Content-Length: +5"], 400),
        "lengths in one": ([b"Content-Length: 5, 5"], 400),
        "two lengths": ([b"Content-Length: 1", b"Content-Length: 2"], 400),
        "the same length twice": ([b"Content-Length: 1", b"Content-Length: 1"], 400),
        "length and chunks": ([b"Content-Length: 5", b"Transfer-Encoding: chunked"], 400),
        "chunks and length": ([b"Transfer-Encoding: chunked", b"Content-Length: 5"], 400),
        "chunks twice": ([b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked"], 400),
        "chunks in disguise": ([b"Transfer-Encoding: xchunked"], 400),
        "chunks not last": ([b"Transfer-Encoding: chunked, gzip"], 400),
        "encoding of rubbish": ([b"Transfer-Encoding: rubbish"], 400),
        "expectation of rubbish": ([b"Expect: rubbish"], 417),
        "two hosts": ([b"Host: evil.test"], 400),
        "lies about the host": ([b"X-Forwarded-Host: evil.test", b"X-Forwarded-Proto: http"], 403),
        "another method in a header": ([b"X-HTTP-Method-Override: GET"], 403),
        "another path in a header": ([b"X-Original-URL: /readyz", b"X-Rewrite-URL: /readyz"], 403),
        "long value": ([b"X: " + b"x" * 9000], 400),
        "long name": ([b"x" * 9000 + b": x"], 400),
        "ten thousand": ([b"X%d: x" % number for number in range(10_000)], 400),
        "cookies of rubbish": ([b"Cookie: " + b"=;" * 2000], 403),
    }
    for name, (lines, status) in refused.items():
        yield Row(
            f"header: {name}",
            (status, 431) if status == 400 else (status,),
            sends(opening("POST", "/incoming-call", *lines)),
        )
    yield Row("URL of 20 000 characters", (400, 414), sends(opening("GET", "/" + "x" * 20_000)))
    yield Row("query of 9000 characters", (400, 414), sends(opening("POST", "/incoming-call?" + "%" * 9000)))


def chunks() -> Iterator[Row]:
    """Bodies in chunks, each of which a proxy may count in another way."""
    tails = {
        "no hexadecimal": b"zz\r\nrubbish\r\n",
        "shorter than the data": b"1\r\nab\r\n0\r\n\r\n",
        "longer than the data": b"5\r\nab\r\n0\r\n\r\n",
        "negative": b"-1\r\n\r\n",
        "with 0x": b"0x2\r\na=\r\n0\r\n\r\n",
        "enormous": b"f" * 20 + b"\r\n",
        "long extension": b"1;" + b"x" * 20_000,
        "extension with a bare LF": b"1;a\nb\r\na\r\n0\r\n\r\n",
        "ended by bare LF": b"1\na\n0\n\n",
        "many trailers": b"0\r\n" + b"x: y\r\n" * 1000 + b"\r\n",
    }
    signed = {
        "Transfer-Encoding": "chunked",
        "Content-Type": FORM_TYPE,
        "X-Twilio-Signature": signature("/incoming-call", FORM),
    }
    for name, tail in tails.items():
        yield Row(f"chunk: {name}", (400, 403, 408), sends(request("POST", "/incoming-call", signed), tail))
    body = form_body(FORM)[:5]
    harmless = b"%x;name=value\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    yield Row("chunk: extension", (403,), sends(request("POST", "/incoming-call", signed), harmless))

    async def smuggled(home: House) -> Answer:
        """A second request behind a body that ends early: it is nobody's, and must prove itself."""
        reader, writer = await home.twilio.connect()
        hidden = opening("POST", "/fallback", b"Content-Length: 0")
        first = {"Host": HOST, "Content-Length": "0", "X-Twilio-Signature": "x"}
        writer.write(head("POST /incoming-call HTTP/1.1", first) + hidden)
        answers = [(await read_message(reader)).status for _ in range(2)]
        assert answers == [403, 403]
        return answers[-1]

    yield Row("a request behind a request", (403,), smuggled)


def sizes() -> Iterator[Row]:
    for path in (*WEBHOOKS, "/readyz", "/nothing/here"):
        unsigned = (403,) if path in WEBHOOKS else (404, 405)
        signed = {"Content-Type": FORM_TYPE, "X-Twilio-Signature": signature(path)}
        yield Row(f"{path}: two megabytes", unsigned, two_megabytes(path, {}))
        if path in WEBHOOKS:
            yield Row(f"{path}: two megabytes, signed", (413,), two_megabytes(path, signed))
            yield Row(f"{path}: two megabytes, in chunks", (413,), two_megabytes(path, signed, chunked=True))
    first = {"Expect": "100-continue", "X-Twilio-Signature": signature("/fallback")}
    yield Row("two megabytes, when asked to go on", (413,), two_megabytes("/fallback", first))
    field = [("a", "x" * 70_000)]
    yield Row("a field of 70 000 characters", (413,), posts("/incoming-call", field))
    yield Row("1001 fields", (400,), posts("/incoming-call", [("a", "")] * 1001))
    bombs = {
        "gzip": gzip.compress(b"a" * 5_000_000),
        "deflate": zlib.compress(b"a" * 5_000_000),
        # Brotli's form of the same: ten thousand times shorter.
        "br": bytes.fromhex("5bffffff") + bytes(2000),
        "zstd": bytes.fromhex("28b52ffd") + bytes(2000),
        "rubbish": b"rubbish" * 100,
    }
    for encoding, body in bombs.items():
        headers = {"Content-Encoding": encoding}
        yield Row(f"bomb: {encoding}", (400, 403), posts("/incoming-call", body=body, headers=headers))
    twice = gzip.compress(gzip.compress(b"a" * 5_000_000))
    headers = {"Content-Encoding": "gzip, gzip"}
    yield Row("bomb: gzip in gzip", (400, 403), posts("/incoming-call", body=twice, headers=headers))


def two_megabytes(path: str, headers: dict[str, str], *, chunked: bool = False) -> Send:
    async def send(home: House) -> Answer:
        piece = b"a" * 65_536
        count = TWO_MEGABYTES // len(piece)
        if chunked:
            pieces = [b"10000\r\n" + piece + b"\r\n"] * count
            framing = {"Transfer-Encoding": "chunked"}
        else:
            pieces, framing = [piece] * count, {"Content-Length": str(TWO_MEGABYTES)}
        return await ask(home.port, request("POST", path, {**headers, **framing}), *pieces)

    return send


def slowness() -> Iterator[Row]:
    half = head("POST /incoming-call HTTP/1.1", {"Host": HOST})[:-2]
    whole = {"Host": HOST, "Content-Type": FORM_TYPE, "X-Twilio-Signature": "x", "Content-Length": "100000"}

    yield Row("a connection without a request", (None,), drips(b"", b"", within=10.5))
    yield Row("half of a head", (None,), drips(half, b"", within=10.5))
    yield Row("a head, letter by letter", (None,), drips(half, b"x", within=10.5))
    yield Row("a head, line by line", (None,), drips(half, b"x: y\r\n", within=10.5))
    yield Row("a body, letter by letter", (408,), drips(head("POST /fallback HTTP/1.1", whole), b"x", within=5.5))
    yield Row("a body that never comes", (408,), drips(head("POST /fallback HTTP/1.1", whole), b"", within=5.5))
    chunked = {key: value for key, value in whole.items() if key != "Content-Length"} | {"Transfer-Encoding": "chunked"}
    slow_chunks = drips(head("POST /fallback HTTP/1.1", chunked), b"1\r\nx\r\n", within=5.5)
    yield Row("chunk by chunk", (408,), slow_chunks)

    async def later_head(home: House) -> Answer:
        reader, writer = await home.twilio.connect()
        writer.write(head("GET /healthz HTTP/1.1", {"Host": HOST}))
        assert (await read_message(reader)).status == 200
        writer.write(half)
        since = home.clock()
        assert await reader.read() == b""
        assert home.clock() - since < 621
        return None

    yield Row("half of the next head", (None,), later_head)

    async def unread_body(home: House) -> Answer:
        """Refused before its body: what is left of that is not waited for."""
        reader, writer = await home.twilio.connect()
        writer.write(head("POST /nothing HTTP/1.1", {"Host": HOST, "Content-Length": "1000"}) + b"x")
        answer = await read_message(reader)
        since = home.clock()
        assert await reader.read() == b""
        assert home.clock() - since < 2.5
        return answer

    yield Row("the rest of a body that is refused", (404,), unread_body)


def drips(first: bytes, drop: bytes, *, within: float) -> Send:
    """Bytes, and then one `drop` of them in each second, until it is answered or cut off."""

    async def send(home: House) -> Answer:
        reader, writer = await home.twilio.connect()
        writer.write(first)
        since = home.clock()
        answering = asyncio.timeout(within)
        async with answering, asyncio.TaskGroup() as group:
            dripping = group.create_task(drip(writer))
            try:
                answer = await read_message(reader)
            except (asyncio.IncompleteReadError, ConnectionError):
                answer = None
            dripping.cancel()
        assert home.clock() - since <= within
        return answer

    async def drip(writer: asyncio.StreamWriter) -> None:
        while True:
            await asyncio.sleep(1)
            writer.write(drop)

    return send


def operators() -> Iterator[Row]:
    """What is for whoever runs the bridge tells the world nothing of worth."""
    for path in ("/metrics", "/metrics/", "/debug", "/admin", "/calls", "/docs", "/server-status", "/openapi.json"):
        yield Row(f"GET {path}", (404,), sends(request("GET", path)))
    disguised = request("GET", "/metrics", [("X-Forwarded-For", "127.0.0.1"), ("Forwarded", "for=127.0.0.1")])
    yield Row("GET /metrics, as if from here", (404,), sends(disguised))
    yield Row("GET /metrics with a token", (404,), sends(request("GET", "/metrics", {"Authorization": "Bearer x"})))
    yield Row("DELETE /metrics", (405,), sends(request("DELETE", "/metrics")))
    yield Row("POST /readyz", (405,), sends(request("POST", "/readyz", {"Content-Length": "0"})))
    yield Row("PUT /healthz", (405,), sends(request("PUT", "/healthz", {"Content-Length": "0"})))
