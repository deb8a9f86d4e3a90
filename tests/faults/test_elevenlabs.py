"""What ElevenLabs can do to a call, on real sockets, and what its caller hears then."""

import asyncio
import base64
import contextlib

import pytest

from ringbridge.emulator.faults import Fault
from ringbridge.phrases import ENGLISH

from ..integration.raw_house import house, new_call_sid
from ..integration.raw_websocket import BINARY
from .conftest import GREETING, says_hello
from .raw import WORDS, after_stream, goes_on, hears
from .table import NOTHING, Row, Seen, faults

SORRY = "*sorry*, *goodbye*"
AFTER_GREETING = f"greeting, {SORRY}"
HANGUP = "`<Hangup>`"
GOES_ON = "greeting, answer; the call goes on"


@faults(
    "ElevenLabs",
    Row(
        "Its host has no address (DNS)",
        SORRY,
        HANGUP,
        "can't be reached for a signed URL",
        given={"url": "http://elevenlabs.invalid"},
    ),
    Row(
        "Its host refuses the connection",
        SORRY,
        HANGUP,
        "can't be reached for a signed URL",
        given={"url": "http://127.0.0.1:9"},
    ),
    Row("TLS fails", SORRY, HANGUP, "can't be reached for a signed URL", given={"url": "tls"}),
)
async def test_the_api_is_not_there(story, caplog, row):
    url = row.given["url"]
    if url != "tls":
        return await story(settings={"ELEVENLABS_BASE_URL": url})
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        return await story(settings={"ELEVENLABS_BASE_URL": f"https://127.0.0.1:{port}"})


def _refused(status, log):
    return Row(f"The signed URL is refused with {status}", SORRY, HANGUP, log, given={"status": status})


@faults(
    "ElevenLabs",
    _refused(401, "401 invalid_api_key: check ELEVENLABS_API_KEY"),
    _refused(403, "403"),
    _refused(404, "check SPEECH_ENGINE_ID"),
    _refused(429, "all conversations of the plan are in use"),
    _refused(500, "500"),
    _refused(503, "503"),
)
async def test_the_signed_url_is_refused(story, caplog, row):
    return await story(faults=[Fault("signed_url", "refuse", status=row.given["status"], times=-1)])


@faults(
    "ElevenLabs",
    Row("The signed URL takes 3 s", "*one moment*, greeting, answer", given={"ms": 3000}),
)
async def test_the_signed_url_is_slow(story, caplog, row):
    async def talks(w, call):
        await says_hello(w, call)
        await w.hears(call, "You said: hello.")

    return await story(talks, faults=[Fault("signed_url", "delay", ms=row.given["ms"])], hangs_up_after=0)


@faults(
    "ElevenLabs",
    Row(
        "The signed URL takes 10 s",
        "*one moment*, *still here*, " + SORRY,
        HANGUP,
        "no conversation was open 5 s after",
        given={"ms": 10_000},
    ),
    Row(
        "The signed URL takes 60 s",
        "*one moment*, *still here*, " + SORRY,
        HANGUP,
        "no conversation was open 5 s after",
        given={"ms": 60_000},
    ),
)
async def test_the_signed_url_is_too_slow(story, caplog, row):
    return await story(faults=[Fault("signed_url", "delay", ms=row.given["ms"], times=-1)])


@faults(
    "ElevenLabs",
    Row("The upgrade is answered with 403", SORRY, HANGUP, "answered the upgrade with 403", given={"status": 403}),
    Row("The upgrade is answered with 503", SORRY, HANGUP, "answered the upgrade with 503", given={"status": 503}),
)
async def test_the_upgrade_is_refused(story, caplog, row):
    return await story(faults=[Fault("engine_socket", "refuse", status=row.given["status"], times=-1)])


@faults(
    "ElevenLabs",
    Row("No metadata comes", "*one moment*, *still here*, " + SORRY, HANGUP, "no conversation was open 5 s after"),
)
async def test_no_metadata(story, caplog, row):
    return await story(faults=[Fault("engine_socket", "delay", ms=60_000, times=-1)])


@faults(
    "ElevenLabs",
    Row("The engine speaks another format than a phone's", SORRY, HANGUP, "set asr.user_input_audio_format"),
)
async def test_wrong_formats(story, caplog, row):
    return await story(engine={"output_format": "pcm_16000"})


@faults(
    "ElevenLabs",
    Row(
        "It is silent after the metadata",
        "*one moment*, *still here*, *one moment*, *still here* (again in a second conversation), " + SORRY,
        HANGUP,
        "has not spoken, although it was its turn",
    ),
)
async def test_silent_after_metadata(story, caplog, row):
    def mute(talk, event):
        talk.emit = lambda message: None if message["type"] == "audio" else type(talk).emit(talk, message)

    async def silenced(w, call):
        w.elevenlabs.on_event.append(mute)
        mute(w.elevenlabs.conversations[0], None) if w.elevenlabs.conversations else None

    seen = await story(silenced)
    ours = "*one moment*, *still here*, "
    assert seen.hears.startswith(ours * 3)
    assert seen.hears.endswith(SORRY)
    return Seen(row.hears, seen.twilio)


def _closes(code, log, what=""):
    return Row(f"It closes with {code}{what}, twice", AFTER_GREETING, HANGUP, log, given={"code": code})


@faults(
    "ElevenLabs",
    _closes(1002, "closed the conversation with 1002"),
    _closes(1008, "closed the conversation with 1008"),
    _closes(1011, "closed the conversation with 1011"),
    _closes(3000, "closed the conversation with 3000"),
    _closes(3008, "closed the conversation with 3008", " (too many at once)"),
    _closes(1000, "closed the conversation with 1000", " in the middle of a talk"),
)
async def test_it_closes(story, caplog, row):
    return await story(faults=[Fault("engine_socket", "close", after_ms=1000, code=row.given["code"], times=-1)])


@faults(
    "ElevenLabs", Row("It is cut off without a close frame, twice", AFTER_GREETING, HANGUP, "without a close frame")
)
async def test_it_drops(story, caplog, row):
    return await story(faults=[Fault("engine_socket", "drop", after_ms=1000, times=-1)])


@faults(
    "ElevenLabs",
    Row(
        "The quota is spent: 1002 after the greeting", AFTER_GREETING, HANGUP, "This request exceeds your quota limit."
    ),
)
async def test_quota(story, caplog, row):
    return await story(faults=[Fault("engine_socket", "quota", times=-1)], silence=False)


@faults(
    "ElevenLabs",
    Row("It closes with 1011 once", GOES_ON, log="closed the conversation with 1011", given={"kind": "close"}),
    Row("It is cut off once", GOES_ON, log="without a close frame", given={"kind": "drop"}),
    Row(
        "It hears nobody any more, and no FIN comes", GOES_ON, log="without a close frame", given={"kind": "half_open"}
    ),
    Row(
        "It closes with 1000 in the middle of a talk (its longest duration)",
        GOES_ON,
        log="with 1000",
        given={"kind": "close", "code": 1000},
    ),
)
async def test_it_is_lost_once(story, caplog, row):
    async def talks(w, call):
        await w.hears(call, GREETING)
        await asyncio.sleep(9)
        await w.says(call, "hello")
        await w.hears(call, "You said: hello.")

    seen = await story(
        talks, faults=[Fault("engine_socket", after_ms=1000, **row.given)], hangs_up_after=0, silence=False
    )
    assert seen.hears == "greeting, answer"
    return Seen(GOES_ON, seen.twilio)


@faults(
    "ElevenLabs",
    Row(
        "It closes with 1000 in the middle of a sentence",
        "greeting, half an answer, *still here*; the call goes on",
        log="with 1000",
    ),
)
async def test_in_mid_sentence(story, caplog, row):
    async def talks(w, call):
        await w.hears(call, GREETING)
        await w.engine_says("one two three four five six seven eight nine ten")
        await w.engine_closes(1000)
        await w.hears(call, ENGLISH.still_here)
        await w.says(call, "once more")
        await w.hears(call, "You said: once more.")

    seen = await story(talks, hangs_up_after=0)
    assert seen.hears == "greeting, answer, *still here*, answer"
    return Seen(row.hears, seen.twilio)


@faults(
    "ElevenLabs",
    Row("It closes with 1000 20 s after the last word", "greeting, *farewell*", "the call's end, by REST"),
)
async def test_it_ends_a_silent_talk(story, caplog, row):
    async def waits(w, call):
        await w.hears(call, GREETING)
        await asyncio.sleep(21)
        await w.engine_closes(1000)

    seen = await story(waits, silence=False)
    assert seen.twilio == NOTHING
    return Seen(seen.hears, "the call's end, by REST")


@faults(
    "ElevenLabs",
    Row("A broken message", GOES_ON, log="a broken message", given={"text": '{"type": "audio", "audio_event": {'}),
    Row("A message of a kind that nobody knows", GOES_ON, given={"text": '{"type": "newfangled"}'}),
    Row(
        "An `error` with a nested event",
        GOES_ON,
        log="the speech engine complains",
        given={
            "text": '{"type": "error", "error_event": {"code": 1011, "message": "It failed.", "error_type": "llm_error"}}'
        },
    ),
    Row(
        "An `error` with a flat message",
        GOES_ON,
        log="the speech engine complains",
        given={"text": '{"type": "error", "message": "It failed."}'},
    ),
    Row(
        "`queue_status` timed_out",
        GOES_ON,
        log="the speech engine complains",
        given={"text": '{"type": "queue_status", "queue_status_event": {"status": "timed_out"}}'},
    ),
)
async def test_an_odd_message(story, caplog, row):
    async def talks(w, call):
        await says_hello(w, call)
        await w.hears(call, "You said: hello.")

    fault = Fault("engine_socket", "garble", after_ms=500, text=row.given["text"])
    seen = await story(talks, faults=[fault], hangs_up_after=0)
    assert seen.hears == "greeting, answer"
    return Seen(GOES_ON, seen.twilio)


@faults(
    "ElevenLabs",
    Row("A burst of ten minutes of audio at once", "all of it, or until the caller speaks; the call goes on"),
)
async def test_a_burst(story, caplog, row):
    async def talks(w, call):
        await w.hears(call, GREETING)
        second = base64.b64encode(b"\x7e" * 8000).decode()
        for _ in range(600):
            w.conversation.send({"type": "audio", "audio_event": {"audio_base_64": second, "event_id": 2}})
        await asyncio.sleep(3)
        w.conversation.interrupt()
        await asyncio.sleep(1)
        await w.says(call, "stop")
        await w.hears(call, "You said: stop.")
        assert call.errors == []

    seen = await story(talks, hangs_up_after=0, silence=False)
    return Seen(row.hears, seen.twilio)


@pytest.fixture
async def home():
    async with house() as home:
        yield home


@faults(
    "ElevenLabs",
    Row(
        "The conversation socket refuses the connection", "*sorry*", HANGUP, "the conversation socket can't be reached"
    ),
)
async def test_the_socket_is_not_there(home, caplog, row):
    home.elevenlabs.signed_url = "ws://127.0.0.1:9/talk?signature=1"
    sid = new_call_sid()
    token = await home.announce(sid)
    stream = await home.stream(sid)
    stream.begin(token)
    return Seen(await hears(stream), await after_stream(home, sid))


@faults(
    "ElevenLabs",
    Row("The signed URL leads to another host", "*sorry*", HANGUP, "the signed URL leads to ws://evil.example"),
)
async def test_another_host(home, caplog, row):
    home.elevenlabs.signed_url = "ws://evil.example/talk?signature=1"
    sid = new_call_sid()
    token = await home.announce(sid)
    stream = await home.stream(sid)
    stream.begin(token)
    return Seen(await hears(stream), await after_stream(home, sid))


@faults(
    "ElevenLabs", Row("A message of 20 MB", "the call goes on in another conversation", log="closed the conversation")
)
async def test_a_huge_message(home, caplog, row):
    call = await home.place_call()
    call.conversation.write(call.conversation.frame(b'{"type": "audio", "x": "' + b"x" * 20_000_000 + b'"}'))
    call.conversation = await home.elevenlabs.conversation()
    await goes_on(home, call)
    return Seen(row.hears)


@faults("ElevenLabs", Row("A binary message", "the call goes on"))
async def test_a_binary_message(home, caplog, row):
    call = await home.place_call()
    call.conversation.write(call.conversation.frame(b"\x00\x01", BINARY))
    await goes_on(home, call)
    return Seen(row.hears)


@faults("ElevenLabs", Row("Its pings stop", "the call goes on, as long as it answers ours"))
async def test_no_pings(home, caplog, row):
    call = await home.place_call()
    await call.carries(WORDS)
    for _ in range(2):
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(12):
                await call.conversation.until("type", "nothing of the kind")
    await goes_on(home, call)
    return Seen(row.hears)
