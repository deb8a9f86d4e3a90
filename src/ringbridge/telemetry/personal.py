"""Which fields of a log line are personal, and what stands there instead: the one place that says so."""

import re
from typing import Final

import phonenumbers

from ringbridge.redaction import redact

__all__ = ["NUMBERS", "PERSONAL", "QUOTED", "WORDS", "mask", "masked", "visible"]

NUMBERS: Final = frozenset({"caller", "called"})
"""Who talks: `+1…42`."""

WORDS: Final = frozenset({"arguments", "digits", "heard", "original", "prompt", "result", "text"})
"""What is said, pressed or done: `(12 characters)`."""

QUOTED: Final = frozenset({"complaint", "reason"})
"""A vendor's sentence about a fault. It stays, but for the numbers and addresses that it may quote."""

PERSONAL: Final = NUMBERS | WORDS | QUOTED
"""All that `masked` changes."""

_E164: Final = re.compile(r"\+[1-9][0-9]{6,14}")
_CONTROLS: Final = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160), 0x2028, 0x2029)}


def visible(text: str) -> str:
    """The text in one line, with its control characters spelled out: nobody begins a line of his own, or paints."""
    return text if text.isprintable() else text.translate(_CONTROLS)


def mask(value: str) -> str:
    """What can be said of personal text: how long it is."""
    return f"({len(value)} characters)"


def masked(name: str, value: object) -> object:
    """The value of the field `name` as it may be shown to anybody."""
    if name in NUMBERS:
        return _number(str(value))
    if name in WORDS:
        return mask(str(value))
    if name in QUOTED:
        return redact(str(value))
    return value


def _number(text: str) -> str:
    if _E164.fullmatch(text):  # as Twilio writes them; what else people write takes phonenumbers ten times as long
        for size in (2, 3, 4):
            if int(text[1:size]) in phonenumbers.COUNTRY_CODE_TO_REGION_CODE:
                return f"{text[:size]}…{text[-2:]}"
    try:
        number = phonenumbers.parse(text)
    except phonenumbers.NumberParseException:
        return mask(text)  # "anonymous", or an address of SIP, which is as personal
    return f"+{number.country_code}…{text[-2:]}"
