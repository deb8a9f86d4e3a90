"""Reading what peers send as JSON: a message, a message of an unknown kind, or an error that names the field."""

import re
from functools import reduce
from operator import or_
from typing import Any, Final, Generic, TypeVar

import msgspec
from msgspec import Struct

from ringbridge.errors import BrokenMessage

__all__ = ["UNREADABLE", "Reader", "broken"]

Known = TypeVar("Known")
Other = TypeVar("Other")

_AT: Final = re.compile(r" - at `\$\.?(.*)`$")
UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for a message that is not what it was to be."""


class Reader(Generic[Known, Other]):
    """Reads one side of a wire whose messages are told apart by one field."""

    def __init__(self, kinds: tuple[type[Struct], ...], other: type[Other], *, strict: bool) -> None:
        """`kinds` are tagged structs, the members of `Known`; `other` is one whose only field is the tag.

        Where it is not `strict`, "7" is a number, too.
        """
        union: Any = reduce(or_, kinds)
        self._known: msgspec.json.Decoder[Known] = msgspec.json.Decoder(union, strict=strict)
        self._other: msgspec.json.Decoder[Other] = msgspec.json.Decoder(other)
        self._tag_field: str = msgspec.structs.fields(other)[0].name  # type: ignore[arg-type]
        self._tags = frozenset(kind.__struct_config__.tag for kind in kinds)

    def read(self, text: bytes) -> Known | Other:
        """Read one message. Raises `BrokenMessage` for what is no JSON or lacks what its kind needs."""
        try:
            return self._known.decode(text)
        except UNREADABLE as error:
            return self._passed_over(text, error)

    def _passed_over(self, text: bytes, error: Exception) -> Other:
        try:
            message = self._other.decode(text)
        except UNREADABLE as worse:
            raise broken(worse) from None
        tag = getattr(message, self._tag_field)
        if tag in self._tags:
            raise BrokenMessage(f"{tag}: {broken(error)}") from None
        return message


def broken(error: Exception) -> BrokenMessage:
    """What msgspec found wrong, as an error that names the place: its own text may quote what stands there."""
    if not isinstance(error, msgspec.ValidationError):
        return BrokenMessage("the message is not JSON")
    text = str(error)
    place = _AT.search(text)
    if missing := re.search(r"missing required field `(\w+)`", text):
        return BrokenMessage(f"{place[1]}.{missing[1]}: it is missing" if place else f"{missing[1]}: it is missing")
    return BrokenMessage(f"{place[1]}: it is of the wrong kind" if place else "the message is not an object")
