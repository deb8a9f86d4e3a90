"""The twin dials the brain's server, as the vendor does."""

import asyncio

import pytest
from elevenlabs.speech_engine.resource import verify_speech_engine_jwt

from ringbridge.emulator.elevenlabs.brain import PING_SECONDS, REDIAL_SECONDS
from ringbridge.emulator.faults import Fault

TOKEN = "X-Elevenlabs-Speech-Engine-Authorization"


async def test_it_shows_headers_token_and_the_tunnels_marks(stage, key):
    headers = {"x-api-key": "shared", "x-call": {"variable_name": "call_sid"}}
    async with stage(request_headers=headers) as s:
        await s.dial(dynamic_variables={"call_sid": "CA1"})
        await asyncio.sleep(0.1)
        shown = s.brain.headers[0]
        assert (shown["x-api-key"], shown["x-call"]) == ("shared", "CA1")
        assert (shown["Host"], shown["X-Forwarded-Proto"]) == ("bridge.test", "https")
        assert shown[TOKEN].startswith("Bearer ")
        assert verify_speech_engine_jwt(shown[TOKEN], key)["sub"] == "convai_speech_engine_upstream"


async def test_another_key_may_have_made_the_engine(stage, key):
    async with stage(made_with_key="sk_other") as s:
        await s.dial()
        await asyncio.sleep(0.1)
        verify_speech_engine_jwt(s.brain.headers[0][TOKEN], "sk_other")
        with pytest.raises(ValueError, match="mismatch"):
            verify_speech_engine_jwt(s.brain.headers[0][TOKEN], key)


async def test_the_token_is_dated_by_the_twins_clock(stage, key):
    async with stage() as s:
        await asyncio.sleep(3600)
        await s.dial()
        await asyncio.sleep(0.1)
        with pytest.raises(ValueError, match="future"):
            verify_speech_engine_jwt(s.brain.headers[0][TOKEN], key)


async def test_init_names_the_conversation_and_comes_first(stage):
    async with stage() as s:
        await s.dial()
        await asyncio.sleep(0.1)
        assert s.brain.received[0][1] == {"type": "init", "conversation_id": s.talk.id}


async def test_metadata_may_come_after_init(stage, now):
    async with stage(init_before_metadata=True) as s:
        s.brain.accepting.clear()
        client = await s.connect()
        await client.begin()
        await asyncio.sleep(1)
        assert client.messages == []
        s.brain.accepting.set()
        await client.until("conversation_initiation_metadata")
        assert s.brain.of("init")


async def test_metadata_does_not_wait_for_ever(stage):
    async with stage(init_before_metadata=True) as s:
        s.brain.accepting.clear()
        await s.dial()
        assert s.brain.of("init") == []
        s.brain.accepting.set()


async def test_metadata_may_come_before_init(stage):
    async with stage() as s:
        s.brain.accepting.clear()
        await s.dial()
        assert s.brain.of("init") == []
        s.brain.accepting.set()


async def test_it_may_be_dialled_at_the_first_turn_only(stage):
    async with stage(dial_brain="first_turn", first_message="Hello.") as s:
        client = await s.dial()
        await asyncio.sleep(5)
        assert s.brain.headers == []
        await client.speak("Anybody there?")
        await client.until("agent_response_complete", 2)
        assert [message["type"] for _, message in s.brain.received] == ["init", "user_transcript"]


async def test_an_unanswered_transcript_is_sent_four_times(stage):
    async with stage(cascade_timeout_seconds=3) as s:
        s.brain.reply = lambda history: None
        await s.dial()
        s.talk.hear("Hello?")
        await asyncio.sleep(30)
        times = s.brain.times("user_transcript")
        assert [later - times[0] for later in times] == pytest.approx([0, 3, 6, 9], abs=0.01)
        assert all(message == s.brain.of("user_transcript")[0] for message in s.brain.of("user_transcript"))
        assert s.kinds("resend", "unanswered") == [("resend", "1")] * 3 + [("unanswered", "1")]
        assert len(s.talk.transcripts) == 4


async def test_any_text_ends_the_resending(stage):
    async with stage() as s:
        s.brain.reply = lambda history: None
        await s.dial()
        s.talk.hear("Hello?")
        await asyncio.sleep(5)
        await s.brain.answer(1, "Well, ")
        await asyncio.sleep(20)
        assert len(s.brain.of("user_transcript")) == 2


async def test_an_older_id_keeps_coming_after_a_newer_was_answered(stage):
    async with stage() as s:
        s.brain.reply = lambda history: None if len(history) == 1 else ["Yes."]
        await s.dial()
        s.talk.hear("First")
        await asyncio.sleep(1)
        s.talk.hear("Second")
        await asyncio.sleep(20)
        ids = [message["event_id"] for message in s.brain.of("user_transcript")]
        assert ids == [1, 2, 1, 1, 1]
        assert len(s.brain.of("user_transcript")[-1]["user_transcript"]) == 1


async def test_sentences_are_spoken_as_they_are_complete(stage):
    async with stage() as s:
        s.brain.reply = lambda history: None
        client = await s.dial()
        s.talk.hear("Go")
        await asyncio.sleep(0.1)
        for piece in ("This is ", "one. And th", "is"):
            await s.brain.answer(1, piece)
        await asyncio.sleep(3)
        assert client.words() == "This is one."
        assert client.of("agent_response") == []
        await s.brain.answer(1, " is two.")
        await s.brain.answer(1, "", final=True)
        await client.until("agent_response_complete")
        assert client.words() == "This is one. And this is two."
        assert (
            client.of("agent_response")[0]["agent_response_event"]["agent_response"] == "This is one. And this is two."
        )


async def test_an_empty_reply_is_silence(stage):
    async with stage() as s:
        s.brain.reply = lambda history: []
        client = await s.dial()
        s.talk.hear("Go")
        await client.until("agent_response_complete")
        assert client.of("audio") == client.of("agent_response") == []
        assert s.talk.history == [{"role": "user", "content": "Go"}]


async def test_text_after_the_final_chunk_is_dropped(stage):
    async with stage() as s:
        client = await s.dial()
        s.talk.hear("Go")
        await client.until("agent_response_complete")
        await s.brain.answer(1, "More.")
        await asyncio.sleep(1)
        assert client.words() == "You said Go."
        assert s.kinds("text_dropped") == [("text_dropped", "1: More.")]


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"type": "agent_response", "content": "x", "event_id": 1}',
        '{"type": "agent_response", "content": "x", "is_final": false}',
        '{"type": "agent_response", "content": null, "event_id": 1, "is_final": true}',
        '{"type": "agent_response", "content": "x", "event_id": "1", "is_final": true}',
    ],
)
async def test_a_broken_message_is_noted_and_survived(stage, text):
    async with stage() as s:
        client = await s.dial()
        await asyncio.sleep(0.1)
        await s.brain.sockets[0].send_str(text)
        s.talk.hear("Go")
        await client.until("agent_response_complete")
        assert len(s.kinds("brain_broken")) == 1
        assert client.words() == "You said Go."


async def test_an_unknown_message_is_noted(stage):
    async with stage() as s:
        await s.dial()
        await asyncio.sleep(0.1)
        await s.brain.sockets[0].send_json({"type": "hang_up"})
        await asyncio.sleep(0.1)
        assert s.kinds("brain_unknown", "brain_broken") == [("brain_unknown", "hang_up")]


async def test_it_pings(stage):
    async with stage() as s:
        await s.dial()
        await asyncio.sleep(3 * PING_SECONDS + 1)
        assert s.brain.of("ping") == [{"type": "ping"}] * 3
        assert s.kinds("brain_unknown", "brain_broken") == []


async def test_close_ends_it_with_the_conversation(stage):
    async with stage() as s:
        client = await s.dial()
        await asyncio.sleep(0.1)
        s.talk.close()
        await s.talk.gone.wait()
        assert s.brain.received[-1][1] == {"type": "close"}
        assert s.brain.closed == [1000]
        await client.closed.wait()


async def test_error_ends_it_with_a_failed_conversation(stage):
    async with stage() as s:
        await s.dial()
        await asyncio.sleep(0.1)
        s.talk.fail(1011, "unknown", "It broke.")
        await s.talk.gone.wait()
        assert s.brain.received[-1][1] == {"type": "error", "message": "It broke."}


async def test_a_dropped_socket_is_dialled_once_more(stage):
    async with stage() as s:
        client = await s.dial()
        await asyncio.sleep(0.1)
        s.talk.drop_brain()
        await asyncio.sleep(REDIAL_SECONDS + 0.1)
        assert s.brain.of("init") == [{"type": "init", "conversation_id": s.talk.id}] * 2
        s.talk.hear("Go")
        await client.until("agent_response_complete")
        s.talk.drop_brain()
        await asyncio.sleep(20)
        assert len(s.brain.headers) == 2
        assert s.kinds("brain_open", "brain_lost") == [("brain_open", ""), ("brain_lost", "")] * 2


async def test_what_was_asked_is_asked_again_after_the_redial(stage, now):
    async with stage() as s:
        s.brain.reply = lambda history: None
        await s.dial()
        s.talk.hear("Go")
        await asyncio.sleep(1)
        s.talk.drop_brain()
        await asyncio.sleep(1)
        assert [message["type"] for _, message in s.brain.received] == ["init", "user_transcript"] * 2


async def test_a_close_by_the_server_is_noted_and_answered(stage):
    async with stage() as s:
        await s.dial()
        await asyncio.sleep(0.1)
        await s.brain.sockets[0].close(code=4000)
        await asyncio.sleep(0.1)
        assert s.kinds("brain_lost") == [("brain_lost", "4000")]


async def test_a_refused_upgrade_is_noted(stage):
    async with stage() as s:
        s.brain.statuses = [401]
        client = await s.dial()
        await asyncio.sleep(0.1)
        assert s.kinds("brain_refused") == [("brain_refused", "401")]
        s.talk.hear("Go")
        await client.until("agent_response_complete")


async def test_who_refuses_twice_is_not_asked_again_and_the_caller_hears_nothing(stage):
    async with stage() as s:
        s.brain.statuses = [401, 503]
        client = await s.dial()
        s.talk.hear("Go")
        await asyncio.sleep(20)
        assert s.kinds("brain_refused", "unanswered") == [
            ("brain_refused", "401"),
            ("brain_refused", "503"),
            ("unanswered", "1"),
        ]
        assert client.of("audio") == []
        assert not client.closed.is_set()
        assert s.talk.transcripts == []


async def test_a_server_that_is_not_there_is_noted(stage):
    async with stage() as s:
        s.addresses.add("bridge.test", "http://127.0.0.1:9")
        await s.dial()
        await asyncio.sleep(2)
        assert [kind for kind, _ in s.kinds("brain_refused")] == ["brain_refused"] * 2


async def test_a_server_that_upgrades_and_is_gone_is_noted(stage):
    async with stage() as s:
        s.brain.vanishing = True
        client = await s.dial()
        await asyncio.sleep(5)
        assert len(s.brain.headers) == 2
        assert [kind for kind, _ in s.kinds("brain_lost", "brain_refused")] in (
            ["brain_lost"] * 2,
            ["brain_refused"] * 2,
        )
        assert not client.closed.is_set()


async def test_fault_refuse_never_dials(stage):
    async with stage(Fault("brain_socket", "refuse", times=-1)) as s:
        await s.dial()
        s.talk.hear("Go")
        await asyncio.sleep(20)
        assert s.brain.headers == []


async def test_fault_delay_dials_late(stage):
    async with stage(Fault("brain_socket", "delay", ms=3000)) as s:
        await s.dial()
        await asyncio.sleep(2.9)
        assert s.brain.headers == []
        await asyncio.sleep(0.2)
        assert s.brain.of("init")


async def test_fault_drop(stage):
    async with stage(Fault("brain_socket", "drop", after_ms=2000)) as s:
        await s.dial()
        await asyncio.sleep(1.9)
        assert s.brain.closed == []
        await asyncio.sleep(0.2)
        assert s.brain.closed == [None]
        await asyncio.sleep(10)
        assert len(s.brain.of("init")) == 2


async def test_fault_garble(stage):
    async with stage(Fault("brain_socket", "garble", after_ms=100)) as s:
        client = await s.dial()
        await asyncio.sleep(0.2)
        assert "broken" in s.brain.received[-1][1]
        s.talk.hear("Go")
        await client.until("agent_response_complete")


async def test_fault_half_open_is_silent_both_ways(stage):
    async with stage(Fault("brain_socket", "half_open", after_ms=100)) as s:
        client = await s.dial()
        await asyncio.sleep(0.2)
        s.talk.hear("Go")
        await s.brain.answer(1, "Unheard.", final=True)
        await asyncio.sleep(60)
        assert [message["type"] for _, message in s.brain.received] == ["init"]
        assert client.of("audio") == []
        assert s.brain.closed == []


async def test_fault_slow_reader(stage):
    async with stage(Fault("brain_socket", "slow_reader", ms=2000)) as s:
        client = await s.dial()
        await asyncio.sleep(0.1)
        s.talk.hear("Go")
        await asyncio.sleep(1)
        assert client.of("audio") == []
        await asyncio.sleep(1)
        assert client.of("audio")


@pytest.mark.parametrize(
    ("fault", "last", "code"),
    [
        (
            Fault("brain_socket", "error", after_ms=500, text="No credit.", code=1002),
            {"type": "error", "message": "No credit."},
            1002,
        ),
        (Fault("brain_socket", "close", after_ms=500, code=1000), {"type": "close"}, 1000),
    ],
)
async def test_fault_error_and_close_end_it_for_good(stage, fault, last, code):
    async with stage(fault) as s:
        client = await s.dial()
        await asyncio.sleep(20)
        assert s.brain.received[-1][1] == last
        assert s.brain.closed == [code]
        assert len(s.brain.headers) == 1
        assert not client.closed.is_set()
