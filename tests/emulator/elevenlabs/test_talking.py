"""What the two sockets carry while a conversation runs."""

import asyncio
import base64

import pytest

from ringbridge.emulator.elevenlabs.engine import DEFAULT_CLIENT_EVENTS
from ringbridge.emulator.speech.exact import encode


async def test_a_turn(stage):
    async with stage(first_message="Hello.") as s:
        client = await s.dial()
        await asyncio.sleep(1)
        await client.speak("One two.")
        await client.until("agent_response_complete", 2)
        assert client.of("user_transcript") == [
            {"type": "user_transcript", "user_transcription_event": {"user_transcript": "One two.", "event_id": 2}}
        ]
        assert s.brain.of("user_transcript") == [
            {
                "type": "user_transcript",
                "user_transcript": [{"role": "agent", "content": "Hello."}, {"role": "user", "content": "One two."}],
                "event_id": 2,
            }
        ]
        assert client.of("agent_response")[1]["agent_response_event"] == {
            "agent_response": "You said One two..",
            "event_id": 2,
        }
        assert client.words(2) == "You said One two.."
        assert s.talk.brain_received[0] == {
            "type": "agent_response",
            "content": "You said One two..",
            "event_id": 2,
            "is_final": False,
        }
        assert [line["content"] for line in s.talk.history] == ["Hello.", "One two.", "You said One two.."]


async def test_the_whole_history_is_sent_each_time(stage):
    async with stage() as s:
        client = await s.dial()
        for number, text in enumerate(("One.", "Two."), 1):
            await client.speak(text)
            await client.until("agent_response_complete", number)
            await asyncio.sleep(3)
        assert [[line["role"] for line in message["user_transcript"]] for message in s.brain.of("user_transcript")] == [
            ["user"],
            ["user", "agent", "user"],
        ]
        ids = [message["event_id"] for message in s.brain.of("user_transcript")]
        assert ids == sorted(set(ids))


async def test_the_turn_opens_half_a_second_after_the_last_sound(stage, now):
    async with stage() as s:
        client = await s.dial()
        spoken = encode("One two.")
        began = now()
        await client.speak("One two.")
        voiced = len(spoken.rstrip(b"\xff")) / 8000
        assert s.brain.times("user_transcript")[0] - began == pytest.approx(voiced + 0.5, abs=0.05)


async def test_tentative_words_come_while_the_caller_speaks(stage):
    async with stage() as s:
        client = await s.dial()
        await client.speak("One two three.")
        texts = [
            m["tentative_user_transcription_event"]["user_transcript"] for m in client.of("tentative_user_transcript")
        ]
        assert texts[:2] == ["One", "One two"]
        assert client.times("tentative_user_transcript")[0] < client.times("user_transcript")[0] - 0.5
        assert (
            s.kinds("tentative", "user")[:3]
            == [("tentative", "One"), ("tentative", "One two"), ("tentative", "One two three.")][:3]
        )


@pytest.mark.parametrize(("errs_every", "drafts"), [(0, ["One two.", "Three."]), (2, ["One two.", ""])])
async def test_or_so_long_before_the_transcript_as_is_set(stage, errs_every, drafts):
    async with stage(tentative_ms=300, tentative_errs_every=errs_every) as s:
        client = await s.dial()
        for number, text in enumerate(("One two.", "Three."), 1):
            s.talk.hear(text)
            await client.until("user_transcript", number)
        told = [
            m["tentative_user_transcription_event"]["user_transcript"] for m in client.of("tentative_user_transcript")
        ]
        assert told == drafts
        for draft, final in zip(
            client.times("tentative_user_transcript"), client.times("user_transcript"), strict=True
        ):
            assert final - draft == pytest.approx(0.3)


async def test_audio_may_come_in_any_portions(stage):
    async with stage() as s:
        client = await s.dial()
        audio = encode("Any size will do.") + b"\xff" * 4320
        for start, end in ((0, 1), (1, 1), (1, 700), (700, len(audio))):
            await client.send({"user_audio_chunk": base64.b64encode(audio[start:end]).decode()})
        await client.until("user_transcript")
        assert s.talk.audio == audio
        assert s.talk.audio_messages == 4
        assert client.of("user_transcript")[0]["user_transcription_event"]["user_transcript"] == "Any size will do."
        assert all("user_audio_chunk" not in entry.message for entry in s.talk.received)


async def test_vad_scores_are_high_in_speech_and_low_after_it(stage, now):
    async with stage() as s:
        client = await s.dial()
        began = now()
        await client.speak("One.")
        loud = [m["vad_score_event"]["vad_score"] > 0.5 for m in client.of("vad_score")]
        assert loud == [True] * (len(loud) - 1) + [False]
        voiced = len(encode("One.").rstrip(b"\xff")) / 8000
        assert client.times("vad_score")[-2] - began == pytest.approx(voiced, abs=0.04)
        await asyncio.sleep(3)
        assert len(client.of("vad_score")) == len(loud) == round(voiced / 0.04) + 1


async def test_only_what_the_engine_is_set_to_send_is_sent(stage):
    async with stage(first_message="Hello.") as s:
        s.engine.client_events = {"conversation_initiation_metadata", "user_transcript"}
        client = await s.dial()
        await client.speak("One two.")
        s.talk.interrupt()
        await asyncio.sleep(5)
        assert {message["type"] for _, message in client.messages} == s.engine.client_events


async def test_by_default_nothing_more_is_sent_than_the_vendor_sends(stage):
    async with stage(first_message="This is a long greeting.") as s:
        s.engine.client_events = set(DEFAULT_CLIENT_EVENTS)
        client = await s.dial()
        await asyncio.sleep(1)
        await client.speak("One two.")
        await asyncio.sleep(8)
        assert {message["type"] for _, message in client.messages} == DEFAULT_CLIENT_EVENTS


async def test_an_engine_can_be_made_with_the_events_it_sends(stage):
    async with stage() as s:
        events = {"audio", "conversation_initiation_metadata"}
        s.twin.add_engine(
            "seng_quiet", ws_url="wss://bridge.test/ws", request_headers={}, client_events=events, enable_auth=False
        )
        client = await s.connect(f"{s.twin.base_url}/v1/convai/conversation?agent_id=seng_quiet")
        await client.begin()
        await client.until("conversation_initiation_metadata")
        s.talk.say("Hello.")
        await asyncio.sleep(3)
        assert {message["type"] for _, message in client.messages} == events


@pytest.mark.parametrize("alignment", [True, False])
async def test_alignment_can_be_left_out(stage, alignment):
    async with stage(first_message="Hello.", alignment=alignment) as s:
        client = await s.dial()
        await client.until("agent_response_complete")
        assert any("alignment" in message["audio_event"] for message in client.of("audio")) is alignment


async def test_transcript_reply_and_correction_share_their_id(stage):
    async with stage(first_message="Hello.") as s:
        s.brain.reply = lambda history: ["This is a long answer of many words."]
        client = await s.dial()
        await asyncio.sleep(1)
        await client.speak("One two.")
        await asyncio.sleep(1)
        s.talk.interrupt()
        await client.until("agent_response_correction")
        (asked,) = s.brain.of("user_transcript")
        assert asked["event_id"] == 2
        assert {message["audio_event"]["event_id"] for message in client.of("audio")} == {1, 2}
        assert client.of("agent_response_correction")[0]["agent_response_correction_event"]["event_id"] == 2
        assert client.of("interruption")[0]["interruption_event"]["event_id"] == 3


async def test_an_error_is_sent_whatever_the_engine_is_set_to(stage):
    async with stage(client_events=["audio"]) as s:
        s.engine.client_events = {"conversation_initiation_metadata"}
        client = await s.dial()
        s.talk.fail(1002, "llm_timeout", "No answer.")
        assert (await client.until("error"))["error_event"]["error_type"] == "llm_timeout"


async def test_pings_measure_the_way(stage):
    async with stage() as s:
        client = await s.connect()
        client.pongs = False
        await client.begin()
        await asyncio.sleep(1.5)
        assert [m["ping_event"] for m in client.of("ping")] == [{"event_id": 1, "ping_ms": None}]
        await asyncio.sleep(0.25)
        await client.send({"type": "pong", "event_id": 1})
        await client.send({"type": "pong", "event_id": 99})
        second = await client.until("ping", 2)
        assert second["ping_event"] == {"event_id": 2, "ping_ms": 1750}


async def test_a_user_message_opens_a_turn_without_a_transcript(stage):
    async with stage() as s:
        client = await s.dial()
        await client.send({"type": "user_message", "text": "Caller pressed 42"})
        await client.until("agent_response_complete")
        assert s.brain.of("user_transcript")[0]["user_transcript"] == [{"role": "user", "content": "Caller pressed 42"}]
        assert client.of("user_transcript") == []
        assert client.words() == "You said Caller pressed 42."


async def test_a_user_message_cuts_the_agent_short(stage):
    async with stage(first_message="This is a long greeting of many words.") as s:
        client = await s.dial()
        await asyncio.sleep(1)
        await client.send({"type": "user_message", "text": "Caller pressed 1"})
        await client.until("interruption")


async def test_other_messages_open_no_turn(stage):
    async with stage() as s:
        client = await s.dial()
        for message in (
            {"type": "contextual_update", "text": "It rains", "context_id": "c"},
            {"type": "user_activity"},
            {"type": "feedback", "score": "like", "event_id": 1},
            {"type": "client_tool_result", "tool_call_id": "t", "result": "", "is_error": False},
            {"type": "multimodal_message"},
            {"type": "something_new", "x": 1},
        ):
            await client.send(message)
        await asyncio.sleep(5)
        assert s.brain.of("user_transcript") == []
        assert client.of("client_error") == []
        assert s.kinds("context", "activity", "unknown", "broken") == [
            ("context", "It rains"),
            ("activity", ""),
            ("unknown", "something_new"),
        ]
        assert s.talk.received[0].message["type"] == "conversation_initiation_client_data"
        assert {"type": "user_activity"} in [entry.message for entry in s.talk.received]


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "null",
        '{"user_audio_chunk": "*"}',
        '{"user_audio_chunk": 1}',
        '{"type": "user_message"}',
        '{"type": "pong", "event_id": null}',
        '{"type": "contextual_update", "text": 1}',
        '{"type": 1}',
        "{}",
    ],
)
async def test_a_broken_message_is_answered_and_survived(stage, text):
    async with stage() as s:
        client = await s.dial()
        await client.ws.send_str(text)
        error = await client.until("client_error")
        assert set(error["error_event"]) == {"code", "error_name", "message"}
        assert s.kinds("broken")
        await client.speak("Still here?")
        await client.until("user_transcript")


async def test_a_caller_who_stays_silent_is_asked_once(stage):
    async with stage(turn_timeout_seconds=7, first_message="Hello.") as s:
        client = await s.dial()
        await client.until("agent_response_complete")
        greeted = client.times("audio")[0] + len(client.audio()) / 8000
        s.brain.reply = lambda history: ["Are you there?"]
        await client.until("agent_response_complete", 2)
        assert s.brain.times("user_transcript")[0] - greeted == pytest.approx(7, abs=0.3)
        assert s.brain.of("user_transcript")[0]["user_transcript"] == [{"role": "agent", "content": "Hello."}]
        await asyncio.sleep(30)
        assert len(s.brain.of("user_transcript")) == 1


async def test_activity_postpones_that(stage):
    async with stage(turn_timeout_seconds=7) as s:
        client = await s.dial()
        for _ in range(20):
            await asyncio.sleep(1)
            await client.send({"type": "user_activity"})
        assert s.brain.of("user_transcript") == []
        await asyncio.sleep(7.5)
        assert s.brain.of("user_transcript")[0]["user_transcript"] == []


async def test_a_pause_may_be_transcribed_twice(stage):
    async with stage(retranscribe_every=2) as s:
        client = await s.dial()
        for text in ("One.", "Two.", "Three."):
            await client.speak(text)
            await asyncio.sleep(4)
        messages = s.brain.of("user_transcript")
        assert [message["user_transcript"][-1]["content"] for message in messages] == ["One.", "Two.", "Two.", "Three."]
        ids = [message["event_id"] for message in messages]
        assert ids == [1, 2, 3, 4]
        times = s.brain.times("user_transcript")
        assert times[2] - times[1] == pytest.approx(0.3, abs=0.01)
        assert messages[1]["user_transcript"] == messages[2]["user_transcript"]
        assert client.words(2) == ""
        assert client.words(3) == "You said Two.."
        assert ("text_dropped", "2: You said Two..") in s.kinds("text_dropped")


async def test_a_pause_may_be_transcribed_three_times(stage):
    async with stage(retranscribe_every=1, retranscribe_times=3) as s:
        client = await s.dial()
        await client.speak("One.")
        await asyncio.sleep(4)
        assert [message["event_id"] for message in s.brain.of("user_transcript")] == [1, 2, 3]
        ids = [m["user_transcription_event"]["event_id"] for m in client.of("user_transcript")]
        assert ids == [1, 2, 3]
        assert s.kinds("retranscribed") == [("retranscribed", "2"), ("retranscribed", "3")]
        assert {message["event_id"] for message in s.talk.brain_received} == {1, 2, 3}
        assert client.words() == client.words(3) == "You said One.."
        assert [line["role"] for line in s.talk.history] == ["user", "agent"]


async def test_the_transcripts_of_a_pause_may_come_at_almost_the_same_time(stage):
    async with stage(retranscribe_every=1, retranscribe_gap_ms=5) as s:
        client = await s.dial()
        await client.speak("One.")
        await asyncio.sleep(4)
        first, second = s.brain.times("user_transcript")
        assert second - first == pytest.approx(0.005, abs=0.001)
        assert client.words() == client.words(2) == "You said One.."


async def test_a_pause_that_is_over_is_not_transcribed_again(stage):
    async with stage(retranscribe_every=1, retranscribe_times=3, retranscribe_gap_ms=1000) as s:
        client = await s.dial()
        s.talk.hear("One.")
        await asyncio.sleep(1.5)
        await client.send({"type": "user_message", "text": "Caller pressed 1"})
        await asyncio.sleep(3)
        said = [message["user_transcript"][-1]["content"] for message in s.brain.of("user_transcript")]
        assert said == ["One.", "One.", "Caller pressed 1"]


async def test_staged_words(stage):
    async with stage() as s:
        client = await s.dial()
        s.talk.hear("As if spoken")
        await client.until("agent_response_complete")
        assert client.of("user_transcript")[0]["user_transcription_event"]["user_transcript"] == "As if spoken"
        await asyncio.sleep(5)
        s.talk.say("Out of turn.")
        await client.until("agent_response_complete", 2)
        assert client.words(2) == "Out of turn."
        s.talk.send({"type": "guardrail_triggered"})
        await client.until("guardrail_triggered")


async def test_whoever_watches_sees_it_as_it_happens(stage):
    async with stage(first_message="Hello there. How are you?") as s:
        seen = []
        s.twin.on_event.append(lambda talk, event: seen.append((talk.id, event)))
        client = await s.dial()
        await asyncio.sleep(4)
        await client.speak("Fine.")
        assert [event for _, event in seen] == s.talk.events
        assert {talk for talk, _ in seen} == {s.talk.id}
        assert [event.detail for _, event in seen if event.kind == "agent"][:2] == ["Hello there.", "How are you?"]
        spoken = next(event for _, event in seen if event.kind == "user")
        assert spoken.detail == "Fine."
        assert spoken.at_ms == pytest.approx(4000 + 240 + 500, abs=60)


async def test_noise_without_words_opens_no_turn(stage):
    async with stage() as s:
        client = await s.dial()
        await client.feed(b"\x10\x90" * 2000 + b"\xff" * 6000)
        await asyncio.sleep(1)
        assert s.kinds("speech", "user") == [("speech", "0")]
        assert s.brain.of("user_transcript") == []
