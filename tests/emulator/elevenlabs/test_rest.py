import json
from urllib.parse import parse_qs, urlsplit

import pytest
from aiohttp import WSServerHandshakeError
from elevenlabs import (
    AsrConversationalConfig,
    BaseTurnConfig,
    ConversationConfigInput,
    SpeechEngineConfig,
    TtsConversationalConfigInput,
)
from elevenlabs.core.api_error import ApiError
from elevenlabs.errors import UnprocessableEntityError
from elevenlabs.types import AgentCallLimits, SpeechEngineAuthConfig, SpeechEngineConversationInitiationClientDataConfig

from ringbridge.emulator.faults import Fault

ONCE = {"max_retries": 0, "timeout_in_seconds": 5}


async def test_the_sdk_gets_a_signed_url_that_opens_a_conversation(stage, sdk):
    async with stage() as s:
        answer = await sdk(s).conversational_ai.conversations.get_signed_url(
            agent_id=s.engine.id, include_conversation_id=True, request_options=ONCE
        )
        url = urlsplit(answer.signed_url)
        assert f"http://{url.netloc}" == s.twin.base_url
        assert (url.scheme, url.path) == ("ws", "/v1/convai/conversation")
        assert set(parse_qs(url.query)) == {"agent_id", "conversation_signature"}
        assert s.twin.signed_urls == [answer.signed_url]
        client = await s.connect(answer.signed_url)
        await client.begin()
        await client.until("conversation_initiation_metadata")


async def test_a_signed_url_is_on_the_host_that_was_asked(stage, key):
    async with (
        stage() as s,
        s.session.get(
            f"{s.twin.base_url}/v1/convai/conversation/get-signed-url?agent_id={s.engine.id}",
            headers={"xi-api-key": key, "Host": "engine.test:8080"},
        ) as response,
    ):
        assert (await response.json())["signed_url"].startswith("ws://engine.test:8080/v1/")


async def test_requests_are_written_down(stage, sdk):
    async with stage() as s:
        await s.signed_url()
        with pytest.raises(ApiError):
            await sdk(s, "sk_wrong").speech_engine.get("seng_1", request_options=ONCE)
        first, second = s.twin.requests
        assert (first.method, first.status, first.query["agent_id"]) == ("GET", 200, s.engine.id)
        assert (second.path, second.status) == ("/v1/speech-engine/seng_1", 401)


async def test_a_wrong_key_is_refused_as_the_vendor_does(stage, sdk):
    async with stage() as s:
        for call in (
            sdk(s, "sk_wrong").speech_engine.get(s.engine.id, request_options=ONCE),
            sdk(s, "sk_wrong").conversational_ai.conversations.get_signed_url(
                agent_id=s.engine.id, request_options=ONCE
            ),
        ):
            with pytest.raises(ApiError) as refusal:
                await call
            assert refusal.value.status_code == 401
            assert refusal.value.body["detail"]["status"] == "invalid_api_key"
        assert s.twin.signed_urls == []


async def test_an_unknown_agent_is_not_found(stage, sdk):
    async with stage() as s:
        with pytest.raises(ApiError) as refusal:
            await sdk(s).conversational_ai.conversations.get_signed_url(agent_id="seng_other", request_options=ONCE)
        assert refusal.value.status_code == 404
        assert set(refusal.value.body["detail"]) == {"status", "message"}


async def test_an_agent_must_be_named(stage, key):
    async with stage() as s:
        url = f"{s.twin.base_url}/v1/convai/conversation/get-signed-url"
        async with s.session.get(url, headers={"xi-api-key": key}) as response:
            assert response.status == 422
            assert (await response.json())["detail"][0]["loc"] == ["query", "agent_id"]


async def test_over_the_limit_there_is_no_signed_url(stage, sdk):
    async with stage(concurrency_limit=1) as s:
        conversations = sdk(s).conversational_ai.conversations
        client = await s.dial()
        with pytest.raises(ApiError) as refusal:
            await conversations.get_signed_url(agent_id=s.engine.id, request_options=ONCE)
        assert refusal.value.status_code == 429
        assert refusal.value.body["detail"]["status"] == "too_many_concurrent_requests"
        await client.ws.close()
        await s.talk.gone.wait()
        assert (await conversations.get_signed_url(agent_id=s.engine.id, request_options=ONCE)).signed_url


async def test_the_sdk_reads_an_engine(stage, sdk):
    async with stage(request_headers={"x-api-key": "secret", "x-call": {"variable_name": "call"}}) as s:
        resource = await sdk(s).speech_engine.get(s.engine.id, request_options=ONCE)
        config = resource.config
        assert config.speech_engine.ws_url == "wss://bridge.test/ws"
        assert config.speech_engine.request_headers["x-api-key"] == "secret"
        assert config.speech_engine.request_headers["x-call"].variable_name == "call"
        assert config.asr.user_input_audio_format == config.tts.agent_output_audio_format == "ulaw_8000"
        assert config.overrides.first_message is False
        assert config.auth.enable_auth is True
        assert config.cascade_timeout_seconds == 4
        assert "interruption" in config.conversation.client_events


async def test_the_sdk_makes_and_changes_an_engine(stage, sdk):
    async with stage() as s:
        engines = sdk(s).speech_engine
        made = await engines.create(
            name="Desk",
            speech_engine=SpeechEngineConfig(ws_url="wss://bridge.test/ws", request_headers={"x-api-key": "a"}),
            asr=AsrConversationalConfig(user_input_audio_format="ulaw_8000"),
            tts=TtsConversationalConfigInput(agent_output_audio_format="ulaw_8000", model_id="eleven_flash_v2_5"),
            conversation=ConversationConfigInput(max_duration_seconds=90, client_events=["audio"]),
            call_limits=AgentCallLimits(agent_concurrency_limit=3),
            auth=SpeechEngineAuthConfig(enable_auth=True),
            overrides=SpeechEngineConversationInitiationClientDataConfig(first_message=True),
            request_options=ONCE,
        )
        engine = s.twin.engines[made.engine_id]
        assert engine.id.startswith("seng_")
        assert engine.allow_first_message
        assert (engine.max_duration_seconds, engine.client_events, engine.concurrency_limit) == (90, {"audio"}, 3)
        changed = await engines.update(
            engine.id, turn=BaseTurnConfig(turn_timeout=9), tags=["desk"], language="de", request_options=ONCE
        )
        assert engine.turn_timeout_seconds == 9
        assert engine.request_headers == {"x-api-key": "a"}
        assert changed.config.tts.model_id == "eleven_flash_v2_5"
        assert (changed.config.tags, changed.config.language, changed.config.name) == (["desk"], "de", "Desk")


async def test_an_update_without_headers_loses_them(stage, sdk):
    async with stage(request_headers={"x-api-key": "secret"}) as s:
        config = SpeechEngineConfig(ws_url="wss://other.test/ws")
        await sdk(s).speech_engine.update(s.engine.id, speech_engine=config, request_options=ONCE)
        assert (s.engine.ws_url, s.engine.request_headers) == ("wss://other.test/ws", {})


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"speech_engine": {"request_headers": {}}}, ["body", "speech_engine", "ws_url"]),
        ({"speech_engine": {"ws_url": "https://bridge.test/ws"}}, ["body", "speech_engine", "ws_url"]),
        (
            {"speech_engine": {"ws_url": "wss://a.test", "request_headers": {"x": 1}}},
            ["body", "speech_engine", "request_headers", "x"],
        ),
        ({"asr": 1}, ["body", "asr"]),
        ({"conversation": {"client_events": "audio"}}, ["body", "conversation", "client_events"]),
        ([], ["body"]),
    ],
)
async def test_a_bad_update_changes_nothing(stage, key, change, path):
    async with stage(request_headers={"x-api-key": "secret"}) as s:
        url = f"{s.twin.base_url}/v1/speech-engine/{s.engine.id}"
        async with s.session.patch(url, data=json.dumps(change), headers={"xi-api-key": key}) as response:
            assert response.status == 422
            assert (await response.json())["detail"][0]["loc"] == path
        assert (s.engine.ws_url, s.engine.request_headers) == ("wss://bridge.test/ws", {"x-api-key": "secret"})


async def test_the_sdk_tells_an_update_without_ws_url(stage, sdk):
    async with stage() as s:
        with pytest.raises(UnprocessableEntityError):
            await sdk(s).speech_engine.update(
                s.engine.id,
                speech_engine=SpeechEngineConfig.model_construct(request_headers={"x-api-key": "a"}),
                request_options=ONCE,
            )


async def test_an_engine_needs_its_connection(stage, key):
    async with stage() as s:
        url = f"{s.twin.base_url}/v1/speech-engine"
        async with s.session.post(url, json={"name": "Desk"}, headers={"xi-api-key": key}) as response:
            assert response.status == 422
        assert list(s.twin.engines) == [s.engine.id]


async def test_the_sdk_lists_engines_page_by_page(stage, sdk):
    async with stage() as s:
        for number in range(3):
            s.twin.add_engine(
                f"seng_{number}", ws_url="wss://bridge.test/ws", request_headers={}, name=f"Desk {number}"
            )
        page = await sdk(s).speech_engine.list(page_size=2, search="desk", request_options=ONCE)
        assert [engine.name for engine in page.speech_engines] == ["Desk 0", "Desk 1"]
        assert page.has_more
        rest = await sdk(s).speech_engine.list(
            page_size=2, search="desk", cursor=page.next_cursor, request_options=ONCE
        )
        assert [engine.name for engine in rest.speech_engines] == ["Desk 2"]
        assert not rest.has_more


async def test_the_sdk_deletes_an_engine(stage, sdk):
    async with stage() as s:
        await sdk(s).speech_engine.delete(s.engine.id, request_options=ONCE)
        assert s.twin.engines == {}
        with pytest.raises(ApiError):
            await sdk(s).speech_engine.get(s.engine.id, request_options=ONCE)


@pytest.mark.parametrize(
    ("fault", "status", "name"),
    [
        (Fault("signed_url", "refuse", status=503), 503, "system_busy"),
        (Fault("signed_url", "refuse", status=429), 429, "too_many_concurrent_requests"),
        (Fault("signed_url", "refuse", status=500, text="odd"), 500, "odd"),
        (Fault("signed_url", "quota"), 401, "quota_exceeded"),
    ],
)
async def test_faults_refuse(stage, sdk, fault, status, name):
    async with stage(fault) as s:
        conversations = sdk(s).conversational_ai.conversations
        with pytest.raises(ApiError) as refusal:
            await conversations.get_signed_url(agent_id=s.engine.id, request_options=ONCE)
        assert (refusal.value.status_code, refusal.value.body["detail"]["status"]) == (status, name)
        assert (await conversations.get_signed_url(agent_id=s.engine.id, request_options=ONCE)).signed_url


async def test_a_fault_delays(stage, now):
    async with stage(Fault("signed_url", "delay", ms=1500)) as s:
        began = now()
        assert await s.signed_url()
        assert now() - began == pytest.approx(1.5, abs=0.01)


async def test_a_fault_garbles(stage):
    async with stage(Fault("signed_url", "garble")) as s:
        with pytest.raises(ValueError, match="Expecting"):
            await s.signed_url()


@pytest.mark.parametrize("kind", ["drop", "half_open"])
async def test_a_fault_never_answers(stage, sdk, kind):
    async with stage(Fault("signed_url", kind)) as s:
        with pytest.raises(Exception, match=r"(?i)disconnected|timeout|^$"):
            await sdk(s).conversational_ai.conversations.get_signed_url(agent_id=s.engine.id, request_options=ONCE)


async def test_a_plain_request_opens_no_conversation(stage):
    async with stage() as s:
        async with s.session.get((await s.signed_url()).replace("ws://", "http://")) as response:
            assert response.status == 400
        with pytest.raises(WSServerHandshakeError):
            await s.connect(s.twin.base_url + "/v1/speech-engine")
