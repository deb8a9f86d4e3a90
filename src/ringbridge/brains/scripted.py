"""A brain without a model: the booking desk of a small restaurant, for demonstrations and for trying out a line.

It always gives the same answer to the same words, in pieces and with pauses like a model's.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from typing import Final

from ringbridge.turn import Turn

__all__ = ["reply"]

FIRST_WORD_SECONDS = 0.15
WORD_SECONDS = 0.02
"""The rhythm of a fast model."""

_PEOPLE: Final = {
    "1": "one",
    "2": "two",
    "3": "three",
    "4": "four",
    "5": "five",
    "6": "six",
    "7": "seven",
    "8": "eight",
    # what speech recognition makes of them
    "to": "two",
    "too": "two",
    "for": "four",
}
_MAKE_IT: Final = re.compile(r"\bmake (?:it|that) (?:a table for )?(\w+)")
_TABLE_FOR: Final = re.compile(r"\btable for (\w+)")


async def reply(turn: Turn) -> AsyncIterator[str]:
    """Answer one turn."""
    await asyncio.sleep(FIRST_WORD_SECONDS)
    for word in re.findall(r"\S+\s*", answer(turn.text)):
        yield word
        await asyncio.sleep(WORD_SECONDS)


def answer(heard: str) -> str:
    """What the desk says to these words."""
    words = heard.lower()
    for pattern, respond in _ANSWERS:
        if found := re.search(pattern, words):
            return respond(found)
    return (
        "I can book a table for you, or tell you our opening hours. You can also press some keys, and I will read them"
        " back. What would you like?"
    )


def _digits(found: re.Match[str]) -> str:
    return f"Thank you. You pressed {found[1]}."


def _goodbye(found: re.Match[str]) -> str:
    return "Thank you for calling. Goodbye!"


def _person(found: re.Match[str]) -> str:
    return "I am an AI assistant, the demonstration of this phone line. No human is listening."


def _change(found: re.Match[str]) -> str:
    return f"Of course. A table for {_people(_MAKE_IT, found.string, 'four')} it is. Your booking is changed."


def _booking(found: re.Match[str]) -> str:
    return (
        f"Of course, I would be happy to book a table for {_people(_TABLE_FOR, found.string, 'two')}. "
        "Tonight we have a quiet table at the window, and another one in the garden under the old trees. "
        "The kitchen is open until ten, and on Fridays there is live music in the evening. "
        "Would you rather sit at the window or in the garden?"
    )


def _seat(found: re.Match[str]) -> str:
    return f"Very well, the table {'in the garden' if found[1] == 'garden' else 'at the window'} is yours."


def _hours(found: re.Match[str]) -> str:
    return "We are open every day from noon until eleven in the evening."


def _thanks(found: re.Match[str]) -> str:
    return "You are welcome. Is there anything else?"


def _hello(found: re.Match[str]) -> str:
    return "Hello! Would you like to book a table?"


_ANSWERS: Final[tuple[tuple[str, Callable[[re.Match[str]], str]], ...]] = (
    (r"caller pressed ([\d*#a-d]+)", _digits),
    (r"\b(?:goodbye|good bye|bye)\b", _goodbye),
    (r"\b(?:robot|human|a person|an? ai|who are you)\b", _person),
    (r"\bmake (?:it|that)\b|\bchange\b", _change),
    (r"\b(?:book|table|reserve|reservation)\b", _booking),
    (r"\b(window|garden)\b", _seat),
    (r"\b(?:open|hours|close)\b", _hours),
    (r"\b(?:thanks|thank you)\b", _thanks),
    (r"\b(?:hello|hi|good evening)\b", _hello),
)
"""The first that fits the caller's words decides."""


def _people(pattern: re.Pattern[str], words: str, otherwise: str) -> str:
    found = pattern.search(words)
    if not found:
        return otherwise
    return _PEOPLE.get(found[1], found[1] if found[1] in _PEOPLE.values() else otherwise)
