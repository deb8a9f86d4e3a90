"""A brain that does what none of ours would do, at the bridge's door for brains: its call goes on, and so do others."""

import asyncio
import json
import sqlite3
from contextlib import asynccontextmanager, suppress

import pytest
from aiohttp import ClientConnectionError, WSMsgType, WSServerHandshakeError

from ringbridge import facts
from ringbridge.emulator.world import SECRETS
from ringbridge.split.messages import SEAT_HEADER, TAKEN_HEADER
from ringbridge.split.seat import MAX_ASKED
from ringbridge.split.unplayed import MAX_SOUND_BYTES

from .conftest import echo
from .split_house import SplitBridge

SECRET = SECRETS["SHARED_SECRET"]


class RudeBrain:
    """The raw socket to the bridge, and what came on it."""

    def __init__(self, ws):
        self._ws = ws
        self._number = 0

    async def say(self, type_, **fields):
        self._number += 1
        await self._ws.send_str(json.dumps([self._number, 0, {"type": type_, **fields}]))

    async def says(self, text):
        """Exactly this."""
        await self._ws.send_str(text)

    async def hears(self, kind):
        """The next message of this kind."""
        while True:
            message = await self._ws.receive(timeout=5)
            assert message.type is WSMsgType.TEXT, message
            body = json.loads(message.data)[2]
            if body is not None and body["type"] == kind:
                return body

    async def ended(self):
        """The code of the bridge's close frame."""
        with suppress(ClientConnectionError):  # what we still send meets a closed door
            while (await self._ws.receive(timeout=5)).type is WSMsgType.TEXT:
                pass
        return self._ws.close_code


def headers(seat="s" * 20, taken="0"):
    return {"x-api-key": SECRET, SEAT_HEADER: seat, TAKEN_HEADER: taken}


@asynccontextmanager
async def sitting(w, seat="s" * 20):
    async with w._web.ws_connect(address(w), headers=headers(seat)) as ws:
        yield RudeBrain(ws)


def address(w, conversation_id=None):
    return f"http://127.0.0.1:{w.port}/internal/calls/{conversation_id or w.conversation.id}"


@pytest.fixture
async def w():
    """A bridge without brains, and a call in progress; in the end a good brain comes, and hears it end."""
    async with SplitBridge(echo) as w:
        call = await w.talking()
        yield w
        w._tasks_before.add(asyncio.current_task())
        async with sitting(w, "g" * 20) as good:
            await good.hears("found")
            await call.hang_up()
            await good.hears("over")
        await w.tells(facts.CallEnded)
        await w.is_given_back(since=w.now)


class TestTheDoor:
    @pytest.mark.parametrize("proof", [{}, {"x-api-key": ""}, {"x-api-key": SECRET[:-1]}, {"Authorization": SECRET}])
    async def test_the_secret_counts_in_its_header_alone(self, w, proof):
        url = f"{address(w)}?x-api-key={SECRET}"
        with pytest.raises(WSServerHandshakeError) as refused:
            await w._web.ws_connect(url, headers={SEAT_HEADER: "s" * 20, TAKEN_HEADER: "0", **proof})
        assert refused.value.status == 401

    @pytest.mark.parametrize("taken", ["-1", "x", "9" * 30, "1.0", "٣"])
    async def test_what_is_no_number_is_refused(self, w, taken):
        with pytest.raises(WSServerHandshakeError) as refused:
            await w._web.ws_connect(address(w), headers=headers(taken=taken))
        assert refused.value.status == 400

    async def test_a_seat_is_at_one_call_alone(self, w):
        async with sitting(w) as brain:
            await brain.hears("found")
            with pytest.raises(WSServerHandshakeError) as refused:
                await w._web.ws_connect(address(w, "conv_another"), headers=headers())
            assert refused.value.status == 404

    @pytest.mark.parametrize("method", ["HEAD", "POST", "PUT"])
    async def test_only_get_is_answered(self, w, method):
        async with w._web.request(method, address(w), headers=headers()) as answer:
            assert answer.status == 405

    async def test_a_get_that_is_no_upgrade(self, w):
        async with w._web.get(address(w), headers=headers()) as answer:
            assert answer.status == 400


class TestASecondBrain:
    async def test_takes_the_seat_of_the_first(self, w):
        async with sitting(w) as first:
            await first.hears("found")
            async with sitting(w, "t" * 20) as second:
                await second.hears("found")
                await first.hears("replaced")
                assert await first.ended() == 1000

    async def test_the_same_one_twice_is_the_newer(self, w):
        async with sitting(w) as first:
            await first.hears("found")
            async with sitting(w) as second:
                assert (await second.hears("found"))["caller"]
                assert await first.ended() == 1006


class TestWhatIsSaid:
    @pytest.mark.parametrize(
        "text",
        ["", "null", "[]", "[1]", '["1",0,1]', "[2,0,1]", "[1,99,1]", "[1,-1,1]", "[" * 5000, '[1e99,0,{"type":"x"}]'],
    )
    async def test_out_of_order_is_cut_off(self, w, text):
        async with sitting(w) as brain:
            await brain.says(text)
            assert await brain.ended() == 1008

    @pytest.mark.parametrize(
        "body",
        [
            *("null", "[]", "7", '{"type":7}', '{"type":"said"}', '{"type":"found"}'),
            '{"type":"told","kind":"CallEnded","fields":{}}',
            '{"type":"asked","number":"1","kind":"HangUp","fields":{},"event_id":null}',
        ],
    )
    async def test_broken_is_passed_over(self, w, body):
        async with sitting(w) as brain:
            await brain.says(f"[1,0,{body}]")
            await brain.says('[2,0,{"type":"wished","number":1,"method":"recall_all"}]')
            assert (await brain.hears("granted"))["entries"] == {}

    async def test_too_much_at_once_is_cut_off_before_it_is_read(self, w):
        async with sitting(w) as brain:
            await brain.says("[1,0," + " " * 1024 * 1024 + "1]")
            assert await brain.ended() == 1009

    async def test_more_sound_than_can_be_played_ends_it(self, w):
        async with sitting(w) as brain:
            with suppress(ClientConnectionError):
                for number in range(MAX_SOUND_BYTES // 500_000 + 1):
                    await brain.say("sound", number=number, pieces=["A" * 500_000])
                    await asyncio.sleep(0)
            await brain.ended()
        with pytest.raises(WSServerHandshakeError) as gone:
            await w._web.ws_connect(address(w), headers=headers(taken="1"))
        assert gone.value.status == 410

    async def test_what_is_dropped_at_once_is_not_done(self, w):
        """Both come in one segment, so that it has not even begun."""
        async with sitting(w) as brain:
            await brain.hears("found")
            fields = {"digits": "1"}
            await brain.say("asked", number=1, kind="SendDigits", fields=fields, event_id=None)
            await brain.say("dropped", number=1)
            await brain.say("wished", number=2, method="forget")
            await brain.hears("granted")
            await w.settled()
            assert w.told(facts.DigitsSent) == []

    async def test_more_is_asked_for_than_is_ever_done(self, w):
        async with sitting(w) as brain:
            for number in range(3 * MAX_ASKED):
                await brain.say("asked", number=number // 2, kind="GatherDigits", fields={}, event_id=99)
            await brain.say("dropped", number=1)
            await w.settled()
            await brain.say("wished", number=1000, method="recall_all")
            await brain.hears("granted")

    async def test_what_the_bridge_fails_at_is_answered(self, w, monkeypatch, caplog):
        async def fails(_caller):
            raise sqlite3.OperationalError("disk I/O error")

        monkeypatch.setattr(w.memory, "recall_all", fails)
        async with sitting(w) as brain:
            await brain.say("wished", number=1, method="recall_all")
            assert (await brain.hears("refused"))["number"] == 1
        assert "a task failed" in caplog.text

    async def test_a_flood(self, w):
        async with sitting(w) as brain:
            for _ in range(3000):
                await brain.say("said", words=False, complete=False)
            await brain.say("wished", number=1, method="recall_all")
            await brain.hears("granted")


class TestBeforeTheUpgrade:
    async def test_frames_that_come_with_the_request_are_heard_after_it(self, w):
        payload = b'[1,0,{"type":"wished","number":1,"method":"recall_all"}]'
        async with raw(w) as (reader, writer):
            writer.write(request(w) + b"\x81" + bytes([0x80 | len(payload)]) + bytes(4) + payload)
            async with asyncio.timeout(5):
                await reader.readuntil(b'"granted"')

    async def test_rubbish_that_comes_with_it_ends_the_socket(self, w):
        async with raw(w) as (reader, writer):
            writer.write(request(w) + b"\xff" * 1000)
            async with asyncio.timeout(5):
                assert (await reader.read()).startswith(b"HTTP/1.1 101")

    async def test_without_the_secret_nothing_of_it_is_read(self, w):
        async with raw(w) as (reader, writer):
            writer.write(request(w).replace(SECRET.encode(), b"wrong") + b"\x81\xfe" + bytes(100_000))
            async with asyncio.timeout(5):
                answer = await reader.read()
            assert answer.startswith(b"HTTP/1.1 401")
            assert answer.count(b"HTTP/1.1") == 1


def request(w):
    upgrade = {"Host": "x", "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    lines = {**upgrade, "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", **headers()}
    text = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"GET /internal/calls/{w.conversation.id} HTTP/1.1\r\n{text}\r\n".encode()


@asynccontextmanager
async def raw(w):
    reader, writer = await asyncio.open_connection("127.0.0.1", w.port)
    try:
        yield reader, writer
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
