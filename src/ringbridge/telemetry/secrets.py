"""Secrets out of what is written, whoever wrote them into it and however they are spelled."""

import json
import re
from typing import Final
from urllib.parse import quote, quote_plus

from pydantic import BaseModel, SecretStr

__all__ = ["Scrub", "secret_values"]

SECRET: Final = "(secret)"  # noqa: S105 - what stands in a secret's place

_SHORTEST: Final = 4
"""A secret of fewer characters would be found in every other word, and is none."""

_SHAPES: Final = (
    # A signed URL opens a conversation on our bill for a quarter of an hour.
    ("conversation_signature=", re.compile(r"(conversation_signature=)[^\s&\"'<>\\]+"), rf"\1{SECRET}"),
    ("://", re.compile(r"(\w://)[^\s/?#@\"'<>\\]+@"), rf"\1{SECRET}@"),
    ("basic ", re.compile(r"\b(Basic) [\w.~+/=-]{8,}", re.IGNORECASE), rf"\1 {SECRET}"),
    ("bearer ", re.compile(r"\b(Bearer) [\w.~+/=-]{8,}", re.IGNORECASE), rf"\1 {SECRET}"),
    ("eyj", re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]+"), SECRET),  # a JSON web token
)
"""What must be in a folded text for the pattern beside it to fit: few lines have any, and a pattern takes long."""


def secret_values(settings: BaseModel) -> tuple[str, ...]:
    """Every value of `settings` that is a secret: each part of a list of two, each key behind a `host=`."""
    secrets = [value.get_secret_value() for _, value in settings if isinstance(value, SecretStr)]
    parts = [part.strip() for secret in secrets for part in secret.split(",")]
    keys = [part.partition("=")[2].strip() for part in parts]
    return tuple({value for value in (*secrets, *parts, *keys) if len(value) >= _SHORTEST})


class Scrub:
    """Takes secrets out of a text: those it was given, as they are, in a URL or in JSON; and what looks like one."""

    def __init__(self, secrets: tuple[str, ...] = ()) -> None:
        spellings = {spelling for secret in secrets if len(secret) >= _SHORTEST for spelling in _spellings(secret)}
        # The longest first, or the rest of it would stay. %2f is %2F.
        longest = sorted(spellings, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, longest)), re.IGNORECASE) if longest else None
        self._hints = {_folded(spelling) for spelling in longest}

    def __call__(self, text: str) -> str:
        """The text with `(secret)` in place of each."""
        folded = _folded(text)
        if self._known is not None and any(hint in folded for hint in self._hints):
            text = self._known.sub(SECRET, text)
        for hint, shape, instead in _SHAPES:
            if hint in folded:
                text = shape.sub(instead, text)
        return text


def _folded(text: str) -> str:
    """The same for all that a pattern takes for equal where case does not matter: ſ is an s to it, ı an i."""
    return text.upper().casefold()


def _spellings(secret: str) -> tuple[str, ...]:
    in_json = (json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1])
    return (secret, quote(secret), quote(secret, safe=""), quote_plus(secret), repr(secret)[1:-1], *in_json)
