"""Calls between vendors that are written by hand on bare sockets: every cut and every spelling that the wire allows."""

import asyncio
import base64
from importlib.resources import files
from xml.etree import ElementTree as ET

import pytest

from ringbridge.phrases import ENGLISH

from .raw_house import answer_of, house, new_call_sid, noise, verbs
from .raw_http import Message, head
from .raw_proofs import AUTH_TOKEN, HOST, twilio_signature
from .raw_twilio import RawStream, Twilio
from .raw_vendors import ElevenLabs, text_answer
from .raw_websocket import CONTINUATION, KEY, PING, PONG, TEXT, VERSION, RawSocket, odd_json

SPOKEN = noise(50 * 160)
"""A second of audio."""

GREETING = base64.b64encode(SPOKEN).decode()

SIGNED_URL = "/v1/convai/conversation/get-signed-url"

SORRY = (files("ringbridge") / "clips/en/sorry.ulaw").read_bytes()
FAREWELL = (files("ringbridge") / "clips/en/farewell.ulaw").read_bytes()


async def hears_last(stream, words):
    """Whatever was said before, these are the last words; Twilio tells that they were played."""
    heard = b""
    while not heard.endswith(words):
        heard += await stream.hear(1)
    await tells_that_it_was_played(stream)


async def tells_that_it_was_played(stream):
    mark = await stream.next("mark")
    stream.socket.send(event="mark", streamSid=stream.sid, mark=mark["mark"])


async def is_excused(home, stream):
    """The bridge says the sorry itself, and Twilio is not told to say it again."""
    await hears_last(stream, SORRY)
    assert await stream.socket.ended() == 1000
    assert await home.after_stream(stream.call_sid) == ["Say", "Hangup"]


def asked_for(home, target):
    """How often ElevenLabs was asked for this."""
    return [request.target.partition("?")[0] for request in home.elevenlabs.requests].count(target)


def spoken_in(answer):
    """The sentences of a TwiML document, in order."""
    return [say.text for say in ET.fromstring(answer.body).iter("Say")]


async def lets_it_hang_up(home, call):
    """The brain asks for the end of the call, once what was said is heard."""
    brain = await home.brain(call.conversation.id)
    brain.send(type="user_transcript", user_transcript=[{"role": "user", "content": "bye"}], event_id=1)
    await asyncio.sleep(0.001)  # time passes only when all is quiet: the brain has asked


async def polite(turn):
    if turn.text == "bye":
        await turn.call.hang_up()
        return
    yield "You said "
    yield f"{turn.text}."


@pytest.fixture
async def home():
    async with house(polite) as home:
        yield home


def in_pieces(data, size):
    return (data[start : start + size] for start in range(0, len(data), size))


def fragmented(socket, message):
    """One message in frames of 40 bytes, with a ping between any two of them."""
    first, *rest = in_pieces(message, 40)
    frames = [socket.frame(first, TEXT, final=False)]
    frames += [socket.frame(piece, CONTINUATION, final=False) for piece in rest]
    frames.append(socket.frame(b"", CONTINUATION))
    return socket.frame(b"between", PING).join(frames)


def test_the_signature_made_by_hand_is_that_of_twilios_page():
    # https://www.twilio.com/docs/usage/security: its example, token included.
    fields = {
        "CallSid": "CA1234567890ABCDE",
        "Caller": "+12349013030",
        "Digits": "1234",
        "From": "+12349013030",
        "To": "+18005551212",
    }
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    assert twilio_signature(url, fields.items(), "12345") == "0/KCTR6DLpKmkAf8muzZqo1nDgQ="


async def test_a_whole_call(home):
    await home.carries_a_call()
    await home.is_healthy()
    await home.has_given_back()
    # One signed URL, one conversation, and nothing asked of Twilio, as the caller hung up.
    assert [request.target.partition("?")[0] for request in home.elevenlabs.requests] == [
        SIGNED_URL,
        "/talk",
    ]
    assert home.rest.connections == 0


async def test_the_single_use_form_of_a_signed_url_is_asked_for(home):
    await (await home.place_call()).hang_up()
    assert "include_conversation_id=true" in home.elevenlabs.requests[0].target


# What the caller says


@pytest.mark.parametrize("size", [1_000_000, 1_000, 61, 2], ids="segments of {} bytes".format)
async def test_callers_audio_arrives_as_it_is_however_it_is_cut(home, size):
    call = await home.place_call()
    spoken = SPOKEN if size > 2 else SPOKEN[:800]
    await call.stream.socket.send_in(in_pieces(call.stream.media(spoken), size))
    assert await call.conversation.hear(len(spoken)) == spoken


async def test_callers_audio_arrives_when_it_is_fragmented(home):
    call = await home.place_call()
    stream = call.stream
    for piece in in_pieces(SPOKEN, 160):
        media = {"payload": base64.b64encode(piece).decode(), "track": "inbound"}
        message = odd_json({"event": "media", "streamSid": stream.sid, "media": media})
        stream.socket.write(fragmented(stream.socket, message))
    assert await call.conversation.hear(len(SPOKEN)) == SPOKEN


async def test_callers_audio_of_any_length_is_one_message_each_and_the_same_base64(home):
    call = await home.place_call()
    payloads = [base64.b64encode(noise(size)).decode() for size in (1, 2, 3, 159, 161, 8000, 70_000)]
    for payload in payloads:
        call.stream.socket.write(call.stream.message("media", media={"payload": payload}))
    assert [await call.conversation.receive() for _ in payloads] == [{"user_audio_chunk": each} for each in payloads]


async def test_a_stream_may_begin_in_one_segment(home):
    sid = new_call_sid()
    token = await home.announce(sid)
    conversation = await home.elevenlabs.conversation()
    stream = await home.stream(sid)
    stream.begin(token)
    stream.socket.write(stream.media(SPOKEN))
    assert await conversation.hear(len(SPOKEN)) == SPOKEN


async def test_what_comes_with_the_upgrade_itself_is_not_lost(home):
    """No client does so, as it does not know yet whether it is let in; but its bytes may be there that early."""
    sid = new_call_sid()
    token = await home.announce(sid)
    conversation = await home.elevenlabs.conversation()
    reader, writer = await home.twilio.connect()
    stream = RawStream(RawSocket(reader, writer, masks=True), sid)
    headers = {
        "host": HOST,
        "upgrade": "WebSocket",
        "connection": "keep-alive, Upgrade",
        "sec-websocket-version": "13",
        "sec-websocket-key": KEY,
        "x-twilio-signature": twilio_signature(f"wss://{HOST}/media-stream"),
    }
    upgrade = head("GET /media-stream HTTP/1.1", headers)
    writer.write(upgrade + stream.opening(token) + stream.media(SPOKEN))
    assert await conversation.hear(len(SPOKEN)) == SPOKEN


# What the agent says


@pytest.mark.parametrize("size", [1_000_000, 1_000, 61], ids="segments of {} bytes".format)
async def test_agents_audio_arrives_as_it_is_however_it_is_cut(home, size):
    call = await home.place_call()
    sizes = (1, 2, 3, 4000, 161, 17_000, 640)
    pieces = [noise(size) for size in sizes]
    messages = [
        {"type": "audio", "audio_event": {"audio_base_64": base64.b64encode(piece).decode(), "event_id": 1}}
        for piece in pieces
    ]
    frames = b"".join(call.conversation.frame(odd_json(message)) for message in messages)
    await call.conversation.send_in(in_pieces(frames, size))
    assert await call.stream.hear(1) == pieces[0]
    assert (await call.stream.next("mark"))["mark"]["name"]
    assert await call.stream.hear(sum(sizes) - 1) == b"".join(pieces[1:])
    assert (await call.stream.next("mark"))["mark"]["name"]


async def test_agents_audio_arrives_when_it_is_fragmented(home):
    call = await home.place_call()
    audio = {"audio_base_64": base64.b64encode(SPOKEN).decode(), "event_id": "3"}
    message = odd_json({"audio_event": audio, "type": "audio"})
    call.conversation.write(fragmented(call.conversation, message))
    assert await call.stream.hear(len(SPOKEN)) == SPOKEN


async def test_a_greeting_in_the_segment_of_the_upgrade_is_heard(home):
    home.elevenlabs.early = (
        {"type": "audio", "audio_event": {"audio_base_64": base64.b64encode(SPOKEN).decode(), "event_id": "1"}},
        {"type": "ping", "ping_event": {"event_id": "1", "ping_ms": None}},
    )
    call = await home.place_call()
    assert await call.conversation.receive() == {"type": "pong", "event_id": 1}
    assert await call.stream.hear(len(SPOKEN)) == SPOKEN


async def test_numbers_written_as_text_are_numbers(home):
    call = await home.place_call()
    call.conversation.say(b"old", event_id="9")
    call.conversation.send(type="interruption", interruption_event={"event_id": "10"})
    call.conversation.say(b"stale", event_id="9")  # as text, "9" would be higher than "10"
    call.conversation.say(b"fresh", event_id="10")
    assert await call.stream.hear(3) == b"old"
    await call.stream.next("clear")
    assert await call.stream.hear(3) == b"fresh"


async def test_unknown_and_broken_messages_are_passed_over(home):
    call = await home.place_call()
    for socket in (call.stream.socket, call.conversation):
        for text in (b"", b"{", b"null", b"[]", b'"text"', b'{"event": 5, "type": 5}', b"\xff\xfe", b"[" * 5000):
            socket.write(socket.frame(text))
        socket.send(type="vad_score", event="vad_score", vad_score_event={"vad_score": 0.5})
        socket.send(type="audio", event="media")
        socket.write(socket.frame(b"\x00\x01", 0x2))
    await call.carries(SPOKEN)


# Pings, and those who don't answer them


async def test_pings_of_all_three_sockets_are_answered_at_once(home):
    call = await home.place_call()
    brain = await home.brain(call.conversation.id)
    for socket in (call.stream.socket, call.conversation, brain):
        socket.write(socket.frame(b"are you there?", PING))
        assert (await socket.next_frame())[:2] == (PONG, b"are you there?")


async def test_a_twilio_that_never_answers_a_ping_keeps_its_call(home):
    call = await home.place_call()
    call.stream.socket.answers_pings = False
    call.conversation.say(SPOKEN, event_id=1)
    for _ in range(300):
        call.stream.socket.write(call.stream.media(SPOKEN[:160]))
        assert await call.conversation.hear(160) == SPOKEN[:160]
        await asyncio.sleep(0.2)
    await call.carries(SPOKEN)


async def test_a_twilio_that_has_fallen_silent_is_noticed(home):
    call = await home.place_call()
    call.stream.socket.answers_pings = False
    call.conversation.say(SPOKEN, event_id=1)
    since = home.clock()
    assert await call.conversation.ended() == 1000
    assert 30 < home.clock() - since < 40
    assert await home.after_stream(call.sid) == ["Say", "Say", "Hangup"]


# Digits and words


async def test_digits_become_a_turn(home):
    call = await home.place_call()
    for digit in "42#":
        call.stream.socket.write(call.stream.message("dtmf", dtmf={"track": "inbound_track", "digit": digit}))
    assert await call.conversation.receive() == {"type": "user_message", "text": "Caller pressed 42"}


async def test_the_brain_answers_turn_after_turn(home):
    call = await home.place_call()
    brain = await home.brain(call.conversation.id)
    for number, text in enumerate(("one", "two", "three"), start=7):
        assert await answer_of(brain, text, event_id=str(number)) == f"You said {text}."
    brain.send(type="ping")
    assert await brain.receive() == {"type": "pong"}


async def test_the_brain_may_be_dialled_before_its_conversation_has_told_its_id(home):
    home.elevenlabs.early = ()
    sid = new_call_sid()
    await home.announce(sid)
    conversation = await home.elevenlabs.conversation()
    brain = await home.brain(conversation.id)
    assert await answer_of(brain, "hello", event_id=1) == "You said hello."


# The end of a stream


def leaves_without_a_code(socket):
    socket.send_close(None)


def leaves_with_a_code(socket):
    socket.send_close(1001)


ways_to_lose_a_socket = pytest.mark.parametrize(
    "lose",
    [leaves_without_a_code, leaves_with_a_code, RawSocket.half_close, RawSocket.abort],
    ids=lambda lose: lose.__name__,
)


@ways_to_lose_a_socket
async def test_a_stream_that_is_lost_is_followed_by_another(home, lose):
    call = await home.place_call()
    await call.carries(SPOKEN[:160])
    lose(call.stream.socket)
    answer = await home.twilio.post("/call-ended", home.form(call.sid, "in-progress"))
    assert verbs(answer) == ["Connect"]
    assert (await call.conversation.until("type", "user_activity")) == {"type": "user_activity"}
    next_stream = await home.stream(call.sid)
    next_stream.begin(ET.fromstring(answer.body).find(".//Parameter").get("value"))
    call.stream = next_stream
    await call.carries(SPOKEN)
    await call.hang_up()
    assert len(home.elevenlabs.requests) == 2


async def test_silence_is_sent_while_no_stream_is_there(home):
    call = await home.place_call()
    call.stream.socket.abort()
    assert await call.conversation.hear(3 * 8000) == b"\xff" * 3 * 8000
    call.conversation.say(SPOKEN, event_id=1)  # nobody hears it, and nobody will
    assert await call.conversation.ended() == 1000


async def test_a_stream_that_stops_is_the_end(home):
    call = await home.place_call()
    brain = await home.brain(call.conversation.id)
    await answer_of(brain, "hello", event_id=1)
    since = home.clock()
    await call.hang_up()
    assert await brain.ended() == 1000
    assert home.clock() - since < 1
    await home.has_given_back()
    assert home.rest.connections == 0


# The end of a conversation


async def test_an_engine_that_has_said_all_ends_the_call_when_it_has_been_heard(home):
    call = await home.place_call()
    call.conversation.say(SPOKEN, event_id=1)
    await lets_it_hang_up(home, call)
    assert await call.stream.hear(len(SPOKEN)) == SPOKEN
    mark = await call.stream.next("mark")
    call.conversation.send_close(1000)
    assert home.rest.ended_calls == []
    call.stream.socket.send(event="mark", streamSid=call.stream.sid, mark=mark["mark"])
    call.stream.socket.write(call.stream.media(b"noise"))
    async with asyncio.timeout(1):
        while not home.rest.ended_calls:
            await asyncio.sleep(0.01)
    assert home.rest.ended_calls == [call.sid]
    call.stream.socket.write(call.stream.stop())
    assert await call.stream.socket.ended() == 1000
    assert asked_for(home, "/talk") == 1


@pytest.mark.parametrize(
    "refusal",
    [
        text_answer("404 Not Found", "{}"),
        text_answer("500 Oops", "<html>"),
        text_answer("302 Found", ""),
        text_answer("200 OK", ""),
        text_answer("200 OK", "<html>"),
        text_answer("200 OK", "null"),
        head("HTTP/1.1 204 No Content", {"Connection": "close"}),
        b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\ncut",
        b"\x00\x01\r\n\r\n",
        b"",
    ],
    ids=["404", "500", "302", "nothing", "html", "null", "204", "cut", "no http", "silence"],
)
async def test_a_call_that_twilio_does_not_end_is_hung_up_by_twiml(home, refusal):
    home.rest.instead["/"] = refusal
    call = await home.place_call()
    call.conversation.send_close(1000)  # nobody has said a word
    await hears_last(call.stream, FAREWELL)
    since = home.clock()
    assert await call.stream.socket.ended() == 1000
    assert home.clock() - since < 3.1
    assert len(home.rest.requests) == 1
    assert await home.after_stream(call.sid) == ["Hangup"]


def closes_with_an_error(socket):
    socket.send_close(1011)


def closes_in_the_midst_of_a_talk(socket):
    socket.send_close(1000)


def closes_for_its_quota(socket):
    socket.send(type="error", message="This request exceeds your quota.")
    socket.send_close(1002)


@pytest.mark.parametrize(
    "fail",
    [
        leaves_without_a_code,
        closes_with_an_error,
        closes_in_the_midst_of_a_talk,
        closes_for_its_quota,
        RawSocket.half_close,
        RawSocket.abort,
    ],
    ids=lambda fail: fail.__name__,
)
async def test_an_engine_that_fails_is_excused(home, fail):
    call = await home.place_call()
    await call.carries(SPOKEN)
    fail(call.conversation)
    fail(await home.elevenlabs.conversation())
    await is_excused(home, call.stream)
    assert asked_for(home, SIGNED_URL) == asked_for(home, "/talk") == 2
    await home.has_given_back()
    await home.carries_a_call()


@pytest.mark.parametrize("formats", [("pcm_16000", "ulaw_8000"), ("ulaw_8000", "pcm_16000"), ("", "")])
async def test_an_engine_that_speaks_another_codec_is_a_failed_one(home, formats, caplog):
    home.elevenlabs.formats = formats
    sid = new_call_sid()
    await home.announce(sid)
    await (await home.elevenlabs.conversation()).ended()
    assert await home.after_stream(sid) == ["Say", "Say", "Hangup"]
    assert asked_for(home, "/talk") == 1
    assert "set asr.user_input_audio_format and tts.agent_output_audio_format" in caplog.text


@pytest.mark.parametrize(
    "url", ["ws://evil.example/talk?signature=1", "wss://api.elevenlabs.io/talk", "http://127.0.0.1/talk", "talk", ""]
)
async def test_a_signed_url_that_leads_elsewhere_is_not_dialled(home, url):
    home.elevenlabs.signed_url = url or "nothing at all"
    sid = new_call_sid()
    token = await home.announce(sid)
    stream = await home.stream(sid)
    stream.begin(token)
    await is_excused(home, stream)
    assert len(home.elevenlabs.requests) == asked_for(home, SIGNED_URL) == 2


@pytest.mark.parametrize(
    "text",
    ["", "<html>", "null", "[]", "{}", '{"signed_url": null}', '{"signed_url": 5}', '{"signed_url": "ws://[::1"}'],
)
async def test_an_answer_without_a_signed_url_is_a_failed_engine_at_once(home, text, caplog):
    home.elevenlabs.instead["/v1/"] = text_answer("200 OK\r\nContent-Type: application/json", text)
    sid = new_call_sid()
    token = await home.announce(sid)
    stream = await home.stream(sid)
    stream.begin(token)
    since = home.clock()
    await is_excused(home, stream)
    assert home.clock() - since < 1
    assert len(home.elevenlabs.requests) == 2
    assert not any(record.exc_info for record in caplog.records)


@pytest.mark.parametrize(
    "refusal",
    [
        head("HTTP/1.1 403 Forbidden", {"Content-Length": "0"}),
        head("HTTP/1.1 200 OK", {"Content-Length": "2"}) + b"{}",
        head("HTTP/1.1 101 Switching Protocols", {**VERSION, "Sec-WebSocket-Accept": "another key's"}),
        head("HTTP/1.1 101 Switching Protocols", {"Connection": "Upgrade", "Upgrade": "h2c"}),
        head("HTTP/1.1 101 Switching Protocols"),
        b"\x00\x01\x02\r\n\r\n",
        b"",
    ],
    ids=["403", "200", "another key", "another protocol", "no protocol", "no http", "silence"],
)
async def test_an_engine_that_takes_no_conversation_is_excused(home, refusal):
    home.elevenlabs.instead["/talk"] = refusal
    sid = new_call_sid()
    token = await home.announce(sid)
    stream = await home.stream(sid)
    stream.begin(token)
    since = home.clock()
    await is_excused(home, stream)
    assert home.clock() - since < 5.1
    assert asked_for(home, "/talk") == (2 if refusal else 1)  # for one that says nothing at all, the 5 s are over


async def test_a_conversation_is_not_led_elsewhere_by_a_redirect(home):
    async with ElevenLabs() as elsewhere:
        location = f"http://localhost:{elsewhere.port}/talk?signature=1"
        home.elevenlabs.instead["/talk"] = head("HTTP/1.1 302 Found", {"Location": location, "Content-Length": "0"})
        sid = new_call_sid()
        token = await home.announce(sid)
        stream = await home.stream(sid)
        stream.begin(token)
        await is_excused(home, stream)
        assert elsewhere.connections == 0


async def is_dialled_again(home, call):
    """The conversation is lost when its greeting has long been heard; another comes."""
    assert await call.stream.hear(len(SPOKEN)) == SPOKEN
    await tells_that_it_was_played(call.stream)
    await asyncio.sleep(1)
    call.conversation.send_close(1011)
    call.conversation = await home.elevenlabs.conversation()


async def test_a_conversation_that_follows_a_lost_one_is_asked_not_to_greet(home):
    call = await home.place_call()
    assert call.conversation.initiation["conversation_config_override"]["agent"]["first_message"]
    call.conversation.say(SPOKEN, event_id=1)
    await is_dialled_again(home, call)
    assert call.conversation.initiation["conversation_config_override"] == {"agent": {"first_message": ""}}
    await call.carries(noise(1600))
    await call.hang_up()


async def test_a_greeting_that_is_the_engines_own_is_not_heard_twice():
    async with house(GREETING="") as home:
        home.elevenlabs.early = ({"type": "audio", "audio_event": {"audio_base_64": GREETING, "event_id": 1}},)
        call = await home.place_call()
        await is_dialled_again(home, call)
        call.conversation.send(
            type="user_transcript", user_transcription_event={"user_transcript": "again", "event_id": 2}
        )
        answer = noise(1600)
        call.conversation.say(answer, event_id=2)
        assert await call.stream.hear(len(answer)) == answer
        await call.hang_up()


async def test_a_turn_that_finds_no_brain_is_a_fault_five_seconds_later(home, caplog):
    call = await home.place_call()
    await call.carries(SPOKEN)
    since = home.clock()
    call.conversation.send(type="user_transcript", user_transcription_event={"user_transcript": "hello"})
    assert await call.conversation.ended() == 1000
    assert home.clock() - since == pytest.approx(5, abs=0.1)
    await is_excused(home, call.stream)
    assert asked_for(home, "/talk") == 1, "another conversation would have no brain either"
    assert "no brain socket has come" in caplog.text


async def test_a_sorry_of_which_twilio_does_not_tell_that_it_was_played_is_said_again():
    async with house(FALLBACK_NUMBER="+14155550124", VOICEMAIL="on") as home:
        home.elevenlabs.signed_url = "nothing at all"
        sid = new_call_sid()
        stream_token = await home.announce(sid)
        stream = await home.stream(sid)
        stream.begin(stream_token)
        assert await stream.hear(len(SORRY)) == SORRY
        since = home.clock()
        assert await stream.socket.ended() == 1000
        assert home.clock() - since == pytest.approx(len(SORRY) / 8000 + 2, abs=0.1)
        answer = await home.twilio.post("/call-ended", home.form(sid, "in-progress"))
        assert verbs(answer) == ["Say", "Say", "Dial"]
        assert spoken_in(answer) == [ENGLISH.sorry, ENGLISH.connecting]


async def test_after_the_sorry_come_the_human_and_then_the_message():
    async with house(FALLBACK_NUMBER="+14155550124", VOICEMAIL="on") as home:
        call = await home.place_call()
        await call.carries(SPOKEN)
        call.conversation.send_close(1011)
        (await home.elevenlabs.conversation()).send_close(1011)
        await hears_last(call.stream, SORRY)
        assert await call.stream.socket.ended() == 1000
        human = await home.twilio.post("/call-ended", home.form(call.sid, "in-progress"))
        assert (verbs(human), spoken_in(human)) == (["Say", "Dial"], [ENGLISH.connecting])
        form = home.form(call.sid, "in-progress", DialCallStatus="no-answer")
        message = await home.twilio.post("/dial-ended", form)
        assert verbs(message) == ["Say", "Record", "Say", "Hangup"]
        assert spoken_in(message) == [ENGLISH.leave_message, ENGLISH.goodbye]
        assert ET.fromstring(message.body).find("Record").get("action") == f"https://{HOST}/voicemail-ended"
        form = home.form(call.sid, "in-progress", RecordingSid=f"RE{1:032x}", RecordingDuration="7")
        kept = await home.twilio.post("/voicemail-ended", form)
        assert (verbs(kept), spoken_in(kept)) == (["Say", "Hangup"], [ENGLISH.message_kept])


# Signatures and secrets


async def test_an_upgrade_may_be_signed_as_https(home):
    sid = new_call_sid()
    token = await home.announce(sid)
    conversation = await home.elevenlabs.conversation()
    stream = await home.stream(sid, signature=twilio_signature(f"https://{HOST}/media-stream"))
    stream.begin(token)
    stream.socket.write(stream.media(SPOKEN))
    assert await conversation.hear(len(SPOKEN)) == SPOKEN


async def test_the_upgrades_signature_can_be_left_out_but_not_the_token():
    async with house(CHECK_UPGRADE_SIGNATURE="off") as home:
        sid = new_call_sid()
        token = await home.announce(sid)
        conversation = await home.elevenlabs.conversation()
        for wrong in (None, "", token[:-3] + "AAA"):
            refused = await home.stream(sid, signature="")
            refused.begin(wrong)
            assert await refused.socket.ended() == 1008
        stream = await home.stream(sid, signature="")
        stream.begin(token)
        stream.socket.write(stream.media(SPOKEN))
        assert await conversation.hear(len(SPOKEN)) == SPOKEN


NEW_TOKEN = "00112233445566778899aabbccddeeff"


@pytest.mark.parametrize("token", [NEW_TOKEN, AUTH_TOKEN], ids=["new", "old"])
async def test_while_auth_tokens_are_rotated_calls_of_both_are_taken(token):
    async with house(TWILIO_AUTH_TOKEN=f"{NEW_TOKEN}, {AUTH_TOKEN}") as home:
        twilio = Twilio(home.twilio.connect, token)
        sid = new_call_sid()
        answer = await twilio.post("/incoming-call", home.form(sid))
        assert verbs(answer) == ["Connect"]
        assert isinstance(await twilio.upgrade(), RawSocket)
        stranger = Twilio(home.twilio.connect, "a token of nobody's")
        assert (await stranger.post("/incoming-call", home.form(new_call_sid()))).status == 403


NEW_SECRET = "the-next-secret-of-both"


async def test_while_secrets_are_rotated_brains_of_both_are_let_in():
    async with house(SHARED_SECRET=f"{NEW_SECRET},a-secret-shared-by-hand") as home:
        assert isinstance(await home.dial_brain(), RawSocket)
        assert isinstance(await home.dial_brain(**{"x-api-key": NEW_SECRET}), RawSocket)
        refused = await home.dial_brain(**{"x-api-key": f"{NEW_SECRET},a-secret-shared-by-hand"})
        assert isinstance(refused, Message)
        assert refused.status == 401


async def test_a_call_that_began_before_its_secret_was_rotated_is_taken_after_it():
    sid = new_call_sid()
    async with house() as before:
        token = await before.announce(sid)
    async with house(SHARED_SECRET=f"{NEW_SECRET},a-secret-shared-by-hand") as after:
        stream = await after.stream(sid)
        stream.begin(token)
        conversation = await after.elevenlabs.conversation()
        stream.socket.write(stream.media(SPOKEN))
        assert await conversation.hear(len(SPOKEN)) == SPOKEN


async def test_many_calls_at_once_do_not_mix(home):
    calls = [await home.place_call() for _ in range(5)]
    for number, call in enumerate(calls):
        call.stream.socket.write(call.stream.media(bytes([number]) * 1600))
        call.conversation.say(bytes([100 + number]) * 1600, event_id=number)
    for number, call in enumerate(calls):
        assert await call.conversation.hear(1600) == bytes([number]) * 1600
        assert await call.stream.hear(1600) == bytes([100 + number]) * 1600
