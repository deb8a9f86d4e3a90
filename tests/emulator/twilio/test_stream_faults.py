"""Media streams that do as Twilio's should not."""

import asyncio

import pytest

from ringbridge.emulator.faults import Fault


def numbers(end, event="media"):
    return [int(message["sequenceNumber"]) for message in end.of(event)]


def events(end):
    return [message["event"] for _, message in end.messages]


async def test_no_start_leaves_the_socket_open_and_silent(stage):
    stage.faults.add(Fault("media_socket", "no_start"))
    call = await stage.dial()
    await asyncio.sleep(30)
    (end,) = stage.bridge.media
    assert events(end) == ["connected"]
    assert call.stream is not None
    assert not call.stream.up
    await end.ws.close(code=1008)
    await stage.bridge.until("/call-ended")
    await call.ended()


async def test_hanging_up_before_a_start_that_never_came_tells_no_stop(stage):
    stage.faults.add(Fault("media_socket", "no_start"))
    call = await stage.dial()
    await asyncio.sleep(2)
    await call.hang_up()
    await call.ended()
    assert events(stage.bridge.media[0]) == ["connected"]


async def test_start_twice(stage):
    stage.faults.add(Fault("media_socket", "start_twice"))
    _, end = await stage.talk()
    await end.until("media", 5)
    first, second = end.of("start")
    assert (first["sequenceNumber"], second["sequenceNumber"]) == ("1", "2")
    assert first["start"] == second["start"]
    assert numbers(end)[0] == 3


@pytest.mark.parametrize(("ms", "frames"), [(0, 5), (400, 20)])
async def test_media_before_start(stage, ms, frames):
    stage.faults.add(Fault("media_socket", "start_late_media", ms=ms))
    call, end = await stage.talk()
    before = events(end)[: events(end).index("start")]
    assert before[0] == "connected"
    assert before.count("media") == len(before) - 1
    assert abs(len(before) - 1 - frames) <= 1
    count = end.counts["media"]
    await end.until("media", count + 10)
    assert call.stream.up


async def test_start_names_another_call(stage):
    stage.faults.add(Fault("media_socket", "start_other_call"))
    call, end = await stage.talk()
    named = end.of("start")[0]["start"]["callSid"]
    assert named.startswith("CA")
    assert named != call.sid


async def test_start_names_the_call_that_is_asked_for(stage):
    stage.faults.add(Fault("media_socket", "start_other_call", text="CA" + "5" * 32))
    _, end = await stage.talk()
    assert end.of("start")[0]["start"]["callSid"] == "CA" + "5" * 32


async def test_marks_are_not_echoed_any_more(stage):
    stage.faults.add(Fault("media_socket", "no_marks", after_ms=1000))
    call, end = await stage.talk()
    await end.mark("early")
    await end.until("mark")
    await asyncio.sleep(1)
    await end.say(b"\x20" * 800)
    await end.mark("late")
    await asyncio.sleep(5)
    await end.mark("cleared")
    await end.clear()
    await asyncio.sleep(5)
    assert [message["mark"]["name"] for message in end.of("mark")] == ["early"]
    assert call.heard.count(0x20) == 800


async def test_frames_stop(stage):
    stage.faults.add(Fault("media_socket", "no_frames", after_ms=1000))
    call, end = await stage.talk()
    await asyncio.sleep(5)
    assert 48 <= end.counts["media"] <= 50
    await end.mark("still there")
    await end.until("mark")
    await call.press("1")
    await end.until("dtmf")


async def test_frames_change_places_two_by_two(stage):
    stage.faults.add(Fault("media_socket", "out_of_order", after_ms=200))
    _, end = await stage.talk()
    await end.until("media", 40)
    got = numbers(end)[:40]
    begins = next(place for place, number in enumerate(got) if number != place + 2)
    assert got[begins : begins + 4] == [begins + 3, begins + 2, begins + 5, begins + 4]
    assert sorted(got[: begins + 20]) == list(range(2, begins + 22))


async def test_stop_twice(stage):
    stage.faults.add(Fault("media_socket", "stop_twice"))
    call, end = await stage.talk()
    await asyncio.sleep(1)
    await call.hang_up()
    await end.closed.wait()
    assert events(end)[-2:] == ["stop", "stop"]
    await call.ended()


async def test_a_lost_stream_stops_not_at_all(stage):
    stage.faults.add(Fault("media_socket", "stop_twice"))
    stage.faults.add(Fault("media_socket", "drop", after_ms=500))
    call, end = await stage.talk()
    await end.closed.wait()
    assert not end.of("stop")
    await call.ended()
