"""The caller cuts in."""

import asyncio

import pytest

LONG = "One two three four five six seven eight nine ten. Eleven twelve thirteen fourteen."


async def test_the_agent_is_silent_as_soon_as_the_caller_is_heard(stage, now):
    async with stage(first_message=LONG) as s:
        client = await s.dial()
        await asyncio.sleep(1)
        began = now()
        await client.speak("Stop.")
        assert client.times("interruption")[0] - began == pytest.approx(0.06, abs=0.03)
        assert client.of("interruption") == [{"type": "interruption", "interruption_event": {"event_id": 2}}]


async def test_the_client_learns_what_was_heard_and_so_does_the_brain(stage):
    async with stage(first_message=LONG) as s:
        client = await s.dial()
        await asyncio.sleep(1)
        await client.speak("Stop.")
        await client.until("user_transcript")
        correction = client.of("agent_response_correction")[0]["agent_response_correction_event"]
        assert correction == {
            "original_agent_response": LONG,
            "corrected_agent_response": "One two three",
            "event_id": 1,
        }
        order = [m["type"] for _, m in client.messages if m["type"] in {"interruption", "agent_response_correction"}]
        assert order == ["interruption", "agent_response_correction"]
        assert s.brain.of("user_transcript")[0]["user_transcript"] == [
            {"role": "agent", "content": "One two three"},
            {"role": "user", "content": "Stop."},
        ]


async def test_the_brain_may_be_left_to_believe_that_all_was_heard(stage):
    async with stage(first_message=LONG, history="said") as s:
        client = await s.dial()
        await asyncio.sleep(1)
        await client.speak("Stop.")
        await client.until("user_transcript")
        assert s.brain.of("user_transcript")[0]["user_transcript"] == [
            {"role": "agent", "content": LONG},
            {"role": "user", "content": "Stop."},
        ]
        # What the client is told is another matter, and set by the engine's events.
        correction = client.of("agent_response_correction")[0]["agent_response_correction_event"]
        assert correction["corrected_agent_response"] == "One two three"


async def test_the_next_reply_may_carry_the_interruptions_id(stage):
    async with stage(first_message=LONG) as s:
        s.brain.reply = lambda history: [LONG]
        client = await s.dial()
        for number in range(1, 4):
            await asyncio.sleep(1)
            await client.speak("Stop.")
            await client.until("user_transcript", number)
        interruptions = [m["interruption_event"]["event_id"] for m in client.of("interruption")]
        turns = [m["event_id"] for m in s.brain.of("user_transcript")]
        assert interruptions == [2, 3, 5]
        assert turns == [2, 4, 5]


async def test_no_audio_of_the_old_reply_follows(stage):
    async with stage(first_message=LONG * 6) as s:
        client = await s.dial()
        await asyncio.sleep(1)
        await client.speak("Stop.")
        await asyncio.sleep(30)
        kinds = [(m["type"], m.get("audio_event", {}).get("event_id")) for _, m in client.messages]
        assert ("audio", 1) not in kinds[kinds.index(("interruption", None)) :]


async def test_text_that_still_comes_for_the_interrupted_turn_is_dropped(stage):
    async with stage() as s:
        s.brain.reply = lambda history: None
        client = await s.dial()
        await client.send({"type": "user_message", "text": "Tell me"})
        await asyncio.sleep(0.1)
        await s.brain.answer(1, "Here is a rather long story. It")
        await asyncio.sleep(1)
        await client.speak("Stop.")
        await s.brain.answer(1, " goes on and on. ")
        await s.brain.answer(1, "", final=True)
        await asyncio.sleep(10)
        assert s.kinds("text_dropped") == [("text_dropped", "1:  goes on and on. "), ("text_dropped", "1: ")]
        assert client.words(1) == "Here is a rather long story."
        response, correction = client.of("agent_response"), client.of("agent_response_correction")
        assert response[0]["agent_response_event"]["agent_response"] == "Here is a rather long story. It"
        assert correction[0]["agent_response_correction_event"]["corrected_agent_response"] == "Here is a rather"
        assert client.of("agent_response_complete") == []


async def test_once_all_has_been_played_nobody_is_interrupted(stage):
    async with stage(first_message="Hello.") as s:
        client = await s.dial()
        await asyncio.sleep(1)
        await client.speak("Good morning.")
        await client.until("user_transcript")
        assert client.of("interruption") == []
        assert s.talk.history[0]["content"] == "Hello."


async def test_a_reply_of_which_nothing_was_heard_is_not_in_the_history(stage):
    async with stage() as s:
        client = await s.dial()
        s.talk.hear("First")
        await client.until("agent_response_complete")
        await asyncio.sleep(0.1)
        s.talk.hear("Second")
        await asyncio.sleep(0.1)
        assert [line["content"] for line in s.brain.of("user_transcript")[1]["user_transcript"]] == ["First", "Second"]
        assert (
            client.of("agent_response_correction")[0]["agent_response_correction_event"]["corrected_agent_response"]
            == ""
        )


async def test_the_agent_does_not_begin_while_the_caller_speaks(stage):
    async with stage() as s:
        s.brain.reply = lambda history: None
        client = await s.dial()
        await client.speak("First.")
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(client.speak("And then some more."))
            await asyncio.sleep(0.3)
            await s.brain.answer(1, "Too early.", final=True)
        await asyncio.sleep(1)
        assert client.of("audio") == []
        assert client.of("interruption") == []
        assert [m["event_id"] for m in s.brain.of("user_transcript")][:2] == [1, 2]
        await s.brain.answer(2, "Now.", final=True)
        await client.until("agent_response_complete")
        assert client.words() == "Now."


async def test_it_begins_after_a_sound_that_was_no_word(stage):
    async with stage() as s:
        s.brain.reply = lambda history: None
        client = await s.dial()
        await client.speak("First.")
        await client.feed(b"\x10\x90" * 1000)
        await s.brain.answer(1, "Wait for it.", final=True)
        await asyncio.sleep(0.1)
        assert client.of("audio") == []
        await client.feed(b"\xff" * 8 * 600)
        await client.until("agent_response_complete")
        assert client.words() == "Wait for it."


async def test_a_newer_utterance_supersedes_a_reply_that_has_not_begun(stage):
    async with stage() as s:
        s.brain.reply = lambda history: None
        client = await s.dial()
        s.talk.hear("First")
        s.talk.hear("Second")
        await asyncio.sleep(0.1)
        await s.brain.answer(1, "One.", final=True)
        await s.brain.answer(2, "Two.", final=True)
        await client.until("agent_response_complete")
        assert client.words() == "Two."
        assert client.of("interruption") == []
        assert s.kinds("text_dropped") == [("text_dropped", "1: One.")]


async def test_a_staged_interruption(stage):
    async with stage(first_message=LONG) as s:
        client = await s.dial()
        await asyncio.sleep(1)
        s.talk.interrupt()
        await client.until("interruption")
        await client.until("agent_response_correction")
        assert s.kinds("interruption", "correction") == [("interruption", "2"), ("correction", "One two three")]
