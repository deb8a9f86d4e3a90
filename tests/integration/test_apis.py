"""The vendors' real SDKs against servers that answer as the vendors do, and as they should not."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from yarl import URL

from ringbridge.apis.elevenlabs import is_covered, open_elevenlabs
from ringbridge.apis.twilio import open_twilio
from ringbridge.errors import VendorError
from ringbridge.web.server import serving

SECRET = "sk_do_not_tell_this"


@asynccontextmanager
async def server(method, path, handler):
    app = web.Application()
    app.router.add_route(method, path, handler)
    async with serving(app, host="127.0.0.1", port=0) as port:
        yield f"http://127.0.0.1:{port}"


def signed_url_server(handler):
    return server("GET", "/v1/convai/conversation/get-signed-url", handler)


def answering(signed_url):
    async def handler(_request):
        return web.json_response({"signed_url": signed_url})

    return handler


def engine_at(base_url):
    return open_elevenlabs(api_key=SECRET, base_url=base_url)


async def test_a_signed_url_is_asked_for_in_its_single_use_form():
    asked = []

    async def handler(request):
        asked.append((dict(request.query), request.headers["xi-api-key"]))
        return web.json_response({"signed_url": f"ws://{request.host}/talk?conversation_signature=s"})

    async with signed_url_server(handler) as base_url, engine_at(base_url) as api:
        url = await api.signed_url("seng_1")
    assert url == base_url.replace("http", "ws") + "/talk?conversation_signature=s"
    assert asked == [({"agent_id": "seng_1", "include_conversation_id": "true"}, SECRET)]


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (
            401,
            {"detail": {"status": "invalid_api_key", "message": "no"}},
            "401 invalid_api_key: check ELEVENLABS_API_KEY",
        ),
        (403, {"detail": {"status": "missing_permissions"}}, "permission"),
        (404, {"detail": "Not Found"}, "SPEECH_ENGINE_ID"),
        (429, {"detail": {"status": "too_many_concurrent_requests"}}, "all conversations of the plan are in use"),
        (500, {}, "500"),
        (503, [], "503"),
    ],
)
async def test_a_refusal_is_told_with_its_mend_once_and_without_the_key(status, body, words):
    requests = []

    async def handler(request):
        requests.append(request)
        return web.json_response(body, status=status)

    async with signed_url_server(handler) as base_url, engine_at(base_url) as api:
        with pytest.raises(VendorError, match=words) as raised:
            await api.signed_url("seng_1")
    assert raised.value.status == status
    assert SECRET not in str(raised.value)
    assert len(requests) == 1


async def test_a_slow_answer_is_given_up():
    async def handler(_request):
        await asyncio.sleep(60)
        return web.json_response({})

    async with signed_url_server(handler) as base_url, engine_at(base_url) as api:
        began = asyncio.get_running_loop().time()
        with pytest.raises(VendorError, match="within 4 s"):
            await api.signed_url("seng_1")
        assert asyncio.get_running_loop().time() - began == pytest.approx(4, abs=0.1)


async def test_a_server_that_is_not_there_is_an_error_of_ours(unused_tcp_port):
    async with engine_at(f"http://127.0.0.1:{unused_tcp_port}") as api:
        with pytest.raises(VendorError, match="can't be reached"):
            await api.signed_url("seng_1")


@pytest.mark.parametrize(
    "url", ["ws://evil.test/x", "https://127.0.0.1/x", "wss://api.elevenlabs.io/x", "", "nonsense"]
)
async def test_a_signed_url_that_leads_elsewhere_is_refused(url):
    async with signed_url_server(answering(url)) as base_url, engine_at(base_url) as api:
        with pytest.raises(VendorError, match="ELEVENLABS_BASE_URL"):
            await api.signed_url("seng_1")


@pytest.mark.parametrize(
    ("url", "trusted"),
    [
        ("wss://api.elevenlabs.io/v1/convai/conversation?x", True),
        ("wss://api.eu.residency.elevenlabs.io/v1", True),
        ("ws://api.elevenlabs.io/v1", False),
        ("wss://elevenlabs.io.evil.test/v1", False),
        ("wss://evil-elevenlabs.io/v1", False),
        ("wss://user@evil.test/.elevenlabs.io", False),
    ],
)
def test_the_vendors_own_urls_are_its_domain_over_wss(url, trusted):
    assert is_covered(URL(url), URL("https://api.elevenlabs.io")) is trusted


def calls_server(handler):
    return server("POST", "/2010-04-01/Accounts/AC1/Calls/CA1.json", handler)


def twilio_at(base_url):
    return open_twilio(account_sid="AC1", auth_token=SECRET, base_url=base_url)


async def test_a_call_is_ended_by_its_status():
    asked = []

    async def handler(request):
        asked.append((dict(await request.post()), request.headers["Authorization"]))
        return web.json_response({"sid": "CA1", "status": "completed"})

    async with calls_server(handler) as base_url, twilio_at(base_url) as api:
        await api.hang_up("CA1")
    assert asked[0][0] == {"Status": "completed"}
    assert asked[0][1].startswith("Basic ")


def refusing(status, code):
    async def handler(_request):
        return web.json_response({"code": code, "message": "no", "more_info": "", "status": status}, status=status)

    return handler


async def test_a_call_that_is_over_already_is_no_error():
    async with calls_server(refusing(400, 21220)) as base_url, twilio_at(base_url) as api:
        await api.hang_up("CA1")


@pytest.mark.parametrize(("status", "code"), [(401, 20003), (404, 20404), (429, 20429), (500, 20500)])
async def test_any_other_refusal_is(status, code):
    async with calls_server(refusing(status, code)) as base_url, twilio_at(base_url) as api:
        with pytest.raises(VendorError, match=f"{status}, error {code}") as raised:
            await api.hang_up("CA1")
    assert SECRET not in str(raised.value)


async def test_a_hang_up_that_is_not_answered_is_given_up():
    async def handler(_request):
        await asyncio.sleep(60)
        return web.Response()

    async with calls_server(handler) as base_url, twilio_at(base_url) as api:
        with pytest.raises(VendorError, match="within 3 s"):
            await api.hang_up("CA1")


async def test_a_hang_up_that_reaches_nobody_is_an_error_of_ours(unused_tcp_port):
    async with twilio_at(f"http://127.0.0.1:{unused_tcp_port}") as api:
        with pytest.raises(VendorError, match="can't be reached"):
            await api.hang_up("CA1")


async def test_the_machines_own_region_does_not_change_where_we_ask(monkeypatch):
    monkeypatch.setenv("TWILIO_REGION", "ie1")
    monkeypatch.setenv("TWILIO_EDGE", "dublin")

    async def handler(_request):
        return web.json_response({"sid": "CA1"})

    async with calls_server(handler) as base_url, twilio_at(base_url) as api:
        await api.hang_up("CA1")


async def test_a_call_is_redirected_by_its_next_document():
    asked = []

    async def handler(request):
        asked.append(dict(await request.post()))
        return web.json_response({"sid": "CA1", "status": "in-progress"})

    async with calls_server(handler) as base_url, twilio_at(base_url) as api:
        await api.redirect("CA1", "<Response/>")
    assert asked == [{"Twiml": "<Response/>"}]


async def test_a_call_that_is_over_already_can_not_be_redirected():
    async with calls_server(refusing(400, 21220)) as base_url, twilio_at(base_url) as api:
        with pytest.raises(VendorError, match="refused to redirect") as raised:
            await api.redirect("CA1", "<Response><Dial>+15550124</Dial></Response>")
    assert raised.value.code == 21220
    assert "+15550124" not in str(raised.value)
