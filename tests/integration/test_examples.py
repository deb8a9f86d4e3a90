"""Every example, phoned through the real bridge; twins stand in for the models, by rules instead of a model."""

import importlib.util
import re
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ringbridge.brains.load import load_brain
from ringbridge.emulator.anthropic.twin import AnthropicTwin
from ringbridge.emulator.caller import Caller
from ringbridge.emulator.openai.script import Call, Say
from ringbridge.emulator.openai.twin import OpenAITwin
from ringbridge.errors import BrainNotFound

FOLDER = Path(__file__).parents[2] / "examples"


@pytest.fixture
def phoned(world):
    """Dial an example's brain, whose model has these rules: (what the caller says, steps for the first round)."""

    class Phoned:
        def __init__(self, name, *rules, **settings):
            self.brain = load_brain(f"{FOLDER / name}.py:reply")
            self.module = sys.modules[name]
            self._bridge = world(self.brain, model=self._answer, settings=settings)
            self._rules = rules

        def _answer(self, asked):
            if asked.tool_results:
                return [Say(f"{asked.tool_results[-1]}")]
            for pattern, steps in self._rules:
                if re.search(pattern, asked.text):
                    return steps
            return [Say("How can I help?")]

        async def __aenter__(self):
            self.bridge = await self._bridge.__aenter__()
            self.call = Caller(await self.bridge.dial(), self.bridge._speech)
            await self.call.__aenter__()
            await self.call.heard()
            return self

        async def __aexit__(self, *error):
            await self.call.__aexit__(*error)
            await self._bridge.__aexit__(*error)

        async def hears(self, words):
            await self.call.say(words)
            return await self.call.heard()

    yield Phoned
    for file in FOLDER.glob("*.py"):
        sys.modules.pop(file.stem, None)


TABLE = {"party": 2, "at": "2030-05-03T19:00:00"}


async def test_openai_tools(phoned):
    async with phoned("openai_tools", (r"table for two", [Call("book_table", TABLE)])) as example:
        assert (
            await example.hears("a table for two please")
            == "Shall I book a table for 2 on Friday, May 3, 2030, 7:00 PM?"
        )
        assert "Booked: a table for 2" in await example.hears("yes please")


async def test_any_server(phoned):
    async with (
        OpenAITwin(lambda asked: [Say("We open at nine.")], api_key="none") as server,
        phoned("any_server", LLMS=f"openai@{server.base_url}:llama3.2:3b") as example,
    ):
        assert await example.hears("when do you open") == "We open at nine."
        (exchange,) = server.exchanges
        assert exchange.asked.model == "llama3.2:3b"
        assert "bicycle workshop" in exchange.asked.messages[0]["content"]


async def test_anthropic_sdk(phoned, monkeypatch):
    async with AnthropicTwin(lambda asked: [Say(f"You said {asked.text}.")]) as twin:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", twin.base_url)
        monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-twin")
        async with phoned("anthropic_sdk") as example:
            assert await example.hears("good morning") == "You said good morning."
            assert await example.hears("and again") == "You said and again."
            await example.module.client.close()
        assert [message["role"] for message in twin.asked[1].messages] == ["system", "user", "assistant", "user"]


async def test_handbook(phoned):
    rule = (r"dog", [Call("look_up", {"question": "dogs allowed pets"})])
    async with phoned("handbook", rule) as example:
        heard = await example.hears("may I bring my dog")
        assert heard.startswith("From rooms, Pets: Dogs are welcome")


async def test_handbook_without_an_answer(phoned):
    rule = (r"moon", [Call("look_up", {"question": "moon landing"})])
    async with phoned("handbook", rule) as example:
        assert await example.hears("what about the moon") == "The handbook says nothing about that."


async def test_langgraph_agent(phoned, monkeypatch):
    async with OpenAITwin(lambda asked: [Say(f"You said {asked.text}.")]) as twin:
        monkeypatch.setenv("OPENAI_BASE_URL", twin.base_url)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-twin")
        async with phoned("langgraph_agent") as example:
            assert await example.hears("good morning") == "You said good morning."
            await example.module.model.root_async_client.close()


async def test_booking_desk(phoned):
    rules = (
        (r"table for", [Call("book_table", TABLE)]),
        (r"what have I", [Call("my_bookings")]),
        (r"cancel", [Call("cancel_bookings")]),
        (r"free", [Call("free_seats", {"at": TABLE["at"]})]),
    )
    async with phoned("booking_desk", *rules) as example:
        assert "Shall I book" in await example.hears("a table for two please")
        assert "Booked: 2 people" in await example.hears("yes")
        assert await example.hears("what have I booked") == "2030-05-03 19:00: 2 people"
        assert (await example.hears("is something free")).startswith("22 seats are free")
        assert "Shall I cancel" in await example.hears("cancel it")
        assert await example.hears("no thank you") != "1 cancelled."
        rows = example.module.database.execute("SELECT caller, party FROM booking").fetchall()
        assert rows == [("+15550100001", 2)]


@pytest.mark.parametrize(("hour", "put_through"), [(10, True), (20, False)])
async def test_receptionist(phoned, hour, put_through):
    rules = (
        (r"sales", [Say("One moment."), Call("transfer_call", {"name": "sales"})]),
        (r"tell them", [Call("take_message", {"message": "call Ann"})]),
    )
    settings = {"TRANSFER_NUMBERS": "sales:+15550124"}
    async with phoned("receptionist", *rules, **settings) as example:
        example.module.now = lambda: datetime(2026, 11, 23, hour, tzinfo=UTC)
        example.bridge.twilio.dial_outcomes["+15550124"] = "completed"
        await example.call.say("sales please")
        if put_through:
            await example.call.ended()
            assert [dialled.number for dialled in example.call.phone.dialled] == ["+15550124"]
        else:
            await example.call.heard()
            assert await example.hears("tell them to call Ann") == "Written down. Somebody will call back."
            assert example.module.messages == [("+15550100001", "call Ann")]
            assert example.call.phone.dialled == []


def test_a_missing_library_is_named_with_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "anthropic", None)
    with pytest.raises(BrainNotFound, match=r"pip install 'ringbridge\[anthropic\]'"):
        load_brain(f"{FOLDER / 'anthropic_sdk'}.py:reply")


def test_every_example_is_in_the_readme():
    readme = (FOLDER.parent / "README.md").read_text(encoding="utf-8")
    for file in FOLDER.glob("*.py"):
        assert f"examples/{file.name}" in readme
    assert importlib.util.find_spec("langgraph")
