"""The workspace: its plan, its numbers, what its key may do; by the vendor's own SDK."""

from email.utils import parsedate_to_datetime

import pytest
from elevenlabs.core.api_error import ApiError

from ringbridge.emulator.elevenlabs.workspace import ImportedNumber

ONCE = {"max_retries": 0, "timeout_in_seconds": 5}
VOICE = "cjVigY5qzO86Huf0OWal"


async def speak(client):
    pieces = client.text_to_speech.convert(
        VOICE, text="Hello.", model_id="eleven_flash_v2_5", output_format="ulaw_8000", request_options=ONCE
    )
    return b"".join([piece async for piece in pieces])


async def test_the_user_and_the_subscription(stage, sdk):
    async with stage() as s:
        s.twin.workspace.used, s.twin.workspace.credits, s.twin.workspace.convai_concurrency = 70, 100, 15
        client = sdk(s)
        user = await client.user.get(request_options=ONCE)
        assert (user.subscription.character_count, user.subscription.character_limit) == (70, 100)
        assert user.subscription_extras["convai_concurrency"] == 15
        subscription = await client.user.subscription.get(request_options=ONCE)
        assert (subscription.tier, subscription.status, subscription.has_open_invoices) == ("creator", "active", False)
        assert subscription.max_credit_limit_extension == 0
        assert subscription.current_overage.amount == "0"


async def test_the_models_tell_their_languages(stage, sdk):
    async with stage() as s:
        models = {model.model_id: model for model in await sdk(s).models.list(request_options=ONCE)}
        spoken = [language.language_id for language in models["eleven_flash_v2_5"].languages]
        assert {"de", "en", "hi"} < set(spoken)
        assert [language.language_id for language in models["eleven_flash_v2"].languages] == ["en"]
        assert models["eleven_flash_v2_5"].maximum_text_length_per_request == 40_000


async def test_imported_numbers_and_their_agents(stage, sdk):
    async with stage() as s:
        s.twin.workspace.numbers += [
            ImportedNumber("+15550100002", agent_id="agent_1", agent_name="Desk"),
            ImportedNumber("+15550100003", provider="sip_trunk"),
        ]
        numbers = sdk(s).conversational_ai.phone_numbers
        first, second = await numbers.list(request_options=ONCE)
        assert (first.provider, first.phone_number, first.assigned_agent.agent_id) == (
            "twilio",
            "+15550100002",
            "agent_1",
        )
        assert (second.provider, second.assigned_agent) == ("sip_trunk", None)
        assert (await numbers.get(first.phone_number_id, request_options=ONCE)).assigned_agent.agent_name == "Desk"
        await numbers.delete(first.phone_number_id, request_options=ONCE)
        assert [one.phone_number for one in await numbers.list(request_options=ONCE)] == ["+15550100003"]
        with pytest.raises(ApiError) as refusal:
            await numbers.get(first.phone_number_id, request_options=ONCE)
        assert refusal.value.status_code == 404


@pytest.mark.parametrize(
    ("permission", "ask"),
    [
        ("user_read", lambda client, _: client.user.get(request_options=ONCE)),
        ("user_read", lambda client, _: client.user.subscription.get(request_options=ONCE)),
        ("models_read", lambda client, _: client.models.list(request_options=ONCE)),
        ("convai_read", lambda client, _: client.speech_engine.list(request_options=ONCE)),
        ("convai_write", lambda client, engine: client.speech_engine.delete(engine.id, request_options=ONCE)),
        ("convai_read", lambda client, _: client.conversational_ai.phone_numbers.list(request_options=ONCE)),
        ("text_to_speech", lambda client, _: speak(client)),
    ],
)
async def test_a_key_may_do_only_what_it_may(stage, sdk, permission, ask):
    async with stage() as s:
        s.twin.workspace.permissions.discard(permission)
        with pytest.raises(ApiError) as refusal:
            await ask(sdk(s), s.engine)
        assert refusal.value.status_code == 401
        text = f"The API key you used is missing the permission {permission} to execute this operation."
        assert refusal.value.body["detail"] == {"status": "missing_permissions", "message": text}
        s.twin.workspace.permissions.add(permission)
        await ask(sdk(s), s.engine)


async def test_who_has_spent_everything_is_greeted_and_closed(stage, sdk):
    async with stage(first_message="Hello.") as s:
        s.twin.workspace.used = s.twin.workspace.credits
        client = await s.dial()
        await client.closed.wait()
        assert client.code == 1002
        assert "quota" in client.of("error")[0]["error_event"]["message"]
        assert client.words() == "Hello."
        with pytest.raises(ApiError) as refusal:
            await speak(sdk(s))
        assert refusal.value.body["detail"]["status"] == "quota_exceeded"
        s.twin.workspace.may_exceed = True
        assert await speak(sdk(s))


async def test_the_whole_workspace_has_a_limit_too(stage, sdk):
    async with stage() as s:
        s.twin.workspace.convai_concurrency = 1
        await s.dial()
        with pytest.raises(ApiError) as refusal:
            await sdk(s).conversational_ai.conversations.get_signed_url(agent_id=s.engine.id, request_options=ONCE)
        assert refusal.value.status_code == 429


async def test_one_request_can_be_refused_among_others(stage, sdk):
    async with stage() as s:
        s.twin.refuse("PATCH", "/v1/speech-engine/*", 503, "system_busy", "The system is busy.")
        engines = sdk(s).speech_engine
        assert await engines.get(s.engine.id, request_options=ONCE)
        with pytest.raises(ApiError) as refusal:
            await engines.update(s.engine.id, name="New", request_options=ONCE)
        assert (refusal.value.status_code, refusal.value.body["detail"]["status"]) == (503, "system_busy")
        assert (await engines.update(s.engine.id, name="New", request_options=ONCE)).config.name == "New"


async def test_a_snapshot_tells_whether_anything_is_left_changed(stage, sdk):
    async with stage() as s:
        engines = sdk(s).speech_engine
        before = s.twin.snapshot()
        await engines.update(s.engine.id, name="New", request_options=ONCE)
        assert s.twin.snapshot() != before
        await engines.update(s.engine.id, name="Speech engine", request_options=ONCE)
        assert s.twin.snapshot() == before


async def test_the_date_is_the_twins_own(stage):
    async with stage() as s, s.session.get(f"{s.twin.base_url}/v1/user") as response:
        told = parsedate_to_datetime(response.headers["Date"]).timestamp()
        assert told == pytest.approx(s.twin.now(), abs=1.5)
