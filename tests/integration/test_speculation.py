"""SPECULATE: the brain is asked on the tentative transcript. Whole calls on the twins, to the millisecond."""

import asyncio

import pytest

from ringbridge import facts
from ringbridge.brains.agent import Agent
from ringbridge.emulator.openai.script import Call, Say, Stall
from ringbridge.facts import Speculated
from ringbridge.phrases import ENGLISH
from ringbridge.tools.tool import tool

ON = {"SPECULATE": "on"}
EARLY = {"tentative_ms": 300}
MISHEARD = {**EARLY, "tentative_errs_every": 1}


class Thinking:
    """A model that takes half a second to its first token."""

    def __init__(self):
        self.asked = []
        self.cancelled = []

    async def __call__(self, turn):
        self.asked.append(turn.text)
        try:
            await asyncio.sleep(0.5)
        except asyncio.CancelledError:
            self.cancelled.append(turn.text)
            raise
        yield f"You said: {turn.text}"


def last(talk, kind):
    return [event for event in talk.events if event.kind == kind][-1]


def wait_ms(w):
    """What the caller waited after the newest transcript."""
    return last(w.conversation, "agent").at_ms - last(w.conversation, "user").at_ms


async def ask(w, call, text):
    w.conversation.hear(text)
    await w.hears(call, f"You said: {text}")


class TestTheGain:
    @pytest.mark.parametrize(
        ("settings", "engine", "wait", "told"),
        [
            ({}, EARLY, 500, []),
            (ON, {}, 500, []),
            (ON, EARLY, 200, ["used"]),
            (ON, {"tentative_ms": 700}, 0, ["used"]),
            (ON, MISHEARD, 500, ["wrong"]),
        ],
        ids=["off", "no tentative transcript", "300 ms earlier", "long before", "the final one differs"],
    )
    async def test_is_what_the_tentative_transcript_comes_earlier(self, world, settings, engine, wait, told):
        brain = Thinking()
        async with world(brain=brain, settings=settings, engine=engine) as w:
            call = await w.talking()
            await ask(w, call, "Is there a table?")
            assert wait_ms(w) == wait
            assert [fact.outcome for fact in w.told(Speculated)] == told
            assert w.heard(call) == "Hello. You said: Is there a table?"
            assert len(brain.asked) == 1 + (told == ["wrong"])

    async def test_words_without_an_end_must_stand_still_first(self, world):
        async with world(brain=Thinking(), settings=ON, engine=EARLY) as w:
            call = await w.talking()
            await ask(w, call, "a table for two")
            assert wait_ms(w) == 300

    async def test_is_had_in_each_turn(self, world):
        """The history before the caller's words is foreseen: the greeting, the agent's last reply."""
        brain = Thinking()
        async with world(brain=brain, settings=ON, engine=EARLY) as w:
            call = await w.talking()
            for text in ("One?", "Two?", "Three?"):
                await ask(w, call, text)
                assert wait_ms(w) == 200
            assert brain.asked == ["One?", "Two?", "Three?"]
            assert w.told(Speculated) == [Speculated("used")] * 3

    async def test_who_speaks_is_guessed_at_once_he_pauses(self, world):
        """The ear of the twin tells each word, and is sure of the end 500 ms after the last one."""
        brain = Thinking()
        async with world(brain=brain, settings=ON) as w:
            call = await w.talking()
            await w.says(call, "have you got a table for two")
            await w.hears(call, "You said: have you got a table for two")
            assert 0 < wait_ms(w) < 500
            assert len(brain.asked) <= 3
            assert [fact.outcome for fact in w.told(Speculated)][-1] == "used"


class TestADoubt:
    async def test_a_key_pressed_meanwhile_asks_anew(self, world):
        turns = []

        async def brain(turn):
            turns.append(turn)
            await asyncio.sleep(0.5)
            yield f"You said: {turn.text}"

        async with world(brain=brain, settings=ON, engine={"tentative_ms": 2500}) as w:
            call = await w.talking()
            w.conversation.hear("And now?")
            await w.settled()
            await call.press("5#")
            await w.hears(call, "You said: And now?")
            assert Speculated("cancelled") in w.told(Speculated)
            assert [turn.digits for turn in turns if turn.text == "And now?"] == [(), ("5",)]

    async def test_a_barge_in_asks_anew_and_the_brain_is_told_of_it(self, world):
        turns = []

        async def brain(turn):
            turns.append(turn)
            yield "One two three four five six seven eight."

        async with world(brain=brain, settings=ON, engine=EARLY) as w:
            call = await w.talking()
            w.conversation.hear("Count.")
            await w.hears(call, "three")
            w.conversation.interrupt()
            w.conversation.hear("Stop?")
            await w.until(lambda: turns[-1].text == "Stop?", "the brain is asked")
            assert turns[-1].interrupted
            assert turns[-1].heard == "One two three"
            await w.tells(facts.TurnAnswered, 2)
            assert w.told(Speculated) == [Speculated("used")] * 2

    async def test_the_end_of_the_call_ends_the_guess(self, world):
        brain = Thinking()
        async with world(brain=brain, settings=ON, engine={"tentative_ms": 5000}) as w:
            call = await w.talking()
            w.conversation.hear("Is there a table?")
            await w.settled()
            await call.hang_up()
            await w.tells(facts.CallEnded)
            await w.is_given_back(since=w.now)
            assert brain.cancelled == ["Is there a table?"]
            assert w.told(Speculated) == [Speculated("cancelled")]


class TestDeeds:
    """What a guess does on the line, and its tools, wait for the transcript."""

    @staticmethod
    def model(asked):
        if asked.tool_results:
            return [Say(asked.tool_results[-1])]
        return [Call("book", {})] if asked.text.endswith("now?") else [Stall(0.4), Say("When?")]

    @pytest.mark.parametrize(
        ("engine", "said", "booked"),
        [(EARLY, "Book it now?", 1), (MISHEARD, "Book it now? Wait.", 0)],
        ids=["a right guess", "a wrong one"],
    )
    async def test_a_tool(self, world, engine, said, booked):
        began = []

        @tool
        async def book() -> str:
            """Book a table."""
            began.append(w.now)
            return "It is booked."

        async with world(Agent(tools=[book]), model=self.model, settings=ON, engine=engine) as w:
            call = await w.talking()
            w.conversation.hear(said)
            await w.hears(call, "booked." if booked else "When?")
            await asyncio.sleep(5)
            assert len(began) == len(w.told(facts.ToolBegan)) == booked
            assert len(w.openai.exchanges) == 2
            assert all(at >= w.at(facts.TurnBegan) for at in began)
            texts = [message for message in w.openai.exchanges[-1].asked.messages if message["role"] == "tool"]
            assert len(texts) == booked

    @pytest.mark.parametrize("engine", [EARLY, MISHEARD], ids=["a right guess", "a wrong one"])
    async def test_hanging_up(self, world, engine):
        async def brain(turn):
            yield "Goodbye."
            if turn.text.endswith("bye."):
                await turn.call.hang_up()

        right = engine is EARLY
        async with world(brain=brain, settings=ON, engine=engine) as w:
            call = await w.talking()
            w.conversation.hear("Now bye." if right else "Now bye. Not.")
            await asyncio.sleep(10)
            assert call.over == right
            assert w.heard(call) == "Hello. Goodbye."

    async def test_what_is_remembered(self, world):
        async def brain(turn):
            await turn.call.remember(turn.text, "said")
            yield f"You said: {turn.text}"

        async with world(brain=brain, settings=ON, engine=MISHEARD) as w:
            call = await w.talking()
            await ask(w, call, "Two. Three.")
            assert await w.memory.recall_all("+15550100001") == {"Two. Three.": "said"}

    async def test_other_deeds_wait_where_the_brain_asks_to(self, world):
        done = []

        async def brain(turn):
            await turn.confirmed()
            done.append((w.now, turn.text))
            yield "Done."

        async with world(brain=brain, settings=ON, engine=MISHEARD) as w:
            call = await w.talking()
            w.conversation.hear("Do it. Not.")
            await w.hears(call, "Done.")
            assert done == [(w.at(facts.TurnBegan), "Do it. Not.")]


class TestPatience:
    async def test_counts_from_the_transcript(self, world):
        async def brain(turn):
            await asyncio.sleep(8.0)
            yield "At last."

        async with world(brain=brain, settings=ON, engine={"tentative_ms": 3000}) as w:
            call = await w.talking()
            w.conversation.hear("Are you there?")
            await w.tells(facts.FillerSpoken)
            assert w.at(facts.FillerSpoken) - w.at(facts.TurnBegan) == pytest.approx(1.2)
            await w.hears(call, "At last.")
            assert ENGLISH.too_slow not in w.heard(call)

    async def test_a_guess_that_fails_is_asked_anew(self, world):
        asked = []

        async def brain(turn):
            asked.append(turn.text)
            if len(asked) == 1:
                raise KeyError
            yield f"You said: {turn.text}"

        async with world(brain=brain, settings=ON, engine=EARLY) as w:
            call = await w.talking()
            await ask(w, call, "Is there a table?")
            assert asked == ["Is there a table?"] * 2
            assert w.told(Speculated) == [Speculated("cancelled")]
            assert w.told(facts.TurnFailed) == []
