"""Whether words that were heard are those that should have been: to the letter, or as well as recognition can tell."""

import re
from difflib import SequenceMatcher
from typing import Final

__all__ = ["is_in", "sounds_in"]

_CLOSE: Final = 0.8
"""Recognition of clean telephone speech gets one word in fifty wrong, mostly by a letter or two."""

_DIGITS: Final = dict(
    zip("0123456789", ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"), strict=True)
)


def is_in(expected: str, heard: str) -> bool:
    """Whether the words of `expected` are in `heard`, one after the other and to the letter."""
    return not expected.split() or f" {' '.join(expected.split())} " in f" {' '.join(heard.split())} "


def sounds_in(expected: str, heard: str) -> bool:
    """Whether something in `heard` sounds like `expected`: case, punctuation and how digits are written don't count."""
    wanted, words = _plain(expected), _plain(heard)
    size = len(wanted)
    windows = (words[start : start + long] for long in (size - 1, size, size + 1) for start in range(len(words)))
    return any(_ratio(wanted, window) >= _CLOSE for window in windows) or not wanted


def _plain(text: str) -> list[str]:
    words = re.findall(r"[a-z]+|\d+", text.lower().replace("'", ""))
    return [_DIGITS.get(word, word) for word in words]


def _ratio(wanted: list[str], words: list[str]) -> float:
    return SequenceMatcher(None, " ".join(wanted), " ".join(words), autojunk=False).ratio()
