"""Faults of the conversation socket."""

import asyncio

import pytest
from aiohttp import WSMsgType, WSServerHandshakeError

from ringbridge.emulator.elevenlabs.diary import Ended
from ringbridge.emulator.faults import Fault


async def test_refuse(stage):
    async with stage(Fault("engine_socket", "refuse", status=403)) as s:
        with pytest.raises(WSServerHandshakeError) as refusal:
            await s.connect()
        assert refusal.value.status == 403
        await s.dial()


async def test_delay_keeps_the_metadata_back(stage, now):
    async with stage(Fault("engine_socket", "delay", ms=6000)) as s:
        client = await s.connect()
        began = now()
        await client.begin()
        await client.until("conversation_initiation_metadata")
        assert now() - began == pytest.approx(6, abs=0.01)


async def test_drop_cuts_the_connection(stage):
    async with stage(Fault("engine_socket", "drop", after_ms=3000)) as s:
        client = await s.dial()
        await asyncio.sleep(2.9)
        assert not client.closed.is_set()
        await client.closed.wait()
        assert client.code is None
        assert s.talk.closed == Ended(None, "twin", "aborted")
        await s.talk.gone.wait()
        assert s.brain.closed == [1000]


async def test_half_open_is_silent_both_ways_but_connected(stage):
    async with stage(Fault("engine_socket", "half_open", after_ms=1000)) as s:
        client = await s.dial()
        await asyncio.sleep(1.1)
        before = len(client.messages)
        await client.ws.ping()
        await client.speak("Hello?")
        s.talk.say("Unheard.")
        await asyncio.sleep(60)
        assert len(client.messages) == before
        assert not client.closed.is_set()
        assert s.talk.audio == b""
        assert s.talk.closed is None


async def test_half_open_answers_no_ping(stage):
    async with stage(Fault("engine_socket", "half_open", after_ms=500)) as s:
        async with s.session.ws_connect(await s.signed_url(), autoping=False) as ws:
            await ws.send_str('{"type": "conversation_initiation_client_data"}')
            await asyncio.sleep(0.4)
            await ws.ping()
            kinds = [(await ws.receive()).type for _ in range(3)]
            await asyncio.sleep(0.2)
            await ws.ping()
            with pytest.raises(TimeoutError):
                await ws.receive(timeout=300)
        assert kinds == [WSMsgType.TEXT, WSMsgType.TEXT, WSMsgType.PONG]
        await asyncio.wait_for(s.talk.gone.wait(), 1)


async def test_half_open_answers_no_close_frame(stage, now):
    async with stage(Fault("engine_socket", "half_open", after_ms=500)) as s:
        ws = await s.session.ws_connect(await s.signed_url())
        await ws.send_str('{"type": "conversation_initiation_client_data"}')
        await asyncio.sleep(1)
        began = now()
        await ws.close()
        assert now() - began > 5
        await asyncio.wait_for(s.talk.gone.wait(), 1)


async def test_half_open_from_the_first_moment(stage):
    async with stage(Fault("engine_socket", "half_open")) as s:
        client = await s.connect()
        await client.begin()
        await asyncio.sleep(120)
        assert client.messages == []
        assert not client.closed.is_set()


async def test_garble_sends_what_is_no_message(stage):
    async with stage(
        Fault("engine_socket", "garble", after_ms=500), Fault("engine_socket", "garble", after_ms=600, text="[]x")
    ) as s:
        client = await s.dial()
        await asyncio.sleep(1)
        assert [m["text"] for m in client.of("unreadable")] == [
            '{"type": "audio", "audio_event": {"audio_base_64": ',
            "[]x",
        ]
        s.talk.hear("Go")
        await client.until("agent_response_complete")


async def test_slow_reader_takes_everything_later(stage):
    async with stage(Fault("engine_socket", "slow_reader", after_ms=500, ms=4000)) as s:
        client = await s.dial()
        await asyncio.sleep(0.6)
        await client.speak("All of this is kept.")
        assert len(s.talk.audio) <= 160
        await client.until("user_transcript")
        assert client.of("user_transcript")[0]["user_transcription_event"]["user_transcript"] == "All of this is kept."
        assert client.times("user_transcript")[0] == pytest.approx(
            client.times("conversation_initiation_metadata")[0] + 4.5, abs=0.1
        )


async def test_quota_greets_and_closes(stage):
    async with stage(Fault("engine_socket", "quota"), first_message="Hello.") as s:
        client = await s.dial()
        await client.closed.wait()
        assert client.words() == "Hello."
        error = client.of("error")[0]["error_event"]
        assert "quota" in error["message"]
        assert (error["code"], client.code) == (1002, 1002)
        assert 3 <= client.times("error")[0] - client.times("conversation_initiation_metadata")[0] < 3.1


async def test_close_has_its_code(stage):
    async with stage(Fault("engine_socket", "close", after_ms=700, code=3000, text="auth")) as s:
        client = await s.dial()
        await client.closed.wait()
        assert client.code == 3000
        assert s.talk.closed == Ended(3000, "twin", "auth")


async def test_errors_come_in_both_shapes(stage):
    async with stage(
        Fault("engine_socket", "error", after_ms=100, text="One.", code=1002),
        Fault("engine_socket", "error", after_ms=200, text="Two.", shape="flat"),
    ) as s:
        client = await s.dial()
        nested, flat = [await client.until("error", 1), await client.until("error", 2)]
        assert (nested["error_event"]["message"], nested["error_event"]["code"]) == ("One.", 1002)
        assert flat["message"] == "Two."
        assert "error_event" not in flat
        assert not client.closed.is_set()


async def test_a_fault_strikes_as_often_as_it_should(stage):
    async with stage(Fault("engine_socket", "close", after_ms=500, times=2)) as s:
        for expected in (True, True, False):
            client = await s.dial()
            await asyncio.sleep(1)
            assert client.closed.is_set() is expected
