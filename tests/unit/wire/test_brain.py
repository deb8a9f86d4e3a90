"""The brain socket's messages, written by hand as the vendor's schema has them."""

import json

import pytest

from ringbridge.errors import BrokenMessage
from ringbridge.turn import Message
from ringbridge.wire.brain import (
    AgentResponse,
    Close,
    Error,
    Init,
    Ping,
    Pong,
    Unknown,
    UserTranscript,
    decode,
    decode_outgoing,
    encode,
)

SAID = [{"role": "agent", "content": "Hello."}, {"role": "user", "content": "A table, please."}]
HISTORY = (Message("agent", "Hello."), Message("user", "A table, please."))


def wire(**fields):
    return json.dumps(fields).encode()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (wire(type="init", conversation_id="conv_1"), Init("conv_1")),
        (wire(type="user_transcript", user_transcript=SAID, event_id=7), UserTranscript(HISTORY, 7)),
        (wire(type="user_transcript", user_transcript=SAID, event_id="7"), UserTranscript(HISTORY, 7)),
        (wire(type="user_transcript", user_transcript=SAID, event_id=None), UserTranscript(HISTORY, None)),
        (wire(type="user_transcript", user_transcript=SAID), UserTranscript(HISTORY, None)),
        (wire(type="user_transcript", user_transcript=[], event_id=0), UserTranscript((), 0)),
        (wire(type="user_transcript", user_transcript=None, event_id=1), UserTranscript((), 1)),
        (wire(type="ping"), Ping()),
        (wire(type="ping", ping_ms=20), Ping()),
        (wire(type="close"), Close()),
        (wire(type="error", message="quota"), Error("quota")),
        (wire(type="error"), Error("")),
        (wire(type="error", message={"code": 1}), Error("")),
        (wire(type="agent_tool_response"), Unknown("agent_tool_response")),
        (wire(type="x" * 500), Unknown("x" * 40)),
        (wire(type="pong"), Unknown("pong")),
    ],
)
def test_what_elevenlabs_says(text, message):
    assert decode(text) == message


def test_what_was_said_before_is_taken_from_there_and_nothing_else_is():
    text = wire(type="user_transcript", user_transcript=[*SAID, {"role": "agent", "content": "When?"}], event_id=8)
    history = decode(text, HISTORY).history
    assert history == (*HISTORY, Message("agent", "When?"))
    assert [said is before for said, before in zip(history, HISTORY, strict=False)] == [True, True]
    others = (
        Message("user", "Hello."),
        Message("user", "A table."),
        Message("agent", "When?"),
        Message("user", "Two."),
    )
    assert decode(text, others).history == history


def test_items_that_nobody_said_are_left_out():
    items = [
        {"role": "system", "content": "be nice"},
        {"role": "tool", "calls": []},
        *SAID,
        {"role": "agent", "content": None},
    ]
    assert decode(wire(type="user_transcript", user_transcript=items)) == UserTranscript(HISTORY, None)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b"", "the message is not JSON"),
        (b"{", "the message is not JSON"),
        (b"\xff\xfe", "the message is not JSON"),
        (b'{"type": "ping", "x": ' + b"[" * 100_000, "the message is not JSON"),
        (b"[]", "the message is not an object"),
        (b'"secret"', "the message is not an object"),
        (b"{}", "type: it is missing"),
        (wire(type=7), "type: it is of the wrong kind"),
        (wire(type="init"), "conversation_id: it is missing"),
        (wire(type="init", conversation_id=""), "conversation_id: it is empty"),
        (wire(type="init", conversation_id=["secret"]), "conversation_id: it is of the wrong kind"),
        (wire(type="user_transcript"), "user_transcript: it is missing"),
        (wire(type="user_transcript", user_transcript="secret"), "user_transcript: it is of the wrong kind"),
        (wire(type="user_transcript", user_transcript=["secret"]), "user_transcript[0]: it is of the wrong kind"),
        (
            wire(type="user_transcript", user_transcript=[*SAID, {"content": "secret"}]),
            "user_transcript[2].role: it is missing",
        ),
        (
            wire(type="user_transcript", user_transcript=[*SAID, {"role": "user"}]),
            "user_transcript[2].content: it is missing",
        ),
        (
            wire(type="user_transcript", user_transcript=[{"role": "user", "content": {"secret": 1}}]),
            "user_transcript[0].content: it is of the wrong kind",
        ),
        (wire(type="user_transcript", user_transcript=[], event_id="secret"), "event_id: it is not a number"),
        (wire(type="user_transcript", user_transcript=[], event_id=1.5), "event_id: it is of the wrong kind"),
        (wire(type="user_transcript", user_transcript=[], event_id=True), "event_id: it is of the wrong kind"),
    ],
)
def test_a_broken_message_names_the_field_and_not_what_it_held(text, problem):
    with pytest.raises(BrokenMessage) as broken:
        decode(text)
    assert str(broken.value) == problem
    assert broken.value.__cause__ is None


def test_what_we_say_is_what_the_vendors_sdk_writes():
    said = AgentResponse("Hello", 7, is_final=False)
    assert json.loads(encode(said)) == {
        "type": "agent_response",
        "content": "Hello",
        "event_id": 7,
        "is_final": False,
    }
    assert json.loads(encode(AgentResponse("", None, is_final=True)))["event_id"] is None
    assert json.loads(encode(Pong())) == {"type": "pong"}


def test_ours_are_read_as_strictly():
    assert decode_outgoing(encode(Pong())) == Pong()
    assert decode_outgoing(wire(type="ping")) == Unknown("ping")
    with pytest.raises(BrokenMessage, match="is_final: it is missing"):
        decode_outgoing(wire(type="agent_response", content="", event_id=1))
