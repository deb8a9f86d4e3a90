"""A call to a number of the account does what the number says."""

import asyncio

import pytest
from aiohttp import web

HELLO = "<Response><Say>Hello</Say></Response>"
NUMBER = "+15550100002"


def now():
    return asyncio.get_running_loop().time()


async def test_a_number_leads_to_its_webhook_as_set_up_at_that_moment(stage):
    own = stage.twin.account.add_number(
        NUMBER,
        voice_url="https://bridge.test/first?a=1#rc=2",
        voice_method="GET",
        status_callback="https://bridge.test/status",
        status_callback_method="GET",
    )
    stage.bridge.script["/first"] = stage.bridge.script["/second"] = HELLO
    call = await stage.twin.dial(to=NUMBER)
    await call.ended()
    hit = stage.bridge.of("/first")[0]
    assert (hit.method, hit.url.startswith("https://bridge.test/first?a=1&"), hit.genuine) == ("GET", True, True)
    assert (call.said, call.to) == (["Hello"], NUMBER)
    assert stage.bridge.of("/status")[0].method == "GET"
    own.voice_url, own.voice_method = "https://bridge.test/second", "POST"
    await (await stage.twin.dial(to=NUMBER)).ended()
    assert [hit.method for hit in stage.bridge.of("/second")] == ["POST"]


async def test_it_leads_to_the_fallback_when_the_webhook_fails(stage):
    stage.twin.account.add_number(
        NUMBER,
        voice_url="https://bridge.test/broken",
        voice_fallback_url="https://bridge.test/fallback",
        voice_fallback_method="GET",
    )
    stage.bridge.script["/broken"] = lambda _: web.Response(status=500)
    stage.bridge.script["/fallback"] = HELLO
    call = await stage.twin.dial(to=NUMBER)
    await call.ended()
    assert "ErrorCode=11200" in stage.bridge.of("/fallback")[0].url
    assert call.said == ["Hello"]


async def test_an_application_stands_before_the_number(stage):
    made = stage.twin.account.add_application(voice_url="https://bridge.test/app")
    stage.twin.account.add_number(NUMBER, voice_url="https://bridge.test/first", voice_application_sid=made.sid)
    await (await stage.twin.dial(to=NUMBER)).ended()
    assert stage.bridge.of("/app")
    assert not stage.bridge.of("/first")


@pytest.mark.parametrize("why", ["trunk", "suspended", "no voice"])
async def test_nobody_is_asked_where_the_call_goes_elsewhere(stage, why):
    account = stage.twin.account
    own = account.add_number(NUMBER, voice_url="https://bridge.test/first", voice=why != "no voice")
    own.trunk_sid = account.add_trunk().sid if why == "trunk" else ""
    account.status = "suspended" if why == "suspended" else "active"
    call = await stage.twin.dial(to=NUMBER)
    await call.ended()
    assert call.status == "failed"
    assert not stage.bridge.of("/first")


async def test_a_number_without_a_webhook_says_so(stage):
    call = await stage.twin.dial(to=NUMBER)
    await call.ended()
    assert [error.code for error in call.errors] == [11100]


async def test_a_strangers_number_can_not_be_dialled(stage):
    with pytest.raises(KeyError):
        await stage.twin.dial(to="+15550100099")


@pytest.mark.parametrize(
    ("fragment", "tries", "ends_well"),
    [
        ("", 1, False),
        ("#rc=2&rp=5xx,ct,rt", 3, True),
        ("#rc=1&rp=5xx", 2, False),
        ("#rc=5&rp=4xx", 1, False),
        ("#rp=all", 2, False),
        ("#rc=9&rp=5xx", 2, False),
    ],
)
async def test_the_fragment_says_what_is_tried_again(stage, fragment, tries, ends_well):
    answers = [web.Response(status=503), web.Response(status=502), HELLO]
    stage.bridge.script["/first"] = lambda _: answers.pop(0)
    stage.twin.account.add_number(NUMBER, voice_url="https://bridge.test/first" + fragment)
    call = await stage.twin.dial(to=NUMBER)
    await call.ended()
    assert len(stage.bridge.of("/first")) == tries
    assert (call.said == ["Hello"]) is ends_well
    tokens = {hit.headers["I-Twilio-Idempotency-Token"] for hit in stage.bridge.of("/first")}
    assert len(tokens) == 1


@pytest.mark.parametrize(
    ("fragment", "seconds", "tries"),
    [("", 15, 1), ("#tt=2000", 2, 1), ("#rt=500&rp=rt&rc=2", 1.5, 3), ("#rt=50", 15, 1)],
)
async def test_the_fragment_says_how_long_it_takes(stage, fragment, seconds, tries):
    async def late():
        await asyncio.sleep(30)
        return web.Response()

    stage.bridge.script["/first"] = lambda _: late()
    stage.twin.account.add_number(NUMBER, voice_url="https://bridge.test/first" + fragment)
    began = now()
    call = await stage.twin.dial(to=NUMBER)
    await call.answered()  # to hear the apology
    assert now() - began == pytest.approx(seconds, abs=0.1)
    assert len(stage.bridge.of("/first")) == tries
