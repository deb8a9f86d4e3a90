"""Personal numbers and addresses out of a text, before it is stored or logged.

Speech recognition writes a card number in any way: in groups, digit by digit, in words, with "double four" in between.
So runs of digits are judged, however they are spelled, rather than patterns of characters.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final
from unicodedata import normalize

import phonenumbers

__all__ = ["redact"]

CARD: Final = "[card]"
EMAIL: Final = "[email]"
PHONE: Final = "[phone]"

_CARD_DIGITS: Final = range(13, 20)
_SURE_CARD_DIGITS: Final = 12
"""So many digits spoken one by one are a card's or as secret, whether they add up or not."""

_PHONE_DIGITS: Final = 7
_BARE_PHONE_DIGITS: Final = 9
"""Of a number without any sign of being a phone's: shorter ones are orders and bookings."""

_DIGIT_WORDS: Final = {
    word: str(digit)
    for digit, words in enumerate(
        (
            "zero oh o nought null cero zéro शून्य shunya",
            "one eins ein uno un une एक ek",
            "two zwei zwo dos deux दो do",
            "three drei tres trois तीन teen",
            "four vier cuatro quatre चार chaar char",
            "five fünf cinco cinq पाँच पांच paanch panch",
            "six sechs seis छह छः छे chhe chhah",
            "seven sieben siete sept सात saat",
            "eight acht ocho huit आठ aath",
            "nine neun nueve neuf नौ nau",
        )
    )
    for word in words.split()
}
_TIMES_WORDS: Final = {2: "double doppelt doppel zweimal doble डबल", 3: "triple treble dreifach dreimal ट्रिपल"}
_TIMES: Final = {word: times for times, words in _TIMES_WORDS.items() for word in words.split()}
_FILLER_WORDS: Final = (
    "um uh er erm ah hmm mm äh ähm eh ehm euh and und y et और then dann luego puis फिर so also like okay ok well wait"
    " sorry right yes ja sí oui dash hyphen minus strich guion tiret space"
)
_FILLERS: Final = frozenset(_FILLER_WORDS.split())
_MOST_FILLERS: Final = 3
"""Between two digits of one number there are no more words than that."""

_MOST_BETWEEN: Final = 40
"""Nor more characters."""

_LABEL: Final = r"[\w-]{1,63}"
_SPACE: Final = r"\s{1,3}"
_DOT: Final = rf"(?:\.|{_SPACE}(?:dot|punkt|डॉट){_SPACE})"
_SIGN: Final = rf"(?:[.+]|{_SPACE}(?:dot|punkt|punto|point|डॉट|underscore|dash|minus|plus){_SPACE})"
_SPELLED: Final = rf"\w(?:{_SPACE}\w){{1,40}}"
_TOP: Final = r"(?:[^\W\d_]|[\u0900-\u0963]){2,24}"
# "At" and "dot" are of one language, or "at this point in time" were an address.
_HOSTS: Final = "|".join(
    rf"{at}{_LABEL}(?:{dot}{_LABEL}){{0,4}}{dot}{_TOP}"
    for at, dot in (
        (r"\s?@\s?", rf"(?:\.|{_SPACE}(?:dot|punkt|punto|point|डॉट){_SPACE})"),
        (rf"{_SPACE}(?:at|ät|एट){_SPACE}", _DOT),
        (rf"{_SPACE}arroba{_SPACE}", rf"(?:\.|{_SPACE}punto{_SPACE})"),
        (rf"{_SPACE}aroba?se{_SPACE}", rf"(?:\.|{_SPACE}point{_SPACE})"),
    )
)
_ADDRESS: Final = re.compile(
    rf"\b(?:{_SPELLED}|{_LABEL}(?:{_SIGN}{_LABEL}){{0,6}})(?:{_HOSTS})(?![\w\[])", re.IGNORECASE
)
_AT: Final = re.compile(r"@|\s(?:at|ät|एट|arroba|aroba?se)\s", re.IGNORECASE)

_TOKEN: Final = re.compile(r"\d+|(?:[^\W\d_]|[\u0300-\u036f\u0900-\u0963\u0971-\u097f])+|[\[\]]")
_DOUBLED: Final = str.maketrans("0123456789", "0246813579")
"""Twice each digit, the two digits of the result added up."""

_DAY: Final = r"(?:0?[1-9]|[12]\d|3[01])"
_ORDINARY: Final = re.compile(
    rf"(?<![\d./-]){_DAY}(?P<sign>[./-]){_DAY}(?P=sign)(?:(?:19|20)\d\d|\d\d)(?!\d|[./-]\d)"  # 21.11.2026
    r"|(?<![\d-])(?:19|20)\d\d-[01]\d-[0-3]\d(?!\d|-\d)"
    r"|(?<![\d.:])(?:[01]?\d|2[0-3])[.:][0-5]\d(?::[0-5]\d)?(?!\d|[.:]\d)"  # 19:30, 7.30
    r"|(?<![\d.,])(?:\d{1,3}[.,']\d{3}|\d{1,2}(?:[.,']\d{3}){2})(?:[.,]\d{1,2})?(?!\d|[.,-]\d)"  # 1,250,000.00
    r"|(?<![\d.,])(?:(?:0|[1-9]\d{0,5})[.,]\d{1,2}|\d[.,]\d{1,15})(?!\d|[.,/-]\d)"  # 120.50, 3.14159
    r"|(?<!\d)(?<!\d )\d{1,3}(?: \d{3})? 000(?! ?\d)"  # 2 000 000
)
_YEAR: Final = re.compile(r"(?:19|20)\d\d")
_WITHIN_PHONE: Final = re.compile(r"[ \t\u00a0\u202f().,/–—-]{0,4}")


@dataclass(frozen=True, slots=True)
class _Digits:
    """Digits written or spoken together, and where they stand. `single`: a word, or one digit by itself."""

    start: int
    end: int
    digits: str
    single: bool


def redact(text: str) -> str:
    """The text with `[card]`, `[email]` and `[phone]` in place of such. It never fails, and takes linear time."""
    if _AT.search(text):
        text = _ADDRESS.sub(EMAIL, text)
    ordinary = {start for found in _ORDINARY.finditer(text) for start in range(*found.span())}
    pieces, at = [], 0
    for run in _runs(text):
        for first, last, mark in _marks(run, text, ordinary):
            start = _opening(first.start, last.end, text)
            pieces += [text[at:start], mark]
            at = last.end
    return "".join([*pieces, text[at:]])


def _runs(text: str) -> Iterator[list[_Digits]]:
    """Digits with nothing but signs and fillers between them."""
    run: list[_Digits] = []
    fillers, times, since = 0, 1, -1
    for token in _TOKEN.finditer(text):
        word = normalize("NFC", token[0]).casefold()
        if word in _TIMES:
            times, since = _TIMES[word], token.start()
        elif (digits := _digits(word)) is not None:
            start = token.start() if since < 0 else since
            if run and (fillers > _MOST_FILLERS or start - run[-1].end > _MOST_BETWEEN):
                yield run
                run = []
            single = len(digits) == 1
            run.append(_Digits(start, token.end(), digits * times if single else digits, single))
            fillers, times, since = 0, 1, -1
        elif word in _FILLERS:
            fillers += 1
        else:
            if run:
                yield run
            run, fillers, times, since = [], 0, 1, -1
    if run:
        yield run


def _digits(word: str) -> str | None:
    """What is written or spoken, in ASCII, whatever the script."""
    return "".join(str(int(digit)) for digit in word) if word.isdecimal() else _DIGIT_WORDS.get(word)


def _marks(run: list[_Digits], text: str, ordinary: set[int]) -> Iterator[tuple[_Digits, _Digits, str]]:
    parts = list(_parts(run, text, ordinary))
    if any(_is_secret(part) for part in parts) or _has_card(run):
        yield run[0], run[-1], CARD
        return
    for part in parts:
        if _is_phone(part, text):
            yield part[0], part[-1], PHONE


def _parts(run: list[_Digits], text: str, ordinary: set[int]) -> Iterator[list[_Digits]]:
    """A run without its dates, times and prices, parted where a list of numbers goes on to the next."""
    part: list[_Digits] = []
    for group in run:
        is_ordinary = group.end - 1 in ordinary
        if part and (is_ordinary or not _belongs(part[-1], group, text)):
            yield part
            part = []
        if not is_ordinary:
            part.append(group)
    if part:
        yield part


def _belongs(one: _Digits, other: _Digits, text: str) -> bool:
    between = text[one.end : other.start]
    return "+" not in between and (one.single or other.single or _WITHIN_PHONE.fullmatch(between) is not None)


def _is_spoken(part: Sequence[_Digits]) -> bool:
    return 2 * sum(len(group.digits) for group in part if group.single) >= _count(part)


def _is_secret(part: Sequence[_Digits]) -> bool:
    return _is_spoken(part) and _count(part) >= _SURE_CARD_DIGITS


def _is_phone(part: Sequence[_Digits], text: str) -> bool:
    count, digits = _count(part), "".join(group.digits for group in part)
    if count < _PHONE_DIGITS:
        return False
    if (
        _is_spoken(part)
        or digits.startswith("0")
        or _is_international(digits, text[max(0, part[0].start - 2) : part[0].start])
    ):
        return True
    if len(part) == 1:
        return count >= _BARE_PHONE_DIGITS
    return not _is_list(part, text)


def _is_international(digits: str, before: str) -> bool:
    if "+" not in before:
        return False
    try:
        return phonenumbers.is_possible_number(phonenumbers.parse(f"+{digits}"))
    except phonenumbers.NumberParseException:
        return False


def _is_list(part: Sequence[_Digits], text: str) -> bool:
    """Years, or numbers of equal length with commas between, rather than one number in groups."""
    if all(_YEAR.fullmatch(group.digits) for group in part):
        return True
    has_comma = any("," in text[one.end : other.start] for one, other in pairwise(part))
    sizes = {len(group.digits) for group in part}
    return has_comma and (len(sizes) == 1 or max(sizes) < 3)


def _has_card(run: Sequence[_Digits]) -> bool:
    """Whether some groups in a row, or digits within one, have a card's length and check digit."""
    return any(_holds_card(group.digits) for group in run) or any(
        len(joined) in _CARD_DIGITS and _luhn(joined) for at in range(len(run)) for joined in _joined(run, at)
    )


def _joined(run: Sequence[_Digits], at: int) -> Iterator[str]:
    joined = ""
    for group in run[at : at + _CARD_DIGITS.stop]:
        joined += group.digits
        if len(joined) >= _CARD_DIGITS.stop:
            return
        yield joined


def _holds_card(digits: str) -> bool:
    return len(digits) >= _CARD_DIGITS.stop or any(
        _luhn(digits[start : start + size]) for size in _CARD_DIGITS for start in range(len(digits) - size + 1)
    )


def _luhn(digits: str) -> bool:
    """Whether the check digit is right: ISO/IEC 7812-1, annex B."""
    doubled = digits[-2::-2].translate(_DOUBLED)
    return sum(map(int, digits[-1::-2] + doubled)) % 10 == 0


def _count(part: Sequence[_Digits]) -> int:
    return sum(len(group.digits) for group in part)


def _opening(start: int, end: int, text: str) -> int:
    """Where a number really begins: with its plus or bracket."""
    start -= text[max(0, start - 1) : start] == "(" and ")" in text[start:end]
    return start - (text[max(0, start - 1) : start] == "+")
