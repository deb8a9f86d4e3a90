"""Personal numbers and addresses out of a text, before it is stored or logged.

Speech recognition writes a card number in any way: in groups, digit by digit, in words, with "double four" in between.
So runs of digits are judged, however they are spelled, rather than patterns of characters.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import phonenumbers

__all__ = ["redact"]

CARD: Final = "[card]"
EMAIL: Final = "[email]"
PHONE: Final = "[phone]"

_CARD_DIGITS: Final = range(13, 20)
_SURE_CARD_DIGITS: Final = 12
"""So many digits spoken one by one are a card's or as secret, whether they add up or not."""

_PHONE_DIGITS: Final = 7

_DIGIT_WORDS: Final = {
    word: str(digit)
    for digit, words in enumerate(
        (
            "zero oh o nought null cero zéro शून्य",
            "one eins ein uno un une एक",
            "two zwei zwo dos deux दो",
            "three drei tres trois तीन",
            "four vier cuatro quatre चार",
            "five fünf cinco cinq पाँच पांच",
            "six sechs seis छह छः छे",
            "seven sieben siete sept सात",
            "eight acht ocho huit आठ",
            "nine neun nueve neuf नौ",
        )
    )
    for word in words.split()
}
_TIMES: Final = {"double": 2, "doppelt": 2, "doble": 2, "डबल": 2, "triple": 3, "treble": 3, "dreifach": 3, "ट्रिपल": 3}
_FILLER_WORDS: Final = "um uh er erm äh ähm eh euh hmm and und y et dash hyphen minus strich guion tiret space then"
_FILLERS: Final = frozenset(_FILLER_WORDS.split())
_MOST_FILLERS: Final = 3
"""Between two digits of one number there are no more words than that."""

_WRITTEN_EMAIL: Final = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}")
_LABEL: Final = r"[\w-]{1,63}"
_DOT: Final = r"(?:dot|punkt|punto|point|डॉट)"
_AT: Final = r"(?:at|ät|arroba|arobase|एट)"
_SPOKEN_EMAIL: Final = re.compile(
    rf"\b{_LABEL}(?:\s+{_DOT}\s+{_LABEL}|\s+(?:underscore|dash|minus|plus)\s+{_LABEL}){{0,6}}"
    rf"\s+{_AT}\s+{_LABEL}(?:\s+{_LABEL})?(?:\s+{_DOT}\s+{_LABEL}){{1,4}}(?!\w)",
    re.IGNORECASE,
)
_TOKEN: Final = re.compile(r"\d+|[^\W\d_]+(?:\u0901|\u0902|[\u0900-\u097f])*|\[\w+\]|\S", re.UNICODE)
_JOINS: Final = frozenset(" -–—.,()/+\t\u00a0\u202f")


@dataclass(slots=True)
class _Run:
    """Digits that belong together, and where they stand in the text."""

    start: int
    end: int
    digits: str
    spoken: bool
    groups: list[int]


def redact(text: str) -> str:
    """The text with `[card]`, `[email]` and `[phone]` in place of such. It never fails, and takes linear time."""
    text = _SPOKEN_EMAIL.sub(EMAIL, _WRITTEN_EMAIL.sub(EMAIL, text)) if _may_have_email(text) else text
    pieces, at = [], 0
    for run in _runs(text):
        if (mark := _kind(run, text)) is not None:
            pieces += [text[at : run.start], mark]
            at = run.end
    return "".join([*pieces, text[at:]])


def _may_have_email(text: str) -> bool:
    return "@" in text or re.search(rf"\s{_AT}\s", text, re.IGNORECASE) is not None


def _kind(run: _Run, text: str) -> str | None:
    count = len(run.digits)
    if (count in _CARD_DIGITS and _luhn(run.digits)) or (run.spoken and count >= _SURE_CARD_DIGITS):
        return CARD
    if count > _CARD_DIGITS.stop - 1 or (count >= _CARD_DIGITS.start and _has_card(run.digits)):
        return CARD
    if run.spoken:
        return PHONE if count >= _PHONE_DIGITS else None
    written = text[run.start : run.end]
    before = text[max(0, run.start - 2) : run.start]
    if count >= _PHONE_DIGITS and _is_phone(written, plus="+" in before or written.startswith("+"), groups=run.groups):
        return PHONE
    return None


def _is_phone(written: str, *, plus: bool, groups: list[int]) -> bool:
    digits = re.sub(r"\D", "", written)
    if plus:
        try:
            return phonenumbers.is_possible_number(phonenumbers.parse(f"+{digits}"))
        except phonenumbers.NumberParseException:
            return False
    # A national number begins with a zero, or is written in groups; a bare run of digits may be an order's.
    return len(digits) <= 15 and (
        digits.startswith("0") or (len(groups) > 1 and not _is_date_or_price(written, groups))
    )


def _is_date_or_price(written: str, groups: list[int]) -> bool:
    thousands = all(group == 3 for group in groups[1:]) and groups[0] <= 3
    date = len(groups) == 3 and sorted(groups) in ([2, 2, 4], [1, 2, 4], [1, 1, 4])
    return date or (thousands and re.search(r"[ ()/-]", written) is None)


def _has_card(digits: str) -> bool:
    return any(
        _luhn(digits[start : start + size])
        for size in _CARD_DIGITS
        for start in range(max(0, len(digits) - size) + 1)
        if start + size <= len(digits)
    )


def _runs(text: str) -> Iterator[_Run]:
    run: _Run | None = None
    fillers, times, end = 0, 1, 0
    for token in _TOKEN.finditer(text):
        word = token[0].casefold()
        if word.isdigit() or word in _DIGIT_WORDS:
            digits = _plain(word) * times if word.isdigit() else _DIGIT_WORDS[word] * times
            times = 1
            if run is None or not _continues(text[end : token.start()], fillers):
                if run is not None:
                    yield run
                run = _Run(token.start(), token.end(), "", spoken=False, groups=[])
            run.digits += digits
            run.groups.append(len(digits))
            run.spoken = run.spoken or not word.isdigit() or fillers > 0
            run.end = end = token.end()
            fillers = 0
        elif word in _TIMES:
            times = _TIMES[word]
            fillers += 1
        elif run is not None and (word in _FILLERS or word in _JOINS):
            fillers += word in _FILLERS
        elif run is not None:
            yield run
            run, fillers, times = None, 0, 1
    if run is not None:
        yield run


def _continues(between: str, fillers: int) -> bool:
    return len(between) <= 4 or 0 < fillers <= _MOST_FILLERS


def _plain(digits: str) -> str:
    """Digits of any script as ASCII."""
    return "".join(str(int(digit)) if digit.isdecimal() else "0" for digit in digits)


def _luhn(digits: str) -> bool:
    """Whether the check digit is right: ISO/IEC 7812-1, annex B."""
    doubled = [int(digit) * (2 if place % 2 else 1) for place, digit in enumerate(reversed(digits))]
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0
