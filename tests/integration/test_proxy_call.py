"""Whole calls through a proxy that ends TLS, between vendors who know us by our public name alone."""

import asyncio
import ssl
from dataclasses import replace

import pytest

from .raw_house import call_token, connections, house, new_call_sid, noise, verbs
from .raw_proofs import AUTH_TOKEN, HOST, SHARED_SECRET, engine_token, twilio_signature, unsigned
from .raw_twilio import Twilio
from .tls_proxy import KINDS, tls_proxy, write_certificate

SPOKEN = noise(1600)
WEBHOOKS = ("/incoming-call", "/call-ended", "/dial-ended", "/stream-status", "/fallback")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return write_certificate(tmp_path_factory.mktemp("tls"), HOST)


@pytest.fixture(params=KINDS)
async def home(request, certificate):
    """The bridge behind a proxy, whose certificate the vendors trust: they have no other way to it."""
    trust = ssl.create_default_context(cafile=certificate)
    async with (
        house() as behind,
        tls_proxy(request.param, HOST, ("127.0.0.1", behind.port), certificate) as address,
        connections(*address, ssl=trust, server_hostname=HOST) as connect,
    ):
        yield replace(behind, twilio=Twilio(connect))


async def test_calls_are_carried(home, caplog):
    for _ in range(3):
        await home.carries_a_call()
    assert "refused" not in caplog.text


async def test_an_upgrade_may_be_signed_as_https(home):
    sid = new_call_sid()
    token = await home.announce(sid)
    conversation = await home.elevenlabs.conversation()
    stream = await home.stream(sid, signature=twilio_signature(f"https://{HOST}/media-stream"))
    stream.begin(token)
    stream.socket.write(stream.media(SPOKEN))
    assert await conversation.hear(len(SPOKEN)) == SPOKEN


async def test_a_stream_that_is_lost_is_followed_by_another(home):
    call = await home.place_call()
    await call.carries(SPOKEN)
    call.stream.socket.abort()
    answer = await home.twilio.post("/call-ended", home.form(call.sid, "in-progress"))
    call.stream = await home.stream(call.sid)
    call.stream.begin(call_token(answer))
    await call.carries(SPOKEN)
    await call.hang_up()


async def test_all_that_twilio_asks_about_a_call_is_answered(home):
    call = await home.place_call()
    await call.hang_up()
    started = [("StreamSid", call.stream.sid), ("StreamEvent", "stream-started"), ("CallSid", call.sid)]
    assert (await home.twilio.post("/stream-status", started)).status == 204
    assert await home.after_stream(call.sid, "completed") == []
    unknown = new_call_sid()
    last = ["Say", "Say", "Hangup"]
    assert await home.after_stream(unknown) == last
    assert verbs(await home.twilio.post("/fallback", home.form(unknown, "in-progress"))) == last
    answer = await home.twilio.post("/dial-ended", home.form(unknown, "in-progress", DialCallStatus="busy"))
    assert verbs(answer) == ["Say", "Hangup"]


async def test_a_query_and_repeated_fields_are_signed_as_they_are(home):
    fields = [*home.form(new_call_sid()), ("Digits", "2"), ("Digits", "1"), ("Name", "東京 %2B+")]
    assert verbs(await home.twilio.post("/incoming-call?b=%2f&a=%E2%82%AC+1&a=2&c", fields)) == ["Connect"]


async def test_forged_webhooks_are_refused(home):
    for path in WEBHOOKS:
        form = home.form(new_call_sid())
        url = f"https://{HOST}{path}"
        good = twilio_signature(url, form)
        forgeries = [
            (form, "x"),
            (form, twilio_signature(url, form, "another token")),
            (form, twilio_signature(f"http://{HOST}{path}", form)),
            (form, twilio_signature(f"https://evil.test{path}", form)),
            (form, twilio_signature(f"http://127.0.0.1:{home.port}{path}", form)),
            (form, twilio_signature(f"https://127.0.0.1:{home.port}{path}", form)),
            (form, twilio_signature(url)),
            (form[1:], good),
            ([*form, ("CallSid", new_call_sid())], good),
        ]
        for fields, signature in forgeries:
            lies = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": HOST, "Forwarded": f"host={HOST};proto=https"}
            answer = await home.twilio.post(path, fields, signature=signature, **lies)
            assert (answer.status, answer.body) == (403, b"")
    await nothing_is_opened(home)


async def test_forged_sockets_are_refused(home):
    for url in (
        f"ws://{HOST}/media-stream",
        f"http://{HOST}/media-stream",
        "wss://evil.test/media-stream",
        f"ws://127.0.0.1:{home.port}/media-stream",
        f"wss://{HOST}/ws",
    ):
        assert (await home.twilio.upgrade(signature=twilio_signature(url))).status == 403
    assert (await home.twilio.upgrade(signature="")).status == 403
    now = home.clock()
    header = "X-Elevenlabs-Speech-Engine-Authorization"
    for changes in (
        {"x-api-key": ""},
        {"x-api-key": SHARED_SECRET[::-1]},
        {header: ""},
        {header: engine_token(now, key=AUTH_TOKEN)},
        {header: engine_token(now, exp=int(now) - 120)},
        {header: unsigned(engine_token(now))},
    ):
        assert (await home.dial_brain(**changes)).status == 401
    await nothing_is_opened(home)


async def nothing_is_opened(home):
    await asyncio.sleep(100)
    assert (home.elevenlabs.connections, home.rest.connections) == (0, 0)
    await home.has_given_back()
    await home.carries_a_call()
