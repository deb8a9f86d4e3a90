"""The offline brain: the demonstration's words."""

import pytest

from ringbridge.brain.plain import Plain
from ringbridge.brains.scripted import answer, reply
from ringbridge.turn import Call, Message, Turn


@pytest.mark.parametrize(
    ("heard", "words"),
    [
        ("Caller pressed 42", "You pressed 42."),
        ("caller pressed 9*0#", "You pressed 9*0#."),
        ("I'd like to book a table.", "a table for two"),
        ("Can you reserve a table for six people?", "a table for six"),
        ("Actually, make it four.", "A table for four it is."),
        ("actually make it for", "A table for four it is."),  # as speech recognition may have it
        ("Make that 3, please.", "A table for three it is."),
        ("The garden, please.", "in the garden"),
        ("When do you open?", "from noon"),
        ("Am I talking with a robot?", "I am an AI assistant"),
        ("Thanks, good bye.", "Goodbye!"),
        ("Thank you.", "You are welcome."),
        ("Hello?", "Hello!"),
        ("Blue.", "What would you like?"),
    ],
)
def test_answers(heard, words):
    assert words in answer(heard)


def test_a_booking_is_long_enough_to_be_interrupted_and_a_change_of_it_short():
    assert answer("I'd like to book a table").count(". ") == 3
    assert len(answer("Actually make it four")) < 70


async def test_it_comes_in_pieces_that_need_no_cleaning():
    call = Call("CA1", "+15550100", "+15550101", "conv_1")
    pieces = [piece async for piece in reply(Turn((Message("user", "I'd like to book a table"),), call))]
    assert len(pieces) > 20
    text = "".join(pieces)
    assert text == answer("I'd like to book a table")
    assert Plain().feed(text) == text
