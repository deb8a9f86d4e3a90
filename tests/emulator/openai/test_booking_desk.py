"""The booking desk: what it understands, which tools it calls, and what it says of their results."""

import pytest

from ringbridge.emulator.openai.characters import booking_desk
from ringbridge.emulator.openai.script import Asked, Call, Say


def tool(name, *parameters):
    schema = {"type": "object", "properties": {key: {} for key in parameters}}
    return {"type": "function", "function": {"name": name, "parameters": schema}}


TOOLS = [tool("book_table", "party"), tool("change_booking", "party"), tool("hang_up")]
TIMED = [tool("book_table", "party", "time")]


def desk(words, tools=TOOLS, *, after=()):
    """What the desk does when it hears this; `after` are a tool call and its result."""
    messages = [{"role": "user", "content": words}]
    if after:
        call, result = after
        function = {"name": call.name, "arguments": call.text}
        messages += [
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": "1", "type": "function", "function": function}],
            },
            {"role": "tool", "tool_call_id": "1", "content": result},
        ]
    return list(booking_desk(Asked("m", messages, list(tools))))


def said(words, tools=(), *, after=()):
    """The same, where it only speaks."""
    (step,) = desk(words, tools, after=after)
    assert isinstance(step, Say)
    return step.text


@pytest.mark.parametrize(
    ("words", "party"),
    [
        ("I'd like to book a table for two, please.", 2),
        ("A table for 2.", 2),
        ("table for to", 2),
        ("a table for too please", 2),
        ("table for for", 4),
        ("table four four", 4),
        ("table 4 6 please", 6),
        ("a table for ate", 8),
        ("Can I reserve for a party of twelve?", 12),
        ("We'd like a reservation, six people, at seven", 6),
        ("Book a table for tomorrow at seven for five people", 5),
        ("A table for seven o'clock for three", 3),
        ("a table for 7 pm for two", 2),
        ("A table for 40", 40),
        ("a table for four to night", 4),
        ("Can I book a table?", 2),
        ("A table for two at the window.", 2),
    ],
)
def test_a_table_is_booked_for_as_many_as_come(words, party):
    assert desk(words) == [Call("book_table", {"party": party})]


@pytest.mark.parametrize(
    ("words", "time"),
    [
        ("a table for two tomorrow at seven", "tomorrow at seven"),
        ("a table for two at 8 pm please", "8 pm"),
        ("a table for two on friday at eight thirty", "on friday at eight thirty"),
        ("a table for two at the window", "seven tonight"),
        ("a table for two", "seven tonight"),
    ],
)
def test_a_tool_that_takes_a_time_gets_one(words, time):
    call = Call("book_table", {"party": 2, "time": time})
    assert desk(words, TIMED) == [call]
    assert f"Your table for two is booked for {time}." in said(words, TIMED, after=(call, "Booked."))


@pytest.mark.parametrize(
    ("words", "party"),
    [
        ("Wait, make it a table for four.", 4),
        ("make it a table for for", 4),
        ("make it for", 4),
        ("make it five", 5),
        ("Could you make that for to?", 2),
        ("I want to change it", 4),
    ],
)
def test_a_booking_is_changed(words, party):
    assert desk(words) == [Call("change_booking", {"party": party})]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (Call("book_table", {"party": 4}), "Your table for four is booked for seven tonight."),
        (Call("book_table", {"party": 40}), "Your table for 40 is booked"),
        (Call("change_booking", {"party": 4}), "A table for four it is."),
    ],
)
def test_it_speaks_about_what_was_done(call, words):
    assert words in said("Yes, please.", TOOLS, after=(call, "Done."))


@pytest.mark.parametrize("result", ["Not done: party: less than or equal to 12", "Failed: OSError."])
@pytest.mark.parametrize("name", ["book_table", "change_booking"])
def test_it_never_claims_what_was_not_done(name, result):
    assert "that did not work" in said("A table for 40", TOOLS, after=(Call(name, {"party": 40}), result))


def test_a_goodbye_is_said_before_it_hangs_up_once():
    assert desk("Thank you, goodbye.") == [Say("Thank you for calling. Goodbye!"), Call("hang_up")]
    assert desk("Goodbye", after=(Call("hang_up"), "Done.")) == []


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        ("A table for three", "Your table for three is booked"),
        ("Make it a table for for", "A table for four it is."),
        ("Bye!", "Goodbye!"),
        ("Caller pressed 7", "You pressed 7."),
        ("Caller pressed 42#", "You pressed 42#."),
        ("At the window, please.", "the table at the window is yours"),
        ("The table in the garden", "the table in the garden is yours"),
        ("Are you a robot?", "I am an AI assistant"),
        ("Can I book with a human?", "I am an AI assistant"),
        ("When do you open?", "from noon until eleven"),
        ("Thanks!", "You are welcome."),
        ("Hello", "Would you like to book a table?"),
        ("Purple elephants", "I can book a table for you, or tell you our opening hours."),
        ("", "I can book a table for you"),
    ],
)
def test_without_tools_it_talks(words, answer):
    assert answer in said(words)
