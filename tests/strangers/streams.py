"""Strangers at /media-stream: without Twilio's signature, or with one that they have seen, and replay."""

import asyncio
import base64
import hmac
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress

from ..integration.raw_house import House, RawCall, call_token, new_call_sid, noise
from ..integration.raw_proofs import HOST, SHARED_SECRET, engine_token, twilio_signature, unsigned
from ..integration.raw_websocket import BINARY, KEY, PING, PONG, VERSION, RawSocket, dial
from .row import BRAIN, MEDIA, Answer, Row, Send, opened, request, sends

OPENED = {"X-Twilio-Signature": twilio_signature(f"wss://{HOST}{MEDIA}")}
DEFLATE = {"Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits"}


def upgrades() -> Iterator[Row]:
    forged = {
        "missing": "",
        "rubbish": "x",
        "over ws": twilio_signature(f"ws://{HOST}{MEDIA}"),
        "over http": twilio_signature(f"http://{HOST}{MEDIA}"),
        "over another host": twilio_signature(f"wss://evil.test{MEDIA}"),
        "over another path": twilio_signature(f"wss://{HOST}/incoming-call"),
        "over fields": twilio_signature(f"wss://{HOST}{MEDIA}", [("CallSid", "CA1")]),
        "other token's": twilio_signature(f"wss://{HOST}{MEDIA}", token="0" * 32),
        "truncated": OPENED["X-Twilio-Signature"][:-2],
    }
    for name, signature in forged.items():
        yield Row(f"upgrade: signature {name}", (403,), upgrades_with(signature))
    twice = [*OPENED.items(), *OPENED.items(), *VERSION.items(), ("Sec-WebSocket-Key", KEY)]
    yield Row("upgrade: signature twice", (403,), sends(request("GET", MEDIA, twice)))
    yield Row("no upgrade", (400,), sends(request("GET", MEDIA, OPENED)))
    whole = {**OPENED, **VERSION, "Sec-WebSocket-Key": KEY}
    for lacking in (*VERSION, "Sec-WebSocket-Key"):
        rest = {name: value for name, value in whole.items() if name != lacking}
        yield Row(f"upgrade without {lacking}", (400,), sends(request("GET", MEDIA, rest)))
    short = {**whole, "Sec-WebSocket-Key": "short", "Sec-WebSocket-Version": "99"}
    yield Row("upgrade to version 99", (400,), sends(request("GET", MEDIA, short)))
    yield Row("a query on the path", (403,), sends(request("GET", f"{MEDIA}?token=x", whole)))


def upgrades_with(signature: str) -> Send:
    async def send(home: House) -> Answer:
        answer = await home.twilio.upgrade(signature=signature)
        assert not isinstance(answer, RawSocket)
        return answer

    return send


# Tokens


def tokens() -> Iterator[Row]:
    """Each begins a stream of a call that has been answered, and lacks the one token that would let it in."""
    wrong: dict[str, Callable[[House, str], Awaitable[str | None]]] = {
        "missing": _said(None),
        "empty": _said(""),
        "rubbish": _said("x.y.z"),
        "endless": _said("x" * 200_000),
        "another call's": lambda home, _: own_token(home, new_call_sid()),
        "another account's": _of_another_account,
        "altered": _altered,
        "unsigned": _unsigned,
        "signed with SHA-512": _sha512,
        "signed with another key": _signed_with("0" * 32),
        "signed with the secret itself": _signed_with(SHARED_SECRET),
        "stale": _stale,
        "the engine's": _engines,
        "the engine's, unsigned": _engines_unsigned,
        "spent": _spent,
    }
    for name, make in wrong.items():
        yield Row(f"token: {name}", (1008,), begins(make))
    yield Row("token: replayed after the call", (1008,), _after_the_call)
    for name, details in DETAILS.items():
        yield Row(f"start: {name}", (1008,), begins(own_token, **details))


DETAILS: dict[str, dict[str, object]] = {
    "another account": {"accountSid": "AC" + "0" * 32},
    "no account": {"accountSid": ""},
    "another call": {"callSid": "CA" + "0" * 32},
    "another codec": {"mediaFormat": {"encoding": "audio/l16", "sampleRate": 8000, "channels": 1}},
    "another rate": {"mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 16000, "channels": 1}},
    "two channels": {"mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 2}},
    "no format": {"mediaFormat": None},
    "a token that is a number": {"customParameters": {"token": 5}},
    "parameters in a list": {"customParameters": []},
    "no stream": {"streamSid": None},
}


async def own_token(home: House, sid: str) -> str:
    """The token of this call. It is not ringing, so nothing is made ready for it."""
    return call_token(await home.twilio.post("/incoming-call", home.form(sid, "in-progress")))


def begins(make: Callable[[House, str], Awaitable[str | None]], **details: object) -> Send:
    async def send(home: House) -> Answer:
        sid = new_call_sid()
        token = await make(home, sid)
        stream = await home.stream(sid)
        stream.begin(token, **details)
        stream.socket.write(stream.media(noise(1600)))
        return await stream.socket.ended()

    return send


def _said(token: str | None) -> Callable[[House, str], Awaitable[str | None]]:
    async def make(_home: House, _sid: str) -> str | None:
        return token

    return make


async def _of_another_account(home: House, sid: str) -> str:
    form = home.form(sid, "in-progress", AccountSid="AC" + "0" * 32)
    return call_token(await home.twilio.post("/incoming-call", form))


async def _altered(home: House, sid: str) -> str:
    said, _, signature = (await own_token(home, sid)).rpartition(".")
    return f"{said}.{signature[::-1]}"


async def _unsigned(home: House, sid: str) -> str:
    said, _, _ = (await own_token(home, sid)).rpartition(".")
    return f"{said}."


async def _sha512(home: House, sid: str) -> str:
    return _forged(await own_token(home, sid), SHARED_SECRET, "sha512")


def _signed_with(key: str) -> Callable[[House, str], Awaitable[str]]:
    async def make(home: House, sid: str) -> str:
        return _forged(await own_token(home, sid), key, "sha256")

    return make


def _forged(token: str, key: str, digest: str) -> str:
    said, _, _ = token.rpartition(".")
    signature = base64.urlsafe_b64encode(hmac.digest(key.encode(), said.encode(), digest)).decode().rstrip("=")
    return f"{said}.{signature}"


async def _stale(home: House, sid: str) -> str:
    token = await own_token(home, sid)
    await asyncio.sleep(91)
    return token


async def _engines(home: House, _sid: str) -> str:
    return engine_token(home.clock())


async def _engines_unsigned(home: House, _sid: str) -> str:
    return unsigned(engine_token(home.clock()))


async def _spent(home: House, sid: str) -> str:
    """Spent by a stream of its own call that broke off at once."""
    token = await own_token(home, sid)
    home.elevenlabs.connections -= 2  # that call has its conversation
    stream = await home.stream(sid)
    stream.begin(token)
    conversation = await home.elevenlabs.conversation()
    await RawCall(sid, stream, conversation).hang_up()
    return token


async def _after_the_call(home: House) -> Answer:
    sid = new_call_sid()
    await own_token(home, sid)
    fresh = await own_token(home, sid)
    await home.twilio.post("/stream-status", home.form(sid, "completed"))
    await asyncio.sleep(1)
    stream = await home.stream(sid)
    stream.begin(fresh)
    return await stream.socket.ended()


# What is sent before a start, and instead of one


def knocks() -> Iterator[Row]:
    texts = {
        "nothing in it": b"",
        "rubbish": b"rubbish",
        "half of JSON": b"{",
        "null": b"null",
        "a list": b"[]",
        "a number": b"5",
        "no text": b"\xff\xfe",
        "deep JSON": b"[" * 100_000,
        "an event that is a list": b'{"event": []}',
        "half of a start": b'{"event": "start"}',
    }
    for name, text in texts.items():
        yield Row(f"first message: {name}", (1008,), knocks_with(text, within=0.1))
    connected = b'{"event": "connected"}'
    yield Row("connected, and no more", (1008,), knocks_with(connected, within=5.1))
    yield Row("nothing at all", (1008,), knocks_with(within=5.1))
    yield Row("binary frames", (1008,), frames_of(lambda socket: socket.frame(noise(1000), BINARY), within=5.1))
    yield Row("a hundred messages, and no start", (1008,), knocks_with(*[connected] * 100, within=0.1))
    media = b'{"event": "media", "streamSid": "MZ1", "media": {"payload": "AA=="}}'
    yield Row("audio without a start", (1008,), knocks_with(media, within=5.1))


def knocks_with(*texts: bytes, within: float) -> Send:
    return frames_of(lambda socket: b"".join(map(socket.frame, texts)), within=within)


def frames_of(make: Callable[[RawSocket], bytes], *, within: float, path: str = MEDIA) -> Send:
    """A socket with every proof at its door, and these frames on it."""

    async def send(home: House) -> Answer:
        socket = await opened(await (home.twilio.upgrade() if path == MEDIA else home.dial_brain()))
        since = home.clock()
        with suppress(ConnectionError):
            await socket.send_in([make(socket)])
        code = await socket.ended()
        assert home.clock() - since <= within
        return code

    return send


def frames() -> Iterator[Row]:
    """What breaks the WebSocket protocol, at both doors."""
    broken: dict[str, tuple[bytes, tuple[int | None, ...]]] = {
        "unmasked": (b"\x81\x05hello", (1002,)),
        "compressed": (b"\xc1\x80" + bytes(4), (1002,)),
        "of no known kind": (b"\x83\x80" + bytes(4), (1002,)),
        "that goes on with nothing": (b"\x00\x80" + bytes(4), (1002,)),
        "ping in two parts": (b"\x09\x80" + bytes(4), (1002,)),
        "ping too long": (b"\x89\xfe\x00\x7e" + bytes(4 + 126), (1002,)),
        "close in two parts": (b"\x08\x80" + bytes(4), (1002,)),
        "half of a close code": (b"\x88\x81" + bytes(5), (1002,)),
        "close code that does not exist": (b"\x88\x82" + bytes(4) + b"\x00\x01", (1002,)),
        "longer than anything": (b"\x81\xff\x7f" + b"\xff" * 7, (1009,)),
        "of a length that does not exist": (b"\x81\xff" + b"\xff" * 8, (1002,)),
        "text in a text": (b"\x01\x81" + bytes(4) + b"a" + b"\x81\x80" + bytes(4), (1002,)),
    }
    for path in (MEDIA, BRAIN):
        for name, (data, expected) in broken.items():
            yield Row(f"{path}: frame {name}", expected, frames_of(lambda _, data=data: data, within=31, path=path))
        too_long = frames_of(lambda socket: socket.frame(b" " * 2 * 1024 * 1024), within=31, path=path)
        yield Row(f"{path}: message of two megabytes", (1009, None), too_long)
        yield Row(f"{path}: endless fragments", (1009, None), frames_of(_fragments, within=31, path=path))
        yield Row(f"{path}: two thousand pings", (1008,), frames_of(_pings(2000), within=31, path=path))
        yield Row(f"{path}: two thousand pongs", (1008,), frames_of(_pings(2000, PONG), within=31, path=path))
        flood = frames_of(lambda socket: socket.frame(b"x", BINARY) * 2000, within=31, path=path)
        yield Row(f"{path}: two thousand binary messages", (1008,), flood)
    yield Row(f"{MEDIA}: compression offered", (1008,), _offers_compression)


def _pings(count: int, opcode: int = PING) -> Callable[[RawSocket], bytes]:
    return lambda socket: socket.frame(b"x" * 125, opcode) * count


def _fragments(socket: RawSocket) -> bytes:
    piece = b" " * 65_536
    return socket.frame(piece, final=False) + socket.frame(piece, 0, final=False) * 40


async def _offers_compression(home: House) -> Answer:
    """It is not taken up, so that no message can unpack to more than it is."""
    socket = await opened(await dial(*await home.twilio.connect(), MEDIA, {"Host": HOST, **OPENED, **DEFLATE}))
    socket.send(event="connected", protocol="Call", version="1.0.0")
    return await socket.ended()
