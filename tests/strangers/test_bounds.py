"""Crowds: what one stranger may do once, many may do at once, and calls go on meanwhile."""

import asyncio
import gc

import pytest

from ringbridge.live.socket import POLICY_VIOLATION
from ringbridge.web import brain, media, server
from ringbridge.web.lobby import Lobby

from ..integration.raw_house import House, RawCall, new_call_sid, noise
from ..integration.raw_http import head, read_message
from ..integration.raw_proofs import HOST
from ..integration.raw_websocket import PING, TEXT, RawSocket
from .bridge import unharmed
from .row import opened

HALF = head("POST /incoming-call HTTP/1.1", {"Host": HOST})[:-2]


@pytest.fixture
async def home(caplog):
    async with unharmed(caplog) as home:
        yield home


async def codes(crowd: list[RawSocket]) -> list[int | None]:
    return [await socket.ended() for socket in crowd]


def lines(caplog, text: str) -> int:
    return sum(text in record.getMessage() for record in caplog.records)


async def test_three_hundred_streams_without_a_start_keep_no_call_out(home, caplog):
    crowd = [await opened(await home.twilio.upgrade()) for _ in range(300)]
    assert lines(caplog, "too many streams wait") == 300 - media.MAX_WAITING_STREAMS
    call = await home.place_call()
    await call.carries(noise(1600))
    since = home.clock()
    assert await codes(crowd) == [1008] * 300
    assert home.clock() - since < media.START_SECONDS + 1
    assert home.elevenlabs.connections == 2
    await call.hang_up()


async def test_whoever_waits_in_a_crowd_for_an_instant_is_let_in(home):
    """A start that comes when the crowd is as large as it may be."""
    sid = new_call_sid()
    token = await home.announce(sid)
    stream = await home.stream(sid)
    crowd = [await opened(await home.twilio.upgrade()) for _ in range(media.MAX_WAITING_STREAMS - 1)]
    stream.begin(token)
    call = RawCall(sid, stream, await home.elevenlabs.conversation())
    await call.carries(noise(800))
    crowd += [await opened(await home.twilio.upgrade()) for _ in range(media.MAX_WAITING_STREAMS)]
    await call.carries(noise(800))  # it waits no longer, so it is nobody's to turn away
    await codes(crowd)
    await call.hang_up()


async def test_brain_sockets_without_a_call_keep_no_brain_out(home, caplog):
    call = await home.place_call()
    await call.carries(noise(800))
    crowd = [await opened(await home.dial_brain()) for _ in range(brain.MAX_WAITING_BRAINS + 20)]
    assert lines(caplog, "too many wait for their call") == 20
    assert await codes(crowd[:20]) == [1008] * 20
    own = await home.brain(call.conversation.id)
    own.send(type="ping")
    assert await own.until("type", "pong")
    await call.hang_up()
    assert await codes(crowd[20:]) == [1008] * brain.MAX_WAITING_BRAINS


async def test_connections_without_a_request_make_room_for_those_that_have_one(home, caplog, monkeypatch):
    call = await home.place_call()
    size = 40
    (gate,) = _gates()
    monkeypatch.setattr(gate, "_size", size)
    crowd = [await _connect(home, HALF) for _ in range(3 * size)]
    assert lines(caplog, "too many connections") == 1
    await home.is_healthy()
    await call.carries(noise(1600))
    await call.hang_up()
    since = home.clock()
    assert [await reader.read() for reader, _ in crowd] == [b""] * len(crowd)
    assert home.clock() - since <= server.HEAD_SECONDS


async def test_kept_connections_go_first_the_newcomer_next_and_sockets_never(home, monkeypatch):
    call = await home.place_call()
    kept = [await _connect(home, head("GET /healthz HTTP/1.1", {"Host": HOST})) for _ in range(3)]
    for reader, _ in kept:
        assert (await read_message(reader)).status == 200
    (gate,) = _gates()
    monkeypatch.setattr(gate, "_size", gate._open)
    kept.append(await _connect(home, HALF))
    assert await kept[0][0].read() == b""
    for _, writer in kept:
        writer.close()
    await asyncio.sleep(0.001)
    monkeypatch.setattr(gate, "_size", gate._open)
    newcomer, _ = await _connect(home, HALF)
    assert await newcomer.read() == b""
    await call.carries(noise(1600))
    monkeypatch.undo()
    await call.hang_up()


def _gates() -> list[server._Gate]:
    """Those of servers that hold a connection."""
    return [each for each in gc.get_objects() if isinstance(each, server._Gate) and each._open]


async def _connect(home: House, data: bytes):
    reader, writer = await home.twilio.connect()
    writer.write(data)
    await asyncio.sleep(0.001)
    return reader, writer


def test_half_of_the_descriptors_stay_free(monkeypatch):
    resource = pytest.importorskip("resource")
    for limit, connections in (
        (1024, 512),
        (1_000_000, server.MAX_CONNECTIONS),
        (resource.RLIM_INFINITY, server.MAX_CONNECTIONS),
    ):
        monkeypatch.setattr(resource, "getrlimit", lambda _, limit=limit: (limit, limit))
        assert server._connections() == connections


@pytest.mark.parametrize("opcode", [TEXT, PING])
async def test_a_brain_that_floods_its_own_call_is_cut_off_once_and_may_come_again(home, caplog, opcode):
    call = await home.place_call()
    own = await home.brain(call.conversation.id)
    own.send(type="ping")
    assert await own.until("type", "pong")
    own.write(own.frame(b'{"type": "ping"}', opcode) * 5000)
    assert await own.ended() == POLICY_VIOLATION
    assert lines(caplog, "sends more messages than it may") == 1
    again = await home.brain(call.conversation.id)
    again.send(type="ping")
    assert await again.until("type", "pong")
    await call.carries(noise(1600))
    await call.hang_up()


async def test_as_many_messages_as_are_allowed_are_no_flood(home):
    call = await home.place_call()
    own = await home.brain(call.conversation.id)
    for _ in range(5):
        for _ in range(brain.BOUNDS.texts_per_second - 1):
            own.send(type="ping")
        await asyncio.sleep(1)
    assert len([await own.until("type", "pong") for _ in range(200)]) == 200
    await call.hang_up()


async def test_a_message_of_many_megabytes_costs_a_call_its_stream_and_no_more(home):
    call = await home.place_call()
    await call.carries(noise(800))
    await call.stream.socket.send_in([call.stream.socket.frame(b" " * 2 * 1024 * 1024)])
    assert await call.stream.socket.ended() == 1009
    answer = await home.twilio.post("/call-ended", home.form(call.sid, "in-progress"))
    assert answer.status == 200
    assert b"<Stream" in answer.body


async def test_a_pipeline_of_requests_is_answered_one_by_one(home):
    request = head("GET /healthz HTTP/1.1", {"Host": HOST})
    reader, _ = await _connect(home, request * 500)
    for _ in range(500):
        assert (await read_message(reader)).status == 200


def test_a_lobby_turns_away_who_has_waited_longest():
    lobby, gone = Lobby(2), []
    cut = gone.clear
    leaves = [lobby.enter(lambda name=name: gone.append(name), cut) for name in "abcd"]
    assert gone == ["a", "b"]
    assert len(lobby) == 2
    leaves[2]()
    leaves[2]()
    leaves[0]()
    assert len(lobby) == 1
    lobby.enter(lambda: gone.append("e"), cut)
    assert gone == ["a", "b"]
