"""An engine that was made over REST serves conversations as its settings say."""

import asyncio
import base64

import pytest
from aiohttp import WSServerHandshakeError
from elevenlabs import (
    AsrConversationalConfig,
    ConvAiDynamicVariable,
    ConvAiSecretLocator,
    ConversationConfigInput,
    SpeechEngineAuthConfig,
    SpeechEngineConfig,
    SpeechEngineConversationInitiationClientDataConfig,
    TtsConversationalConfigInput,
)
from elevenlabs.errors import UnprocessableEntityError

from ringbridge.emulator.elevenlabs.formats import from_format, to_format
from ringbridge.emulator.speech.exact import decode, encode

ONCE = {"max_retries": 0, "timeout_in_seconds": 5}
SAID = encode("Hello there") + b"\xff" * 160 * 27
CONNECTION = SpeechEngineConfig(ws_url="wss://bridge.test/ws", request_headers={"x-api-key": "a"})


@pytest.fixture
def engines(sdk):
    return lambda s: sdk(s).speech_engine


def conversation(s, engine):
    return f"{s.twin.base_url.replace('http', 'ws')}/v1/convai/conversation?agent_id={engine.engine_id}"


async def test_one_that_says_nothing_is_open_and_not_for_the_telephone(stage, engines):
    async with stage() as s:
        made = await engines(s).create(speech_engine=CONNECTION, request_options=ONCE)
        assert made.config.auth.enable_auth is False
        assert made.config.overrides.first_message is False
        client = await s.connect(conversation(s, made))
        await client.begin()
        metadata = await client.until("conversation_initiation_metadata")
        event = metadata["conversation_initiation_metadata_event"]
        assert (event["user_input_audio_format"], event["agent_output_audio_format"]) == ("pcm_16000", "pcm_16000")


@pytest.mark.parametrize("name", ["pcm_16000", "pcm_48000"])
async def test_it_speaks_and_hears_the_format_that_it_was_made_for(stage, engines, name):
    async with stage() as s:
        made = await engines(s).create(
            speech_engine=CONNECTION,
            asr=AsrConversationalConfig(user_input_audio_format=name),
            tts=TtsConversationalConfigInput(agent_output_audio_format=name),
            request_options=ONCE,
        )
        client = await s.connect(conversation(s, made))
        await client.begin()
        await client.until("conversation_initiation_metadata")
        outwards, inwards = to_format(name), from_format(name)
        for start in range(0, len(SAID), 160):
            chunk = outwards(SAID[start : start + 160])
            assert len(chunk) == int(name[4:]) // 50 * 2
            await client.send({"user_audio_chunk": base64.b64encode(chunk).decode()})
            await asyncio.sleep(0.02)
        assert (await client.until("user_transcript"))["user_transcription_event"]["user_transcript"] == "Hello there"
        await client.until("agent_response")
        await asyncio.sleep(3)
        assert decode(inwards(client.audio()))[0] == ["You", "said", "Hello", "there."]


async def test_it_does_what_it_was_made_for(stage, engines):
    async with stage() as s:
        s.twin.workspace.secrets["sec_1"] = "from the workspace"
        made = await engines(s).create(
            speech_engine=SpeechEngineConfig(
                ws_url="wss://bridge.test/ws",
                request_headers={
                    "x-api-key": "plain",
                    "x-secret": ConvAiSecretLocator(secret_id="sec_1"),
                    "x-call": ConvAiDynamicVariable(variable_name="call"),
                },
            ),
            asr=AsrConversationalConfig(user_input_audio_format="ulaw_8000"),
            tts=TtsConversationalConfigInput(agent_output_audio_format="ulaw_8000", model_id="eleven_flash_v2_5"),
            conversation=ConversationConfigInput(
                max_duration_seconds=660, client_events=["conversation_initiation_metadata", "audio", "user_transcript"]
            ),
            auth=SpeechEngineAuthConfig(enable_auth=True),
            overrides=SpeechEngineConversationInitiationClientDataConfig(first_message=True),
            request_options=ONCE,
        )
        refused = await s.connect(conversation(s, made))
        await refused.closed.wait()
        assert refused.code == 1008  # without a signature
        url = s.twin.sign_url(s.twin.engines[made.engine_id], s.twin.base_url.removeprefix("http://"), single_use=True)
        client = await s.connect(url)
        greeting = {"agent": {"first_message": "Good morning."}}
        await client.begin(conversation_config_override=greeting, dynamic_variables={"call": "t0ken"})
        await client.until("audio")
        await client.speak("Hello")
        await client.until("user_transcript")
        told = s.brain.headers[-1]
        assert (told["x-api-key"], told["x-secret"], told["x-call"]) == ("plain", "from the workspace", "t0ken")
        assert {message["type"] for _, message in client.messages} == {
            "conversation_initiation_metadata",
            "audio",
            "user_transcript",
        }
        assert client.words().startswith("Good morning.")


async def test_it_refuses_a_greeting_where_that_was_not_allowed(stage, engines):
    async with stage() as s:
        made = await engines(s).create(speech_engine=CONNECTION, request_options=ONCE)
        client = await s.connect(conversation(s, made))
        await client.begin(conversation_config_override={"agent": {"first_message": "Good morning."}})
        await client.closed.wait()
        assert client.of("error")[0]["error_event"]["error_type"] == "override_error"


async def test_it_needs_the_secret_that_its_headers_name(stage, engines):
    async with stage() as s:
        headers = {"x-api-key": ConvAiSecretLocator(secret_id="sec_gone")}
        connection = SpeechEngineConfig(ws_url="wss://bridge.test/ws", request_headers=headers)
        made = await engines(s).create(speech_engine=connection, request_options=ONCE)
        assert made.config.speech_engine.request_headers["x-api-key"].secret_id == "sec_gone"
        client = await s.connect(conversation(s, made))
        await client.begin()
        await client.closed.wait()
        assert client.code == 1008


async def test_an_update_counts_from_the_next_conversation_on(stage, engines):
    async with stage(client_events=["vad_score"]) as s:
        events = ["conversation_initiation_metadata", "ping"]
        await engines(s).update(
            s.engine.id,
            speech_engine=SpeechEngineConfig(ws_url="wss://gone.test/ws", request_headers={}),
            conversation=ConversationConfigInput(client_events=events),
            request_options=ONCE,
        )
        client = await s.dial()
        await client.until("ping")
        assert {message["type"] for _, message in client.messages} == set(events)
        assert s.brain.headers == []


async def test_a_deleted_one_is_gone(stage, engines):
    async with stage() as s:
        made = await engines(s).create(speech_engine=CONNECTION, request_options=ONCE)
        await engines(s).delete(made.engine_id, request_options=ONCE)
        client = await s.connect(conversation(s, made))
        await client.closed.wait()
        assert client.code == 1008
        with pytest.raises(WSServerHandshakeError):
            await s.connect(s.twin.base_url + "/v1/user")


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"asr": AsrConversationalConfig(user_input_audio_format="mp3")}, "user_input_audio_format"),
        ({"tts": TtsConversationalConfigInput(agent_output_audio_format="wav")}, "agent_output_audio_format"),
        ({"tts": TtsConversationalConfigInput(model_id="eleven_monolingual_v1")}, "model_id"),
        ({"conversation": ConversationConfigInput(client_events=["audio", "applause"])}, "client_events"),
    ],
)
async def test_what_the_vendor_does_not_know_is_refused(stage, engines, change, path):
    async with stage() as s:
        before = s.twin.snapshot()
        with pytest.raises(UnprocessableEntityError) as refusal:
            await engines(s).update(s.engine.id, **change, request_options=ONCE)
        assert path in str(refusal.value.body)
        assert s.twin.snapshot() == before
