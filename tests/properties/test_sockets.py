"""Both kinds of accepted sockets, frame by frame, beside what plain Python makes of the same bytes."""

import asyncio
import json
import secrets

import pytest
from aiohttp import web
from hypothesis import given, settings
from hypothesis import strategies as st

from ringbridge.errors import BrokenMessage
from ringbridge.live import aiohttp_socket, picows_upgrade
from ringbridge.live.socket import Bounds
from ringbridge.relay.lane import Lane, caller_audio
from ringbridge.wire import engine, twilio

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA

REQUEST = (
    b"GET / HTTP/1.1\r\nHost: bridge.test\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)

KINDS = {
    "picows": lambda request: picows_upgrade.accept(request, Bounds()),
    "aiohttp": lambda request: aiohttp_socket.accept(request, Bounds()),
}

base64s = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=", max_size=400)
texts = st.text(max_size=12)
media = st.builds(
    lambda payload, number: {
        "event": "media",
        "sequenceNumber": str(number),
        "media": {"track": "inbound", "chunk": str(number), "timestamp": str(20 * number), "payload": payload},
        "streamSid": "MZ" + "0" * 32,
    },
    base64s,
    st.integers(0, 10**6),
)
others = st.one_of(
    st.builds(lambda name: {"event": "mark", "streamSid": "MZ", "mark": {"name": name}}, texts),
    st.builds(lambda name: {"event": "of another kind", "media": {"payload": name}}, texts),
    st.builds(lambda name: {"event": "media", "media": {"payload": 7}, "streamSid": name}, texts),
)
spaces = st.sampled_from(["", " ", "\n\t  "])


@st.composite
def written(draw, message):
    """One message as JSON: its keys in any order, escaped or not, with white space anywhere."""

    def write(value):
        if isinstance(value, dict):
            pairs = draw(st.permutations(list(value.items())))
            gap = draw(spaces)
            return "{" + ",".join(f"{gap}{quote(key)}{gap}:{gap}{write(item)}" for key, item in pairs) + gap + "}"
        return quote(value) if isinstance(value, str) else json.dumps(value)

    def quote(text):
        if text and draw(st.integers(0, 9)) == 0:
            return '"' + "".join(f"\\u{ord(letter):04x}" if ord(letter) < 0x10000 else letter for letter in text) + '"'
        return json.dumps(text, ensure_ascii=draw(st.booleans()))

    return write(message).encode("utf-8", "surrogatepass")


def frame(payload, opcode, *, final=True):
    size, key = len(payload), secrets.token_bytes(4)
    length = bytes([0x80 | size]) if size < 126 else b"\xfe" + size.to_bytes(2, "big")
    masked = bytes(byte ^ key[number % 4] for number, byte in enumerate(payload))
    return bytes([opcode | (0x80 if final else 0)]) + length + key + masked


@st.composite
def stories(draw):
    """Messages, and the bytes in which they come: whole or in fragments, with pings between, cut anywhere."""
    messages = draw(st.lists(st.one_of(media, media, others), max_size=8))
    data = b""
    for message in messages:
        text = draw(written(message))
        cuts = sorted(draw(st.sets(st.integers(0, len(text)), max_size=3)))
        parts = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
        for number, part in enumerate(parts):
            data += frame(part, TEXT if number == 0 else CONTINUATION, final=number == len(parts) - 1)
            if draw(st.integers(0, 4)) == 0:
                data += frame(b"between", draw(st.sampled_from([PING, PONG])))
        if draw(st.integers(0, 4)) == 0:
            data += frame(b"\x00\x01", BINARY)
    cuts = sorted(draw(st.sets(st.integers(1, max(1, len(data))), max_size=5)))
    pieces = [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]
    return messages, [piece for piece in pieces if piece]


def by_plain_python(messages):
    """What the engine is sent for these."""
    payloads = [message["media"]["payload"] for message in messages if message["event"] == "media"]
    return [{"user_audio_chunk": payload} for payload in payloads if isinstance(payload, str) and payload]


async def relayed(kind, pieces, *, with_the_request=False):
    """What a socket of this kind, and the gate behind it, make of these bytes; and what is written back."""
    carried, lane = [], Lane(lambda: 0.0)
    lane.open_to_engine()
    done = asyncio.Event()

    async def handle(request):
        socket = KINDS[kind](request)
        if asyncio.iscoroutine(socket):
            socket = await socket

        def listen(text):
            assert socket.send(text)
            try:
                message = twilio.decode(text)
            except Exception:
                return
            if isinstance(message, twilio.Media) and (wire := lane.caller(message.media.payload)):
                carried.append(json.loads(wire))

        socket.listen(listen)
        closed = await socket.closed()
        carried.append((closed.code, closed.reason))
        done.set()
        return socket.response

    app = web.Application()
    app.router.add_get("/", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    reader, writer = await asyncio.open_connection(*runner.addresses[0])
    pieces = [*pieces, frame((4001).to_bytes(2, "big") + b"bye", CLOSE)]
    if with_the_request:
        writer.write(REQUEST + pieces.pop(0))
    else:
        writer.write(REQUEST)
    await reader.readuntil(b"\r\n\r\n")
    for piece in pieces:
        writer.write(piece)
        await asyncio.sleep(0)
    async with asyncio.timeout(5):
        back = await reader.read()
        await done.wait()
    writer.close()
    await runner.cleanup()
    return carried, back


@settings(max_examples=20, deadline=None)
@given(stories())
def test_both_carry_what_plain_python_would(story):
    messages, pieces = story
    fast, back = asyncio.run(relayed("picows", pieces))
    plain, _ = asyncio.run(relayed("aiohttp", pieces))  # what it has not written when the peer leaves is lost
    assert fast == plain == [*by_plain_python(messages), (4001, "bye")]
    assert [json.loads(text) for text in _texts(back)] == messages


broken = st.one_of(st.binary(max_size=20), st.builds(lambda text: text[:-1], media.flatmap(written)))


@given(st.one_of(media.flatmap(written), others.flatmap(written), broken))
def test_the_short_cut_makes_of_a_message_what_the_gate_does(text):
    lane = Lane(lambda: 0.0)
    lane.open_to_engine()
    try:
        message = twilio.decode(text)
    except BrokenMessage:
        message = None
    expected = lane.caller(message.media.payload) if isinstance(message, twilio.Media) else None
    assert caller_audio(text) == expected


def _texts(data):
    """The text messages that were written back."""
    found = []
    while data:
        size, start = data[1], 2
        if size == 126:
            size, start = int.from_bytes(data[2:4], "big"), 4
        if data[0] & 0x0F == TEXT:
            found.append(data[start : start + size])
        data = data[start + size :]
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_what_comes_with_the_request_is_not_lost(kind):
    message = b'{"event":"media","streamSid":"MZ","media":{"payload":"AAAA"}}'
    carried, _ = asyncio.run(relayed(kind, [frame(message, TEXT)], with_the_request=True))
    assert carried == [{"user_audio_chunk": "AAAA"}, (4001, "bye")]


def test_the_engines_message_is_the_shortest_that_says_it():
    assert engine.encode(engine.UserAudio("AAAA")) == b'{"user_audio_chunk":"AAAA"}'
