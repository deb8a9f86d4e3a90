"""The media socket: what Twilio sends on it, in which order and when."""

import asyncio
import base64

import pytest
from twilio.request_validator import RequestValidator

from ringbridge.emulator.twilio.records import CallOver

ACCOUNT = "AC" + "0" * 32
TOKEN = "0123456789abcdef0123456789abcdef"


def loud(ms, byte=0x20):
    return bytes([byte]) * (8 * ms)


async def test_the_upgrade_is_signed_over_the_url_of_the_twiml_in_a_lower_case_header(stage):
    _, end = await stage.talk()
    names = [name for name, _ in end.request.raw_headers]
    assert b"x-twilio-signature" in names
    signature = end.request.headers["x-twilio-signature"]
    assert RequestValidator(TOKEN).validate("wss://bridge.test/media-stream", {}, signature)
    assert end.request.headers["Host"] == "bridge.test"
    assert end.request.headers["X-Forwarded-Proto"] == "https"


async def test_connected_and_start_come_first_and_hold_what_is_documented(stage):
    call, end = await stage.talk()
    assert end.messages[0][1] == {"event": "connected", "protocol": "Call", "version": "1.0.0"}
    start = end.messages[1][1]
    assert start == {
        "event": "start",
        "sequenceNumber": "1",
        "streamSid": start["streamSid"],
        "start": {
            "accountSid": ACCOUNT,
            "streamSid": start["streamSid"],
            "callSid": call.sid,
            "tracks": ["inbound"],
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
            "customParameters": {"token": "t0ken"},
        },
    }
    assert start["streamSid"].startswith("MZ")
    assert len(start["streamSid"]) == 34


async def test_the_microphone_sends_silence_every_20_ms_while_nobody_speaks(stage):
    _, end = await stage.talk()
    await end.until("media", 500)
    frames = end.of("media")
    assert {frame["media"]["payload"] for frame in frames} == {base64.b64encode(b"\xff" * 160).decode()}
    times = end.times("media")
    for index, at in enumerate(times):
        assert at == pytest.approx(times[0] + index * 0.02, abs=1e-6)


async def test_media_is_numbered_in_strings(stage):
    _, end = await stage.talk()
    await end.until("media", 5)
    frames = end.of("media")[:5]
    assert [frame["sequenceNumber"] for frame in frames] == ["2", "3", "4", "5", "6"]
    assert [frame["media"]["chunk"] for frame in frames] == ["1", "2", "3", "4", "5"]
    assert [frame["media"]["timestamp"] for frame in frames] == ["20", "40", "60", "80", "100"]
    assert {frame["media"]["track"] for frame in frames} == {"inbound"}
    assert {frame["streamSid"] for frame in frames} == {end.stream_sid}


async def test_every_message_has_the_next_sequence_number(stage):
    call, end = await stage.talk()
    await call.press("12")
    await end.mark("a")
    await end.until("mark")
    await call.hang_up()
    await end.closed.wait()
    numbers = [int(message["sequenceNumber"]) for _, message in end.messages[1:]]
    assert numbers == list(range(1, len(numbers) + 1))


async def test_speak_sends_the_audio_in_order_and_returns_with_its_last_frame(stage):
    call, end = await stage.talk()
    audio = bytes(range(1, 251)) * 10  # 312.5 ms: the last frame is filled up with silence
    await call.speak(audio)
    before = asyncio.get_running_loop().time()
    await asyncio.gather(call.speak(loud(100, 1)), call.speak(loud(100, 2)))
    assert asyncio.get_running_loop().time() - before == pytest.approx(0.2, abs=0.021)
    await call.hang_up()
    assert end.audio.strip(b"\xff") == audio + b"\xff" * 60 + loud(100, 1) + loud(100, 2)


async def test_after_a_blocked_loop_the_microphone_catches_up_without_drift(stage):
    call, end = await stage.talk()
    await end.until("media", 10)
    loop = asyncio.get_running_loop()
    first = end.times("media")[0]
    loop._waiting.now += 0.5  # as if a callback had taken half a second
    await end.until("media", 100)
    assert end.times("media")[99] == pytest.approx(first + 99 * 0.02, abs=1e-6)
    chunks = [int(frame["media"]["chunk"]) for frame in end.of("media")]
    assert chunks == list(range(1, len(chunks) + 1))
    assert len(call.sent) == len(call.heard)


async def test_keys_are_sent_one_by_one_0_2_s_apart(stage):
    call, end = await stage.talk()
    await call.press("42#")
    await end.until("dtmf", 3)
    assert [message["dtmf"] for message in end.of("dtmf")] == [
        {"track": "inbound_track", "digit": digit} for digit in "42#"
    ]
    one, two, three = end.times("dtmf")
    assert two - one == pytest.approx(0.2)
    assert three - two == pytest.approx(0.2)
    with pytest.raises(ValueError, match="keys are"):
        await call.press("4x")


async def test_hanging_up_sends_stop_last_then_closes(stage):
    call, end = await stage.talk()
    await call.hang_up()
    await end.closed.wait()
    last = end.messages[-1][1]
    assert last == {
        "event": "stop",
        "sequenceNumber": last["sequenceNumber"],
        "streamSid": end.stream_sid,
        "stop": {"accountSid": ACCOUNT, "callSid": call.sid},
    }
    assert end.code == 1000
    assert call.status == "completed"
    assert call.stream is None


async def test_the_bridge_may_keep_sending_while_the_caller_hangs_up(stage):
    call, end = await stage.talk()

    async def babble():
        while not end.ws.closed:
            await end.say(loud(100))
            await asyncio.sleep(0.001)

    async with asyncio.TaskGroup() as tasks:
        talking = tasks.create_task(babble())
        await asyncio.sleep(0.1)
        await call.hang_up()
        await end.closed.wait()
        talking.cancel()
    assert [message["event"] for _, message in end.messages].count("stop") == 1
    assert end.code == 1000


async def test_the_bridges_close_is_31921_and_the_call_goes_on_with_action(stage):
    stage.bridge.script["/call-ended"] = "<Response><Say>Goodbye</Say></Response>"
    call, end = await stage.talk()
    await end.ws.close()
    hit = await stage.bridge.until("/call-ended")
    assert hit.form["CallStatus"] == "in-progress"
    await call.ended()
    assert [error.code for error in call.errors] == [31921]
    assert call.said == ["Goodbye"]
    ended = next(event for event in call.events if event.kind == "stream_ended")
    assert ended.detail == {"stream_sid": end.stream_sid, "by": "bridge", "code": 1000}


async def test_audio_still_queued_when_the_bridge_closes_is_never_played(stage):
    call, end = await stage.talk()
    await end.say(loud(5000))
    await asyncio.sleep(0.5)
    await end.ws.close()
    await call.ended()
    assert 480 <= call.heard.count(0x20) / 8 <= 520


async def test_a_bridge_that_dies_without_a_close_frame_gets_action_too(stage):
    call, end = await stage.talk()
    end.request.transport.abort()
    hit = await stage.bridge.until("/call-ended")
    assert hit.form["CallStatus"] == "in-progress"
    await call.ended()
    assert [error.code for error in call.errors] == [31921]


async def test_a_dropped_stream_has_no_stop_and_the_call_goes_on(stage):
    stage.bridge.script["/call-ended"] = lambda hit: (
        (stage.bridge.script["/incoming-call"]) if len(stage.bridge.of("/call-ended")) == 1 else "<Response/>"
    )
    call, end = await stage.talk()
    await call.drop_stream()
    await end.closed.wait()
    assert not end.of("stop")
    assert end.code is None
    assert (await stage.bridge.until("/call-ended")).form["CallStatus"] == "in-progress"
    await call.streaming()
    second = await stage.bridge.stream(2)
    assert second.stream_sid != end.stream_sid
    assert call.status == "in-progress"
    assert second.of("start")[0]["sequenceNumber"] == "1"
    await call.hang_up()
    with pytest.raises(CallOver):
        await call.drop_stream()


async def test_the_bridges_pings_are_answered(stage):
    _, end = await stage.talk()
    await end.ws.ping(b"are you there")
    await asyncio.sleep(0.1)
    assert end.pongs == [b"are you there"]


@pytest.mark.parametrize("status", [401, 403, 404, 500, 200])
async def test_anything_but_101_is_31920_and_goes_on_with_action(stage, status):
    stage.bridge.refuse_media = status
    call = await stage.dial()
    hit = await stage.bridge.until("/call-ended")
    assert hit.form["CallStatus"] == "in-progress"
    await call.ended()
    assert [error.code for error in call.errors] == [31920]
    assert any(event.kind == "stream_refused" for event in call.events)
    with pytest.raises(CallOver):
        await call.streaming()


async def test_an_unreachable_media_host_is_31902(stage):
    stage.addresses.add("gone.test", "http://127.0.0.1:9")
    stage.bridge.script["/incoming-call"] = (
        '<Response><Connect><Stream url="wss://gone.test/media-stream"/></Connect><Say>Sorry</Say></Response>'
    )
    call = await stage.dial()
    await call.ended()
    assert [error.code for error in call.errors] == [31902]
    assert call.said == ["Sorry"]  # no action: the next verb


async def test_an_endless_handshake_is_31901(stage):
    async def silent(reader, writer):
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    async with server:
        stage.addresses.add("slow.test", f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        stage.bridge.script["/incoming-call"] = (
            '<Response><Connect><Stream url="wss://slow.test/media-stream"/></Connect></Response>'
        )
        call = await stage.dial()
        await call.ended()
    assert [error.code for error in call.errors] == [31901]


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("wss://bridge.test/media-stream?token=1", 31920),
        ("wss://bridge.test/media-stream?", 31920),
        ("ws://bridge.test/media-stream", 31922),
        ("https://bridge.test/media-stream", 31922),
        ("wss://my_bridge.test/media-stream", 31923),
        ("wss:///media-stream", 31923),
        ("wss://bridge.test:port/media-stream", 31923),
        ("bridge.test/media-stream", 31923),
        ("wss://bridge.test/media stream", 31923),
    ],
)
async def test_a_stream_url_that_twilio_does_not_dial(stage, url, code):
    stage.bridge.script["/incoming-call"] = (
        f'<Response><Connect action="/call-ended"><Stream url="{url}"/></Connect></Response>'
    )
    call = await stage.dial()
    await stage.bridge.until("/call-ended")
    await call.ended()
    assert [error.code for error in call.errors] == [code]
    assert not stage.bridge.media


async def test_a_relative_stream_url_belongs_to_the_document(stage):
    stage.bridge.script["/incoming-call"] = '<Response><Connect><Stream url="/media-stream"/></Connect></Response>'
    _, end = await stage.talk()
    assert end.request.path == "/media-stream"
    signature = end.request.headers["x-twilio-signature"]
    assert RequestValidator(TOKEN).validate("wss://bridge.test/media-stream", {}, signature)
