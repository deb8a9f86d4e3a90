"""What the page's socket carries."""

import json

import pytest

from ringbridge.phone.messages import AgentWords, Call, Clear, HangUp, Mangled, Press, Waited, read, write


def test_the_page_says_three_things():
    assert read('{"type":"call"}') == Call()
    assert read('{"type":"press","digit":"#"}') == Press("#")
    assert read('{"type":"hangup"}') == HangUp()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "secret",
        "[]",
        "{}",
        '{"type":"secret"}',
        '{"type":"press"}',
        '{"type":"press","digit":"secret"}',
        '{"type":"press","digit":"A"}',
        '{"type":"call","number":"secret"}',
        '{"type":"agentwords","text":"secret"}',
        "[" * 500,
        '{"type":"\ud800"}',
    ],
)
def test_anything_else_is_refused_and_not_quoted(text):
    with pytest.raises(Mangled) as caught:
        read(text)
    assert "secret" not in str(caught.value)


def test_what_the_page_is_told():
    assert json.loads(write(Clear())) == {"type": "clear"}
    assert json.loads(write(AgentWords("Hello."))) == {"type": "agentwords", "text": "Hello."}
    assert json.loads(write(Waited(3.5, {"hearing": None, "model": 3.5}, "brain"))) == {
        "type": "waited",
        "total": 3.5,
        "parts": {"hearing": None, "model": 3.5},
        "by": "brain",
    }
