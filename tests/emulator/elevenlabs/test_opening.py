"""How a conversation begins, is refused, and ends."""

import asyncio
from urllib.parse import urlencode

import pytest

from ringbridge.emulator.elevenlabs.conversation import INITIATION_SECONDS
from ringbridge.emulator.elevenlabs.diary import Ended


def override(text):
    return {"conversation_config_override": {"agent": {"first_message": text}}}


async def test_metadata_comes_first_and_names_conversation_and_formats(stage):
    async with stage(first_message="Hello.") as s:
        client = await s.dial()
        await client.until("agent_response")
        assert client.messages[0][1] == {
            "type": "conversation_initiation_metadata",
            "conversation_initiation_metadata_event": {
                "conversation_id": s.talk.id,
                "agent_output_audio_format": "ulaw_8000",
                "user_input_audio_format": "ulaw_8000",
            },
        }
        assert s.talk.id.startswith("conv_")


async def test_the_formats_are_the_engines(stage):
    async with stage(input_format="pcm_16000", output_format="pcm_24000") as s:
        event = (await (await s.dial()).until("conversation_initiation_metadata"))[
            "conversation_initiation_metadata_event"
        ]
        assert (event["user_input_audio_format"], event["agent_output_audio_format"]) == ("pcm_16000", "pcm_24000")


async def test_nothing_comes_before_the_initiation_data(stage):
    async with stage(first_message="Hello.") as s:
        client = await s.connect()
        await asyncio.sleep(INITIATION_SECONDS - 0.1)
        assert client.messages == []
        await client.begin()
        await client.until("conversation_initiation_metadata")


async def test_initiation_data_that_never_come_are_not_waited_for(stage, now):
    async with stage() as s:
        client = await s.connect()
        began = now()
        assert (await client.until("error"))["error_event"]["error_type"] == "transport_receive_timeout"
        assert now() - began == pytest.approx(INITIATION_SECONDS, abs=0.01)
        await client.closed.wait()
        assert client.code == 1002


@pytest.mark.parametrize("message", [{"user_audio_chunk": "/w=="}, {"type": "pong", "event_id": 1}, {}])
async def test_another_first_message_is_refused(stage, message):
    async with stage() as s:
        client = await s.connect()
        await client.send(message)
        assert (await client.until("error"))["error_event"]["error_type"] == "invalid_message"
        await client.closed.wait()
        assert client.code == 1008


async def test_the_initiation_is_kept(stage):
    async with stage() as s:
        client = await s.dial(user_id="u1", dynamic_variables={"caller": "+1"})
        assert s.talk.initiation["user_id"] == "u1"
        await client.begin()
        await client.until("client_error")


async def test_the_engines_own_greeting_is_spoken(stage):
    async with stage(first_message="Good morning. Who is it?") as s:
        client = await s.dial()
        await client.until("agent_response_complete")
        assert client.words(1) == "Good morning. Who is it?"
        assert client.of("agent_response") == [
            {
                "type": "agent_response",
                "agent_response_event": {"agent_response": "Good morning. Who is it?", "event_id": 1},
            }
        ]
        assert client.of("agent_response_complete")[0]["agent_response_complete_event"] == {"event_id": 1}
        assert s.talk.history == [{"role": "agent", "content": "Good morning. Who is it?"}]


async def test_an_allowed_override_is_spoken_instead(stage):
    async with stage(first_message="Good morning.", allow_first_message=True) as s:
        client = await s.dial(**override("Hello from us."))
        await client.until("agent_response_complete")
        assert client.words() == "Hello from us."


async def test_an_empty_override_lets_the_user_speak_first(stage):
    async with stage(first_message="Good morning.", allow_first_message=True) as s:
        client = await s.dial(**override(""))
        await asyncio.sleep(3)
        assert client.of("audio") == []
        assert s.brain.of("user_transcript") == []
        await client.speak("Hello.")
        await client.until("agent_response_complete")
        assert s.brain.of("user_transcript")[0]["user_transcript"] == [{"role": "user", "content": "Hello."}]


async def test_audio_comes_faster_than_it_is_played(stage):
    async with stage(first_message="This greeting takes some seconds to be played.") as s:
        client = await s.dial()
        await client.until("agent_response_complete")
        assert len(client.audio()) > 8 * 2000
        assert client.times("agent_response_complete")[0] - client.times("audio")[0] < 0.01


@pytest.mark.parametrize(
    "data",
    [
        override("Hello."),
        {"conversation_config_override": {"agent": {"language": "de"}}},
        {"conversation_config_override": {"tts": {"voice_id": "v"}}},
    ],
)
async def test_an_override_that_is_not_allowed_ends_it(stage, data):
    async with stage() as s:
        client = await s.connect()
        await client.begin(**data)
        error = (await client.until("error"))["error_event"]
        await client.closed.wait()
        assert (error["error_type"], error["code"], client.code) == ("override_error", 1008, 1008)
        assert client.of("conversation_initiation_metadata") == []
        assert s.brain.headers == []


async def test_only_the_first_message_can_be_allowed(stage):
    async with stage(allow_first_message=True) as s:
        client = await s.connect()
        await client.begin(conversation_config_override={"agent": {"first_message": "Hi.", "language": "de"}})
        assert "language" in (await client.until("error"))["error_event"]["message"]


async def test_empty_overrides_are_none(stage):
    async with stage() as s:
        await s.dial(
            conversation_config_override={"agent": {}, "tts": {}}, dynamic_variables={}, custom_llm_extra_body={}
        )


@pytest.mark.parametrize(
    "data",
    [
        {"conversation_config_override": 1},
        {"conversation_config_override": {"agent": "x"}},
        {"conversation_config_override": {"agent": {"first_message": 1}}},
        {"dynamic_variables": ["x"]},
        {"dynamic_variables": {"x": {"y": 1}}},
    ],
)
async def test_broken_initiation_data_end_it(stage, data):
    async with stage(allow_first_message=True) as s:
        client = await s.connect()
        await client.begin(**data)
        assert (await client.until("error"))["error_event"]["error_type"] == "value_error"
        await client.closed.wait()
        assert client.code == 1008


async def test_a_header_may_need_a_variable(stage):
    async with stage(request_headers={"x-call": {"variable_name": "call_sid"}}) as s:
        client = await s.connect()
        await client.begin(dynamic_variables={"caller": "+1"})
        error = (await client.until("error"))["error_event"]
        await client.closed.wait()
        assert (error["error_type"], client.code) == ("missing_dynamic_variable", 1008)
        assert "call_sid" in error["message"]


@pytest.mark.parametrize(
    "query",
    [{}, {"conversation_signature": "cvtkn_made_up"}, {"agent_id": "seng_other"}],
)
async def test_without_a_good_signature_there_is_no_conversation(stage, query):
    async with stage() as s:
        url = f"{s.twin.base_url}/v1/convai/conversation?{urlencode({'agent_id': s.engine.id} | query)}"
        client = await s.connect(url)
        await client.closed.wait()
        assert client.code == 1008
        assert client.of("error")
        assert s.twin.conversations == []


async def test_a_single_use_url_opens_one_conversation(stage):
    async with stage() as s:
        url = await s.signed_url(single_use=True)
        await (await s.connect(url)).begin()
        second = await s.connect(url)
        await second.closed.wait()
        assert second.code == 1008


async def test_any_other_url_opens_several_for_fifteen_minutes(stage):
    async with stage() as s:
        url = await s.signed_url(single_use=False)
        for _ in range(2):
            client = await s.connect(url)
            await client.begin()
            await client.until("conversation_initiation_metadata")
            await client.ws.close()
        await asyncio.sleep(15 * 60)
        late = await s.connect(url)
        await late.closed.wait()
        assert late.code == 1008


async def test_an_engine_without_auth_needs_its_id_only(stage):
    async with stage(enable_auth=False) as s:
        client = await s.connect(f"{s.twin.base_url}/v1/convai/conversation?agent_id={s.engine.id}")
        await client.begin()
        await client.until("conversation_initiation_metadata")


async def test_over_the_limit_the_socket_is_closed(stage):
    async with stage(concurrency_limit=1) as s:
        urls = [await s.signed_url(), await s.signed_url()]
        await (await s.connect(urls[0])).begin()
        second = await s.connect(urls[1])
        await second.closed.wait()
        assert second.code == 3008


async def test_the_vendors_subprotocol_is_spoken(stage):
    async with stage() as s, s.session.ws_connect(await s.signed_url(), protocols=("convai",)) as ws:
        assert ws.protocol == "convai"


async def test_the_clients_close_ends_it(stage):
    async with stage() as s:
        client = await s.dial()
        await asyncio.sleep(0.1)
        await client.ws.close(code=4001)
        await s.talk.gone.wait()
        assert s.talk.closed == Ended(4001, "client")
        assert client.ws.close_code == 4001
        assert [message["type"] for _, message in s.brain.received] == ["init", "close"]
        assert s.brain.closed == [1000]


async def test_a_client_that_just_vanishes_ends_it(stage):
    async with stage() as s:
        client = await s.dial()
        client.ws._conn.transport.abort()
        await s.talk.gone.wait()
        assert s.talk.closed == Ended(None, "client")


async def test_it_lasts_as_long_as_it_may(stage, now):
    async with stage(max_duration_seconds=60) as s:
        client = await s.dial()
        began = now()
        await client.closed.wait()
        assert now() - began == pytest.approx(60, abs=0.1)
        assert client.code == 1000
        assert client.of("error") == []


async def test_a_long_silence_ends_it(stage, now):
    async with stage(silence_end_call_seconds=20, first_message="Hello there.") as s:
        client = await s.dial()
        began = now()
        await asyncio.sleep(10)
        await client.speak("Yes.")
        await client.closed.wait()
        assert client.code == 1000
        assert now() - began == pytest.approx(10 + 20 + len("Yes.You said Yes.") * 0.06, abs=1.2)


async def test_a_client_that_sends_nothing_at_all_is_taken_for_dead(stage):
    async with stage() as s:
        client = await s.dial()
        client.pongs = False
        await client.closed.wait()
        assert client.code == 1002
        assert client.of("error")[0]["error_event"]["error_type"] == "transport_receive_timeout"


async def test_a_test_may_end_it(stage):
    async with stage() as s:
        client = await s.dial()
        s.talk.close(1011, "because")
        s.talk.close(1000)
        await client.closed.wait()
        assert client.code == 1011
        assert s.talk.closed == Ended(1011, "twin", "because")


@pytest.mark.parametrize("greeting", ["", "A greeting that is still being spoken."])
async def test_a_conversation_without_any_audio_of_the_client_can_be_ended(stage, greeting):
    async with stage(first_message=greeting) as s:
        client = await s.dial()
        await asyncio.sleep(0.5)
        s.talk.close(1000, "the user was silent for too long")
        await client.closed.wait()
        await s.talk.gone.wait()
        assert client.code == 1000
        assert s.talk.audio == b""
        assert s.talk.closed == Ended(1000, "twin", "the user was silent for too long")
        assert s.brain.received[-1][1] == {"type": "close"}


async def test_a_test_may_cut_it(stage):
    async with stage() as s:
        client = await s.dial()
        s.talk.abort()
        await client.closed.wait()
        assert client.code is None
        assert s.talk.closed == Ended(None, "twin", "aborted")
