"""A typed function as a tool: what a model is told of it, and what it may pass."""

from collections.abc import AsyncIterator
from datetime import datetime
from enum import Enum
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field

from ringbridge.tools.parameters import Arguments, Refusal
from ringbridge.tools.tool import MAX_RESULT, as_text, tool
from ringbridge.turn import Call, Turn

AT = datetime.fromisoformat("2026-11-21T19:00")
CALL = Call("CA1", "+15550100", "+15550101", "conv_1")


@tool
async def book(call: Call, party: Annotated[int, Field(ge=1, le=12)], at: datetime, turn: Turn, note: str = "") -> str:
    """Book a table.

    Ask for the name first.

    Args:
        party: How many people.
        note: What the kitchen should know,
            such as allergies.
    """
    return f"{party} {note}"


def test_a_model_is_told_of_hints_defaults_and_the_docstring_and_not_of_what_we_fill_in():
    assert book.schema.name == "book"
    assert book.schema.description == "Book a table."
    assert book.schema.parameters == {
        "type": "object",
        "additionalProperties": False,
        "required": ["party", "at"],
        "properties": {
            "party": {"type": "integer", "minimum": 1, "maximum": 12, "description": "How many people."},
            "at": {"type": "string", "format": "date-time"},
            "note": {
                "type": "string",
                "default": "",
                "description": "What the kitchen should know, such as allergies.",
            },
        },
    }


@pytest.mark.parametrize(
    "doc",
    [
        "Look up.\n\nArgs:\n    name: Whom to look up.",
        "Look up.\n\nParameters\n----------\nname : str\n    Whom to look up.",
        "Look up.\n\n:param name: Whom to look up.",
    ],
)
def test_docstrings_of_each_style_are_read(doc):
    async def look_up(name: str) -> str:
        return name

    look_up.__doc__ = doc
    schema = tool(look_up).schema
    assert schema.description == "Look up."
    assert schema.parameters["properties"]["name"]["description"] == "Whom to look up."


def test_without_a_docstring_the_name_says_what_it_is():
    @tool(name="opening_hours")
    async def hours() -> str:
        return "noon"

    assert hours.schema.description == "opening hours"
    assert hours.schema.parameters == {"type": "object", "additionalProperties": False, "properties": {}}
    assert hours.parameters.check("") == hours.parameters.check("{}") == Arguments({}, "{}")


def test_richer_types_are_told_whole():
    class Seat(Enum):
        WINDOW = "window"

    class Guest(BaseModel):
        name: str

    @tool
    async def seat(guests: list[Guest], where: Seat, when: Literal["noon", "eve"] | None = None) -> None: ...

    properties = seat.schema.parameters["properties"]
    assert properties["guests"]["items"] == {"$ref": "#/$defs/Guest"}
    assert "Guest" in seat.schema.parameters["$defs"]
    checked = seat.parameters.check('{"guests": [{"name": "Ann"}], "where": "window"}')
    assert isinstance(checked, Arguments)
    assert checked.values == {"guests": [Guest(name="Ann")], "where": Seat.WINDOW, "when": None}
    assert checked.text == '{"guests": [{"name": "Ann"}], "when": null, "where": "window"}'


def test_names_that_pydantic_keeps_for_itself_are_names_like_others():
    @tool
    async def keep(model_config: int, copy: str, _id: int, schema: str = "x") -> str: ...

    checked = keep.parameters.check('{"model_config": 1, "copy": "c", "_id": 2}')
    assert isinstance(checked, Arguments)
    assert checked.values == {"model_config": 1, "copy": "c", "_id": 2, "schema": "x"}


async def test_it_is_still_the_function():
    turn = Turn((), CALL)
    assert await book(CALL, 2, AT, turn, note="nuts") == "2 nuts"


def test_arguments_are_taken_as_models_write_them_and_equal_ones_are_equal():
    one = book.parameters.check('{"party": "2", "at": "2026-11-21T19:00"}')
    other = book.parameters.check('{"note": "", "at": "2026-11-21T19:00:00", "party": 2}')
    assert isinstance(one, Arguments)
    assert one == other
    assert one.values == {"party": 2, "at": AT, "note": ""}
    assert book.parameters.fill(Turn((), CALL)) == {"call": CALL, "turn": Turn((), CALL)}


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ('{"party": 900, "at": "2026-11-21T19:00"}', "party: must be less than or equal to 12, got 900"),
        ('{"party": 2}', "at: is missing"),
        (
            '{"party": 2, "at": "2026-11-21T19:00", "confirmed": true}',
            "confirmed: is not a parameter of this tool",
        ),
        ('{"party": 2, "at": "2026-11-21T19:00", "call": "CA2"}', "call: is not a parameter of this tool"),
        ('{"party": 2, "at"', "the arguments are not valid JSON: write them anew"),
        ("[1]", "arguments: must be an object, got [1]"),
        ("[" * 10_000, "the arguments are not valid JSON: write them anew"),
    ],
)
def test_a_refusal_says_how_to_mend_it(written, words):
    assert book.parameters.check(written) == Refusal(words)


def test_a_refusal_is_short_whatever_was_passed():
    many = book.parameters.check(
        '{"party": 0, "at": "' + "x" * 5000 + '", ' + ", ".join(f'"a{n}": 1' for n in range(9)) + "}"
    )
    assert isinstance(many, Refusal)
    assert len(many.text) < 600
    assert many.text.endswith("and 6 more")


async def fine(party: int) -> str: ...


def plain(party: int) -> str: ...


async def stream(party: int) -> AsyncIterator[str]:
    yield ""


async def unhinted(party) -> str: ...


async def starred(*names: str) -> str: ...


async def keyed(**names: str) -> str: ...


async def unnamed(name: str, /) -> str: ...


async def odd(name: object, how: "Nowhere") -> str: ...  # noqa: F821


class Opaque:
    pass


async def opaque(thing: Opaque) -> str: ...


async def called_back(then: Any, how: AsyncIterator[str]) -> str: ...


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (plain, "plain can't be a tool: it must be an async function"),
        (stream, "it must be an async function that returns"),
        (unhinted, "its parameter party has no type hint: write one, such as party: str"),
        (starred, "its parameter names can't be passed by name"),
        (keyed, "its parameter names can't be passed by name"),
        (unnamed, "its parameter name can't be passed by name"),
        (odd, "its hints can't be read: name 'Nowhere' is not defined"),
        (opaque, "a parameter's type can't be told to a model"),
        (called_back, "a parameter's type can't be told to a model"),
    ],
)
def test_a_function_that_no_model_can_call_is_refused_where_it_is_written(function, words):
    with pytest.raises(TypeError, match=words.replace("(", r"\(")):
        tool(function)


def test_a_name_that_no_model_can_write_is_refused():
    with pytest.raises(TypeError, match="its name must be"):
        tool(name="book a table")(fine)


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("Book for {people}?", "which is not a parameter that a model passes: {party}"),
        ("Book for {party.__class__}?", "which is not a parameter"),
        ("Book for {party:03d}?", "leave it out"),
        ("Book for {party!r}?", "leave it out"),
        ("Book for {}?", "which is not a parameter"),
        ("Book for {party?", "its question can't be read"),
    ],
)
def test_a_question_is_checked_where_it_is_written(template, words):
    with pytest.raises(TypeError, match=words):
        tool(confirm=template)(fine)


def test_what_a_model_is_told_of_a_result():
    assert as_text(None) == "Done."
    assert as_text("Booked.") == "Booked."
    assert as_text({"at": AT.date(), "what": object}) == ('{"at":"2026-11-21","what":"<class \'object\'>"}')
    assert as_text(False) == "false"
    assert len(as_text("x" * 100_000)) < MAX_RESULT + 50
