"""What Twilio can do to a call, on real sockets, and what its caller hears then."""

import asyncio
import base64

import pytest

from ringbridge import facts
from ringbridge.emulator.faults import Fault
from ringbridge.phrases import ENGLISH

from ..integration.raw_house import house, new_call_sid
from .conftest import GREETING, says_hello
from .raw import WORDS, goes_on, twiml
from .table import NOTHING, Row, Seen, faults

HANGUP = "`<Hangup>`"
GOES_ON = "the call goes on"
REFUSED = "nothing; the socket is closed with 1008"


@pytest.fixture
async def home():
    async with house() as home:
        yield home


# The webhook


@faults("Twilio", Row("The webhook never arrives", "*sorry*, *goodbye*", HANGUP))
async def test_the_webhook_is_lost(story, caplog, row):
    # Twilio then asks the number's fallback URL.
    return await story(faults=[Fault("webhook", "refuse")])


@faults("Twilio", Row("The webhook comes 12 s late", "greeting, answer"))
async def test_the_webhook_is_late(story, caplog, row):
    async def talks(w, call):
        await says_hello(w, call)
        await w.hears(call, "You said: hello.")

    return await story(talks, faults=[Fault("webhook", "delay", ms=12_000)], hangs_up_after=0)


@faults("Twilio", Row("The webhook comes twice", GOES_ON, "the same answer"))
async def test_the_webhook_comes_twice(home, caplog, row):
    sid = new_call_sid()
    first, second = [(await home.twilio.post("/incoming-call", home.form(sid))).body for _ in range(2)]
    assert first == second
    await home.elevenlabs.conversation()
    assert len([request for request in home.elevenlabs.requests if "signed" in request.target]) == 1
    return Seen(GOES_ON, "the same answer")


@faults("Twilio", Row("The webhook comes after the call has ended", "nothing", "an empty answer, or `<Hangup>`"))
async def test_the_webhook_comes_after_the_end(home, caplog, row):
    call = await home.place_call()
    await call.hang_up()
    assert await twiml(home, "/incoming-call", home.form(call.sid, "completed")) == []
    assert await twiml(home, "/incoming-call", home.form(call.sid)) == ["Hangup"]
    unknown = new_call_sid()
    await home.twilio.post("/stream-status", home.form(unknown, "canceled"))
    assert await twiml(home, "/incoming-call", home.form(unknown)) == ["Hangup"]
    await home.has_given_back()
    assert len([request for request in home.elevenlabs.requests if "signed" in request.target]) == 1
    return Seen("nothing", "an empty answer, or `<Hangup>`")


@faults("Twilio", Row("Status callbacks come out of order", GOES_ON))
async def test_status_callbacks_out_of_order(home, caplog, row):
    call = await home.place_call()
    for status in ("in-progress", "ringing", "initiated", "in-progress"):
        form = home.form(call.sid, status, SequenceNumber="9", CallbackSource="call-progress-events")
        assert (await home.twilio.post("/stream-status", form)).status == 204
    await goes_on(home, call)
    return Seen(GOES_ON)


# The stream's start


@faults(
    "Twilio", Row("`start` never comes", REFUSED, log="no start came", back="the conversation, 10 s after the webhook")
)
async def test_no_start(home, caplog, row):
    sid = new_call_sid()
    await home.announce(sid)
    conversation = await home.elevenlabs.conversation()
    stream = await home.stream(sid)
    assert await stream.socket.ended() == 1008
    assert await conversation.ended() == 1000
    return Seen(REFUSED, back=row.back)


@faults("Twilio", Row("`start` comes twice", GOES_ON))
async def test_start_twice(home, caplog, row):
    sid = new_call_sid()
    token = await home.announce(sid)
    conversation = await home.elevenlabs.conversation()
    stream = await home.stream(sid)
    stream.begin(token)
    stream.begin(token)
    stream.socket.write(stream.media(WORDS))
    assert await conversation.hear(len(WORDS)) == WORDS
    stream.socket.write(stream.stop())
    assert await conversation.ended() == 1000
    return Seen(GOES_ON)


@faults("Twilio", Row("Audio comes before `start`", "the call goes on; that audio is nobody's"))
async def test_media_before_start(home, caplog, row):
    sid = new_call_sid()
    token = await home.announce(sid)
    conversation = await home.elevenlabs.conversation()
    stream = await home.stream(sid)
    stream.socket.write(stream.media(b"\x01" * 1600))
    stream.begin(token)
    stream.socket.write(stream.media(WORDS))
    assert await conversation.hear(len(WORDS)) == WORDS
    return Seen(row.hears)


@faults("Twilio", Row("`start` is for another call", REFUSED, log="the call token is another call's"))
async def test_start_for_another_call(home, caplog, row):
    token = await home.announce(new_call_sid())
    stream = await home.stream(new_call_sid())
    stream.begin(token)
    assert await stream.socket.ended() == 1008
    return Seen(REFUSED)


@faults("Twilio", Row("The stream can't be opened", "greeting, answer; a second one is opened", "`<Connect>`", "31902"))
async def test_the_stream_is_refused(story, caplog, row):
    async def talks(w, call):
        await says_hello(w, call)
        await w.hears(call, "You said: hello.")

    seen = await story(talks, faults=[Fault("media_socket", "refuse")], hangs_up_after=0)
    assert seen.hears == "greeting, answer"
    return Seen(row.hears, seen.twilio)


# The stream, later


@faults(
    "Twilio",
    Row(
        "The socket drops in the middle of a reply",
        "half an answer, *still here*; the call goes on in another stream",
        "`<Connect>`",
        "stream lost",
    ),
)
async def test_the_socket_drops(story, caplog, row):
    async def talks(w, call):
        await w.hears(call, GREETING)
        await w.engine_says("one two three four five six seven eight nine ten")
        await w.hears(call, "two")
        await call.drop_stream()
        await w.hears(call, ENGLISH.still_here)
        await w.says(call, "hello")
        await w.hears(call, "You said: hello.")

    seen = await story(talks, hangs_up_after=0)
    assert seen.hears == "greeting, answer, *still here*, answer"
    return Seen(row.hears, seen.twilio)


@faults(
    "Twilio",
    Row(
        "The socket drops, and Twilio never asks what to do",
        "*sorry*, *goodbye*",
        "the sorry, by REST: " + HANGUP,
        "no other came within 5 s",
    ),
)
async def test_the_socket_drops_for_good(story, caplog, row):
    async def talks(w, call):
        await w.hears(call, GREETING)
        w.faults.add(Fault("webhook", "delay", ms=14_000))
        await call.drop_stream()

    seen = await story(talks, silence=False)
    assert seen.hears == "greeting, *sorry*, *goodbye*"
    return Seen("*sorry*, *goodbye*", "the sorry, by REST: " + seen.twilio)


@faults(
    "Twilio",
    Row(
        "The socket is half-open",
        "nothing for 30 s, then the call goes on in another stream",
        "`<Connect>`",
        "stream lost",
    ),
)
async def test_half_open(story, caplog, row):
    async def talks(w, call):
        await w.hears(call, GREETING)
        await w.tells(facts.StreamAttached, 2, seconds=60)
        await w.says(call, "hello")
        await w.hears(call, "You said: hello.")

    fault = Fault("media_socket", "half_open", after_ms=1500)
    seen = await story(talks, faults=[fault], hangs_up_after=0, silence=False)
    return Seen(row.hears, seen.twilio)


@faults("Twilio", Row("Marks are never echoed", GOES_ON + "; the sorry is waited for by the clock"))
async def test_marks_never_echoed(home, caplog, row):
    call = await home.place_call()
    for _ in range(3):
        await call.carries(WORDS)
    await goes_on(home, call)
    return Seen(row.hears)


@faults(
    "Twilio",
    Row(
        "Frames stop, and the socket stays",
        "what the agent says; once Twilio says that the call is over, it is",
        back="60 s after the last frame",
    ),
)
async def test_frames_stop(story, caplog, row):
    async def falls_silent(w, call):
        await w.hears(call, GREETING)
        call.handset.stream = None
        w.faults.add(Fault("webhook", "refuse", times=-1))
        await asyncio.sleep(30)
        await w.engine_says("are you there")
        await w.hears(call, "are you there")
        call.status = "completed"

    return Seen(row.hears, back=row.back)


@faults("Twilio", Row("It reads slowly", "the answer late, and whole"))
async def test_a_slow_reader(story, caplog, row):
    async def talks(w, call):
        await says_hello(w, call)
        await w.hears(call, "You said: hello.")

    fault = Fault("media_socket", "slow_reader", after_ms=1500, ms=4000)
    seen = await story(talks, faults=[fault], hangs_up_after=0, silence=False)
    assert seen.hears.endswith("answer")
    return Seen(row.hears)


@faults("Twilio", Row("Frames come out of order", GOES_ON + ", in the order in which they came"))
async def test_out_of_order(home, caplog, row):
    call = await home.place_call()
    stream = call.stream
    pieces = [bytes([number]) * 160 for number in range(10)]
    for number in (3, 1, 2, 0, 9):
        media = {"payload": base64.b64encode(pieces[number]).decode(), "track": "inbound", "chunk": str(number)}
        message = {"event": "media", "sequenceNumber": str(number), "streamSid": stream.sid, "media": media}
        stream.socket.send(**message)
    heard = await call.conversation.hear(5 * 160)
    assert heard == b"".join(pieces[number] for number in (3, 1, 2, 0, 9))
    await goes_on(home, call)
    return Seen(row.hears)


@faults("Twilio", Row("`stop` comes twice", "nothing: the caller is gone"))
async def test_stop_twice(home, caplog, row):
    call = await home.place_call()
    call.stream.socket.write(call.stream.stop() + call.stream.stop())
    assert await call.conversation.ended() == 1000
    await home.has_given_back()
    return Seen(row.hears)


@faults(
    "Twilio",
    Row("A broken message", GOES_ON, log="a broken message", given={"text": b'{"event": "media", "streamSid"'}),
    Row("A message of a kind that nobody knows", GOES_ON, given={"text": b'{"event": "newfangled"}'}),
)
async def test_an_odd_message(home, caplog, row):
    call = await home.place_call()
    call.stream.socket.write(call.stream.socket.frame(row.given["text"]))
    await goes_on(home, call)
    return Seen(GOES_ON)


# REST, when we want to end the call


def _rest(what, log, **fault):
    twilio = NOTHING if log == NOTHING else HANGUP
    return Row(f"REST, asked to hang up, {what}", "greeting, and the end of the call", twilio, log, given=fault)


@faults(
    "Twilio",
    _rest("refuses with 401", "Twilio refused to end a call with 401", kind="refuse", status=401, code=20003),
    _rest("refuses with 404", "Twilio refused to end a call with 404", kind="refuse", status=404, code=20404),
    _rest("refuses with 429", "Twilio refused to end a call with 429", kind="refuse", status=429, code=20429),
    _rest("fails with 500", "Twilio refused to end a call with 500", kind="refuse", status=500),
    _rest("does not answer", "Twilio did not end a call within 3 s", kind="delay", ms=60_000),
)
async def test_rest(story, caplog, row):
    async def hangs_up(w, call):
        await w.hears(call, GREETING)
        await asyncio.sleep(1)
        await w.hangs_up(call)

    seen = await story(hangs_up, faults=[Fault("twilio_rest", **row.given)], silence=False)
    assert seen.hears == "greeting"
    return Seen(row.hears, seen.twilio)


@faults(
    "Twilio",
    Row(
        "REST, asked to hang up, says that the call is over (21220)",
        "greeting, and the end of the call",
        HANGUP,
        "31921",
    ),
)
async def test_rest_not_in_progress(story, caplog, row):
    async def hangs_up(w, call):
        await w.hears(call, GREETING)
        await asyncio.sleep(1)
        await w.hangs_up(call)

    fault = Fault("twilio_rest", "refuse", status=400, code=21220)
    seen = await story(hangs_up, faults=[fault], silence=False)
    assert seen.hears == "greeting"
    return Seen(row.hears, seen.twilio)


# The ladder


@faults(
    "Twilio",
    Row(
        "Nobody takes the call of `FALLBACK_NUMBER`, and `VOICEMAIL` is on",
        "greeting, *sorry*, *connecting*, *leave a message*, *message kept*",
        "`<Dial>`, `<Record>`, `<Hangup>`",
        "call failed",
    ),
)
async def test_voicemail(story, caplog, row):
    async def leaves_a_message(w, call):
        await w.until(lambda: ENGLISH.leave_message in call.said, "a message is asked for", seconds=60)
        await w.until(lambda: "Record" in w.verbs(call), "it is recorded")
        await w.says(call, "please call me back")
        (message,) = [await w.tells(facts.VoicemailLeft)]
        assert message.recording_sid == call.recordings[0].sid
        assert message.seconds >= 5

    settings = {"FALLBACK_NUMBER": "+15550100099", "VOICEMAIL": "on"}
    faults = [Fault("engine_socket", "drop", after_ms=1000, times=-1)]
    return await story(leaves_a_message, settings=settings, faults=faults, silence=False)
