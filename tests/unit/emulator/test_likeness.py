import pytest

from ringbridge.emulator.likeness import is_in, sounds_in

HEARD = "Of course. A table for four it is. Your booking is changed."


@pytest.mark.parametrize("expected", ["A table for four", HEARD, "", "is  changed."])
def test_words_are_in_what_was_heard_to_the_letter(expected: str):
    assert is_in(expected, HEARD)


@pytest.mark.parametrize("expected", ["a table for four", "A table for four it is", "table four", "hanged."])
def test_other_letters_and_parts_of_words_are_not(expected: str):
    assert not is_in(expected, HEARD)


@pytest.mark.parametrize(
    ("expected", "heard"),
    [
        ("A table for four it is.", "of course a table for 4 it is"),
        ("You pressed 7.", "Thank you, you press seven."),
        ("Goodbye!", "Thank you for calling. Good-bye."),
        ("the table at the window is yours.", "Very well, the table at the window is your."),
        ("I can't hear you", "I cant hear you, sorry"),
        ("", "anything"),
        ("", ""),
    ],
)
def test_what_recognition_makes_of_it_sounds_like_it(expected: str, heard: str):
    assert sounds_in(expected, heard)


@pytest.mark.parametrize(
    ("expected", "heard"),
    [
        ("A table for four it is.", "Of course, I would be happy to book a table for two tonight."),
        ("You pressed 7.", "Thank you."),
        ("Goodbye!", "Good evening!"),
        ("Goodbye!", ""),
    ],
)
def test_other_words_do_not(expected: str, heard: str):
    assert not sounds_in(expected, heard)
