"""The agent with the real adapter, against the twin of an OpenAI-compatible server."""

import asyncio
from contextlib import aclosing, asynccontextmanager
from datetime import datetime

import pytest

from ringbridge import facts
from ringbridge.brains.agent import Agent
from ringbridge.emulator.openai.script import Call as Calls
from ringbridge.emulator.openai.script import Filter, Say, Stall
from ringbridge.emulator.openai.twin import OpenAITwin
from ringbridge.live.tasks import Tasks
from ringbridge.llm.openai import OpenAIModel
from ringbridge.phrases import ENGLISH
from ringbridge.tools.tool import tool
from ringbridge.turn import Call, Message, Turn

TABLE = {"party": 2, "at": "2026-11-21T19:00:00"}


class Line:
    """Hangs up when asked, and notes it."""

    transfer_names = ()

    def __init__(self, tasks):
        self.start = tasks.start
        self.facts = []
        self.note = self.facts.append
        self.hung_up = False

    async def hang_up(self):
        self.hung_up = True
        return True

    async def confirmed(self): ...


class Desk:
    def __init__(self):
        self.booked = []
        self.most = self.now = 0

        async def book(party: int, at: datetime) -> str:
            """Book a table."""
            self.now += 1
            self.most = max(self.most, self.now)
            await asyncio.sleep(0.5)
            self.now -= 1
            self.booked.append(party)
            return f"a table for {party} is booked"

        self.function = book


class Talk:
    """A caller, an agent, and the server of its model, which gives these answers."""

    def __init__(self, twin, model, line, tools):
        self.twin = twin
        self.line = line
        self.agent = Agent(tools=tools, models=model)
        self.call = Call("CA1", "+15550100", "+15550101", "conv_1", line=line)
        self.history = []

    def turn(self, words):
        heard = self.history[-1].text if self.history else ""
        self.history.append(Message("user", words))
        utterance = sum(said.role == "user" for said in self.history)
        return Turn(tuple(self.history), self.call, heard=heard, utterance=utterance)

    async def say(self, words):
        turn = self.turn(words)
        async with aclosing(self.agent(turn)) as pieces:
            said = "".join([piece async for piece in pieces])
        self.history.append(Message("agent", said))
        return said

    @property
    def results(self):
        return self.twin.exchanges[-1].asked.tool_results


@asynccontextmanager
async def talking(tools, *answers):
    rest = list(answers)
    async with Tasks() as tasks, OpenAITwin(lambda asked: rest.pop(0)) as twin:
        model = OpenAIModel(base_url=twin.base_url, api_key="sk-twin", model="m", name="twin")
        try:
            yield Talk(twin, model, Line(tasks), tools)
        finally:
            await model.close()
        assert not rest


async def test_a_call_in_forty_pieces_is_run_and_its_result_is_spoken_about():
    desk = Desk()
    answers = [Say("Let me see."), Calls("book", TABLE, pieces=40)], [Say("It is booked.")]
    async with talking([tool(desk.function)], *answers) as talk:
        assert await talk.say("A table for two") == "Let me see. It is booked."
        assert talk.results == ["a table for 2 is booked"]
        assert talk.twin.exchanges[0].asked.offers("hang_up")


async def test_two_at_once_run_at_once_and_broken_arguments_are_mended():
    desk = Desk()
    two = [Calls("book", TABLE), Calls("book", {**TABLE, "party": 3})]
    answers = [Calls("book", '{"party": 2, "at')], two, [Say("Booked.")]
    async with talking([tool(desk.function)], *answers) as talk:
        assert await talk.say("Two tables") == "Booked."
        assert desk.most == 2
        assert sorted(desk.booked) == [2, 3]
        assert talk.results[0] == "Not done: the arguments are not valid JSON: write them anew"
        broken = talk.twin.exchanges[1].asked.messages[-2]["tool_calls"][0]["function"]["arguments"]
        assert broken == "{}", "some servers refuse a request over what they can't read"


async def test_a_caller_who_cuts_in_ends_the_request_and_the_tool_runs_on():
    desk = Desk()
    answers = [Calls("book", TABLE)], [Say("It is"), Stall(60)], [Say("Yes, it is booked.")]
    async with talking([tool(desk.function)], *answers) as talk:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await talk.say("A table")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await talk.say("Is it?")
        await talk.twin.until(lambda: talk.twin.open == 0)
        assert talk.twin.exchanges[1].closed_by_client
        assert await talk.say("Is it booked?") == "Yes, it is booked."
        assert desk.booked == [2]
        tools = [message["content"] for message in talk.twin.exchanges[-1].asked.messages if message["role"] == "tool"]
        assert tools == ["a table for 2 is booked"]


async def test_a_confirmed_booking_and_a_goodbye():
    desk = Desk()
    book = tool(confirm="Book a table for {party} at {at}?")(desk.function)
    answers = [Calls("book", TABLE)], [Say("It is booked. Goodbye!"), Calls("hang_up")]
    async with talking([book], *answers) as talk:
        asked = await talk.say("A table for two")
        assert asked == "Book a table for 2 at Saturday, November 21, 2026, 7:00 PM?"
        assert desk.booked == []
        assert await talk.say("Yes, please.") == "It is booked. Goodbye!"
        assert desk.booked == [2]
        assert talk.results == ["a table for 2 is booked"]
        assert talk.line.hung_up
        ends = [(fact.name, fact.how) for fact in talk.line.facts if isinstance(fact, facts.ToolEnded)]
        assert ends == [("book", "asked"), ("book", "done"), ("hang_up", "done")]


async def test_what_the_filter_stops_is_declined():
    async with talking([], [Say("You"), Filter()]) as talk:
        assert await talk.say("Hi") == f"You {ENGLISH.declined}"
