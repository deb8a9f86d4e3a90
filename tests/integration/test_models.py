"""Models that stand in for each other, against the twin of an OpenAI-compatible server, by the real SDK."""

import asyncio
import logging
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from ringbridge.emulator.openai.script import Call, Drop, ErrorInStream, Fail, Filter, Length, Say, Stall
from ringbridge.emulator.openai.twin import OpenAITwin
from ringbridge.llm.base import Asked, Failure, ModelFailed, Request, Said, Text, ToolCall, ToolResult, ToolSchema, Used
from ringbridge.llm.chain import GO_ON, Chain
from ringbridge.llm.names import parse_names
from ringbridge.llm.open import open_models
from ringbridge.llm.openai import OpenAIModel

HELLO = Request("Be brief.", (Said("user", "Hello"),))
BOOK = ToolSchema("book", "Book a table.", {"type": "object", "properties": {"party": {"type": "integer"}}})


class Stage:
    """A chain of models a, b, …, each doing what its steps say, and the server behind them."""

    def __init__(self, twin, chain):
        self.twin = twin
        self.chain = chain

    async def ask(self, request=HELLO):
        return [piece async for piece in self.chain.stream(request)]

    async def says(self, request=HELLO):
        return "".join(piece.text for piece in await self.ask(request) if isinstance(piece, Text))

    async def fails(self, request=HELLO):
        with pytest.raises(ModelFailed) as caught:
            await self.ask(request)
        return caught.value

    @property
    def models(self):
        return [exchange.asked.model for exchange in self.twin.exchanges]


@asynccontextmanager
async def models(*scripts, hedge_after=None, key="sk-twin", **options):
    """Each script is steps, or a function of the request that gives them."""
    answers = {
        chr(ord("a") + number): script if callable(script) else lambda asked, script=script: script
        for number, script in enumerate(scripts)
    }
    async with OpenAITwin(lambda asked: [], answers=answers, **options) as twin:
        opened = [OpenAIModel(base_url=twin.base_url, api_key=key, model=name, name=name) for name in answers]
        chain = Chain(opened, hedge_after=hedge_after)
        try:
            yield Stage(twin, chain)
        finally:
            await chain.close()
        await twin.until(lambda: twin.open == 0, seconds=0.5)


def said(stage, number):
    """What a request told the model, as role and text."""
    return [(message["role"], message["content"]) for message in stage.twin.exchanges[number].asked.messages]


# One model


async def test_an_answer_comes_in_pieces_and_is_counted():
    async with models([Say("Good evening, how can I help?")]) as stage:
        pieces = await stage.ask()
        assert len(pieces) > 4
        assert "".join(piece.text for piece in pieces[:-1]) == "Good evening, how can I help?"
        assert isinstance(pieces[-1], Used)
        assert said(stage, 0) == [("system", "Be brief."), ("user", "Hello")]


@pytest.mark.parametrize("pieces", [1, 2, 40])
async def test_tool_calls_come_whole_in_however_many_pieces_they_were_made(pieces):
    arguments = {"party": 4, "at": "2026-11-21T19:00", "name": "O'Brien"}
    script = [Say("Let me see."), Call("book", arguments, pieces=pieces), Call("book", {"party": 2}, pieces=pieces)]
    async with models(script) as stage:
        request = Request("", HELLO.entries, (BOOK,))
        first, second = [piece for piece in await stage.ask(request) if isinstance(piece, ToolCall)]
        assert (first.name, first.arguments) == ("book", Call("book", arguments).text)
        assert second.arguments == '{"party": 2}'
        assert first.id != second.id
        assert stage.twin.exchanges[0].asked.offers("book")


async def test_tool_calls_and_their_results_are_told_as_the_vendor_wants_them():
    calls = (ToolCall("1", "book", '{"party":2}'), ToolCall("2", "book", "{}"))
    entries = (
        *(Said("user", "Hi"), Said("agent", ""), Asked(calls), ToolResult("1", "Done."), ToolResult("2", "No.")),
        *(Said("agent", "Booked."), Said("user", "Thanks")),
    )
    async with models([Say("Bye")]) as stage:
        assert await stage.says(Request("Be brief.", entries, (BOOK,))) == "Bye"
        assert [role for role, _ in said(stage, 0)] == [
            *("system", "user", "assistant", "tool", "tool", "assistant", "user")
        ]


async def test_an_answer_at_its_length_limit_just_ends():
    async with models([Say("Once upon"), Length()]) as stage:
        assert await stage.says() == "Once upon"


@pytest.mark.parametrize("before", [[Stall(60)], [Say("One two three four five", every=1.0)]])
async def test_closing_the_answer_closes_the_request_at_once(before):
    async with models(before) as stage:
        asking = asyncio.get_running_loop().create_task(stage.ask())
        await stage.twin.until(lambda: bool(stage.twin.exchanges))
        if isinstance(before[0], Say):
            await stage.twin.until(lambda: stage.twin.exchanges[0].pieces > 1)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        await stage.twin.until(lambda: stage.twin.open == 0, seconds=0.5)
        assert stage.twin.exchanges[0].closed_by_client


@pytest.mark.parametrize(
    ("script", "failure"),
    [
        ([Fail(429, "rate_limit_exceeded")], Failure.RATE_LIMITED),
        ([Fail(400, "context_length_exceeded")], Failure.TOO_LONG),
        ([Fail(400, "", "This model's maximum context length is 4096 tokens.")], Failure.TOO_LONG),
        ([Fail(400, "content_filter")], Failure.FILTERED),
        ([Fail(404, "model_not_found")], Failure.REJECTED),
        ([Fail(400, "", "tools are not supported")], Failure.REJECTED),
        ([Fail(503, "")], Failure.SERVER),
        ([Say("Well"), Filter()], Failure.FILTERED),
        ([Say("Well"), Drop()], Failure.BROKE_OFF),
        ([Say("Well"), ErrorInStream()], Failure.BROKE_OFF),
        ([Drop()], Failure.BROKE_OFF),
        ([Stall(20), Say("Well")], Failure.SILENT),
    ],
)
async def test_each_failure_has_its_name(script, failure):
    async with models(script) as stage:
        error = await stage.fails()
        assert error.failure is failure
        assert "sk-twin" not in str(error)


async def test_a_refused_key_is_told_and_not_shown():
    async with models([Say("Hi")], key="sk-wrong") as stage:
        error = await stage.fails()
        assert error.failure is Failure.REFUSED_KEY
        assert "check its key" in str(error)
        assert "sk-wrong" not in str(error)


async def test_a_server_that_is_not_there():
    model = OpenAIModel(base_url="http://127.0.0.1:1/v1", api_key="k", model="m", name="m")
    with pytest.raises(ModelFailed) as caught:
        _ = [piece async for piece in model.stream(HELLO)]
    assert caught.value.failure is Failure.UNREACHABLE
    await model.close()


@asynccontextmanager
async def served(complete):
    """A model on a server that is nobody's twin."""
    app = web.Application()
    app.router.add_post("/chat/completions", complete)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    model = OpenAIModel(base_url=f"http://127.0.0.1:{runner.addresses[0][1]}", api_key="k", model="m", name="m")
    try:
        yield model
    finally:
        await model.close()
        await runner.cleanup()


def events(*chunks):
    async def complete(request):
        return web.Response(text="".join(f"data: {chunk}\n\n" for chunk in chunks), content_type="text/event-stream")

    return complete


async def test_a_server_that_leaves_out_indexes_ids_and_usage():
    chunks = [
        '{"choices":[{"index":0,"delta":{"tool_calls":[{"id":"x","function":{"name":"book","arguments":"{\\"par"}}]}}]}',
        '{"choices":[{"index":0,"delta":{"tool_calls":[{"function":{"arguments":"ty\\":2}"}}]}}]}',
        '{"choices":[{"index":0,"delta":{"content":null},"finish_reason":"tool_calls"}]}',
        "[DONE]",
    ]
    async with served(events(*chunks)) as model:
        assert [piece async for piece in model.stream(HELLO)] == [ToolCall("x", "book", '{"party":2}')]


async def _page(request):
    return web.Response(text="<html>Welcome</html>", content_type="text/html")


@pytest.mark.parametrize(
    ("complete", "failure"),
    [
        (events("{oops", "[DONE]"), Failure.BROKE_OFF),
        (events("null", "[DONE]"), Failure.BROKE_OFF),
        (events('{"choices":"abc"}', "[DONE]"), Failure.BROKE_OFF),
        (events('{"error":{"message":"maximum context length is 5","code":400}}'), Failure.TOO_LONG),
        (_page, Failure.BROKE_OFF),
    ],
)
async def test_what_is_no_answer_fails_the_model_alone(complete, failure):
    async with served(complete) as model:
        with pytest.raises(ModelFailed) as caught:
            _ = [piece async for piece in model.stream(HELLO)]
    assert caught.value.failure is failure


async def test_closing_before_the_server_has_answered_at_all_closes_the_request():
    began, closed = asyncio.Event(), asyncio.Event()

    async def complete(request):
        began.set()
        try:
            await asyncio.sleep(60)
        finally:
            closed.set()

    async with served(complete) as model, asyncio.timeout(1):
        asking = asyncio.get_running_loop().create_task(anext(model.stream(HELLO)))
        await began.wait()
        asking.cancel()
        await closed.wait()
        await asyncio.gather(asking, return_exceptions=True)


# Several


@pytest.mark.parametrize(
    "script", [[Fail(503)], [Fail(401)], [Fail(429, retry_after=60)], [Drop()], [Fail(400, "content_filter")]]
)
async def test_a_failure_before_the_first_word_is_not_noticed(script, caplog):
    async with models(script, [Say("Good evening.")]) as stage:
        assert await stage.says() == "Good evening."
        assert stage.models == ["a", "b"]
        assert "another stands in for it model='a' other='b'" in caplog.text


@pytest.mark.parametrize("end", [Drop(), ErrorInStream()])
async def test_a_failure_in_the_middle_goes_on_where_it_was(end):
    async with models([Say("We have a table "), end], [Say("at seven.")]) as stage:
        assert await stage.says() == "We have a table at seven."
        assert said(stage, 1)[-2:] == [("assistant", "We have a table "), ("system", GO_ON)]


async def test_a_half_written_tool_call_is_gone_with_its_model():
    async with models([Call("book", {"party": 2}), Drop()], [Say("Sorry, I can't.")]) as stage:
        assert [piece for piece in await stage.ask() if isinstance(piece, ToolCall)] == []


async def test_when_all_fail_the_last_failure_is_told():
    async with models([Fail(503)], [Fail(429)]) as stage:
        assert (await stage.fails()).failure is Failure.RATE_LIMITED


async def test_a_model_that_fails_three_times_is_left_alone_and_tried_again_later():
    script = [[Fail(503)]] * 3 + [[Say("Back.")]]
    async with models(lambda asked: script.pop(0), [Say("Good evening.")]) as stage:
        for _ in range(4):
            assert await stage.says() == "Good evening."
        assert stage.models == ["a", "b", "a", "b", "a", "b", "b"]
        await asyncio.sleep(31)
        assert await stage.says() == "Back."


async def test_a_server_that_wants_to_be_left_alone_is():
    async with models([Fail(429, retry_after=20)], [Say("Good evening.")]) as stage:
        await stage.says()
        await asyncio.sleep(19)
        await stage.says()
        assert stage.models == ["a", "b", "b"]
        await asyncio.sleep(2)
        await stage.says()
        assert stage.models[-2:] == ["a", "b"]


async def test_the_only_model_may_ask_for_a_short_pause():
    script = [[Fail(429, retry_after=1)], [Say("Here I am.")]]
    async with models(lambda asked: script.pop(0)) as stage:
        began = asyncio.get_running_loop().time()
        assert await stage.says() == "Here I am."
        assert asyncio.get_running_loop().time() - began >= 1


async def test_if_all_are_left_alone_one_is_asked_all_the_same():
    script = [[Fail(503)]] * 3 + [[Say("Back.")]]
    async with models(lambda asked: script.pop(0)) as stage:
        for _ in range(3):
            await stage.fails()
        assert await stage.says() == "Back."


async def test_a_refused_key_is_told_once_and_loudly(caplog):
    async with models([Fail(401, "invalid_api_key")], [Say("Good evening.")]) as stage:
        await stage.says()
        await stage.says()
        assert stage.models == ["a", "b", "b"]
        assert len([record for record in caplog.records if record.levelno == logging.ERROR]) == 1


async def test_of_a_talk_that_is_too_long_the_oldest_turns_are_dropped():
    def answer(asked):
        if len(asked.messages) > 6:
            return [Fail(400, "context_length_exceeded")]
        return [Say("All right.")]

    entries = tuple(Said(role, f"{role} {number}") for number in range(10) for role in ("user", "agent"))
    async with models(answer) as stage:
        assert await stage.says(Request("Be brief.", (*entries, Said("user", "And?")))) == "All right."
        assert said(stage, -1)[0] == ("system", "Be brief.")
        assert said(stage, -1)[-1] == ("user", "And?")


# Hedges


async def test_whoever_speaks_first_is_heard_and_the_other_is_closed():
    async with models([Stall(10), Say("Late.")], [Say("Quick.")], hedge_after=0.5) as stage:
        began = asyncio.get_running_loop().time()
        assert await stage.says() == "Quick."
        assert asyncio.get_running_loop().time() - began < 2
        await stage.twin.until(lambda: stage.twin.open == 0, seconds=0.5)
        assert [exchange.closed_by_client for exchange in stage.twin.exchanges] == [True, False]


async def test_the_first_may_still_win():
    async with models([Stall(0.6), Say("Just so.")], [Stall(10), Say("Late.")], hedge_after=0.5) as stage:
        assert await stage.says() == "Just so."
        await stage.twin.until(lambda: stage.twin.open == 0, seconds=0.5)


async def test_a_first_that_is_quick_is_not_hedged():
    async with models([Say("Quick.")], [Say("Other.")], hedge_after=0.5) as stage:
        assert await stage.says() == "Quick."
        assert stage.models == ["a"]


async def test_a_first_that_fails_while_the_second_is_asked():
    async with models([Stall(0.7), Drop()], [Stall(0.5), Say("Here.")], hedge_after=0.5) as stage:
        assert await stage.says() == "Here."
        assert stage.models == ["a", "b"]


async def test_if_both_fail_the_third_is_asked():
    scripts = [[Stall(0.7), Drop()], [Drop()], [Say("Third.")]]
    async with models(*scripts, hedge_after=0.5) as stage:
        assert await stage.says() == "Third."
        assert stage.models == ["a", "b", "c"]


async def test_cancelling_a_race_closes_both_requests():
    async with models([Stall(60)], [Stall(60)], hedge_after=0.5) as stage:
        asking = asyncio.get_running_loop().create_task(stage.ask())
        await stage.twin.until(lambda: len(stage.twin.exchanges) == 2)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        await stage.twin.until(lambda: stage.twin.open == 0, seconds=0.5)
        assert all(exchange.closed_by_client for exchange in stage.twin.exchanges)


# From the settings


async def test_each_server_is_shown_its_own_key_and_no_other():
    async with OpenAITwin(lambda asked: [Say("Hi")]) as ours, OpenAITwin(lambda asked: [Say("No")]) as other:
        host = ours.base_url.removeprefix("http://").removesuffix("/v1")
        names = parse_names(f"openai:first, openai@{ours.base_url}:second")
        settings = {"openai_url": other.base_url, "openai_key": "sk-not-this-one", "hedge_after": None}
        async with open_models(names, keys={host: "sk-twin"}, **settings) as chain:
            pieces = [piece async for piece in chain.stream(HELLO)]
            assert chain.name == f"openai:first, openai@{host}:second"
        assert pieces[0] == Text("Hi")
        assert [exchange.asked.model for exchange in ours.exchanges] == ["second"]
        async with open_models(names[1:], keys={}, **settings) as chain:
            with pytest.raises(ModelFailed, match="check its key"):
                _ = [piece async for piece in chain.stream(HELLO)]
