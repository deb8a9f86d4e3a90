"""Twilio's HTTP requests: what is in them, how they are signed, what becomes of their answers."""

import asyncio
import socket
from urllib.parse import urlencode

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from multidict import MultiDict
from twilio.request_validator import RequestValidator

from ringbridge.emulator.twilio.records import CallOver
from ringbridge.emulator.twilio.signing import pairs, signature

TOKEN = "0123456789abcdef0123456789abcdef"
WORDS = st.text(st.characters(codec="utf-8"), max_size=8)
SAY = "<Response><Say>Hello</Say></Response>"


@given(st.dictionaries(WORDS, WORDS | st.lists(WORDS, max_size=3), max_size=5))
def test_signatures_are_those_that_the_sdk_computes(fields):
    url = "https://bridge.test/incoming-call?a=%2F&b"
    expected = RequestValidator(TOKEN).compute_signature(url, MultiDict(pairs(fields)))
    assert signature(TOKEN, url, pairs(fields)) == expected


def test_the_fragment_is_not_signed():
    assert signature(TOKEN, "https://a.test/x#rc=2") == signature(TOKEN, "https://a.test/x")


async def test_the_first_request_holds_all_fields_of_an_inbound_call(stage):
    call = await stage.dial()
    assert call.status == "ringing"
    hit = await stage.bridge.until("/incoming-call")
    assert hit.method == "POST"
    assert hit.genuine
    assert hit.headers["Content-Type"] == "application/x-www-form-urlencoded; charset=UTF-8"
    assert hit.headers["User-Agent"] == "TwilioProxy/1.1"
    assert hit.headers["X-Forwarded-Proto"] == "https"
    assert hit.form["CallSid"] == call.sid
    assert call.sid.startswith("CA")
    assert len(call.sid) == 34
    assert hit.form["AccountSid"] == "AC" + "0" * 32
    assert hit.form["From"] == hit.form["Caller"] == "+15550100001"
    assert hit.form["To"] == hit.form["Called"] == "+15550100002"
    assert hit.form["CallStatus"] == "ringing"
    assert hit.form["Direction"] == "inbound"
    assert hit.form["ApiVersion"] == "2010-04-01"
    assert hit.form["StirVerstat"] == "TN-Validation-Passed-A"
    assert hit.form["CallToken"]
    places = [
        f"{who}{what}" for who in ("From", "To", "Caller", "Called") for what in ("City", "State", "Zip", "Country")
    ]
    assert set(places) <= set(hit.form)
    assert hit.form["FromCity"] == ""  # empty fields are sent, and signed


@pytest.mark.parametrize("caller", ["anonymous", "client:alice", "sip:bob@example.com", "+266696687", None])
async def test_a_caller_need_not_be_a_number(stage, caller):
    call = await stage.dial(from_=caller)
    hit = await stage.bridge.until("/incoming-call")
    assert hit.genuine
    assert hit.form.get("From") == caller
    assert "StirVerstat" not in hit.form
    await call.streaming()


async def test_fields_can_be_added_replaced_and_repeated(stage):
    call = await stage.dial(fields={"ForwardedFrom": "+15550100009", "ToCity": "Zürich & Bern", "Tag": ["b", "a", "b"]})
    hit = await stage.bridge.until("/incoming-call")
    assert hit.genuine
    assert hit.form["ForwardedFrom"] == "+15550100009"
    assert hit.form["ToCity"] == "Zürich & Bern"
    assert hit.form.getall("Tag") == ["b", "a", "b"]
    await call.streaming()


async def test_path_and_query_arrive_and_are_signed_byte_for_byte(stage):
    stage.bridge.script["/in%20coming"] = stage.bridge.script["/in coming"] = SAY
    call = await stage.twin.dial("https://bridge.test/in%20coming?x=%2f&y=a+b&&z#rc=2")
    await call.ended()
    hit = stage.bridge.hits[0]
    assert hit.url == "https://bridge.test/in%20coming?x=%2f&y=a+b&&z"
    assert hit.genuine
    assert call.said == ["Hello"]


async def test_dial_returns_before_the_webhook_is_answered(stage):
    answered = asyncio.Event()

    async def slowly():
        await asyncio.sleep(3)
        answered.set()
        return SAY

    stage.bridge.script["/incoming-call"] = lambda hit: slowly()
    call = await stage.dial()
    assert call.status == "ringing"
    assert stage.twin.calls == {call.sid: call}
    await call.answered()
    assert answered.is_set()
    assert call.status == "in-progress"


async def test_a_failed_connection_is_tried_once_more_with_the_same_idempotency_token(stage):
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))  # bound, but not listening: refused
    stage.addresses.add("late.test", f"http://127.0.0.1:{listener.getsockname()[1]}")
    seen = []

    def on_event(event):
        if event.kind == "no_response":
            listener.listen()

    async def handler(request):
        seen.append(request.headers["I-Twilio-Idempotency-Token"])
        return web.Response(text=SAY, content_type="text/xml")

    app = web.Application()
    app.router.add_post("/incoming-call", handler)
    runner = web.AppRunner(app)
    await runner.setup()
    call = await stage.twin.dial("https://late.test/incoming-call")
    call.on_event.append(on_event)
    while "no_response" not in [event.kind for event in call.events]:
        await asyncio.sleep(0.001)
    await web.SockSite(runner, listener).start()
    await call.ended()
    await runner.cleanup()
    assert call.said == ["Hello"]
    assert not call.errors
    assert len(seen) == 1
    assert seen[0]


async def test_every_request_has_an_idempotency_token_of_its_own(stage):
    _, end = await stage.talk()
    await end.ws.close()
    await stage.bridge.until("/call-ended")
    tokens = [hit.headers["I-Twilio-Idempotency-Token"] for hit in stage.bridge.hits]
    assert len(set(tokens)) == len(tokens) >= 2


async def test_an_unreachable_webhook_is_11205_after_two_attempts(stage):
    stage.addresses.add("gone.test", "http://127.0.0.1:9")
    call = await stage.twin.dial("https://gone.test/incoming-call")
    await call.ended()
    assert [event.detail["attempt"] for event in call.events if event.kind == "no_response"] == [1, 2]
    assert [error.code for error in call.errors] == [11205]
    assert call.said == ["We are sorry, an application error has occurred. Goodbye."]
    assert call.status == "completed"


async def test_a_webhook_has_15_seconds(stage):
    async def forever():
        await asyncio.sleep(60)
        return SAY

    stage.bridge.script["/incoming-call"] = lambda hit: forever()
    began = asyncio.get_running_loop().time()
    call = await stage.dial()
    await call.answered()
    assert asyncio.get_running_loop().time() - began == pytest.approx(15)
    await call.ended()
    assert [error.code for error in call.errors] == [11200]
    assert len(stage.bridge.of("/incoming-call")) == 1  # no retry once it has been connected


@pytest.mark.parametrize("status", [301, 403, 404, 500, 502])
async def test_a_status_that_is_no_success_is_11200(stage, status):
    stage.bridge.script["/incoming-call"] = lambda hit: web.Response(status=status, text=SAY)
    call = await stage.dial()
    await call.ended()
    assert [error.code for error in call.errors] == [11200]
    assert len(call.said) == 1
    assert call.said[0].startswith("We are sorry, an application error")


async def test_the_fallback_url_is_asked_with_the_error(stage):
    stage.bridge.script["/incoming-call"] = lambda hit: web.Response(status=500)
    stage.bridge.script["/fallback"] = SAY
    call = await stage.dial(fallback_url="https://bridge.test/fallback")
    await call.ended()
    hit = stage.bridge.of("/fallback")[0]
    assert hit.genuine
    assert hit.form["ErrorCode"] == "11200"
    assert hit.form["ErrorUrl"] == "https://bridge.test/incoming-call"
    assert hit.form["CallSid"] == call.sid
    assert call.said == ["Hello"]


async def test_a_failing_fallback_ends_the_call(stage):
    stage.bridge.script["/incoming-call"] = "<Response><Nonsense/></Response>"
    stage.bridge.script["/fallback"] = "nonsense"
    call = await stage.dial(fallback_url="https://bridge.test/fallback")
    await call.ended()
    assert [error.code for error in call.errors] == [12200, 12100]
    assert call.said == ["We are sorry, an application error has occurred. Goodbye."]
    assert len(stage.bridge.of("/fallback")) == 1


async def test_an_answer_that_never_ends_is_11750(stage):
    stage.bridge.script["/incoming-call"] = lambda hit: web.Response(
        text="<Response>" + "<Pause/>" * 10_000 + "</Response>", content_type="text/xml"
    )
    call = await stage.dial()
    await call.ended()
    assert [error.code for error in call.errors] == [11750]


@pytest.mark.parametrize("action", ["https://my_bridge.test/x", "ftp://bridge.test/x", "https://bridge.test:port/x"])
async def test_a_url_that_is_none_is_11100(stage, action):
    stage.bridge.script["/incoming-call"] = f"<Response><Redirect>{action}</Redirect></Response>"
    call = await stage.dial()
    await call.ended()
    assert [error.code for error in call.errors] == [11100]


async def test_a_get_carries_its_fields_in_the_signed_url(stage):
    stage.bridge.script["/incoming-call"] = (
        '<Response><Redirect method="GET">https://bridge.test/next?a=1</Redirect></Response>'
    )
    stage.bridge.script["/next"] = SAY
    call = await stage.dial()
    await call.ended()
    hit = stage.bridge.of("/next")[0]
    assert hit.method == "GET"
    assert hit.genuine
    assert hit.url.startswith("https://bridge.test/next?a=1&")
    assert urlencode({"CallSid": call.sid}) in hit.url


async def test_events_hold_every_request_and_its_answer(stage):
    stage.bridge.script["/incoming-call"] = SAY
    call = await stage.dial()
    await call.ended()
    request = next(event for event in call.events if event.kind == "request")
    response = next(event for event in call.events if event.kind == "response")
    assert request.detail["url"] == "https://bridge.test/incoming-call"
    assert request.detail["fields"]["CallStatus"] == "ringing"
    assert (response.detail["status"], response.detail["body"]) == (200, SAY)
    assert [event.at_ms for event in call.events] == sorted(event.at_ms for event in call.events)


async def test_hanging_up_while_it_rings_cancels_the_call(stage):
    async def slowly():
        await asyncio.sleep(10)
        return SAY

    stage.bridge.script["/incoming-call"] = lambda hit: slowly()
    call = await stage.dial()
    await stage.bridge.until("/incoming-call")
    await call.hang_up()
    assert call.status == "canceled"
    with pytest.raises(CallOver):
        await call.answered()
    with pytest.raises(CallOver):
        await call.streaming()
    with pytest.raises(CallOver):
        await call.speak(b"\x00" * 160)
    assert (await stage.bridge.until("/status")).form["CallStatus"] == "canceled"


async def test_hanging_up_before_anything_happened(stage):
    call = await stage.dial()
    await call.hang_up()
    await call.ended()
    assert call.status == "canceled"
    assert not stage.bridge.of("/incoming-call")
