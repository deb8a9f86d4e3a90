"""The vendors' SDKs, before there are calls, against servers that answer as no vendor should."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from ringbridge.apis.elevenlabs_engines import open_elevenlabs_engines
from ringbridge.apis.twilio_numbers import open_twilio_numbers
from ringbridge.errors import VendorError
from ringbridge.web.server import serving

SECRET = "do_not_tell_this"


@asynccontextmanager
async def asking(url):
    """Whatever is asked of either vendor."""
    async with (
        open_elevenlabs_engines(api_key=SECRET, base_url=url) as engines,
        open_twilio_numbers(account_sid="AC" + "1" * 32, auth_token=SECRET, base_url=url) as numbers,
    ):
        yield (
            lambda: engines.read("seng_1"),
            lambda: engines.update("seng_1", {"language": "en"}),
            lambda: engines.create({"speech_engine": {"ws_url": "wss://bridge.test/ws"}}),
            lambda: numbers.find("+15550100002"),
            numbers.every,
            lambda: numbers.read("PN1"),
            lambda: numbers.update("PN1", {"voice_url": ""}),
        )


@asynccontextmanager
async def both(handler):
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    async with serving(app, host="127.0.0.1", port=0) as port, asking(f"http://127.0.0.1:{port}") as requests:
        yield requests


async def fail(requests, words):
    for request in requests:
        with pytest.raises(VendorError, match=words) as raised:
            await request()
        assert SECRET not in str(raised.value)


async def test_a_slow_answer_is_given_up():
    async def handler(_request):
        await asyncio.sleep(60)

    async with both(handler) as requests:
        await fail(requests, "within 10 s; try again")


async def test_a_server_that_is_not_there(unused_tcp_port):
    async with asking(f"http://127.0.0.1:{unused_tcp_port}") as requests:
        await fail(requests, "can't be reached .*; see to the network, and [A-Z]+_BASE_URL")


async def test_a_failure_of_theirs_comes_with_what_to_do():
    async def handler(_request):
        return web.Response(status=503, text="<html>" + SECRET)

    async with both(handler) as requests:
        await fail(requests, "with 503[;:] try again, and see https://status")


@pytest.mark.parametrize(
    "body", ["", "<html>", "{}", "[]", "null", '{"speech_engine": 1, "incoming_phone_numbers": [1]}']
)
async def test_an_answer_that_is_something_else(body):
    async def handler(_request):
        return web.Response(text=body, content_type="application/json")

    async with both(handler) as requests:
        await fail(requests, "holds no|can't be read|refused")


async def test_a_creation_is_asked_for_once():
    asked = []

    async def handler(request):
        asked.append(request.path)
        return web.json_response({"detail": {"status": "system_busy"}}, status=503)

    async with both(handler) as requests:
        await fail(requests[:3], "503 system_busy")
    assert len(asked) == 3


@pytest.mark.parametrize(
    ("agent", "named"),
    [
        ({"agent_id": "agent_1", "agent_name": "Desk"}, "Desk"),
        ({"agent_id": "agent_1", "agent_name": None}, "agent_1"),
        ({"agent_id": "agent_1"}, "agent_1"),
        ({}, "without a name"),
        (None, None),
    ],
)
async def test_an_imported_number_whose_agent_is_told_in_part(agent, named):
    number = {"phone_number": "+15550100002", "provider": "new", "assigned_agent": agent, "unknown": [1]}

    async def handler(_request):
        return web.json_response([number])

    app = web.Application()
    app.router.add_get("/v1/convai/phone-numbers", handler)
    app.router.add_get("/v1/convai/phone-numbers/", handler)
    async with (
        serving(app, host="127.0.0.1", port=0) as port,
        open_elevenlabs_engines(api_key=SECRET, base_url=f"http://127.0.0.1:{port}") as engines,
    ):
        assert await engines.agent_of("+15550100002") == named
