"""Webhooks, callbacks and REST answers that come as they should not."""

import asyncio

import aiohttp
import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.rest import Client

from ringbridge.emulator.faults import Fault

ACCOUNT = "AC" + "0" * 32
TOKEN = "0123456789abcdef0123456789abcdef"
SAY = "<Response><Say>Hello</Say></Response>"


def now():
    return asyncio.get_running_loop().time()


async def test_a_webhook_that_comes_twice(stage):
    stage.faults.add(Fault("webhook", "twice", ms=300))
    answers = iter(["<Response><Say>First</Say></Response>", "<Response><Say>Second</Say></Response>"])
    stage.bridge.script["/incoming-call"] = lambda hit: next(answers)
    call = await stage.dial()
    await call.ended()
    first, second = stage.bridge.of("/incoming-call")
    assert first.genuine
    assert second.genuine
    assert first.form == second.form
    assert first.headers["I-Twilio-Idempotency-Token"] == second.headers["I-Twilio-Idempotency-Token"]
    assert second.at - first.at == pytest.approx(0.3, abs=0.01)
    assert call.said == ["Second"]


async def test_a_webhook_that_comes_after_its_call_was_hung_up(stage):
    stage.faults.add(Fault("webhook", "after_end", ms=2000))
    call = await stage.dial()
    await asyncio.sleep(3)
    await call.hang_up()
    ended = now()
    assert not stage.bridge.of("/incoming-call")
    await call.ended()
    (hit,) = stage.bridge.of("/incoming-call")
    assert hit.at - ended == pytest.approx(2, abs=0.01)
    assert hit.genuine
    assert hit.form["CallStatus"] == "ringing"
    assert (call.status, call.errors) == ("canceled", [])


async def test_a_webhook_that_comes_after_it_was_given_up(stage):
    stage.faults.add(Fault("webhook", "after_end"))
    stage.bridge.script["/fallback"] = SAY
    call = await stage.dial(fallback_url="https://bridge.test/fallback")
    await call.ended()
    assert call.said == ["Hello"]
    assert [error.code for error in call.errors] == [11200]
    assert stage.bridge.of("/incoming-call")[0].at > stage.bridge.of("/fallback")[0].at


async def test_a_belated_webhook_that_nobody_answers_harms_nothing(stage):
    stage.faults.add(Fault("webhook", "after_end"))
    call = await stage.dial()
    await asyncio.sleep(1)
    stage.addresses.add("bridge.test", "http://127.0.0.1:9")
    await call.hang_up()
    await call.ended()
    assert call.status == "canceled"


async def test_callbacks_of_a_stream_out_of_order(stage):
    stage.faults.add(Fault("callback", "out_of_order"))
    call, _ = await stage.talk()
    await asyncio.sleep(1)
    await call.hang_up()
    await call.ended()
    assert [hit.form["StreamEvent"] for hit in stage.bridge.of("/stream-status")] == [
        "stream-stopped",
        "stream-started",
    ]
    assert all(hit.genuine for hit in stage.bridge.of("/stream-status"))


async def test_a_callback_that_none_follows_comes_at_the_end(stage):
    stage.faults.add(Fault("callback", "out_of_order", times=-1))
    stage.bridge.script["/incoming-call"] = SAY
    call = await stage.dial()
    await call.ended()
    assert stage.bridge.of("/status")[0].form["CallStatus"] == "completed"


@pytest.fixture
async def calls(stage):
    async with AsyncTwilioHttpClient() as http:
        client = Client(ACCOUNT, TOKEN, http_client=http)
        client.api.base_url = stage.twin.rest_url
        yield client.calls


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ({"status": 401}, (401, 20003, "Authenticate")),
        ({"status": 404}, (404, 20404, "The requested resource was not found")),
        ({"status": 429}, (429, 20429, "Too Many Requests")),
        ({"status": 503}, (503, 20500, "Internal Server Error")),
        ({"status": 400, "code": 21220}, (400, 21220, "Call is not in-progress. Cannot redirect.")),
        ({"status": 418, "code": 7, "text": "odd"}, (418, 7, "odd")),
    ],
)
async def test_rest_refuses_in_twilios_words(stage, calls, fault, told):
    stage.faults.add(Fault("twilio_rest", "refuse", **fault))
    call = await stage.dial()
    with pytest.raises(TwilioRestException) as refusal:
        await calls(call.sid).update_async(status="completed")
    status, code, text = told
    assert (refusal.value.status, refusal.value.code) == (status, code)
    assert text in refusal.value.msg
    assert not call.over


async def test_rest_that_never_answers_has_done_nothing(stage):
    stage.faults.add(Fault("twilio_rest", "hang"))
    call, _ = await stage.talk()
    url = f"{stage.twin.rest_url}/2010-04-01/Accounts/{ACCOUNT}/Calls/{call.sid}.json"
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as session:
        with pytest.raises(TimeoutError):
            await session.post(url, data={"Status": "completed"}, auth=aiohttp.BasicAuth(ACCOUNT, TOKEN))
    assert call.status == "in-progress"
