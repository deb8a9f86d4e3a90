"""Requests and answers as the servers write them, and as they should not."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat import ChatCompletionChunk

from ringbridge.llm.base import Asked, Failure, ModelFailed, Request, Said, Text, ToolCall, ToolResult, Used
from ringbridge.llm.completions import Answer, messages_of

ARGUMENTS = '{"party": 2}'


def chunk(**fields):
    return ChatCompletionChunk.construct(**fields)


def delta(*, finish=None, **fields):
    return chunk(choices=[{"index": 0, "delta": fields, "finish_reason": finish}])


def part(arguments=None, *, name=None, **fields):
    return {**fields, "function": {"name": name, "arguments": arguments}}


def calls_of(*parts):
    """The tool calls of an answer that has each part in a chunk of its own, as name and arguments."""
    answer = Answer("m")
    for each in parts:
        answer.take(delta(tool_calls=[each]))
    answer.take(delta(finish="tool_calls"))
    calls = answer.end()
    assert len({call.id for call in calls}) == len(calls)
    return [(call.name, call.arguments) for call in calls]


@given(st.lists(st.integers(1, 5), max_size=6), st.data())
def test_calls_in_pieces_however_they_are_cut_and_mixed(sizes, data):
    left = {index: list(ARGUMENTS) for index in range(len(sizes))}
    parts = [part(name="book", index=index, id=f"id{index}") for index in left]
    while left:
        index = data.draw(st.sampled_from(sorted(left)))
        parts.append(part("".join(left[index][: sizes[index]]), index=index))
        del left[index][: sizes[index]]
        if not left[index]:
            del left[index]
    assert calls_of(*parts) == [("book", ARGUMENTS)] * len(sizes)


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param([part(ARGUMENTS, name="a", id="1"), part(ARGUMENTS, name="b", id="2")], id="no index"),
        pytest.param([part(ARGUMENTS, name="a"), part(ARGUMENTS, name="b")], id="neither index nor id"),
        pytest.param(
            [part(ARGUMENTS, name="a", id="1", index=0), part(ARGUMENTS, name="b", id="2", index=0)], id="same index"
        ),
        pytest.param([part({"party": 2}, name="a", index=0), part({"party": 2}, name="b", index=1)], id="objects"),
        pytest.param(
            [
                part('{"party"', name="a", id="1"),
                part(": 2}", id="1"),
                part('{"party": ', name="b", id="2"),
                part("2}"),
            ],
            id="no index, in pieces",
        ),
        pytest.param(
            [
                part("{", name="a", id="1", index=0),
                part('"party": 2}', name="a", id="1", index=0),
                part(ARGUMENTS, name="b", id="2", index=1),
            ],
            id="name and id in each piece",
        ),
    ],
)
def test_calls_of_servers_that_leave_things_out(parts):
    assert calls_of(*parts) == [("a", ARGUMENTS), ("b", ARGUMENTS)]


def test_a_call_without_arguments_has_none():
    assert calls_of(part(name="now", index=0)) == [("now", "{}")]


def test_text_at_once_and_what_it_took_at_the_end():
    answer = Answer("m")
    assert answer.take(delta(role="assistant", content="")) == []
    assert answer.take(delta(content="Hi")) == [Text("Hi")]
    assert answer.take(delta(finish="stop")) == []
    assert answer.take(chunk(choices=[], usage={"total_tokens": 7})) == []
    assert answer.end() == [Used(7)]


def test_what_is_not_whole_broke_off():
    answer = Answer("m")
    answer.take(delta(tool_calls=[part(ARGUMENTS, name="book", index=0)]))
    with pytest.raises(ModelFailed) as caught:
        answer.end()
    assert caught.value.failure is Failure.BROKE_OFF


@pytest.mark.parametrize("fields", [{"choices": None}, {"choices": [{"index": 0}]}, {"choices": [{"delta": None}]}, {}])
def test_chunks_with_nothing_in_them_are_passed_over(fields):
    assert Answer("m").take(chunk(**fields)) == []


@pytest.mark.parametrize("broken", [chunk(choices="x"), delta(content=["x"]), delta(tool_calls=[7]), None, [1]])
def test_chunks_that_are_none_fail_the_model_alone(broken):
    with pytest.raises(ModelFailed) as caught:
        Answer("m").take(broken)
    assert caught.value.failure is Failure.BROKE_OFF


def test_entries_without_words_are_left_out():
    entries = (Said("agent", " "), Said("user", "Hi"), Asked((ToolCall("1", "a", "{}"),), "Wait."), ToolResult("1", ""))
    system, user, asked, result = messages_of(Request("Be brief.", entries))
    assert (system["role"], user["content"], asked["content"]) == ("system", "Hi", "Wait.")
    assert result == {"role": "tool", "tool_call_id": "1", "content": ""}
    assert messages_of(Request("", (Said("user", "Hi"),))) == [{"role": "user", "content": "Hi"}]


@pytest.mark.parametrize("arguments", ['{"party": ', "[1]", "seven", "", "[" * 100_000])
def test_arguments_that_a_model_broke_can_be_read_by_servers_all_the_same(arguments):
    (message,) = messages_of(Request("", (Asked((ToolCall("1", "book", arguments),)),)))
    assert json.loads(message["tool_calls"][0]["function"]["arguments"]) == {"unreadable": arguments}
