"""The twin of an OpenAI-compatible server, as the vendor's own SDK sees it."""

import asyncio
import json
import ssl
from contextlib import asynccontextmanager

import openai
import pytest

from ringbridge.emulator.openai.script import Call, Drop, ErrorInStream, Fail, Filter, Length, Say, Stall
from ringbridge.emulator.openai.twin import OpenAITwin

TLS = ssl.create_default_context()
"""Of all clients: to read the system's certificates takes longer than most tests, and the twin speaks plain HTTP."""

HELLO = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello"}]
BOOK = {
    "type": "function",
    "function": {
        "name": "book",
        "description": "Book a table.",
        "parameters": {"type": "object", "properties": {"party": {"type": "integer"}}, "required": ["party"]},
    },
}


class Stage:
    """The twin, and a client of it."""

    def __init__(self, twin, client):
        self.twin = twin
        self.client = client

    async def stream(self, messages=HELLO, *, model="twin", **more):
        """All chunks of an answer."""
        async with await self.client.chat.completions.create(
            model=model, messages=messages, stream=True, **more
        ) as chunks:
            return [chunk async for chunk in chunks]

    async def whole(self, messages=HELLO, *, model="twin", **more):
        return await self.client.chat.completions.create(model=model, messages=messages, **more)

    @property
    def last(self):
        return self.twin.exchanges[-1]


@asynccontextmanager
async def stage(*steps, key="sk-twin", answer=None, **options):
    async with (
        OpenAITwin(answer or (lambda asked: steps), **options) as twin,
        openai.DefaultAsyncHttpxClient(verify=TLS) as http,
        openai.AsyncOpenAI(api_key=key, base_url=twin.base_url, max_retries=0, http_client=http) as client,
    ):
        yield Stage(twin, client)


def text(chunks):
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


def calls(chunks):
    """Names and arguments of the tool calls, put together by their index."""
    made = {}
    for chunk in chunks:
        for part in (chunk.choices and chunk.choices[0].delta.tool_calls) or ():
            if part.id:
                made[part.index] = [part.id, part.function.name, ""]
            made[part.index][2] += part.function.arguments
    return list(made.values())


def finish(chunks):
    return next(chunk.choices[0].finish_reason for chunk in reversed(chunks) if chunk.choices)


def now():
    return asyncio.get_running_loop().time()


# Answers


async def test_words_come_in_small_pieces_at_the_pace_that_was_asked_for():
    async with stage(Say("It is 12.50 euros, extraordinarily cheap.", every=0.1, first=1.0)) as s:
        began = now()
        first, *pieces, end = await s.stream()

    assert first.choices[0].delta.role == "assistant"
    assert [piece.choices[0].delta.content for piece in pieces] == [
        *("It", " is", " 12", ".", "50", " euros", ",", " extrao", "rdinar", "ily", " cheap", ".")
    ]
    assert end.choices[0].finish_reason == "stop"
    assert len({chunk.id for chunk in (first, *pieces, end)}) == 1
    assert s.last.first_at - began == pytest.approx(1.0, abs=0.05)
    assert s.last.ended_at - s.last.first_at == pytest.approx(1.1, abs=0.05)
    assert s.last.pieces == 12
    assert not s.last.closed_by_client


async def test_words_of_any_script_come_whole():
    said = "  Ünïcode: नमस्ते, 1_000 ² 日本語!\n\n🎉 "
    async with stage(Say(said)) as s:
        assert text(await s.stream()) == said
        assert (await s.whole()).choices[0].message.content == said


@pytest.mark.parametrize("pieces", [1, 4, 40])
async def test_several_tool_calls_in_pieces(pieces):
    steps = [
        Say("Let me see."),
        Call("book", {"party": 4}, pieces=pieces),
        Call("book", '{"par', id="mine", pieces=pieces),
        Call("hang_up"),
    ]
    async with stage(*steps) as s:
        chunks = await s.stream(tools=[BOOK])
        answer = await s.whole(tools=[BOOK])

    (one, *first), (two, *second), (_, *third) = calls(chunks)
    assert (first, second, third) == (["book", '{"party": 4}'], ["book", '{"par'], ["hang_up", "{}"])
    assert one != two == "mine"
    assert text(chunks) == "Let me see."
    assert finish(chunks) == answer.choices[0].finish_reason == "tool_calls"
    whole = [(call.function.name, call.function.arguments) for call in answer.choices[0].message.tool_calls]
    assert whole == [("book", '{"party": 4}'), ("book", '{"par'), ("hang_up", "{}")]


async def test_ids_of_calls_are_never_the_same():
    async with stage(Call("book"), Call("book")) as s:
        ids = [call[0] for _ in range(2) for call in calls(await s.stream())]
    assert len(set(ids)) == 4
    assert all(len(name) <= 40 for name in ids)


@pytest.mark.parametrize(("end", "reason"), [(Filter(), "content_filter"), (Length(), "length")])
async def test_an_answer_may_end_early(end, reason):
    async with stage(Say("Well"), end, Say("never")) as s:
        chunks = await s.stream()
        answer = (await s.whole()).choices[0]
    assert (text(chunks), finish(chunks)) == ("Well", reason)
    assert (answer.message.content, answer.finish_reason) == ("Well", reason)


async def test_no_steps_are_an_empty_answer():
    async with stage() as s:
        chunks = await s.stream()
        assert (text(chunks), finish(chunks)) == ("", "stop")
        assert s.last.first_at is None


async def test_usage_is_told_to_those_who_ask():
    async with stage(Say("Good evening.")) as s:
        *chunks, last = await s.stream(stream_options={"include_usage": True})
        without = await s.stream()
        answer = await s.whole()

    assert [chunk.usage for chunk in chunks] == [None] * len(chunks)
    assert last.choices == []
    assert last.usage.completion_tokens == 4
    assert last.usage.total_tokens == last.usage.prompt_tokens + 4
    assert answer.usage.total_tokens == last.usage.total_tokens
    assert "usage" not in without[0].model_fields_set


async def test_the_sdk_reads_its_whole_stream_helper():
    async with (
        stage(Say("Let me see."), Call("book", {"party": 2})) as s,
        s.client.chat.completions.stream(model="twin", messages=HELLO, tools=[BOOK]) as events,
    ):
        answer = await events.get_final_completion()
    assert answer.choices[0].message.content == "Let me see."
    assert json.loads(answer.choices[0].message.tool_calls[0].function.arguments) == {"party": 2}


# What a model is shown


async def test_a_model_sees_what_was_asked():
    call = {"id": "call_1", "type": "function", "function": {"name": "book", "arguments": '{"party": 2}'}}
    messages = [
        *HELLO,
        {"role": "assistant", "content": None, "tool_calls": [{**call, "id": "call_0"}]},
        {"role": "tool", "tool_call_id": "call_0", "content": "Refused."},
        {"role": "user", "content": [{"type": "text", "text": "Another "}, {"type": "text", "text": "one"}]},
        {"role": "assistant", "content": "Gladly.", "tool_calls": [call, {**call, "id": "call_2"}]},
        {"role": "tool", "tool_call_id": "call_2", "content": "Booked two."},
        {"role": "tool", "tool_call_id": "call_1", "content": "Booked one."},
    ]
    async with stage(Say("Done.")) as s:
        await s.stream(messages, model="m", tools=[BOOK])

    asked = s.last.asked
    assert (asked.model, asked.text, asked.messages) == ("m", "Another one", messages)
    assert asked.tool_results == ["Booked two.", "Booked one."]
    assert asked.calls == [Call("book", '{"party": 2}', id="call_1"), Call("book", '{"party": 2}', id="call_2")]
    assert asked.offers("book")
    assert not asked.offers("hang_up")
    assert (asked.parameters("book"), asked.parameters("hang_up")) == ({"party"}, set())
    assert s.last.headers["user-agent"].startswith("AsyncOpenAI")
    assert "sk-twin" not in str(s.last.headers)


async def test_one_twin_plays_several_models():
    answers = {"a": lambda asked: [Say("I am a.")], "b": lambda asked: [Say(f"You said {asked.text}.")]}
    async with stage(answers=answers) as s:
        assert text(await s.stream(model="a")) == "I am a."
        assert text(await s.stream(model="b")) == "You said Hello."
        assert [model.id async for model in s.client.models.list()] == ["a", "b"]
        with pytest.raises(openai.NotFoundError) as caught:
            await s.stream(model="c")
    assert caught.value.code == "model_not_found"
    assert [exchange.asked.model for exchange in s.twin.exchanges] == ["a", "b"]


# What goes wrong


async def test_models_that_are_known_by_name():
    async with stage(Say("Hi."), models={"gpt"}) as s:
        assert text(await s.stream(model="gpt")) == "Hi."
        with pytest.raises(openai.NotFoundError):
            await s.whole(model="twin")
        assert [model.id async for model in s.client.models.list()] == ["gpt"]


async def test_a_wrong_key_is_shown_as_the_vendor_shows_it():
    async with stage(Say("Hi."), key="sk-proj-0123456789abcdef") as s:
        with pytest.raises(openai.AuthenticationError) as caught:
            await s.stream()
        with pytest.raises(openai.AuthenticationError):
            await s.client.models.list()
    assert caught.value.code == "invalid_api_key"
    assert caught.value.type == "invalid_request_error"
    assert "sk-proj-************cdef" in caught.value.message
    assert s.twin.exchanges == []
    assert len(s.twin.refused) == 2


async def test_a_context_that_is_too_long():
    async with stage(Say("Hi."), max_context_chars=200) as s:
        await s.stream()
        with pytest.raises(openai.BadRequestError) as caught:
            await s.stream([*HELLO, {"role": "user", "content": "x" * 200}])
    assert caught.value.code == "context_length_exceeded"
    assert "maximum context length is 200" in caught.value.message


async def test_what_the_vendor_would_refuse_is_refused():
    async with stage(Say("Hi.")) as s:
        with pytest.raises(openai.BadRequestError) as caught:
            await s.stream([*HELLO, {"role": "tool", "tool_call_id": "call_1", "content": "Done."}])
        with pytest.raises(openai.BadRequestError, match="could not parse"):
            await s.client.post("/chat/completions", content=b'{"model":', cast_to=object)
    assert caught.value.param == "messages.[2].role"
    assert caught.value.code is None
    assert s.twin.exchanges == []
    assert len(s.twin.refused) == 2


@pytest.mark.parametrize(
    ("fail", "error"),
    [
        (Fail(429, "rate_limit_exceeded", "Slow down.", retry_after=1.5), openai.RateLimitError),
        (Fail(500), openai.InternalServerError),
        (Fail(403, "unsupported_country"), openai.PermissionDeniedError),
    ],
)
async def test_a_request_is_refused_at_once(fail, error):
    async with stage(fail) as s:
        with pytest.raises(error) as caught:
            await s.stream()
    assert caught.value.status_code == fail.status
    assert caught.value.code == (fail.code or None)
    assert caught.value.response.headers.get("retry-after") == (fail.retry_after and "1.5")
    assert s.last.ended_at is not None
    assert not s.last.closed_by_client


async def test_a_connection_that_breaks():
    async with stage(Say("Well"), Drop()) as s:
        chunks = await s.client.chat.completions.create(model="m", messages=HELLO, stream=True)
        heard = [await anext(chunks), await anext(chunks)]
        with pytest.raises(openai.APIConnectionError):
            await anext(chunks)
        with pytest.raises(openai.APIConnectionError):
            await s.whole()
        assert s.twin.open == 0
    assert text(heard) == "Well"
    assert not any(exchange.closed_by_client for exchange in s.twin.exchanges)


async def test_an_error_in_place_of_a_piece():
    async with stage(Say("Well"), ErrorInStream("Overloaded.")) as s:
        with pytest.raises(openai.APIError, match="Overloaded") as caught:
            await s.stream()
        assert not isinstance(caught.value, openai.APIStatusError)
        with pytest.raises(openai.InternalServerError, match="Overloaded"):
            await s.whole()


# Clients that go away


@pytest.mark.parametrize("steps", [[Stall(60)], [Say("Well, "), Stall(60), Say("never")]])
async def test_a_client_that_closes_is_noticed_at_once(steps):
    async with stage(*steps) as s:
        chunks = await s.client.chat.completions.create(model="m", messages=HELLO, stream=True)
        await s.twin.until(lambda: s.last.pieces == (2 if len(steps) > 1 else 0))
        assert s.twin.open == 1
        closed = now()
        await chunks.close()
        await s.twin.until(lambda: s.twin.open == 0)
    assert s.last.closed_by_client
    assert s.last.ended_at - closed < 0.05


async def test_a_client_that_gives_up_a_whole_answer_is_noticed():
    async with stage(Stall(60)) as s:
        with pytest.raises(openai.APITimeoutError):
            await s.whole(timeout=1.0)
        await s.twin.until(lambda: s.twin.open == 0, seconds=0.1)
    assert s.last.closed_by_client


async def test_a_client_that_is_there_when_the_twin_leaves_has_closed_nothing():
    async with stage(Stall(60)) as s:
        await s.client.chat.completions.create(model="m", messages=HELLO, stream=True)
    assert s.last.ended_at is not None
    assert not s.last.closed_by_client


async def test_a_wait_for_what_never_comes_ends():
    async with stage() as s:
        with pytest.raises(TimeoutError):
            await s.twin.until(lambda: s.twin.open == 1, seconds=5)
