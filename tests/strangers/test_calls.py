"""Strangers beside a call that goes on: it is neither heard, nor taken over, nor ended, nor doubled."""

import asyncio

import pytest

from ..integration.raw_house import RawCall, new_call_sid, noise, verbs
from ..integration.raw_http import head
from ..integration.raw_proofs import HOST
from .bridge import FORGOTTEN_SECONDS, unharmed
from .row import WEBHOOKS, signature
from .row import request as raw
from .streams import own_token


@pytest.fixture
async def home(caplog):
    async with unharmed(caplog) as home:
        yield home


async def test_a_replayed_webhook_opens_nothing_twice(home):
    call = await home.place_call()
    form = home.form(call.sid)
    first = await home.twilio.post("/incoming-call", form)
    retry = {"I-Twilio-Idempotency-Token": "8be6b5d4"}
    for headers in ({}, retry, retry, {"I-Twilio-Idempotency-Token": "another"}):
        assert (await home.twilio.post("/incoming-call", form, **headers)).body == first.body
    await call.hang_up()
    assert verbs(await home.twilio.post("/incoming-call", form)) == ["Hangup"]
    await asyncio.sleep(FORGOTTEN_SECONDS)
    assert home.elevenlabs.connections == 2  # the call's own: a signed URL, and the conversation


@pytest.mark.parametrize("length", [33, 35, 38])
async def test_a_captured_webhook_that_is_cut_elsewhere_is_no_other_call(home, length):
    """The signed text has no borders between names and values, so they can be cut into calls that never were."""
    call = await home.place_call()
    form = sorted(home.form(call.sid))
    good = signature("/incoming-call", form)
    (at,) = [number for number, (name, _) in enumerate(form) if name == "CallSid"]
    text = "".join(name + value for name, value in form[at:]).removeprefix("CallSid")
    forged = [*form[:at], ("CallSid", text[:length]), (text[length:], "")]
    answer = await home.twilio.post("/incoming-call", forged, signature=good)
    assert answer.status == 403
    await call.carries(noise(1600))
    await call.hang_up()
    assert home.elevenlabs.connections == 2


async def test_a_spent_token_opens_no_second_stream(home):
    sid = new_call_sid()
    token = await home.announce(sid)
    stream = await home.stream(sid)
    stream.begin(token)
    call = RawCall(sid, stream, await home.elevenlabs.conversation())
    await call.carries(noise(800))
    second = await home.stream(sid)
    second.begin(token)
    assert await second.socket.ended() == 1008
    await call.carries(noise(1600))
    await call.hang_up()


async def test_nobody_takes_over_a_call_with_the_token_of_another(home):
    call = await home.place_call()
    for token in (None, "", "x.y.z", await own_token(home, new_call_sid())):
        thief = await home.stream(call.sid)
        thief.begin(token)
        assert await thief.socket.ended() == 1008
    await call.carries(noise(1600))
    await call.hang_up()


async def test_a_second_start_on_a_stream_changes_nothing(home):
    call = await home.place_call()
    await call.carries(noise(800))
    sid = new_call_sid()
    call.stream.begin(await own_token(home, call.sid))
    call.stream.begin(await own_token(home, sid), callSid=sid)
    await call.carries(noise(1600))
    await call.hang_up()
    assert home.elevenlabs.connections == 2


async def test_nobody_ends_a_call_with_a_forged_webhook(home):
    call = await home.place_call()
    for path in WEBHOOKS:
        form = home.form(call.sid, "completed")
        forged = signature(path, home.form(call.sid))
        assert (await home.twilio.post(path, form, signature=forged)).status == 403
    await call.carries(noise(1600))
    await call.hang_up()


async def test_a_brain_of_no_call_hears_nothing_of_this_one(home):
    call = await home.place_call()
    await call.carries(noise(800))
    own = await home.brain(call.conversation.id)
    other = await home.brain("conv_of_nobody")
    own.send(type="ping")
    assert await own.until("type", "pong")
    assert await other.ended() == 1008
    await call.carries(noise(1600))
    await call.hang_up()


async def test_connections_that_come_to_nothing_are_no_incident(home):
    for opening in (b"", b"\r\n", b"POST /incoming-call HTTP/1.1\r\nHost: x\r\n", raw("GET", "/healthz")):
        _, writer = await home.twilio.connect()
        writer.write(opening)
        await writer.drain()
        writer.transport.abort()


async def test_a_request_that_is_abandoned_costs_nothing(home):
    reader, writer = await home.twilio.connect()
    first = {"Host": HOST, "Content-Length": "100", "X-Twilio-Signature": "x"}
    writer.write(head("POST /incoming-call HTTP/1.1", first) + b"CallSid")
    await asyncio.sleep(0.1)
    writer.transport.abort()
    assert await reader.read() == b""
    assert home.elevenlabs.connections == 0
