"""TwiML: what Twilio takes, what it refuses, and what it then does."""

import asyncio
import io
import struct
import wave

import pytest
from aiohttp import web

from ringbridge.emulator.speech.exact import ExactVoice, decode
from ringbridge.emulator.twilio.twiml import (
    Connect,
    Dial,
    Hangup,
    Pause,
    Play,
    Redirect,
    Reject,
    Say,
    TwimlError,
    read_document,
)

WS = "wss://bridge.test/media-stream"


def read(inner, content_type="text/xml"):
    return read_document(f"<Response>{inner}</Response>".encode(), content_type)


def refused(inner):
    with pytest.raises(TwimlError) as caught:
        read(inner)
    return caught.value.code


def now():
    return asyncio.get_running_loop().time()


def test_every_verb_is_read():
    verbs = read(
        f'<Say language="de-DE" voice="Polly.Vicki">Guten <break/> Tag &amp; so</Say>'
        f'<Play loop="2">/a.wav</Play><Pause/>'
        f'<Pause length="3"/><Connect action="/e"><Stream name="n" url="{WS}" statusCallback="https://bridge.test/s">'
        f'<Parameter name="token" value="a&lt;b"/></Stream></Connect><Redirect method="GET">/r</Redirect>'
        f'<Dial callerId="+15550100001" timeout="20" timeLimit="60" action="/d"><Number>+15550100003</Number></Dial>'
        f'<Dial>+15550100003</Dial><Reject reason="busy"/><Hangup/>'
    )
    kinds = [Say, Play, Pause, Pause, Connect, Redirect, Dial, Dial, Reject, Hangup]
    assert [type(verb) for verb in verbs] == kinds
    say, play, pause, longer, connect, redirect, dial, plain, reject, _ = verbs
    assert (say.text, say.language, say.voice, say.loop) == ("Guten Tag & so", "de-DE", "Polly.Vicki", 1)
    assert (play.url, play.loop) == ("/a.wav", 2)
    assert (pause.seconds, longer.seconds) == (1, 3)
    assert connect.stream.parameters == {"token": "a<b"}
    assert (connect.action, connect.method, connect.stream.name) == ("/e", "POST", "n")
    assert (redirect.url, redirect.method) == ("/r", "GET")
    assert (dial.callee.number, dial.caller_id, dial.timeout, dial.time_limit, dial.action) == (
        "+15550100003", "+15550100001", 20, 60, "/d",
    )  # fmt: skip
    assert (plain.callee.number, plain.timeout, plain.time_limit) == ("+15550100003", 30, 14400)
    assert reject.reason == "busy"


@pytest.mark.parametrize("kind", ["text/xml", "application/xml; charset=utf-8", "text/html", "application/twiml+xml"])
def test_xml_by_any_name_is_read(kind):
    assert read("<Hangup/>", kind) == [Hangup()]


@pytest.mark.parametrize("kind", ["", "text/plain; charset=utf-8", "application/json", "application/octet-stream"])
def test_other_content_is_12300(kind):
    with pytest.raises(TwimlError) as caught:
        read("<Hangup/>", kind)
    assert caught.value.code == 12300


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (b"", 12100),
        (b"hello", 12100),
        (b"<Response>", 12100),
        (b"\n<?xml version='1.0'?><Response/>", 12100),
        (b"<Response><Say>a & b</Say></Response>", 12100),
        (b"<!DOCTYPE a [<!ENTITY b 'c'>]><Response><Say>&b;</Say></Response>", 12100),
        (b"<response/>", 12102),
        (b"<html/>", 12102),
    ],
)
def test_what_is_no_twiml_document(document, code):
    with pytest.raises(TwimlError) as caught:
        read_document(document, "text/xml")
    assert caught.value.code == code


@pytest.mark.parametrize(
    "inner",
    [
        "<Nonsense/>",
        "<say>hello</say>",
        "<Hangup now='1'/>",
        "<Say lang='en'>hello</Say>",
        "<Say><Pause/></Say>",
        "<Connect/>",
        f"<Connect><Stream url='{WS}'/><Stream url='{WS}'/></Connect>",
        f"<Stream url='{WS}'/>",
        f"<Start><Stream url='{WS}'/></Start>",
        "<Connect><Stream/></Connect>",
        f"<Connect><Stream url='{WS}' track='both_tracks'/></Connect>",
        f"<Connect><Stream url='{WS}' statuscallback='https://bridge.test/'/></Connect>",
        f"<Connect><Stream url='{WS}' statusCallbackMethod='PUT'/></Connect>",
        f"<Connect method='post'><Stream url='{WS}'/></Connect>",
        f"<Connect><Stream url='{WS}'><Parameter name='a'/></Stream></Connect>",
        f"<Connect><Stream url='{WS}'><Parameter name='a' value='b'>c</Parameter></Stream></Connect>",
        f"<Connect><Stream url='{WS}'><Parameter name='token' value='{'x' * 495}'/></Stream></Connect>",
        "<Dial/>",
        "<Dial timeout='0'>+15550100003</Dial>",
        "<Dial timeout='soon'>+15550100003</Dial>",
        "<Dial timeout='601'>+15550100003</Dial>",
        "<Dial>+15550100003<Number>+15550100003</Number></Dial>",
        "<Dial><Number></Number></Dial>",
        "<Dial><Hangup/></Dial>",
        "<Redirect/>",
        "<Play/>",
        "<Play digits=''/>",
        "<Play digits='1,2'/>",
        "<Dial><Number statusCallbackEvent='answered,completed'>+15550100003</Number></Dial>",
        "<Pause length='-1'/>",
        "<Pause length='1.5'/>",
        "<Reject reason='why not'/>",
        "text",
        "<Hangup/>text",
        "<Hangup>text</Hangup>",
    ],
)
def test_what_is_not_documented_is_12200(inner):
    assert refused(inner) == 12200


def test_a_parameter_may_have_499_characters():
    (connect,) = read(f"<Connect><Stream url='{WS}'><Parameter name='token' value='{'x' * 494}'/></Stream></Connect>")
    assert len(connect.stream.parameters["token"]) == 494


async def test_bad_twiml_is_apologized_for_and_ends_the_call(stage):
    stage.bridge.script["/incoming-call"] = "<Response><Say>Hi</Say><Nonsense/></Response>"
    call = await stage.dial()
    await call.ended()
    assert [error.code for error in call.errors] == [12200]
    assert call.said == ["We are sorry, an application error has occurred. Goodbye."]
    assert call.status == "completed"


async def test_an_empty_document_ends_the_call(stage):
    stage.bridge.script["/incoming-call"] = "<Response/>"
    call = await stage.dial()
    await call.ended()
    assert (call.status, call.errors, call.said) == ("completed", [], [])


async def test_the_end_of_the_document_ends_the_call(stage):
    stage.bridge.script["/incoming-call"] = "<Response><Say>One</Say><Say>Two</Say></Response>"
    call = await stage.dial()
    await call.ended()
    assert call.said == ["One", "Two"]
    assert [event.detail["name"] for event in call.events if event.kind == "verb"] == ["Say", "Say"]


async def test_without_a_voice_saying_takes_60_ms_a_character(stage):
    stage.bridge.script["/incoming-call"] = f"<Response><Say>{'a' * 100}</Say></Response>"
    call = await stage.dial()
    await call.answered()
    began = now()
    await call.ended()
    assert now() - began == pytest.approx(6, abs=0.05)
    assert 5980 <= len(call.heard) / 8 <= 6020


async def test_with_a_voice_the_caller_hears_it(stage):
    stage.twin._exchange.voice = ExactVoice()
    stage.bridge.script["/incoming-call"] = "<Response><Say>Please hold the line</Say></Response>"
    call = await stage.dial()
    await call.ended()
    words, _ = decode(bytes(call.heard))
    assert words == ["Please", "hold", "the", "line"]


async def test_pause_waits(stage):
    stage.bridge.script["/incoming-call"] = "<Response><Pause length='7'/><Say/></Response>"
    call = await stage.dial()
    began = now()
    await call.answered()  # a pause that comes first leaves the call ringing
    assert now() - began == pytest.approx(7, abs=0.01)


async def test_redirect_goes_on_with_another_document_relative_to_the_first(stage):
    stage.bridge.script["/a/one"] = "<Response><Redirect>two</Redirect><Say>never</Say></Response>"
    stage.bridge.script["/a/two"] = "<Response><Say>Two</Say></Response>"
    call = await stage.twin.dial("https://bridge.test/a/one")
    await call.ended()
    assert call.said == ["Two"]
    assert stage.bridge.of("/a/two")[0].form["CallStatus"] == "in-progress"


async def test_hangup_ends_the_call_at_once(stage):
    stage.bridge.script["/incoming-call"] = "<Response><Hangup/><Say>never</Say></Response>"
    call = await stage.dial()
    await call.ended()
    assert (call.said, call.status) == ([], "completed")


@pytest.mark.parametrize(("verb", "status"), [("<Reject/>", "no-answer"), ("<Reject reason='busy'/>", "busy")])
async def test_reject_leaves_the_call_unanswered(stage, verb, status):
    stage.bridge.script["/incoming-call"] = f"<Response>{verb}</Response>"
    call = await stage.dial()
    await call.ended()
    assert call.status == status
    assert call.answered_at is None
    assert len(call.heard) == 0
    assert [hit.form["CallStatus"] for hit in stage.bridge.of("/status")] == [status]


def wav(samples):
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(8000)
        writer.writeframes(struct.pack(f"<{len(samples)}h", *samples))
    return file.getvalue()


async def test_play_fetches_a_wav_and_plays_it(stage):
    stage.bridge.script["/incoming-call"] = "<Response><Play loop='2'>/tone.wav</Play></Response>"
    stage.bridge.script["/tone.wav"] = lambda hit: web.Response(body=wav([8000] * 800), content_type="audio/wav")
    call = await stage.dial()
    await call.ended()
    assert stage.bridge.of("/tone.wav")[0].method == "GET"
    assert stage.bridge.of("/tone.wav")[0].genuine
    assert sum(byte != 0xFF for byte in call.heard) == 1600


async def test_play_of_something_else_is_12300(stage):
    stage.bridge.script["/incoming-call"] = "<Response><Play>/tone.wav</Play></Response>"
    stage.bridge.script["/tone.wav"] = "no tone"
    call = await stage.dial()
    await call.ended()
    assert [error.code for error in call.errors] == [12300]


async def test_play_presses_keys_towards_the_caller(stage):
    stage.bridge.script["/incoming-call"] = "<Response><Play digits='ww1#Wd'/></Response>".replace("d'", "D'")
    call = await stage.dial()
    await call.answered()
    began = now()
    await asyncio.sleep(1.3)
    assert call.digits_heard == "1"
    await call.ended()
    assert call.digits_heard == "1#D"
    assert now() - began == pytest.approx(1 + 0.4 + 1 + 0.2, abs=0.05)


async def test_keys_and_a_file_are_played_in_this_order(stage):
    stage.bridge.script["/incoming-call"] = "<Response><Play digits='12'>/tone.wav</Play></Response>"
    stage.bridge.script["/tone.wav"] = lambda hit: web.Response(body=wav([8000] * 800), content_type="audio/wav")
    call = await stage.dial()
    await call.ended()
    assert call.digits_heard == "12"
    assert len(call.heard) / 8 - 100 == pytest.approx(400, abs=40)
    assert sum(byte != 0xFF for byte in call.heard) == 800


async def test_who_hangs_up_hears_no_further_keys(stage):
    stage.bridge.script["/incoming-call"] = "<Response><Play digits='1234567890'/></Response>"
    call = await stage.dial()
    await call.answered()
    await asyncio.sleep(0.5)
    await call.hang_up()
    await call.ended()
    assert call.digits_heard == "12"


async def test_the_streams_status_is_posted_in_order_beside_the_call(stage):
    release = asyncio.Event()

    async def slowly():
        await release.wait()
        return ""

    stage.bridge.script["/stream-status"] = lambda hit: slowly()
    call, end = await stage.talk()
    await asyncio.sleep(1)
    await end.ws.close()
    await stage.bridge.until("/call-ended")  # though the first callback is not answered yet
    release.set()
    await call.ended()
    hits = stage.bridge.of("/stream-status")
    assert all(hit.genuine for hit in hits)
    assert [hit.form["StreamEvent"] for hit in hits] == ["stream-started", "stream-error", "stream-stopped"]
    started, error, _ = hits
    assert set(started.form) == {
        "AccountSid", "CallSid", "StreamSid", "StreamName", "StreamEvent", "Timestamp",
    }  # fmt: skip
    assert started.form["StreamName"] == started.form["StreamSid"] == end.stream_sid
    assert started.form["CallSid"] == call.sid
    assert "31921" in error.form["StreamError"]
    assert started.form["Timestamp"].endswith("Z")
    assert "T" in started.form["Timestamp"]


async def test_a_refused_stream_tells_its_error_to_the_status_callback(stage):
    stage.bridge.refuse_media = 403
    call = await stage.dial()
    await call.ended()
    (hit,) = stage.bridge.of("/stream-status")
    assert hit.form["StreamEvent"] == "stream-error"
    assert "31920" in hit.form["StreamError"]
    assert "403" in hit.form["StreamError"]


async def test_a_named_stream_tells_its_name(stage):
    stage.bridge.script["/incoming-call"] = (
        f'<Response><Connect><Stream name="mine" url="{WS}" statusCallback="https://bridge.test/stream-status"'
        ' statusCallbackMethod="GET"/></Connect></Response>'
    )
    _, _ = await stage.talk()
    hit = await stage.bridge.until("/stream-status")
    assert hit.method == "GET"
    assert "StreamName=mine" in hit.url


async def test_a_relative_status_callback_is_11100(stage):
    stage.bridge.script["/incoming-call"] = (
        f'<Response><Connect><Stream url="{WS}" statusCallback="/stream-status"/></Connect></Response>'
    )
    call, _ = await stage.talk()
    await call.hang_up()
    await call.ended()
    assert {error.code for error in call.errors} == {11100}
