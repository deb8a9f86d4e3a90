"""What travels on the media socket and in the conversation: audio, barge-in, marks, pings, digits, rubbish."""

import asyncio
import base64
import random

import pytest

from ringbridge import facts
from ringbridge.audio.mulaw import SILENCE
from ringbridge.emulator.elevenlabs.engine import DEFAULT_CLIENT_EVENTS
from ringbridge.emulator.faults import Fault
from ringbridge.emulator.speech.exact import encode
from ringbridge.phrases import ENGLISH
from ringbridge.relay.playout import MARKED_MS

BYTES_PER_MS = 8
SECOND = 1000 * BYTES_PER_MS
SID = "CA" + "1" * 32
LONG = "one two three four five six seven eight nine ten"


def noise(size, seed=7):
    return random.Random(seed).randbytes(size)


def chunked(sound, *sizes):
    """The sound in pieces of these sizes, again and again."""
    pieces, at, turn = [], 0, 0
    while at < len(sound):
        pieces.append(sound[at : at + sizes[turn % len(sizes)]])
        at, turn = at + len(pieces[-1]), turn + 1
    return pieces


def audio(sound, event_id=1):
    event = {"audio_base_64": base64.b64encode(sound).decode(), "event_id": event_id}
    return {"type": "audio", "audio_event": {key: value for key, value in event.items() if value is not None}}


def interruption(event_id):
    return {"type": "interruption", "interruption_event": {"event_id": event_id}}


def sound_of(text):
    """What of it can be heard: without the pause behind the last word."""
    return encode(text).rstrip(bytes([SILENCE]))


class TestTheCallersWords:
    async def test_they_reach_the_engine_byte_for_byte(self, world):
        async with world() as w:
            call = await w.talking()
            await call.speak(noise(3 * SECOND))
            await w.settled()
            assert noise(3 * SECOND) in w.conversation.audio
            assert w.conversation.audio in call.sent

    async def test_they_do_so_in_whatever_pieces_they_come(self, world):
        async with world() as w:
            token = (await w.post("/incoming-call", w.form())).token
            async with w.stream() as stream:
                await stream.start(token, SID)
                await w.tells(facts.ConversationOpened)
                pieces = chunked(noise(2 * SECOND), 160, 1, 159, 333, 4000, 2)
                for piece in pieces:
                    await stream.speak(piece)
                await w.settled()
                assert w.conversation.audio == noise(2 * SECOND)
                assert w.conversation.audio_messages == len(pieces)

    async def test_of_those_from_before_the_conversation_was_open_the_last_two_seconds_do(self, world):
        async with world(faults=[Fault("engine_socket", "delay", ms=3300)]) as w:
            call = await w.dial()
            await call.speak(noise(3000 * BYTES_PER_MS))
            assert w.told(facts.ConversationOpened) == []
            await w.tells(facts.ConversationOpened)
            opened = round(w.now * SECOND)
            await asyncio.sleep(0.5)
            kept = bytes(w.conversation.audio)
            at = call.sent.find(kept)
            assert opened - at == pytest.approx(2 * SECOND, abs=20 * BYTES_PER_MS)
            assert noise(3000 * BYTES_PER_MS)[-SECOND:] in kept

    async def test_what_was_said_in_those_is_answered(self, world):
        async with world(faults=[Fault("engine_socket", "delay", ms=2000)]) as w:
            call = await w.dial()
            await w.says(call, "hello anybody")
            await w.hears(call, "You said: hello anybody.")

    @pytest.mark.parametrize("waits", [False, True], ids=["at once", "while the conversation is opened"])
    async def test_an_empty_payload_is_not_passed_on(self, world, waits):
        async with world(faults=[Fault("engine_socket", "delay", ms=1000)] if waits else ()) as w:
            token = (await w.post("/incoming-call", w.form())).token
            async with w.stream() as stream:
                await stream.start(token, SID)
                if not waits:
                    await w.tells(facts.ConversationOpened)
                for piece in (b"", noise(160), b""):
                    await stream.speak(piece)
                await w.tells(facts.ConversationOpened)
                await w.settled()
                assert (w.conversation.audio, w.conversation.audio_messages) == (noise(160), 1)


class TestTheAgentsWords:
    async def test_they_reach_the_caller_byte_for_byte_and_in_order_in_whatever_pieces_they_come(self, world):
        async with world() as w:
            call = await w.talking()
            for piece in chunked(noise(3 * SECOND), 960, 2400, 1, 1333, 8000, 517):
                w.conversation.send(audio(piece, 2))
                w.conversation.send(audio(b"", 2))
            await asyncio.sleep(3.2)
            assert noise(3 * SECOND) in call.heard
            assert call.errors == []

    async def test_both_sides_may_speak_at_once(self, world):
        async with world() as w:
            call = await w.talking()
            w.conversation.send(audio(noise(2 * SECOND, seed=1), 2))
            await call.speak(noise(2 * SECOND, seed=2))
            await asyncio.sleep(0.2)
            assert noise(2 * SECOND, seed=1) in call.heard
            assert noise(2 * SECOND, seed=2) in w.conversation.audio

    async def test_words_without_an_event_id_and_with_one_as_text_are_heard(self, world):
        async with world() as w:
            call = await w.talking()
            w.conversation.send(audio(encode("anonymous"), None))
            w.conversation.send(audio(encode("texted"), "9"))
            await w.hears(call, "Hello. anonymous texted")


class TestFormats:
    @pytest.mark.parametrize("side", ["input_format", "output_format"])
    async def test_another_one_than_mu_law_means_the_sorry_and_the_log_says_how_to_set_it(self, world, caplog, side):
        async with world(engine={side: "pcm_16000"}) as w:
            call = await w.dial()
            await call.ended()
            assert w.heard(call) == f"{w.sorry} {ENGLISH.goodbye}"
            assert "'pcm_16000'" in caplog.text
            assert (
                "set asr.user_input_audio_format and tts.agent_output_audio_format of the engine to ulaw_8000"
                in caplog.text
            )
            await w.is_given_back(since=w.now)

    async def test_not_a_sample_of_it_reaches_the_caller(self, world):
        async with world(engine={"output_format": "pcm_16000"}) as w:
            call = await w.dial()
            await w.tells(facts.Faulted)
            await call.ended()
            assert sound_of("Hello.") not in call.heard


class TestBargeIn:
    async def interrupted(self, w):
        """A call whose caller has cut in on a long reply; and the moments of the interruption and of our clear."""
        call = await w.talking()
        moments = {}
        w.elevenlabs.on_event.append(lambda _, event: moments.setdefault(event.kind, w.now))
        call.on_event.append(lambda event: moments.setdefault(event.kind, w.now))
        await w.engine_says(LONG)
        await w.hears(call, "two")
        await w.says(call, "stop")
        return call, moments

    async def test_the_clear_leaves_in_the_moment_in_which_the_interruption_comes(self, world):
        async with world() as w:
            _, moments = await self.interrupted(w)
            assert moments["clear"] == moments["interruption"] == w.at(facts.Interrupted)

    async def test_the_caller_hears_nothing_of_the_old_reply_after_it(self, world):
        async with world() as w:
            call, moments = await self.interrupted(w)
            await w.hears(call, "You said: stop.")
            silent_from = round(moments["clear"] * SECOND) + 20 * BYTES_PER_MS
            answered = call.heard.find(sound_of("You"))
            assert set(call.heard[silent_from:answered]) == {SILENCE}
            assert "four" not in w.heard(call)

    async def test_audio_of_an_older_reply_that_comes_late_is_dropped_and_of_an_equal_id_kept(self, world):
        async with world() as w:
            call = await w.talking()
            w.conversation.send(audio(encode("older"), 3))
            w.conversation.send(interruption(5))
            w.conversation.send(audio(encode("old"), 4))
            w.conversation.send(audio(encode("new"), 5))
            w.conversation.send(audio(encode("newer"), 6))
            await w.hears(call, "newer")
            assert w.heard(call) == "Hello. new newer"

    async def test_an_interruption_that_comes_late_does_not_revive_an_older_reply(self, world):
        async with world() as w:
            call = await w.talking()
            for message in (
                interruption(5),
                interruption(3),
                audio(encode("old"), 4),
                audio(encode("new"), "5"),
            ):
                w.conversation.send(message)
            await w.hears(call, "new")
            assert w.heard(call) == "Hello. new"

    async def test_the_same_rule_holds_for_what_waits_for_the_stream(self, world):
        async with world(faults=[Fault("media_socket", "delay", ms=3000)]) as w:
            call = await w.dial()
            await w.tells(facts.AgentSpoke)
            for message in (
                audio(encode("older"), 3),
                interruption(5),
                audio(encode("old"), 4),
                audio(encode("new"), 5),
            ):
                w.conversation.send(message)
            await w.hears(call, "new")
            assert w.heard(call) == "new"

    async def test_stale_audio_takes_no_room_from_what_comes_after_it(self, world):
        async with world(faults=[Fault("media_socket", "delay", ms=3000)]) as w:
            call = await w.dial()
            await w.tells(facts.AgentSpoke)
            w.conversation.send(audio(noise(40 * SECOND), 3))
            w.conversation.send(interruption(5))
            w.conversation.send(audio(encode("new"), 5))
            await w.hears(call, "new")
            assert w.heard(call) == "new"

    async def test_what_the_engine_takes_for_heard_of_a_reply_is_told(self, world):
        events = {*DEFAULT_CLIENT_EVENTS, "agent_response_correction"}
        async with world(engine={"client_events": events}) as w:
            await self.interrupted(w)
            assert await w.tells(facts.AgentCorrected) == facts.AgentCorrected(LONG, "one two")


class TestMarks:
    async def test_a_reply_that_was_played_to_its_end_is_told_as_heard_to_its_end(self, world):
        async with world() as w:
            call = await w.talking()
            await w.engine_says("one two three")
            whole = facts.Heard(2, len(encode("one two three")) // BYTES_PER_MS)
            await w.until(lambda: whole in w.told(facts.Heard), f"{whole} is told")
            assert w.heard(call) == "Hello. one two three"

    async def test_the_heard_position_rises_as_the_caller_hears(self, world):
        async with world() as w:
            call = await w.talking()
            await w.engine_says(LONG)
            began = call.heard.find(sound_of("Hello.")) + len(encode("Hello."))
            await w.hears(call, "six")
            played_ms = (len(call.heard) - began) / BYTES_PER_MS
            heard_ms = w.told(facts.Heard)[-1].ms
            assert played_ms - MARKED_MS - 100 < heard_ms <= played_ms + 20
            positions = [heard.ms for heard in w.told(facts.Heard) if heard.event_id == 2]
            assert positions == sorted(positions)

    async def test_an_echo_that_a_clear_set_off_does_not_count_as_heard(self, world):
        async with world() as w:
            call = await w.talking()
            await w.engine_says(LONG)
            await w.hears(call, "six")
            w.conversation.interrupt()
            interrupted = await w.tells(facts.Interrupted)
            await asyncio.sleep(1)
            echoed = [event.detail["name"] for event in call.events if event.kind == "mark_echoed"]
            sent = [event.detail["name"] for event in call.events if event.kind == "mark"]
            assert sorted(echoed) == sorted(sent)
            total_ms = len(encode(LONG)) // BYTES_PER_MS
            heard_ms = total_ms - interrupted.dropped_ms
            assert 1000 < heard_ms < 2000 < total_ms
            assert w.told(facts.Heard)[-1].ms <= heard_ms

    async def test_marks_of_the_reply_after_a_clear_carry_the_next_epoch(self, world):
        async with world() as w:
            call = await w.talking()
            w.conversation.interrupt()
            await w.engine_says("new")
            new = len(encode("new")) // BYTES_PER_MS
            await w.until(lambda: w.told(facts.Heard)[-1].ms == new, "the new reply is heard")
            names = [event.detail["name"] for event in call.events if event.kind == "mark"]
            assert {name.partition(":")[0] for name in names} == {"e0", "e1"}
            assert len(set(names)) == len(names)


class TestPings:
    async def test_each_is_answered_at_once(self, world):
        async with world() as w:
            await w.talking()
            await asyncio.sleep(9)
            pings = [
                (sent.at_ms, sent.message["ping_event"]["event_id"])
                for sent in w.conversation.sent
                if sent.message["type"] == "ping"
            ]
            pongs = [
                (got.at_ms, got.message["event_id"]) for got in w.conversation.received if got.message["type"] == "pong"
            ]
            assert len(pings) >= 5
            assert pongs == pings

    async def test_one_without_an_id_is_passed_over(self, world):
        async with world() as w:
            call = await w.talking()
            pongs = len(w.conversation.received)
            w.conversation.send({"type": "ping", "ping_event": {"ping_ms": None}})
            w.conversation.send({"type": "ping"})
            await w.says(call, "hi")
            await w.hears(call, "You said: hi.")
            new = [got.message for got in w.conversation.received[pongs:]]
            assert all(message == {"type": "pong", "event_id": message["event_id"]} for message in new)


class TestDigits:
    def written(self, w):
        return [got.message["text"] for got in w.conversation.received if got.message["type"] == "user_message"]

    async def test_they_are_gathered_until_the_hash_key_and_open_a_turn(self, world):
        async with world() as w:
            call = await w.talking()
            await call.press("42#")
            assert await w.tells(facts.DigitsPressed) == facts.DigitsPressed("42")
            assert w.now == w.at(facts.DigitsPressed)
            await w.hears(call, "You said: Caller pressed 42.")
            assert self.written(w) == ["Caller pressed 42"]

    async def test_or_until_a_pause_of_one_and_a_half_seconds(self, world):
        async with world() as w:
            call = await w.talking()
            await call.press("78")
            pressed = w.now
            assert await w.tells(facts.DigitsPressed) == facts.DigitsPressed("78")
            assert w.now - pressed == pytest.approx(1.5)
            await w.hears(call, "You said: Caller pressed 78.")

    async def test_a_shorter_pause_parts_nothing_and_a_longer_one_does(self, world):
        async with world() as w:
            call = await w.talking()
            for pause in (1.4, 1.6, 1.6):
                await call.press("1")
                await asyncio.sleep(pause)
            assert self.written(w) == ["Caller pressed 11", "Caller pressed 1"]

    async def test_a_lone_hash_key_is_told_too(self, world):
        async with world() as w:
            call = await w.talking()
            await call.press("#")
            await w.hears(call, "You said: Caller pressed #.")

    async def test_those_from_before_the_conversation_is_open_are_told_then(self, world):
        async with world(faults=[Fault("engine_socket", "delay", ms=3000)]) as w:
            call = await w.dial()
            await call.streaming()
            await call.press("12#")
            assert w.told(facts.ConversationOpened) == []
            await w.hears(call, "You said: Caller pressed 12.")

    async def test_they_cut_in_on_the_agent(self, world):
        async with world() as w:
            call = await w.talking()
            await w.engine_says(LONG)
            await w.hears(call, "two")
            await call.press("9#")
            await w.hears(call, "You said: Caller pressed 9.")
            assert "five" not in w.heard(call)

    async def test_the_brain_finds_all_of_them_in_the_turn(self, world):
        async def read_back(turn):
            yield f"So far: {', '.join(turn.digits)}."

        async with world(brain=read_back) as w:
            call = await w.talking()
            await call.press("1#")
            await w.hears(call, "So far: 1.")
            await call.press("2#")
            await w.hears(call, "So far: 1, 2.")


class TestRubbish:
    async def goes_on(self, w, call):
        await w.says(call, "still here")
        await w.hears(call, "You said: still here.")
        assert call.said == []

    @pytest.mark.parametrize(
        "message",
        [
            {"type": "surprise", "surprise_event": {}},
            {"type": "vad_score", "vad_score_event": {"vad_score": 0.5}},
            {"type": "agent_response_complete", "agent_response_complete_event": {"event_id": 1}},
            {"type": "client_tool_call", "client_tool_call": {"tool_name": "x", "tool_call_id": "y"}},
            {"type": "mcp_connection_status", "mcp_connection_status": None},
        ],
        ids=lambda message: message["type"],
    )
    async def test_an_unknown_message_of_the_engine_is_passed_over(self, world, message):
        async with world() as w:
            call = await w.talking()
            w.conversation.send(message)
            await self.goes_on(w, call)
            assert w.told(facts.Broken) == []

    @pytest.mark.parametrize(
        "message",
        [
            {},
            [],
            {"type": None},
            {"type": "audio"},
            {"type": "audio", "audio_event": {"audio_base_64": 5}},
            {"type": "audio", "audio_event": {"audio_base_64": "QUJD", "event_id": "seven"}},
            {"type": "interruption", "interruption_event": {}},
            {"type": "conversation_initiation_metadata"},
            {"type": "user_transcript", "user_transcription_event": "hello"},
        ],
        ids=str,
    )
    async def test_a_broken_one_is_noted_and_ends_nothing(self, world, message):
        async with world() as w:
            call = await w.talking()
            w.conversation.send(message)
            assert (await w.tells(facts.Broken)).peer == "engine"
            await self.goes_on(w, call)

    @pytest.mark.parametrize("text", ["", "{", "nonsense", '{"type": "audio", "audio_event": {"audio_b', '"text"'])
    async def test_what_is_no_json_ends_nothing_either(self, world, text):
        async with world(faults=[Fault("engine_socket", "garble", after_ms=600, text=text)]) as w:
            call = await w.talking()
            assert (await w.tells(facts.Broken)).peer == "engine"
            await self.goes_on(w, call)

    @pytest.mark.parametrize("shape", ["nested", "flat"])
    async def test_an_error_of_the_engine_is_told_in_its_words_and_ends_nothing_by_itself(self, world, caplog, shape):
        fault = Fault("engine_socket", "error", after_ms=600, text="the voice is hoarse", shape=shape)
        async with world(faults=[fault]) as w:
            call = await w.talking()
            assert (await w.tells(facts.EngineComplained)).text == "the voice is hoarse"
            await self.goes_on(w, call)
            assert "the voice is hoarse" in caplog.text

    async def test_what_twilio_garbles_is_noted_and_ends_nothing(self, world):
        async with world(faults=[Fault("media_socket", "garble", after_ms=600)]) as w:
            call = await w.talking()
            assert (await w.tells(facts.Broken)).peer == "twilio"
            await self.goes_on(w, call)

    async def test_nor_does_anything_else_that_may_come_on_the_media_socket(self, world):
        async with world() as w:
            token = (await w.post("/incoming-call", w.form())).token
            async with w.stream() as stream:
                await stream.start(token, SID)
                await w.tells(facts.ConversationOpened)
                await stream.send(event="weather", streamSid=stream.sid, weather={})
                await stream.send(event="mark", streamSid=stream.sid, mark={"name": "not ours"})
                await stream.ws.send_bytes(b"\x00binary")
                for broken in ({"event": "media"}, {"event": "dtmf", "dtmf": {}}, {"event": 5}, {"evnt": "stop"}):
                    await stream.send(**broken)
                await stream.ws.send_str("[")
                await stream.speak(encode("still here") + bytes([SILENCE]) * SECOND)
                assert await w.tells(facts.CallerSpoke) == facts.CallerSpoke("still here")
                assert [broken.peer for broken in w.told(facts.Broken)] == ["twilio"] * 5

    async def test_nothing_of_a_broken_message_but_its_flaw_is_told(self, world, caplog):
        async with world() as w:
            await w.talking()
            w.conversation.send({"type": "user_transcript", "user_transcription_event": "my secret is 1234"})
            await w.tells(facts.Broken)
            assert "1234" not in caplog.text
            assert "1234" not in str(w.told(facts.Broken))
