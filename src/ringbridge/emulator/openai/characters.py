"""Models without a model: rules that answer, and call tools, as one would."""

import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from ringbridge.emulator.openai.script import Asked, Call, Say, Step

__all__ = ["Obedient", "booking_desk"]

# The booking desk of a small restaurant

_WORDS: Final = (
    *("no one", "one", "two", "three", "four", "five", "six"),
    *("seven", "eight", "nine", "ten", "eleven", "twelve"),
)
_NUMBERS: Final = {
    **{word: number for number, word in enumerate(_WORDS)},
    # what speech recognition makes of them
    "won": 1,
    "to": 2,
    "too": 2,
    "tow": 2,
    "tree": 3,
    "free": 3,
    "for": 4,
    "fore": 4,
    "ate": 8,
}
_NUMBER: Final = r"(\w+)\b(?! ?(?:o'?clock|a\.?m\b|p\.?m\b|thirty))"
_CHANGE: Final = re.compile(r"\bmake (?:it|that)\b|\bchange\b")
_WHO: Final = re.compile(r"\b(?:robot|human|a person|an? ai|who are you)\b")
_TABLE: Final = re.compile(r"\b(?:book|table|reserve|reservation)\b")
_PARTIES: Final = (
    rf"\bmake (?:it|that)(?: (?:a )?table)?(?: (?:for|four|4))? {_NUMBER}",
    rf"\b(?:party|group|table) of {_NUMBER}",
    rf"\b(?:for|four|4) {_NUMBER}",
    rf"\b{_NUMBER} (?:people|persons|guests|of us)\b",
)
_TIME: Final = re.compile(
    r"(?:\b(?:today|tonight|tomorrow|on \w+day) )?\bat (?!the\b)\w+(?: ?(?:[ap]m|o'clock|thirty))?"
)
_REFUSED: Final = re.compile(r"not done|failed|stopped|error", re.IGNORECASE)

_TONIGHT: Final = "seven tonight"
_MENU: Final = (
    "I can book a table for you, or tell you our opening hours. You can also press some keys, and I will read them"
    " back. What would you like?"
)
_ANSWERS: Final = (
    (r"caller pressed ([\d*#a-d]+)", "Thank you. You pressed {}."),
    (r"\bgarden\b", "Very well, the table in the garden is yours."),
    (r"\bwindow\b", "Very well, the table at the window is yours."),
    (r"\b(?:open|hours|close)\b", "We are open every day from noon until eleven in the evening."),
    (r"\b(?:thanks|thank you)\b", "You are welcome. Is there anything else?"),
    (r"\b(?:hello|hi|good evening)\b", "Hello! Would you like to book a table?"),
)
"""The first that fits the caller's words decides."""


def booking_desk(asked: Asked) -> Sequence[Step]:
    """Book and change tables, by `book_table` and `change_booking` where they are offered; hang up after a goodbye."""
    if asked.calls:
        return _after(asked.calls[-1], asked.tool_results[-1])
    words = asked.text.lower()
    party = _party(words)
    if re.search(r"\b(?:goodbye|good bye|bye)\b", words):
        return [Say("Thank you for calling. Goodbye!"), *_call(asked, "hang_up")]
    if _WHO.search(words):
        return [Say("I am an AI assistant, the demonstration of this phone line.")]
    if _CHANGE.search(words):
        party = 4 if party is None else party
        return _call(asked, "change_booking", party=party) or [Say(_changed(party))]
    seated = re.search(r"\b(?:garden|window)\b", words) and party is None
    if _TABLE.search(words) and not seated:
        party = 2 if party is None else party
        time = _time(words)
        return _call(asked, "book_table", party=party, time=time) or [Say(_booked(party, time))]
    return [Say(_answer(words))]


def _after(call: Call, result: str) -> list[Step]:
    """What is said of a tool's result."""
    if call.name not in ("book_table", "change_booking"):
        return []
    if _REFUSED.match(result):
        return [Say("I am sorry, that did not work. Can I do something else for you?")]
    arguments = json.loads(call.text)
    if call.name == "change_booking":
        return [Say(_changed(arguments.get("party", 4)))]
    return [Say(_booked(arguments.get("party", 2), arguments.get("time", _TONIGHT)))]


def _booked(party: int, time: str) -> str:
    return (
        f"Your table for {_word(party)} is booked for {time}. "
        "We have a quiet place at the window, and another one in the garden under the old trees. "
        "The kitchen is open until ten, and on Fridays there is live music in the evening. "
        "Would you rather sit at the window or in the garden?"
    )


def _changed(party: int) -> str:
    return f"Of course. A table for {_word(party)} it is. Your booking is changed."


def _answer(words: str) -> str:
    for pattern, text in _ANSWERS:
        if found := re.search(pattern, words):
            return text.format(*found.groups())
    return _MENU


def _party(words: str) -> int | None:
    """How many people the caller speaks of."""
    found = (match[1] for pattern in _PARTIES for match in re.finditer(pattern, words))
    return next((_number(word) for word in found if word.isdecimal() or word in _NUMBERS), None)


def _number(word: str) -> int:
    return int(word[:4]) if word.isdecimal() else _NUMBERS[word]


def _word(number: int) -> str:
    return _WORDS[number] if number < len(_WORDS) else str(number)


def _time(words: str) -> str:
    """When the caller wants to come, in the caller's words."""
    found = _TIME.search(words)
    return found[0].removeprefix("at ") if found else _TONIGHT


def _call(asked: Asked, name: str, **arguments: Any) -> list[Step]:
    """Call a tool if it is offered, with as many of these as it takes."""
    takes = asked.parameters(name)
    return [Call(name, {key: arguments[key] for key in arguments if key in takes})] if asked.offers(name) else []


# A model that does whatever it is told, by whoever tells it

Rule: TypeAlias = tuple[str, Callable[[re.Match[str]], Step]]

ORDERS: Final[tuple[Rule, ...]] = (
    (r"call the tool (\w+) with (\{[^{}]*\})", lambda order: Call(order[1], order[2])),
    (
        r"transfer (?:me|the caller|this call) to ([+\w -]+)",
        lambda order: Call("transfer_call", {"name": order[1].strip()}),
    ),
    (r"\bhang up\b", lambda order: Call("hang_up")),
    (r"send (?:the )?digits ([\d*#w]+)", lambda order: Call("send_digits", {"digits": order[1]})),
    (r"remember that (\w+) is ([^.]+)", lambda order: Call("remember", {"key": order[1], "value": order[2]})),
    (r"what do you remember", lambda order: Call("recall")),
    (r"book (?:a )?table for (\d+) at ([\w:-]+)", lambda order: Call("book", {"party": int(order[1]), "at": order[2]})),
    (r"(?:say|repeat|read me) ([^.]+)", lambda order: Say(f"{order[1]}.")),
)


@dataclass(frozen=True, slots=True)
class Obedient:
    """An `Answer` that obeys every order in the caller's words, and every one in a tool's result; it has no will."""

    orders: tuple[Rule, ...] = ORDERS
    otherwise: str = "All right."
    seen: list[Asked] = field(default_factory=list, compare=False)

    def __call__(self, asked: Asked) -> Iterable[Step]:
        """Obey what came last."""
        self.seen.append(asked)
        texts = asked.tool_results or [asked.text]
        steps = [step for text in texts for step in self._obey(text)]
        # Whoever has obeyed the caller's words does not obey them again when the tools' results come.
        return steps or [Say(asked.tool_results[-1] if asked.tool_results else self.otherwise)]

    def _obey(self, text: str) -> Iterable[Step]:
        for pattern, step in self.orders:
            for order in re.finditer(pattern, text, re.IGNORECASE):
                yield step(order)
