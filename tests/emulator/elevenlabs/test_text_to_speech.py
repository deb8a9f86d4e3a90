import httpx
import pytest
from elevenlabs.client import AsyncElevenLabs
from elevenlabs.core.api_error import ApiError

from ringbridge.emulator.speech.exact import decode

VOICE = "cjVigY5qzO86Huf0OWal"
TEXT = "Please hold on. I'm still here."


@pytest.fixture
def ask(key):
    """One request as a client makes it by hand: its status, its JSON or its sound."""

    async def post(s, *, path=VOICE, query="?output_format=ulaw_8000", headers=None, **body):
        headers = {"xi-api-key": key} if headers is None else headers
        url = f"{s.twin.base_url}/v1/text-to-speech/{path}{query}"
        async with s.session.post(url, json=body, headers=headers) as response:
            is_json = response.content_type == "application/json"
            return response.status, await response.json() if is_json else await response.read()

    return post


@pytest.mark.parametrize("method", ["convert", "stream"])
async def test_the_sdk_gets_mulaw_that_says_the_text(stage, key, method):
    async with stage() as s, httpx.AsyncClient() as http:
        speech = AsyncElevenLabs(api_key=key, base_url=s.twin.base_url, httpx_client=http).text_to_speech
        pieces = getattr(speech, method)(
            VOICE, text=TEXT, model_id="eleven_flash_v2_5", language_code="en", output_format="ulaw_8000"
        )
        assert decode(b"".join([piece async for piece in pieces]))[0] == TEXT.split()
        (request,) = s.twin.requests
        assert (request.method, request.status, request.query) == ("POST", 200, {"output_format": "ulaw_8000"})


async def test_a_wrong_key_is_refused_as_the_vendor_does(stage):
    async with stage() as s, httpx.AsyncClient() as http:
        speech = AsyncElevenLabs(api_key="sk_wrong", base_url=s.twin.base_url, httpx_client=http).text_to_speech
        with pytest.raises(ApiError) as refusal:
            await anext(speech.convert(VOICE, text=TEXT, output_format="ulaw_8000"))
        assert (refusal.value.status_code, refusal.value.body["detail"]["status"]) == (401, "invalid_api_key")


@pytest.mark.parametrize("path", ["eric", f"{VOICE}x", "not-a-voice-but-20-ch"])
async def test_an_unknown_voice_is_not_found(stage, ask, path):
    async with stage() as s:
        status, answer = await ask(s, path=path, text=TEXT)
        assert (status, answer["detail"]["status"]) == (404, "voice_not_found")


@pytest.mark.parametrize(
    ("query", "body", "loc"),
    [
        ("", {"text": TEXT}, ["query", "output_format"]),
        ("?output_format=pcm_16000", {"text": TEXT}, ["query", "output_format"]),
        ("?output_format=ulaw_8000", {}, ["body", "text"]),
        ("?output_format=ulaw_8000", {"text": None}, ["body", "text"]),
        ("?output_format=ulaw_8000", {"text": TEXT, "model_id": 5}, ["body", "model_id"]),
    ],
)
async def test_what_has_not_its_form_is_unprocessable(stage, ask, query, body, loc):
    async with stage() as s:
        for path in (VOICE, f"{VOICE}/stream"):
            status, answer = await ask(s, path=path, query=query, **body)
            assert (status, answer["detail"][0]["loc"]) == (422, loc)


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ({"model_id": "eleven_flash_v9"}, "model_not_found"),
        ({"model_id": "eleven_flash_v2_5", "text": "a" * 40_001}, "max_character_limit_exceeded"),
        ({"text": "a" * 10_001}, "max_character_limit_exceeded"),
    ],
)
async def test_what_the_models_do_not_do_is_a_bad_request(stage, ask, body, name):
    async with stage() as s:
        status, answer = await ask(s, **{"text": TEXT, **body})
        assert (status, answer["detail"]["status"]) == (400, name)


async def test_nothing_to_say_is_no_sound(stage, ask):
    async with stage() as s:
        assert await ask(s, text=" ") == (200, b"")
