"""What the vendor refuses of a request, and what it takes."""

import pytest

from ringbridge.emulator.openai.checks import problem

USER = {"role": "user", "content": "Hello"}
OBJECT = {"type": "object", "properties": {}}


def call(name="call_1", **more):
    return {"id": name, "type": "function", "function": {"name": "book", "arguments": "{}"}, **more}


def asks(*calls, **more):
    return {"role": "assistant", "content": None, "tool_calls": list(calls), **more}


def result(name="call_1"):
    return {"role": "tool", "tool_call_id": name, "content": "Done."}


def body(*messages, **more):
    return {"model": "m", "messages": [USER, *messages], **more}


def tools(parameters=OBJECT, *, name="book", **more):
    return body(tools=[{"type": "function", "function": {"name": name, "parameters": parameters, **more}}])


def properties(**schemas):
    return tools({"type": "object", "properties": schemas})


@pytest.mark.parametrize(
    "request_body",
    [
        body(),
        body({"role": "developer", "content": "Be brief."}, {"role": "assistant", "content": ""}),
        body({"role": "user", "content": [{"type": "text", "text": "Hi"}]}),
        body(asks(call()), result()),
        body(asks(call("a"), call("b"), content="Let me see."), result("b"), result("a"), USER, asks(call()), result()),
        body(stream=True, stream_options={"include_usage": True}),
        tools(),
        body(tools=[{"type": "function", "function": {"name": "x" * 64}}]),
        properties(days={"type": "array", "items": {"type": "string"}}, anything=True, nothing={}),
        properties(day={"anyOf": [{"type": "array", "items": {}}, {"type": "null"}]}),
        tools({"type": "object", "properties": {"a": {"$ref": "#/$defs/A"}}, "$defs": {"A": OBJECT}}),
        {**tools(), "tool_choice": "auto"},
    ],
)
def test_what_is_valid_passes(request_body):
    assert problem(request_body) is None


@pytest.mark.parametrize(
    ("request_body", "param", "words"),
    [
        (None, None, "could not parse"),
        ([], None, "could not parse"),
        ({"messages": [USER]}, None, "must provide a model"),
        ({"model": "m"}, "messages", "Missing required parameter"),
        ({"model": "m", "messages": []}, "messages", "empty array"),
        ({"model": "m", "messages": "Hello"}, "messages", "expected an array"),
        (body("Hello"), "messages[1]", "expected an object"),
        (body({"content": "Hello"}), "messages[1].role", "Missing required"),
        (body({"role": "agent", "content": "Hello"}), "messages[1].role", "Invalid value: 'agent'"),
        (body({"role": "user"}), "messages.[1].content", "got null"),
        (body({"role": "user", "content": 7}), "messages.[1].content", "got int"),
        (body({"role": "user", "content": []}), "messages.[1].content", "got list"),
        (body({"role": "user", "content": [{"type": "text"}]}), "messages.[1].content", "got list"),
        (body({"role": "assistant", "content": None}), "messages.[1].content", "got null"),
        (body(asks(), result()), "messages[1].tool_calls", "empty array"),
        (body(result()), "messages.[1].role", "must be a response"),
        (body(asks(call()), result("other")), "messages.[2].role", "must be a response"),
        (body(asks(call()), result(), result()), "messages.[3].role", "must be a response"),
        (body(asks(call()), USER, result()), "messages.[2].role", "must be followed by tool messages"),
        (body(asks(call("a"), call("b")), result("a")), "messages.[2].role", "response messages: b"),
        (body({**USER, "tool_calls": [call()]}), "messages[1].tool_calls", "Unknown parameter"),
        (body(asks("book")), "messages[1].tool_calls[0]", "expected a function call"),
        (body(asks({**call(), "id": None})), "messages[1].tool_calls[0].id", "Missing required"),
        (body(asks(call("x" * 41))), "messages[1].tool_calls[0].id", "maximum length 40"),
        (
            body(asks(call(function={"name": "book", "arguments": {}}))),
            "messages[1].tool_calls[0].function.arguments",
            "expected a string",
        ),
        (
            body(asks(call(function={"name": "", "arguments": "{}"}))),
            "messages[1].tool_calls[0].function.name",
            "does not match pattern",
        ),
        (body(tools=[]), "tools", "empty array"),
        (body(tools=["book"]), "tools[0]", "Missing required"),
        (body(tools=tools()["tools"] * 129), "tools", "array too long"),
        (body(tool_choice="auto"), None, "only allowed when 'tools'"),
        (body(stream_options={"include_usage": True}), "stream_options", "only allowed when 'stream'"),
        (tools(name="book a table"), "tools[0].function.name", "does not match pattern"),
        (tools(name="x" * 65), "tools[0].function.name", "does not match pattern"),
        (tools(description="x" * 1025), "tools[0].function.description", "maximum length 1024"),
        (tools({"type": "string"}), "tools[0].function.parameters", "got 'type: \"string\"'"),
        (tools(None), "tools[0].function.parameters", "got 'type: \"None\"'"),
        (tools({"type": "object"}), "tools[0].function.parameters", "object schema missing properties"),
        (tools({"type": "object", "properties": []}), "tools[0].function.parameters", "not of type 'object'"),
        (properties(a=7), "tools[0].function.parameters", "In context=('properties', 'a')"),
        (
            properties(a={"anyOf": [{"type": "array"}]}),
            "tools[0].function.parameters",
            "In context=('properties', 'a', 'anyOf', '0'), array schema missing items",
        ),
        (
            properties(a={"type": "array", "items": {"type": "array"}}),
            "tools[0].function.parameters",
            "In context=('properties', 'a', 'items'), array schema missing items",
        ),
    ],
)
def test_what_is_not_is_named(request_body, param, words):
    wrong = problem(request_body)
    assert wrong is not None
    assert words in wrong.message
    assert wrong.param == param
