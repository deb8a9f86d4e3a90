"""How marks of writing look: Markdown, emoji, web addresses. Used by `plain.py`, which knows where they stand."""

import re
from typing import Final

__all__ = [
    "ADDRESS",
    "ADDRESS_STARTS",
    "EMOJI",
    "ESCAPABLE",
    "FENCE",
    "JOINER",
    "LINK",
    "LINK_SO_FAR",
    "NUMBERED",
    "RULE",
    "TABLE_RULE",
    "host",
    "is_literal",
    "may_be_address",
    "without_end",
]

EMOJI: Final = re.compile(
    "[\u200b\u20e3\u231a\u231b\u23e9-\u23fa\u25aa\u25ab\u25b6\u25c0\u25fb-\u25fe\u2600-\u27bf\u2934\u2935"
    "\u2b05-\u2b07\u2b1b\u2b1c\u2b50\u2b55\u3030\u303d\ufe0e\ufe0f\U0001f000-\U0001faff\U000e0020-\U000e007f]"
)
"""Emoji of Unicode 17 and what modifies them. `©®™` and arrows, emoji only by a selector after them, stay."""

JOINER: Final = "\u200d"
"""Joins emoji to one; in other scripts it shapes letters."""

RULE: Final = re.compile(r"(?:-{3,}|\*{3,}|_{3,}|={3,})[ \t]*\Z")
FENCE: Final = re.compile(r"(?:`{3,}|~{3,})[ \t]*[^\s`]*[ \t]*\Z")
TABLE_RULE: Final = re.compile(r"\|[ \t:|-]*\Z")
NUMBERED: Final = re.compile(r"\d{1,3}[.)] ")

LINK: Final = re.compile(
    r"\[([^\[\]\n]{0,120})\](?:\((?:[^()\s]|\([^()\s]*\))*(?:[ \t]+\"[^\"\n]*\")?\)|\[[^\[\]\n]*\])"
)
LINK_SO_FAR: Final = re.compile(
    r"\[[^\[\]\n]{0,120}(?:\](?:\((?:[^()\s]|\([^()\s]*\))*(?:\([^()\s]*|[ \t]+(?:\"[^\"\n]*\"?)?)?|\[[^\[\]\n]*)?)?\Z"
)
ADDRESS_STARTS: Final = ("https://", "http://", "www.")
ADDRESS: Final = re.compile(r"[^\s<>\"]+")
_HOST: Final = re.compile(r"(?:https?://(?:[^/?#@]*@)?(?:www\.)?|www\.)([\w.-]*\w)", re.IGNORECASE)
_AFTER_ADDRESS: Final = ".,;:!?*_~`'\"”’»]}。，、！？"

ESCAPABLE: Final = frozenset("\\`*_{}[]()<>#+-.!|~$")


def is_literal(before: str, mark: str, run: int, after: str) -> bool:
    """Whether `*`, `_` or `~`, so many times, stand for themselves between these two characters."""
    match mark:
        case "~":
            return run == 1
        case "_":
            return before.isalnum() and after.isalnum()
        case _ if run > 1:
            return before.isdigit() and after.isdigit()
        case _:
            factors = (before.isalnum() or before == ")") and (after.isalnum() or after == "(")
            return factors or (before.isspace() and after.isspace())


def may_be_address(text: str) -> bool:
    """Whether `text` begins with an address, or is the beginning of one."""
    start = text.lower()[:8]
    return any(start.startswith(known) or known.startswith(start) for known in ADDRESS_STARTS)


def without_end(address: str) -> str:
    """An address without the punctuation of the sentence that it ends."""
    bare = address.rstrip(_AFTER_ADDRESS)
    while bare.endswith(")") and bare.count(")") > bare.count("("):
        bare = bare[:-1].rstrip(_AFTER_ADDRESS)
    return bare


def host(address: str) -> str:
    """The name in an address, without what a voice can't say: `https://www.example.com/x` gives `example.com`."""
    found = _HOST.match(address)
    return found[1] if found else ""
