"""Faults that a conversation's client meets when the engine is there, but does as it should not."""

import asyncio
import base64

import pytest
from aiohttp import WSMsgType

from ringbridge.emulator.elevenlabs.diary import Ended
from ringbridge.emulator.faults import Fault

METADATA = "conversation_initiation_metadata"


def kinds_of(client):
    return {message["type"] for _, message in client.messages}


async def test_hang_never_answers_the_upgrade(stage):
    async with stage(Fault("engine_socket", "hang")) as s:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(60):
                await s.connect()
        assert s.twin.conversations == []
        await s.dial()


async def test_no_metadata_and_nothing_else_comes(stage):
    async with stage(Fault("engine_socket", "no_metadata"), first_message="Hello.") as s:
        client = await s.connect()
        await client.begin()
        await client.speak("Anybody?")
        await asyncio.sleep(30)
        assert client.messages == []
        assert not client.closed.is_set()


async def test_wrong_formats_stand_in_the_metadata(stage):
    async with stage(Fault("engine_socket", "wrong_formats")) as s:
        client = await s.dial()
        event = client.of(METADATA)[0][f"{METADATA}_event"]
        assert (event["agent_output_audio_format"], event["user_input_audio_format"]) == ("pcm_16000", "pcm_16000")
        again = await s.dial()
        assert again.of(METADATA)[0][f"{METADATA}_event"]["agent_output_audio_format"] == "ulaw_8000"


async def test_mute_leaves_the_pings(stage):
    async with stage(Fault("engine_socket", "mute"), first_message="Hello.") as s:
        client = await s.dial()
        s.talk.hear("Go")
        await client.until("ping", 4)
        assert kinds_of(client) == {METADATA, "ping"}
        assert s.talk.brain_received


async def test_mute_from_some_moment_on_and_of_some_messages_only(stage):
    async with stage(
        Fault("engine_socket", "mute", after_ms=2000, text="audio vad_score"), first_message="Hello."
    ) as s:
        client = await s.dial()
        await asyncio.sleep(2.1)
        assert client.words() == "Hello."
        s.talk.hear("Go")
        await client.until("agent_response")
        assert client.words() == "Hello."


async def test_pings_stop(stage):
    async with stage(Fault("engine_socket", "no_pings", after_ms=3000), first_message="Hello.") as s:
        client = await s.dial()
        await asyncio.sleep(30)
        assert len(client.of("ping")) == 2
        s.talk.hear("Go")
        await client.until("agent_response_complete", 2)


async def test_mid_sentence_cuts_the_agent_short_and_closes_with_1000(stage):
    async with stage(Fault("engine_socket", "mid_sentence", after_ms=2000), first_message="Hello.") as s:
        client = await s.dial()
        await asyncio.sleep(2.1)
        s.talk.say("One two three four.")
        await client.closed.wait()
        assert client.words() == "Hello. One two th"
        assert client.code == 1000
        assert s.talk.closed == Ended(1000, "twin", "")


async def test_binary(stage):
    async with stage(Fault("engine_socket", "binary", after_ms=100)) as s:
        ws = await s.session.ws_connect(await s.signed_url())
        await ws.send_str('{"type": "conversation_initiation_client_data"}')
        kinds = [(await ws.receive()).type for _ in range(3)]
        assert kinds == [WSMsgType.TEXT, WSMsgType.TEXT, WSMsgType.BINARY]
        await ws.close()


async def test_huge_is_more_than_a_client_need_take(stage):
    async with stage(Fault("engine_socket", "huge", after_ms=100)) as s:
        client = await s.dial()
        await client.closed.wait()
        assert client.code is None
        assert client.ws.close_code == 1009
        await s.talk.gone.wait()


async def test_huge_is_a_message_of_20_mb(stage):
    async with stage(Fault("engine_socket", "huge")) as s:
        ws = await s.session.ws_connect(await s.signed_url(), max_msg_size=0)
        assert len((await ws.receive()).data) > 20 * 1024 * 1024
        await ws.close()


async def test_burst_is_ten_minutes_at_once_and_can_be_interrupted(stage, now):
    async with stage(Fault("engine_socket", "burst", after_ms=100)) as s:
        client = await s.dial()
        began = now()
        await client.until("audio", 600)
        assert now() - began < 0.2
        assert len(client.audio()) == 600 * 8000
        await client.speak("Stop!")
        event_id = (await client.until("interruption"))["interruption_event"]["event_id"]
        assert client.of("audio")[0]["audio_event"]["event_id"] < event_id


async def test_a_queue_that_admits(stage, now):
    async with stage(Fault("engine_socket", "queue", ms=3000), first_message="Hello.") as s:
        client = await s.connect()
        began = now()
        await client.begin()
        await client.until(METADATA)
        assert now() - began == pytest.approx(3, abs=0.01)
        assert [m["queue_status_event"]["status"] for m in client.of("queue_status")] == ["waiting", "admitted"]
        await client.until("agent_response_complete")


async def test_a_queue_that_times_out_is_closed_with_3008(stage):
    async with stage(Fault("engine_socket", "queue", ms=3000, text="timed_out")) as s:
        client = await s.connect()
        await client.begin()
        await client.closed.wait()
        assert client.of("queue_status")[-1]["queue_status_event"] == {"status": "timed_out"}
        assert (client.code, client.of(METADATA), s.brain.headers) == (3008, [], [])


@pytest.mark.parametrize("code", [1000, 1002, 1008, 1011, 3008])
async def test_it_closes_with_whatever_code_before_a_word(stage, code):
    async with stage(Fault("engine_socket", "close", code=code)) as s:
        client = await s.connect()
        await client.begin()
        await client.closed.wait()
        assert client.code == code
        assert client.of(METADATA) == []


async def test_a_signed_url_never_comes(stage):
    async with stage(Fault("signed_url", "hang")) as s:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(60):
                await s.signed_url()
        assert s.twin.signed_urls == []


async def test_a_signed_url_leads_elsewhere(stage):
    async with stage(Fault("signed_url", "wrong_host")) as s:
        assert (await s.signed_url()).startswith("ws://stranger.example/v1/convai/conversation?agent_id=")
        assert (await s.signed_url()).startswith(s.twin.base_url.replace("http", "ws"))
    async with stage(Fault("signed_url", "wrong_host", text="127.0.0.2:1")) as s:
        assert (await s.signed_url()).startswith("ws://127.0.0.2:1/")


@pytest.mark.parametrize(
    ("text", "kind"), [('{"detail": "odd"}', "application/json"), ("<h1>Bad Gateway</h1>", "text/html")]
)
async def test_a_signed_url_is_refused_in_any_words(stage, key, text, kind):
    async with stage(Fault("signed_url", "refuse", status=502, text=text)) as s:
        url = f"{s.twin.base_url}/v1/convai/conversation/get-signed-url"
        async with s.session.get(url, params={"agent_id": s.engine.id}, headers={"xi-api-key": key}) as response:
            assert (response.status, await response.text(), response.content_type) == (502, text, kind)


async def test_half_of_a_sentence_is_half_of_its_sound(stage):
    async with stage(Fault("engine_socket", "mid_sentence"), first_message="Hello there.") as s:
        client = await s.dial()
        await client.closed.wait()
        sent = b"".join(base64.b64decode(m["audio_event"]["audio_base_64"]) for m in client.of("audio"))
        assert len(sent) == (12 - 1 + 2) * 60 * 8 // 2
