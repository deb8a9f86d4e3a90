"""An agent on the phone: what its model and tools do, and what the caller has of it. Whole calls, real sockets."""

import asyncio

import pytest

from ringbridge import facts
from ringbridge.brains.agent import Agent
from ringbridge.emulator.openai.script import Call, Drop, Fail, Say, Stall
from ringbridge.emulator.openai.twin import OpenAITwin
from ringbridge.facts import Outcome
from ringbridge.phrases import ENGLISH
from ringbridge.tools.tool import tool

ALL_EVENTS = {
    *("audio", "interruption", "agent_response", "agent_response_complete", "agent_response_correction"),
    *("user_transcript", "tentative_user_transcript", "vad_score", "conversation_initiation_metadata", "ping"),
}


class Desk:
    """A booking system that takes its time."""

    def __init__(self, seconds=2.0, **declared):
        self.booked = []
        self.begun = 0

        @tool(**declared)
        async def book(party: int) -> str:
            """Book a table."""
            self.begun += 1
            await asyncio.sleep(seconds)
            self.booked.append(party)
            return f"booked for {party}"

        self.tool = book


def model(*rules, otherwise="All right."):
    """Answers by the caller's last words; tool results are read out."""

    def answer(asked):
        if asked.tool_results:
            return [Say(asked.tool_results[-1])]
        for words, steps in rules:
            if words in asked.text:
                return steps(asked) if callable(steps) else steps
        return [Say(otherwise)]

    return answer


BOOK = ("table", [Call("book", {"party": 2})])


class TestTheFirstWords:
    async def test_they_are_out_while_the_model_still_writes(self, world):
        long = "Of course, I would be glad to help you with that today. " * 8
        async with world(Agent(), model=model(otherwise=long)) as w:
            call = await w.talking()
            await w.says(call, "hello there")
            await w.hears(call, "Of course,")
            assert w.openai.open == 1
            await call.hang_up()

    async def test_a_cancelled_request_is_closed_at_the_server(self, world):
        rules = model(("first", [Say("Well, let me think about this for a while.", every=1.0)]))
        async with world(Agent(), model=rules) as w:
            call = await w.talking()
            await w.says(call, "first")
            await w.openai.until(lambda: bool(w.openai.exchanges) and w.openai.exchanges[0].pieces > 0)
            await w.says(call, "second")
            await w.hears(call, "All right.")
            first, second = w.openai.exchanges
            assert (first.closed_by_client, second.closed_by_client) == (True, False)
            assert "think" not in w.heard(call)
            texts = [message["content"] for message in second.asked.messages]
            assert not any("think" in text for text in texts), "what was cut off was not said"


class TestOneWish:
    @pytest.mark.parametrize("gap_ms", [5, 300, 900])
    async def test_a_pause_that_is_transcribed_three_times_books_one_table(self, world, gap_ms):
        desk = Desk()
        engine = {"retranscribe_every": 1, "retranscribe_times": 3, "retranscribe_gap_ms": gap_ms}
        async with world(Agent(tools=[desk.tool]), model=model(BOOK), engine=engine) as w:
            call = await w.talking()
            await w.says(call, "a table please")
            await w.hears(call, "booked for 2")
            assert desk.booked == [2]
            assert len([event for event in w.conversation.events if event.kind == "retranscribed"]) == 2

    async def test_transcripts_that_are_sent_again_during_a_slow_answer_are_not_answered_again(self, world):
        desk = Desk(seconds=5.5)
        async with world(Agent(tools=[desk.tool]), model=model(BOOK), settings={"FILLER_AFTER": "off"}) as w:
            call = await w.talking()
            await w.says(call, "a table please")
            await w.hears(call, "booked for 2")
            assert [event for event in w.conversation.events if event.kind == "resend"]
            assert (desk.begun, len(w.openai.exchanges)) == (1, 2)

    async def test_a_second_wish_for_the_same_is_another(self, world):
        desk = Desk(seconds=0.1)
        async with world(Agent(tools=[desk.tool]), model=model(BOOK)) as w:
            call = await w.talking()
            for count in (1, 2):
                await w.says(call, "a table please")
                await w.until(lambda count=count: w.heard(call).count("booked for 2") == count, "it is booked")
            assert desk.booked == [2, 2]


class TestBargeInDuringATool:
    async def test_what_has_begun_is_finished_and_told_in_the_next_turn(self, world):
        desk = Desk(seconds=3.0)
        async with world(Agent(tools=[desk.tool]), model=model(BOOK)) as w:
            call = await w.talking()
            await w.says(call, "a table please")
            await w.tells(facts.ToolBegan)
            await w.says(call, "by the window")
            await w.hears(call, "All right.")
            assert desk.booked == [2]
            results = [m["content"] for m in w.openai.exchanges[-1].asked.messages if m["role"] == "tool"]
            assert results == ["booked for 2"]

    async def test_unless_it_declares_to_be_cancelled(self, world):
        desk = Desk(seconds=3.0, on_cancel="cancel")
        async with world(Agent(tools=[desk.tool]), model=model(BOOK)) as w:
            call = await w.talking()
            await w.says(call, "a table please")
            await w.tells(facts.ToolBegan)
            await w.says(call, "oh wait")
            await w.hears(call, "All right.")
            await asyncio.sleep(5)
            assert (desk.begun, desk.booked) == (1, [])


class TestSilenceHasAPlan:
    async def test_a_filler_comes_before_the_engine_asks_again_and_while_a_tool_runs(self, world):
        desk = Desk(seconds=3.0)
        async with world(Agent(tools=[desk.tool]), model=model(BOOK)) as w:
            call = await w.talking()
            await w.says(call, "a table please")
            await w.hears(call, "booked for 2")
            assert w.heard(call) == f"Hello. {ENGLISH.fillers[0]} booked for 2"
            assert not [event for event in w.conversation.events if event.kind == "resend"]

    async def test_a_stalled_model_is_given_up_and_the_third_time_the_call(self, world):
        async with world(Agent(), model=lambda asked: [Stall(600)]) as w:
            call = await w.talking()
            for count in (1, 2):
                await w.says(call, "hello")
                await w.until(lambda count=count: w.heard(call).count(ENGLISH.too_slow) == count, "the sorry is heard")
            await w.says(call, "hello")
            await call.ended()
            assert call.said == [ENGLISH.goodbye]
            assert w.heard(call).endswith(f"{w.sorry} {ENGLISH.goodbye}")
            assert w.told(facts.CallEnded) == [facts.CallEnded(Outcome.FAULT)]
            await w.is_given_back(since=w.now)
            assert w.openai.open == 0


class TestModelsFail:
    async def test_one_that_dies_in_a_sentence_is_stood_in_for(self, world):
        async with OpenAITwin(lambda asked: [Say("at seven tonight.")], api_key="none") as other:
            llms = f"openai:first,openai@{other.base_url}:second"
            dying = model(("table", [Say("There is a table "), Drop()]))
            async with world(Agent(), model=dying, settings={"LLMS": llms}) as w:
                call = await w.talking()
                await w.says(call, "a table please")
                await w.hears(call, "There is a table at seven tonight.")
                (exchange,) = other.exchanges
                assert exchange.asked.model == "second"
                assert exchange.asked.messages[-2] == {"role": "assistant", "content": "There is a table "}
                assert exchange.headers.get("Authorization") != "Bearer sk-twin"

    async def test_without_another_the_caller_hears_a_sorry_and_the_talk_goes_on(self, world):
        rules = model(("table", [Fail(500)]))
        async with world(Agent(), model=rules) as w:
            call = await w.talking()
            await w.says(call, "a table please")
            await w.hears(call, ENGLISH.model_failed)
            await w.says(call, "hello")
            await w.hears(call, "All right.")

    async def test_a_content_filter_is_told_in_words(self, world):
        async with world(Agent(), model=lambda asked: [Fail(400, "content_filter")]) as w:
            call = await w.talking()
            await w.says(call, "something bad")
            await w.hears(call, ENGLISH.declined)


class TestConfirmation:
    async def test_only_the_callers_yes_after_the_question_was_heard_runs_it(self, world):
        desk = Desk(seconds=0.1, confirm="Book a table for {party}?")
        async with world(Agent(tools=[desk.tool]), model=model(BOOK), engine={"client_events": ALL_EVENTS}) as w:
            call = await w.talking()
            await w.says(call, "a table please")
            await w.hears(call, "Book a table for 2?")
            await w.tells(facts.ReplyHeard, 2)
            assert desk.begun == 0
            await w.says(call, "yes please")
            await w.hears(call, "booked for 2")
            assert desk.booked == [2]

    async def test_a_yes_that_cuts_the_question_off_does_not(self, world):
        desk = Desk(seconds=0.1, confirm="Book a table in the very best corner of the house for {party} people?")
        async with world(Agent(tools=[desk.tool]), model=model(BOOK), engine={"client_events": ALL_EVENTS}) as w:
            call = await w.talking()
            await w.says(call, "a table please")
            await w.hears(call, "Book a table")
            await w.says(call, "yes")
            await w.hears(call, "All right.")
            assert desk.begun == 0


class TestHangingUp:
    async def test_the_model_hangs_up_after_its_goodbye_was_heard(self, world):
        rules = model(("bye", [Say("Goodbye and thanks for your call."), Call("hang_up")]))
        async with world(Agent(), model=rules) as w:
            call = await w.talking()
            await w.says(call, "bye")
            await call.ended()
            assert w.heard(call) == "Hello. Goodbye and thanks for your call."
            assert w.told(facts.CallEnded) == [facts.CallEnded(Outcome.GOODBYE)]
            await w.is_given_back(since=w.now)

    async def test_a_barge_in_takes_it_back_and_the_model_is_told(self, world):
        rules = model(("bye", [Say("Goodbye and thank you very much for calling us today."), Call("hang_up")]))
        async with world(Agent(), model=rules) as w:
            call = await w.talking()
            await w.says(call, "bye")
            await w.hears(call, "Goodbye and")
            await w.says(call, "one more thing")
            await w.hears(call, "All right.")
            await asyncio.sleep(10)
            assert not call.over
            results = [m["content"] for m in w.openai.exchanges[-1].asked.messages if m["role"] == "tool"]
            assert len(results) == 1
            assert "Done" not in results[0]


async def test_arguments_in_forty_pieces(world):
    desk = Desk(seconds=0.1)
    rules = model(("table", [Call("book", '{ "party" :   2 ' + " " * 30 + "}", pieces=40)]))
    async with world(Agent(tools=[desk.tool]), model=rules) as w:
        call = await w.talking()
        await w.says(call, "a table please")
        await w.hears(call, "booked for 2")
        assert desk.booked == [2]


async def test_what_is_remembered_is_recalled_in_the_next_call(world):
    rules = model(
        ("name is Ann", [Call("remember", {"key": "name", "value": "Ann, card 4111 1111 1111 1111"})]),
        ("who am I", [Call("recall")]),
    )
    async with world(Agent(), model=rules) as w:
        call = await w.talking()
        await w.says(call, "my name is Ann")
        await w.hears(call, "Done.")
        await call.hang_up()
        again = await w.dial()
        await w.hears(again, "Hello.")
        await w.says(again, "who am I")
        await w.hears(again, "Ann")
        assert "4111" not in w.heard(again)
        stranger = await w.dial(from_="+15550100099")
        await w.hears(stranger, "Hello.")
        await w.says(stranger, "who am I")
        await w.until(lambda: len(w.told(facts.ToolEnded)) == 3, "the stranger is answered")
        assert "Ann" not in w.heard(stranger)


async def test_no_request_is_made_for_a_brain_connection(world):
    async with world() as w:
        call = await w.talking()
        before = len(w.elevenlabs.requests)
        w.conversation.drop_brain()
        await w.says(call, "hi")
        await w.hears(call, "You said: hi.")
        assert len(w.elevenlabs.requests) == before


async def test_a_caller_who_stays_silent_is_asked_twice_and_then_said_goodbye_to(world):
    async with world() as w:
        call = await w.talking()
        async with w.brain_socket() as brain:
            await brain.send_json({"type": "init", "conversation_id": w.conversation.id})
            said = []
            for event_id in (1, 2, 3):
                await brain.send_json({"type": "user_transcript", "user_transcript": [], "event_id": event_id})
                said.append((await brain.receive_json())["content"])
                assert (await brain.receive_json())["is_final"]
            assert said == [*ENGLISH.still_there, ENGLISH.farewell_silent]
            await call.ended()
        assert w.told(facts.CallEnded) == [facts.CallEnded(Outcome.GOODBYE)]
