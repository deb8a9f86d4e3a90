"""Models that stand in for each other, where time and order matter; with servers, in integration/test_models.py."""

import asyncio

import pytest

from ringbridge.llm.base import Failure, ModelFailed, Request, Said, Text, ToolCall
from ringbridge.llm.chain import GO_ON, Chain

HELLO = Request("Be brief.", (Said("user", "Hello"),))
BROKE = ModelFailed(Failure.BROKE_OFF, "broke off")
BOOK = ToolCall("1", "book", "{}")


class Scripted:
    """A model that gives pieces, pauses for seconds, and fails."""

    def __init__(self, name, *steps):
        self.name = name
        self.steps = steps
        self.open = 0
        self.asked = []

    async def stream(self, request):
        self.asked.append(request)
        self.open += 1
        try:
            for step in self.steps:
                if isinstance(step, float):
                    await asyncio.sleep(step)
                elif isinstance(step, ModelFailed):
                    raise step
                else:
                    yield Text(step) if isinstance(step, str) else step
        finally:
            self.open -= 1


async def ask(chain):
    return [piece async for piece in chain.stream(HELLO)]


async def says(chain):
    return "".join(piece.text for piece in await ask(chain))


async def ask_and_cancel(chain, after):
    asking = asyncio.get_running_loop().create_task(ask(chain))
    await after()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking


async def test_a_model_that_is_silent_makes_room_for_the_next_before_the_turn_is_lost():
    a, b = Scripted("a", 60.0, "late"), Scripted("b", 0.5, "here")
    async with asyncio.timeout(8):
        assert await says(Chain([a, b])) == "here"
    assert a.open == 0


async def test_the_last_model_is_given_all_the_time_that_the_turn_has():
    assert await says(Chain([Scripted("a", BROKE), Scripted("b", 7.0, "slow")])) == "slow"


async def test_silent_models_are_left_alone_and_tried_by_one_call_at_a_time():
    a, b = Scripted("a", 60.0), Scripted("b", "here")
    chain = Chain([a, b])
    for _ in range(3):
        await ask(chain)
    await asyncio.sleep(31)
    await asyncio.gather(*(ask(chain) for _ in range(20)))
    assert len(a.asked) == 4


async def test_the_late_one_goes_on_for_the_quick_one_that_dies():
    a, b = Scripted("a", 2.0, "at seven."), Scripted("b", "A table ", BROKE)
    assert await says(Chain([a, Scripted("b", 60.0), b])) == "at seven."
    assert await says(Chain([a, b], hedge_after=0.5)) == "A table at seven."
    assert a.asked[-1].entries[-2:] == (Said("agent", "A table "), Said("system", GO_ON))


async def test_a_stand_in_by_hedge_is_told(caplog):
    assert await says(Chain([Scripted("a", 0.7, BROKE), Scripted("b", 1.0, "here")], hedge_after=0.5)) == "here"
    assert "another stands in for it model='a' other='b' when='before its first word'" in caplog.text


async def test_two_of_one_name_may_race():
    chain = Chain([Scripted("same", 0.7, BROKE), Scripted("same", 1.0, "here")], hedge_after=0.5)
    assert await says(chain) == "here"


async def test_both_that_speak_at_once_are_not_both_left_open():
    a, b = Scripted("a", 1.0, "one", 5.0), Scripted("b", 0.5, "two", 5.0)
    chain = Chain([a, b], hedge_after=0.5)
    pieces = chain.stream(HELLO)
    assert (await anext(pieces)).text in ("one", "two")
    assert a.open + b.open == 1
    await pieces.aclose()
    assert a.open + b.open == 0


@pytest.mark.parametrize("rounds", range(8))
async def test_a_race_that_is_cancelled_while_it_is_won_leaves_nothing_open(rounds):
    a, b = Scripted("a", 60.0), Scripted("b", 1.0, "here", 60.0)

    async def the_moment():
        await asyncio.sleep(1.5)
        for _ in range(rounds):
            await asyncio.sleep(0)

    await ask_and_cancel(Chain([a, b], hedge_after=0.5), the_moment)
    assert (a.open, b.open, len(b.asked)) == (0, 0, 1)


async def test_after_a_tool_call_no_other_model_calls_tools_for_the_same_answer():
    b = Scripted("b", ToolCall("2", "book", "{ }"))
    assert await ask(Chain([Scripted("a", BOOK, BROKE), b])) == [BOOK]
    assert b.asked == []


async def test_answers_that_the_caller_cuts_are_no_failures():
    a, b = Scripted("a", BROKE), Scripted("b", "here")
    chain = Chain([a, b])
    for _ in range(3):
        a.steps = (BROKE,)
        await ask(chain)
        a.steps = ("well", 60.0)
        await ask_and_cancel(chain, lambda: asyncio.sleep(1))
    assert len(a.asked) == 6
