"""Faults that a test asks for, as the bridge meets them."""

import asyncio

import pytest

from ringbridge.emulator.faults import Fault

SAY = "<Response><Say>Hello</Say></Response>"


def now():
    return asyncio.get_running_loop().time()


async def test_a_refused_webhook_never_arrives(stage):
    stage.faults.add(Fault("webhook", "refuse"))
    stage.bridge.script["/fallback"] = SAY
    call = await stage.dial(fallback_url="https://bridge.test/fallback")
    await call.ended()
    assert not stage.bridge.of("/incoming-call")
    assert stage.bridge.of("/fallback")[0].form["ErrorCode"] == "11205"
    assert [error.code for error in call.errors] == [11205]


async def test_a_delayed_webhook_arrives_late(stage):
    stage.faults.add(Fault("webhook", "delay", ms=3000))
    began = now()
    call = await stage.dial()
    await stage.bridge.until("/incoming-call")
    assert now() - began == pytest.approx(3)
    await call.streaming()


async def test_a_webhook_delayed_beyond_15_s_is_given_up(stage):
    stage.faults.add(Fault("webhook", "delay", ms=20_000))
    call = await stage.dial()
    await call.ended()
    assert [error.code for error in call.errors] == [11200]
    assert not stage.bridge.of("/incoming-call")


async def test_callbacks_are_not_struck(stage):
    call, _ = await stage.talk()
    stage.faults.add(Fault("webhook", "refuse"))
    await call.hang_up()
    await call.ended()
    assert not stage.bridge.of("/call-ended")
    assert stage.bridge.of("/status")


async def test_a_dropped_media_socket_has_no_stop_and_the_call_goes_on(stage):
    stage.faults.add(Fault("media_socket", "drop", after_ms=500))
    call, end = await stage.talk()
    began = now()
    await end.closed.wait()
    assert now() - began <= 0.5
    assert end.code is None
    assert not end.of("stop")
    assert (await stage.bridge.until("/call-ended")).form["CallStatus"] == "in-progress"
    await call.ended()
    (fault,) = [event.detail for event in call.events if event.kind == "fault"]
    assert fault == {"where": "media_socket", "fault": "drop"}


async def test_a_half_open_media_socket_is_silent_both_ways(stage):
    stage.faults.add(Fault("media_socket", "half_open", after_ms=500))
    call, end = await stage.talk()
    await asyncio.sleep(2)
    assert 20 <= end.counts["media"] <= 26
    await end.say(b"\x20" * 800)
    await end.mark("unheard")
    await end.ws.ping()
    await call.press("1")
    await asyncio.sleep(2)
    assert (end.counts["mark"], end.counts["dtmf"], end.pongs) == (0, 0, [])
    assert 0x20 not in call.heard
    assert call.status == "in-progress"
    await end.ws.close()  # unanswered, so the bridge gives up after its half second
    await stage.bridge.until("/call-ended")
    await call.ended()


async def test_hanging_up_on_a_half_open_socket_still_ends_the_call(stage):
    stage.faults.add(Fault("media_socket", "half_open"))
    call, end = await stage.talk()
    await asyncio.sleep(1)
    await call.hang_up()
    assert not end.of("stop")
    assert (await stage.bridge.until("/status")).form["CallStatus"] == "completed"


async def test_a_half_open_socket_that_the_bridge_cuts_goes_on_with_action(stage):
    stage.faults.add(Fault("media_socket", "half_open"))
    _, end = await stage.talk()
    await asyncio.sleep(1)
    end.request.transport.abort()
    await stage.bridge.until("/call-ended")


async def test_a_garbled_message_comes_between_good_ones(stage):
    stage.faults.add(Fault("media_socket", "garble", after_ms=500))
    call, end = await stage.talk()
    broken = await end.until("unreadable")
    assert broken["text"].startswith("{")
    count = end.counts["media"]
    await end.until("media", count + 10)
    assert call.stream.up


async def test_a_garbled_message_can_be_given(stage):
    stage.faults.add(Fault("media_socket", "garble", text='{"event": "tomorrow"}'))
    _, end = await stage.talk()
    await end.until("tomorrow")


async def test_a_slow_reader_takes_the_bridges_messages_later(stage):
    stage.faults.add(Fault("media_socket", "slow_reader", after_ms=500, ms=2000))
    _, end = await stage.talk()
    await asyncio.sleep(0.6)
    began = now()
    await end.mark("late")
    await end.until("mark")
    assert 1.8 <= now() - began <= 2.0
    assert end.counts["media"] > 100  # it goes on sending


async def test_a_delayed_start_comes_late(stage):
    stage.faults.add(Fault("media_socket", "delay", ms=4000))
    call = await stage.dial()
    await call.streaming()
    end = await stage.bridge.stream()
    (connected,), (start,) = end.times("connected"), end.times("start")
    assert start - connected == pytest.approx(4, abs=0.01)
    await end.until("media")
    assert [message["event"] for _, message in end.messages[:3]] == ["connected", "start", "media"]


async def test_a_bridge_that_closes_before_the_delayed_start(stage):
    stage.faults.add(Fault("media_socket", "delay", ms=60_000))
    call = await stage.dial()
    while not stage.bridge.media:
        await asyncio.sleep(0.01)
    await stage.bridge.media[0].until("connected")
    await stage.bridge.media[0].ws.close(code=4000)
    await stage.bridge.until("/call-ended")
    await call.ended()
    assert [error.code for error in call.errors] == [31921]
    assert [hit.form["StreamEvent"] for hit in stage.bridge.of("/stream-status")] == ["stream-error"]


async def test_a_refused_media_socket_is_31902(stage):
    stage.faults.add(Fault("media_socket", "refuse"))
    call = await stage.dial()
    await stage.bridge.until("/call-ended")
    await call.ended()
    assert [error.code for error in call.errors] == [31902]


async def test_a_fault_strikes_as_often_as_it_was_asked_to(stage):
    stage.faults.add(Fault("media_socket", "drop", after_ms=200, times=2))
    stage.bridge.script["/call-ended"] = lambda hit: (
        stage.bridge.script["/incoming-call"] if len(stage.bridge.of("/call-ended")) <= 2 else "<Response/>"
    )
    await stage.dial()
    third = await stage.bridge.stream(3)
    await asyncio.sleep(5)
    assert not third.closed.is_set()
