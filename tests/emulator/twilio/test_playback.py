"""What the caller hears of what the bridge sends, and when the bridge is told so."""

import asyncio
import base64

import pytest


def loud(ms, byte=0x20):
    return bytes([byte]) * (8 * ms)


def now():
    return asyncio.get_running_loop().time()


def first(tape, byte=0x20):
    return tape.index(byte) / 8


async def test_audio_plays_on_the_clock_in_order(stage):
    call, end = await stage.talk()
    await end.say(loud(1000, 1))
    await end.say(loud(1000, 2))
    await asyncio.sleep(1.5)
    assert first(call.heard, 1) + 1000 == first(call.heard, 2)
    assert 440 * 8 <= call.heard.count(2) <= 500 * 8  # no faster than it would sound
    await asyncio.sleep(1)
    assert call.heard.strip(b"\xff") == loud(1000, 1) + loud(1000, 2)


async def test_pieces_of_any_length_are_joined_without_a_gap(stage):
    call, end = await stage.talk()
    audio = bytes(range(1, 251)) * 8
    for cut in (0, 1, 160, 161, 162, 900, 2000):
        following = [0, 1, 160, 161, 162, 900, 2000, 2000]
        await end.say(audio[cut : following[following.index(cut) + 1]] if cut < 2000 else b"")
    await asyncio.sleep(1)
    assert call.heard.strip(b"\xff") == audio


async def test_both_tapes_run_on_one_time_line_from_the_answer_on(stage):
    call, end = await stage.talk()
    await asyncio.sleep(1)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(call.speak(loud(500, 3)))
        tasks.create_task(end.say(loud(500, 4)))
    await asyncio.sleep(1)
    await call.hang_up()
    assert len(call.sent) == len(call.heard)
    assert 2480 <= len(call.heard) / 8 <= 2540
    assert abs(first(call.sent, 3) - first(call.heard, 4)) <= 40
    assert call.sent.strip(b"\xff") == loud(500, 3)


async def test_listeners_get_each_frame_as_it_plays(stage):
    call, end = await stage.talk()
    frames = []
    call.on_heard.append(lambda frame: frames.append((now(), frame)))
    began = now()
    await end.say(loud(60))
    await asyncio.sleep(1.01)
    assert [len(frame) for _, frame in frames] == [160] * len(frames)
    assert len(frames) == 50
    loud_ones = [at for at, frame in frames if frame != b"\xff" * 160]
    assert loud_ones[0] - began <= 0.06
    assert [at - loud_ones[0] for at in loud_ones] == pytest.approx([0, 0.02, 0.04], abs=1e-6)


async def test_a_mark_is_echoed_when_the_audio_before_it_has_played(stage):
    call, end = await stage.talk()
    began = now()
    await end.say(loud(1000))
    await end.mark("first")
    await end.say(loud(500))
    await end.mark("second")
    assert (await end.until("mark", 1))["mark"] == {"name": "first"}
    assert 1.0 <= now() - began <= 1.05
    assert call.heard.count(0x20) == 8000
    assert (await end.until("mark", 2))["mark"] == {"name": "second"}
    assert 1.5 <= now() - began <= 1.55
    assert call.heard.count(0x20) == 12000
    assert end.of("mark")[0].keys() == {"event", "sequenceNumber", "streamSid", "mark"}


async def test_a_mark_on_an_empty_queue_is_echoed_at_once(stage):
    _, end = await stage.talk()
    await asyncio.sleep(0.5)
    began = now()
    await end.mark("nothing before")
    await end.until("mark")
    assert now() == began


async def test_clear_silences_the_caller_and_echoes_all_marks_at_once_in_order(stage):
    call, end = await stage.talk()
    for index in range(10):
        await end.say(loud(1000))
        await end.mark(f"m{index}")
    await end.until("mark")
    began = now()
    await end.clear()
    await end.until("mark", 10)
    assert now() == began
    assert [message["mark"]["name"] for message in end.of("mark")] == [f"m{index}" for index in range(10)]
    await asyncio.sleep(2)
    assert 1000 <= call.heard.count(0x20) / 8 <= 1040  # 20 ms were in the air
    assert any(event.kind == "clear" and event.detail == {"marks": 9} for event in call.events)


async def test_audio_after_clear_plays_at_once(stage):
    call, end = await stage.talk()
    await end.say(loud(5000))
    await asyncio.sleep(1)
    await end.clear()
    await end.say(loud(200, 7))
    await end.mark("new")
    await end.until("mark")
    tape = bytes(call.heard)
    assert tape.count(7) == 1600
    assert tape.index(7) - tape.rindex(0x20) == 1


async def test_ten_minutes_are_queued_and_the_surplus_is_31931_once(stage):
    call, end = await stage.talk()
    for _ in range(11):
        await end.say(loud(60_000))
    await end.mark("end")
    began = now()
    await end.until("mark")
    assert now() - began == pytest.approx(600, abs=0.1)
    assert [error.code for error in call.errors] == [31931]
    assert call.heard.count(0x20) == 600 * 8000


BROKEN = {
    "not JSON": "{",
    "not an object": "[]",
    "no event": "{}",
    "unknown event": '{"event": "stop", "streamSid": "SID"}',
    "event is no string": '{"event": {}, "streamSid": "SID"}',
    "no streamSid": '{"event": "clear"}',
    "another streamSid": '{"event": "clear", "streamSid": "MZ00000000000000000000000000000000"}',
    "surplus at the top": '{"event": "clear", "streamSid": "SID", "sequenceNumber": "1"}',
    "no media": '{"event": "media", "streamSid": "SID"}',
    "media is no object": '{"event": "media", "streamSid": "SID", "media": "AAAA"}',
    "no payload": '{"event": "media", "streamSid": "SID", "media": {}}',
    "payload is no string": '{"event": "media", "streamSid": "SID", "media": {"payload": 1}}',
    "surplus in media": '{"event": "media", "streamSid": "SID", "media": {"payload": "AAAA", "track": "outbound"}}',
    "payload is not base64": '{"event": "media", "streamSid": "SID", "media": {"payload": "AA=A"}}',
    "payload has strange letters": '{"event": "media", "streamSid": "SID", "media": {"payload": "AAAé"}}',
    "no name": '{"event": "mark", "streamSid": "SID", "mark": {}}',
    "name is no string": '{"event": "mark", "streamSid": "SID", "mark": {"name": 7}}',
    "surplus in mark": '{"event": "mark", "streamSid": "SID", "mark": {"name": "a", "at": 1}}',
    "surplus object": '{"event": "clear", "streamSid": "SID", "clear": {}}',
    "snake case": '{"event": "clear", "stream_sid": "SID"}',
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN.keys())
async def test_what_twilio_does_not_know_is_31951_and_dropped(stage, text):
    call, end = await stage.talk()
    await end.say(loud(300))
    await end.ws.send_str(text.replace("SID", end.stream_sid))
    await end.mark("after")
    await end.until("mark")
    assert [error.code for error in call.errors] == [31951]
    assert "Invalid Message" in call.errors[0].text
    assert call.heard.count(0x20) == 2400  # neither cleared nor added to
    assert call.heard.count(0x00) == 0


async def test_a_binary_frame_is_31950(stage):
    call, end = await stage.talk()
    await end.ws.send_bytes(loud(20))
    await end.mark("after")
    await end.until("mark")
    assert [error.code for error in call.errors] == [31950]


async def test_each_warning_comes_once_per_stream_and_each_message_is_noted(stage):
    call, end = await stage.talk()
    for _ in range(3):
        await end.ws.send_str("{")
        await end.ws.send_bytes(b"x")
    await end.mark("after")
    await end.until("mark")
    assert [error.code for error in call.errors] == [31951, 31950]
    assert [event.kind for event in call.events].count("invalid_message") == 6


async def test_an_empty_payload_is_nothing_to_play(stage):
    call, end = await stage.talk()
    await end.say(b"")
    await end.mark("after")
    await end.until("mark")
    assert not call.errors


async def test_a_frame_that_breaks_the_websocket_protocol_is_31924(stage):
    call, end = await stage.talk()
    end.request.transport.write(bytes([0x83, 0x00]))  # opcode 3 does not exist
    await stage.bridge.until("/call-ended")
    await call.ended()
    assert [error.code for error in call.errors] == [31924]


async def test_a_bridge_that_does_not_read_loses_the_callers_audio_with_31930(stage):
    call, end = await stage.talk()
    end.reading.clear()
    end.request.transport.pause_reading()
    async with asyncio.timeout(3000):
        while not call.errors:
            await asyncio.sleep(10)
    assert [error.code for error in call.errors] == [31930]
    played = len(call.heard)
    await asyncio.sleep(1)
    assert len(call.heard) - played == 8000  # the call goes on
    end.request.transport.resume_reading()
    end.reading.set()
    lost = len(end.of("media"))
    await asyncio.sleep(1)
    chunks = [int(frame["media"]["chunk"]) for frame in end.of("media")]
    numbers = [int(frame["sequenceNumber"]) for frame in end.of("media")]
    assert len(chunks) > lost
    assert chunks[-1] > len(chunks)
    assert numbers[-1] == len(numbers) + 1
    assert base64.b64decode(end.of("media")[-1]["media"]["payload"]) == b"\xff" * 160
