"""The REST API, driven by Twilio's own SDK."""

import asyncio
import socket
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import aiohttp
import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.rest import Client
from twilio.twiml.voice_response import VoiceResponse

from ringbridge.emulator.faults import Fault
from ringbridge.emulator.twilio.exchange import Answer

ACCOUNT = "AC" + "0" * 32
TOKEN = "0123456789abcdef0123456789abcdef"
HUMAN = "+15550100042"
NUMBER = "+15550100002"
SAY = "<Response><Say>Hello</Say></Response>"
EVENTS = ["initiated", "ringing", "answered", "completed"]


def now():
    return asyncio.get_running_loop().time()


def pointed_at(twin, http=None, token=TOKEN):
    client = Client(ACCOUNT, token, http_client=http)
    client.api.base_url = twin.rest_url
    return client


@pytest.fixture
async def calls(stage):
    async with AsyncTwilioHttpClient() as http:
        yield pointed_at(stage.twin, http).calls


@asynccontextmanager
async def refused(status, code):
    with pytest.raises(TwilioRestException) as caught:
        yield
    assert (caught.value.status, caught.value.code) == (status, code)


async def create(calls, **more):
    return await calls.create_async(to=HUMAN, from_=NUMBER, url="https://bridge.test/outgoing-call", **more)


async def test_an_outbound_call_rings_is_answered_and_asks_for_twiml(stage, calls):
    stage.bridge.script["/outgoing-call"] = SAY
    made = await create(
        calls, status_callback="https://bridge.test/status", status_callback_event=EVENTS, machine_detection="Enable"
    )
    assert made.sid.startswith("CA")
    assert (made.status, made.direction, made.to, made._from) == ("queued", "outbound-api", HUMAN, NUMBER)
    assert isinstance(made.date_created, datetime)
    call = stage.twin.calls[made.sid]
    await call.ended()
    hit = stage.bridge.of("/outgoing-call")[0]
    assert hit.genuine
    assert hit.form["CallStatus"] == "in-progress"
    assert hit.form["Direction"] == "outbound-api"
    assert (hit.form["To"], hit.form["From"]) == (HUMAN, NUMBER)
    assert "CallToken" not in hit.form
    assert call.said == ["Hello"]
    told = [hit.form for hit in stage.bridge.of("/status")]
    assert [form["CallStatus"] for form in told] == ["initiated", "ringing", "in-progress", "completed"]
    assert [form["SequenceNumber"] for form in told] == ["0", "1", "2", "3"]
    assert "CallDuration" not in told[2]


async def test_a_call_can_be_fetched_and_listed(stage, calls):
    stage.bridge.script["/outgoing-call"] = SAY
    made = await create(calls)
    inbound, _ = await stage.talk()
    fetched = await calls(inbound.sid).fetch_async()
    assert (fetched.sid, fetched.status, fetched.direction) == (inbound.sid, "in-progress", "inbound")
    assert fetched.end_time is None
    assert fetched.start_time <= datetime.now(UTC).replace(year=9999)
    await inbound.hang_up()
    fetched = await calls(inbound.sid).fetch_async()
    assert fetched.status == "completed"
    assert fetched.duration == "0"
    assert [call.sid for call in await calls.list_async()] == [inbound.sid, made.sid]
    assert [call.sid for call in await calls.list_async(to=HUMAN)] == [made.sid]
    assert [call.sid for call in await calls.list_async(status="busy")] == []


async def test_the_blocking_sdk_works_too(stage):
    call, _ = await stage.talk()

    def hang_up():
        client = pointed_at(stage.twin)
        try:
            return client.calls(call.sid).update(status="completed")
        finally:
            client.http_client.session.close()

    updated = await asyncio.to_thread(hang_up)
    assert updated.status == "completed"
    await call.ended()


async def test_completed_ends_the_call_without_asking_action(stage, calls):
    call, end = await stage.talk()
    updated = await calls(call.sid).update_async(status="completed")
    assert updated.status == "completed"
    await call.ended()
    assert end.messages[-1][1]["event"] == "stop"
    assert end.code == 1000
    assert not stage.bridge.of("/call-ended")
    assert stage.bridge.of("/status")[0].form["CallStatus"] == "completed"
    assert not call.errors


async def test_new_twiml_ends_the_stream_and_takes_over_at_once(stage, calls):
    call, end = await stage.talk()
    answer = VoiceResponse()
    answer.say("One moment")
    answer.dial("+15550100003", action="https://bridge.test/dial-ended", timeout=5)
    updated = await calls(call.sid).update_async(twiml=str(answer))
    assert updated.status == "in-progress"
    await end.closed.wait()
    assert end.messages[-1][1]["event"] == "stop"
    await call.ended()
    assert call.said == ["One moment"]
    assert call.dialled[0].number == "+15550100003"
    assert not stage.bridge.of("/call-ended")
    assert not call.errors


async def test_a_new_url_takes_over(stage, calls):
    stage.bridge.script["/moved"] = SAY
    call, end = await stage.talk()
    await calls(call.sid).update_async(url="https://bridge.test/moved", method="GET")
    await call.ended()
    assert end.messages[-1][1]["event"] == "stop"
    assert not stage.bridge.of("/call-ended")
    assert not call.errors
    assert call.said == ["Hello"]
    assert stage.bridge.of("/moved")[0].method == "GET"


async def test_after_new_twiml_hanging_up_no_longer_asks_the_old_action(stage, calls):
    call, _ = await stage.talk()
    await calls(call.sid).update_async(twiml="<Response><Pause length='60'/></Response>")
    await asyncio.sleep(1)
    await call.hang_up()
    await call.ended()
    assert not stage.bridge.of("/call-ended")


async def test_a_stream_can_follow_a_stream(stage, calls):
    call, _ = await stage.talk()
    twiml = stage.bridge.script["/incoming-call"].replace('action="/call-ended"', "")
    await calls(call.sid).update_async(twiml=twiml)
    second = await stage.bridge.stream(2)
    await second.until("media", 5)
    await call.hang_up()


async def test_keys_and_a_stream_can_follow_a_stream(stage, calls):
    call, end = await stage.talk()
    began = now()
    connect = stage.bridge.script["/incoming-call"].replace("<Response>", "<Response><Play digits='ww42#'/>")
    await calls(call.sid).update_async(twiml=connect.replace("/call-ended", "https://bridge.test/call-ended"))
    second = await stage.bridge.stream(2)
    assert now() - began == pytest.approx(1.6, abs=0.05)
    assert call.digits_heard == "42#"
    assert end.messages[-1][1]["event"] == "stop"
    assert second.stream_sid != end.stream_sid
    assert not stage.bridge.of("/call-ended")
    await call.hang_up()
    await stage.bridge.until("/call-ended")


async def test_what_is_over_cant_be_updated(stage, calls):
    call, _ = await stage.talk()
    await call.hang_up()
    for change in ({"status": "completed"}, {"status": "canceled"}, {"twiml": SAY}, {"url": "https://bridge.test/x"}):
        async with refused(400, 21220):
            await calls(call.sid).update_async(**change)


async def test_a_call_in_progress_cant_be_canceled_and_a_ringing_one_not_redirected(stage, calls):
    call, _ = await stage.talk()
    async with refused(400, 21220):
        await calls(call.sid).update_async(status="canceled")
    made = await create(calls)
    async with refused(400, 21220):
        await calls(made.sid).update_async(twiml=SAY)
    assert (await calls(made.sid).update_async(status="canceled")).status == "canceled"
    await stage.twin.calls[made.sid].ended()
    assert not stage.bridge.of("/outgoing-call")


async def test_unknown_calls_are_20404(calls):
    async with refused(404, 20404):
        await calls("CA" + "f" * 32).fetch_async()
    async with refused(404, 20404):
        await calls("CA" + "f" * 32).update_async(status="completed")


async def test_a_wrong_token_is_20003(stage):
    async with AsyncTwilioHttpClient() as http:
        client = pointed_at(stage.twin, http, token="wrong")
        async with refused(401, 20003):
            await client.calls("CA" + "f" * 32).fetch_async()


async def test_errors_are_twilios_json(stage):
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{stage.twin.rest_url}/2010-04-01/Accounts/{ACCOUNT}/Calls.json") as response:
            assert response.status == 401
            assert await response.json() == {
                "code": 20003,
                "message": "Authenticate",
                "more_info": "https://www.twilio.com/docs/errors/20003",
                "status": 401,
            }
        async with session.get(f"{stage.twin.rest_url}/x", auth=aiohttp.BasicAuth(ACCOUNT, TOKEN)) as response:
            assert (response.status, (await response.json())["code"]) == (404, 20404)
        url = f"{stage.twin.rest_url}/2010-04-01/Accounts/{ACCOUNT}/Calls.json"
        async with session.delete(url, auth=aiohttp.BasicAuth(ACCOUNT, TOKEN)) as response:
            assert (response.status, (await response.json())["code"]) == (405, 20004)


URL = "https://bridge.test/outgoing-call"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"to": "", "from_": NUMBER, "url": URL}, 21201),
        ({"to": "alice", "from_": NUMBER, "url": URL}, 21211),
        ({"to": HUMAN, "from_": "+15550109999", "url": URL}, 21210),
        ({"to": HUMAN, "from_": NUMBER}, 21205),
        ({"to": HUMAN, "from_": NUMBER, "url": "bridge.test"}, 21205),
        ({"to": HUMAN, "from_": NUMBER, "url": "https://my_bridge.test/x"}, 21205),
        ({"to": HUMAN, "from_": NUMBER, "twiml": "x" * 4001}, 21205),
        ({"to": HUMAN, "from_": NUMBER, "url": URL, "status_callback": "https://my_bridge.test/x"}, 21609),
        ({"to": HUMAN, "from_": NUMBER, "url": URL, "timeout": 601}, 20001),
    ],
)
async def test_a_call_that_cant_be_made(stage, calls, fields, code):
    async with refused(400, code):
        await calls.create_async(**fields)
    assert not stage.twin.calls


async def test_with_both_a_url_and_twiml_the_url_wins(stage, calls):
    stage.bridge.script["/outgoing-call"] = SAY
    made = await create(calls, twiml="<Response><Say>Other</Say></Response>")
    await stage.twin.calls[made.sid].ended()
    assert stage.twin.calls[made.sid].said == ["Hello"]


async def test_twiml_can_come_with_the_request(stage, calls):
    made = await calls.create_async(to=HUMAN, from_=NUMBER, twiml=SAY)
    await stage.twin.calls[made.sid].ended()
    assert stage.twin.calls[made.sid].said == ["Hello"]
    assert not stage.bridge.hits


async def test_calls_start_one_a_second_and_the_others_queue(stage, calls):
    stage.twin.answers[HUMAN] = Answer(after_ms=30_000)
    made = [await create(calls) for _ in range(3)]
    await asyncio.sleep(0.5)
    assert [stage.twin.calls[one.sid].status for one in made] == ["ringing", "queued", "queued"]
    await asyncio.sleep(1)
    assert [stage.twin.calls[one.sid].status for one in made] == ["ringing", "ringing", "queued"]
    await asyncio.sleep(2)
    waits = [int((await calls(one.sid).fetch_async()).queue_time) for one in made]
    assert waits == pytest.approx([0, 1000, 2000], abs=50)


async def test_the_rate_can_be_set(staged):
    async with staged(calls_per_second=10) as stage, AsyncTwilioHttpClient() as http:
        calls = pointed_at(stage.twin, http).calls
        made = [await create(calls) for _ in range(3)]
        await asyncio.sleep(0.25)
        assert {stage.twin.calls[one.sid].status for one in made} == {"ringing"}


@pytest.mark.parametrize("outcome", ["busy", "failed"])
async def test_who_is_called_may_not_take_it(stage, calls, outcome):
    stage.twin.answers[HUMAN] = Answer(outcome, after_ms=2500)
    made = await create(calls, status_callback="https://bridge.test/status")
    await stage.twin.calls[made.sid].ended()
    (told,) = [hit.form for hit in stage.bridge.of("/status")]
    assert (told["CallStatus"], told["CallDuration"]) == (outcome, "0")
    assert not stage.bridge.of("/outgoing-call")


@pytest.mark.parametrize("answer", [Answer("no-answer"), Answer(after_ms=40_000)])
async def test_nobody_answers_within_the_timeout(stage, calls, answer):
    stage.twin.answers[HUMAN] = answer
    began = now()
    made = await create(calls, timeout=20)
    await stage.twin.calls[made.sid].ended()
    assert now() - began == pytest.approx(25, abs=0.1)
    assert stage.twin.calls[made.sid].status == "no-answer"


async def test_who_is_called_takes_their_time(stage, calls):
    stage.twin.answers[HUMAN] = Answer(after_ms=7000)
    stage.bridge.script["/outgoing-call"] = SAY
    began = now()
    made = await create(calls)
    call = stage.twin.calls[made.sid]
    await call.answered()
    assert now() - began == pytest.approx(7, abs=0.1)
    await call.ended()


async def test_an_outbound_call_can_stream(stage, calls):
    stage.bridge.script["/outgoing-call"] = stage.bridge.script["/incoming-call"]
    made = await create(calls)
    call = stage.twin.calls[made.sid]
    await call.streaming()
    end = await stage.bridge.stream()
    await end.say(b"\x20" * 1600)
    await call.speak(b"\x30" * 1600)
    await asyncio.sleep(0.1)
    await call.hang_up()
    assert call.heard.count(0x20) == 1600
    assert end.audio.count(0x30) == 1600


async def test_rest_faults_strike(stage, calls):
    call, _ = await stage.talk()
    stage.faults.add(Fault("twilio_rest", "refuse", status=503))
    async with refused(503, 20500):
        await calls(call.sid).update_async(status="completed")
    stage.faults.add(Fault("twilio_rest", "refuse", status=400, code=21220))
    async with refused(400, 21220):
        await calls(call.sid).update_async(status="completed")
    stage.faults.add(Fault("twilio_rest", "delay", ms=2000))
    began = now()
    await calls(call.sid).update_async(status="completed")
    assert now() - began == pytest.approx(2)
    await call.ended()


async def test_of_a_dropped_request_nobody_learns_that_it_was_carried_out(stage, calls):
    call, end = await stage.talk()
    stage.faults.add(Fault("twilio_rest", "drop"))
    with pytest.raises(aiohttp.ClientError):
        await calls(call.sid).update_async(status="completed")
    await call.ended()
    assert end.of("stop")
    async with refused(400, 21220):
        await calls(call.sid).update_async(status="completed")


async def test_it_listens_where_it_is_told_to(staged):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match="in use"):
            async with staged(port=port):
                pass
    async with staged(port=port) as stage:
        assert stage.twin.rest_url == f"http://127.0.0.1:{port}"
    async with staged(port=port):  # it was given back
        pass
