"""The brains with which one may begin: the plain one, and some of the examples, each with a test that passes."""

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Final

__all__ = ["BEGINNINGS", "Beginning"]

_ECHO: Final = '''\
"""The brain of your phone number: what it yields, the caller hears."""

from collections.abc import AsyncIterator

from ringbridge import Turn


async def reply(turn: Turn) -> AsyncIterator[str]:
    """Answer one turn. Yield in pieces: each is spoken as soon as it is there."""
    if "hours" in turn.text:
        yield "We are open from nine to five."
        return
    yield f"You said: {turn.text}. "
    yield "What else can I do for you?"
'''

_ECHO_TEST: Final = '''\
"""A phone call to the brain, through the real bridge; it needs no account and no network."""

import pytest
from brain import reply


@pytest.fixture
def brain():
    return reply


async def test_the_caller_hears_an_answer(phone):
    call = await phone.dial()
    await call.say("a table for two please")
    assert "a table for two" in await call.heard()
'''

_SCRIPT: Final = '''\
"""A phone call to the brain, through the real bridge; a script plays the model, so no network is needed."""

import pytest
from brain import {imports}
from ringbridge.llm.base import Text, ToolCall, ToolResult


class Script:
    """Always asks for the same tool, and says what came of it."""

    name = "script"

    async def stream(self, request):
        if isinstance(request.entries[-1], ToolResult):
            yield Text(request.entries[-1].text)
        else:
            yield ToolCall("call_1", "{tool}", '{arguments}')

    def warm(self):
        pass

    async def close(self):
        pass


@pytest.fixture
def brain(monkeypatch):
    monkeypatch.setattr({agent}, "models", Script())
    return reply


{test}'''

_BOOKING: Final = """\
async def test_a_table_is_booked_once_the_caller_has_agreed(phone):
    call = await phone.dial()
    await call.say("a table for two please")
    assert "Shall I book a table for 2" in await call.heard()
    await call.say("yes please")
    assert "Booked" in await call.heard()
"""

_MESSAGE: Final = """\
@pytest.fixture(autouse=True)
def late(monkeypatch):
    monkeypatch.setattr("brain.now", lambda: datetime(2030, 5, 3, 20, 0))


async def test_a_message_is_taken_after_hours(phone):
    call = await phone.dial()
    await call.say("tell them to call Ann")
    assert "Somebody will call back" in await call.heard()
    assert messages == [("+15550100001", "call Ann")]
"""

_TABLE: Final = '{"party": 2, "at": "2030-05-03T19:00:00"}'


@dataclass(frozen=True, slots=True)
class Beginning:
    """One brain to begin with: what it is, its test, and the example that it is (none: written for this).

    `asks_model` tells whether it needs a model's key for real calls.
    """

    summary: str
    test: str
    example: str | None = None

    @property
    def asks_model(self) -> bool:
        """Whether real calls need a model's key."""
        return self.example is not None

    @property
    def brain(self) -> str:
        """The text of `brain.py`."""
        if self.example is None:
            return _ECHO
        text = _example(self.example)
        return text.replace(f"examples/{self.example}.py", "brain.py")


def _booking(example: str) -> str:
    return _SCRIPT.format(imports="reply", tool="book_table", arguments=_TABLE, agent="reply", test=_BOOKING)


def _example(name: str) -> str:
    """An example's text: a package has it inside, a checkout of the source beside it."""
    package = files("ringbridge")
    inside = package / "examples" / f"{name}.py"
    if inside.is_file():
        return inside.read_text(encoding="utf-8")
    return (Path(str(package)).parents[1] / "examples" / f"{name}.py").read_text(encoding="utf-8")


BEGINNINGS: Final = {
    "plain": Beginning("says what it heard; asks no model", _ECHO_TEST),
    "booking": Beginning(
        "a model that books a table, once the caller has agreed", _booking("openai_tools"), "openai_tools"
    ),
    "desk": Beginning(
        "the same with a database, and bookings of the caller's own", _booking("booking_desk"), "booking_desk"
    ),
    "receptionist": Beginning(
        "puts callers through in office hours, takes a message otherwise",
        _SCRIPT.format(
            imports="after_hours, messages, reply",
            tool="take_message",
            arguments='{"message": "call Ann"}',
            agent="after_hours",
            test=_MESSAGE,
        ).replace("import pytest\n", "from datetime import datetime\n\nimport pytest\n", 1),
        "receptionist",
    ),
}
