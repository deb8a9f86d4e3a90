"""Strangers at /ws, who would like to ask our model, or to answer our callers."""

import asyncio
from collections.abc import Callable, Iterator

from ..integration.raw_house import House, new_call_sid, noise
from ..integration.raw_http import Message
from ..integration.raw_proofs import API_KEY, AUTH_TOKEN, SHARED_SECRET, engine_token, unsigned
from ..integration.raw_websocket import BINARY, KEY, VERSION, RawSocket
from .row import BRAIN, Answer, Row, Send, opened, request, sends
from .streams import frames_of, own_token

SECRET_HEADER, TOKEN_HEADER = "x-api-key", "X-Elevenlabs-Speech-Engine-Authorization"

TRANSCRIPT = b'{"type": "user_transcript", "user_transcript": [{"role": "user", "content": "hello"}], "event_id": 1}'


def proofs() -> Iterator[Row]:
    secrets = {
        "missing": "",
        "wrong": "x",
        "in capitals": SHARED_SECRET.upper(),
        "cut": SHARED_SECRET[:-1],
        "longer": f"{SHARED_SECRET}x",
        "as a bearer": f"Bearer {SHARED_SECRET}",
        "the API key": API_KEY,
        "Twilio's token": AUTH_TOKEN,
        "twice in one": f"{SHARED_SECRET},{SHARED_SECRET}",
        "no ASCII": "ümlaut",
    }
    for name, value in secrets.items():
        yield Row(f"secret: {name}", (401,), dials({SECRET_HEADER: value}))
    yield Row(
        "secret: in another header", (401,), dials({SECRET_HEADER: "", "Authorization": f"Bearer {SHARED_SECRET}"})
    )
    yield Row("secret: in the query", (401,), _dials_by_hand(f"{BRAIN}?x-api-key={SHARED_SECRET}", secrets=()))
    yield Row("secret: two values", (401,), _dials_by_hand(BRAIN, secrets=(SHARED_SECRET, "x")))
    yield Row("secret: two values, backwards", (401,), _dials_by_hand(BRAIN, secrets=("x", SHARED_SECRET)))
    yield Row("token: two values", (401,), _dials_by_hand(BRAIN, secrets=(SHARED_SECRET,), tokens=2))
    for name in ("x", "Bearer", "a.b.c", SHARED_SECRET, "." * 5000, ""):
        yield Row(f"token: {name[:20] or 'missing'}", (401,), dials({TOKEN_HEADER: name}))
    tokens: dict[str, Callable[[float], str]] = {
        "foreign key's": lambda now: engine_token(now, key="sk_another_key_of_the_same_account"),
        "secret's": lambda now: engine_token(now, key=SHARED_SECRET),
        "stale": lambda now: engine_token(now, exp=int(now) - 61),
        "from the future": lambda now: engine_token(now, iat=int(now) + 61),
        "of another issuer": lambda now: engine_token(now, iss="https://evil.test"),
        "for another subject": lambda now: engine_token(now, sub="somebody else"),
        "with a time in words": lambda now: engine_token(now, exp="never"),
        "without an end": lambda now: engine_token(now, exp=None),
        "with algorithm none": lambda now: unsigned(engine_token(now)),
        "with algorithm none and a signature": lambda now: (
            unsigned(engine_token(now)) + engine_token(now).split(".")[2]
        ),
        "cut": lambda now: engine_token(now)[:-4],
        "of five parts": lambda now: engine_token(now).replace(".", ".."),
    }
    for name, make in tokens.items():
        yield Row(f"token: {name}", (401,), _dials_with(make))
    yield Row("neither", (401,), dials({SECRET_HEADER: "", TOKEN_HEADER: ""}))
    yield Row("no upgrade", (400,), _no_upgrade)
    yield Row("a call's token", (401,), _calls_token)


def dials(changes: dict[str, str]) -> Send:
    async def send(home: House) -> Answer:
        return await _refused(home, changes)

    return send


def _dials_with(make: Callable[[float], str]) -> Send:
    async def send(home: House) -> Answer:
        return await _refused(home, {TOKEN_HEADER: make(home.clock())})

    return send


async def _refused(home: House, changes: dict[str, str]) -> Message:
    answer = await home.dial_brain(**changes)
    assert isinstance(answer, Message)
    return answer


def _dials_by_hand(target: str, *, secrets: tuple[str, ...], tokens: int = 1) -> Send:
    async def send(home: House) -> Answer:
        shown = [(SECRET_HEADER, secret) for secret in secrets]
        shown += [(TOKEN_HEADER, engine_token(home.clock()))] * tokens
        return await sends(request("GET", target, [*VERSION.items(), ("Sec-WebSocket-Key", KEY), *shown]))(home)

    return send


async def _no_upgrade(home: House) -> Answer:
    shown = {SECRET_HEADER: SHARED_SECRET, TOKEN_HEADER: engine_token(home.clock())}
    return await sends(request("GET", BRAIN, shown))(home)


async def _calls_token(home: House) -> Answer:
    return await _refused(home, {TOKEN_HEADER: await own_token(home, new_call_sid())})


def floods() -> Iterator[Row]:
    """With both proofs, as if both had been stolen."""
    first: dict[str, tuple[list[bytes], int | None]] = {
        "nothing": ([], 1008),
        "broken messages": ([b"", b"{", b"null", b"[" * 100_000, b"\xff\xfe"], 1008),
        "a transcript without init": ([TRANSCRIPT], 1008),
        "init of nobody's conversation": ([b'{"type": "init", "conversation_id": "conv_of_nobody"}'], 1008),
        "init of no conversation": ([b'{"type": "init", "conversation_id": ""}'], 1008),
        "init of a number": ([b'{"type": "init", "conversation_id": 5}'], 1008),
        "two inits": ([b'{"type": "init", "conversation_id": "conv_1"}'] * 2, 1008),
        "close": ([b'{"type": "close"}'], 1000),
        "error": ([b'{"type": "error", "message": "no"}'], 1000),
    }
    for name, (texts, code) in first.items():
        make = lambda socket, texts=texts: b"".join(map(socket.frame, texts))  # noqa: E731
        yield Row(f"first: {name}", (code,), frames_of(make, within=31, path=BRAIN))
    many = {
        "transcripts": TRANSCRIPT,
        "inits": b'{"type": "init", "conversation_id": "conv_of_nobody"}',
        "pings": b'{"type": "ping"}',
        "garbage": b"garbage",
        "unknown messages": b'{"type": "unheard_of"}',
    }
    for name, text in many.items():
        make = lambda socket, text=text: socket.frame(text) * 5000  # noqa: E731
        yield Row(f"five thousand {name}", (1008,), frames_of(make, within=1, path=BRAIN))
    yield Row(
        "binary frames", (1008,), frames_of(lambda socket: socket.frame(noise(10), BINARY), within=31, path=BRAIN)
    )
    yield Row("pings for ever", (1008,), _pings_for_ever)


async def _pings_for_ever(home: House) -> Answer:
    """So few that they are no flood: the init that does not come is."""
    socket = await opened(await home.dial_brain())
    async with asyncio.TaskGroup() as group:
        pinging = group.create_task(_ping(socket))
        code = await socket.ended()
        pinging.cancel()
    return code


async def _ping(socket: RawSocket) -> None:
    while True:
        socket.send(type="ping")
        await asyncio.sleep(1)
