"""Digits gathered into numbers."""

import pytest

from ringbridge.relay.keypad import MAX_KEYS, Keypad


def test_a_number_ends_with_the_hash_key():
    keypad = Keypad()
    assert [keypad.press(key) for key in "42#"] == [None, None, "42"]
    assert keypad.complete() is None


def test_a_number_ends_with_a_pause():
    keypad = Keypad()
    keypad.press("7")
    assert keypad.complete() == "7"
    assert keypad.complete() is None


@pytest.mark.parametrize("key", ["*", "0", "A"])
def test_every_other_key_belongs_to_the_number(key):
    keypad = Keypad()
    keypad.press(key)
    assert keypad.press("#") == key


def test_a_hash_alone_is_told_as_such():
    assert Keypad().press("#") == "#"


def test_a_stuck_key_does_not_gather_for_ever():
    keypad = Keypad()
    numbers = [number for _ in range(MAX_KEYS * 2) if (number := keypad.press("1"))]
    assert numbers == ["1" * MAX_KEYS, "1" * MAX_KEYS]
