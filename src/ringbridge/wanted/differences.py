"""Where a document of a vendor's is not as it should be; how that is shown, and how a change is taken back."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

__all__ = ["Difference", "Document", "Remark", "TakenBack", "masked", "may_be", "shown", "take_back", "value_at"]

Document: TypeAlias = Mapping[str, Any]
"""The JSON of an engine or a number, as its vendor gave it."""

_NOTHING: Final = "(none)"
_USER: Final = re.compile(r"(?<=://)[^/?#@\s]+@")
_MASK: Final = re.compile(r"(.{0,8}?)(?:\*{3,}|•{3,}|\.{3,}|…)(.{0,8})")
"""How vendors show a secret that they do not tell: stars or dots, with a little of its ends or nothing."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What stands at `path` of a document, and what should; `None` is nothing there.

    A `secret` one is never to be shown as it is.
    """

    path: tuple[str, ...]
    current: Any
    wanted: Any
    secret: bool = False

    @property
    def name(self) -> str:
        """The path as people write it."""
        return ".".join(self.path)


@dataclass(frozen=True, slots=True)
class Remark:
    """Something that can't be set right by writing to the vendor: what it is, and what its owner may do."""

    text: str
    mend: str


@dataclass(frozen=True, slots=True)
class TakenBack:
    """What an undo is to write, and what it leaves, as it is no longer what we had written."""

    differences: tuple[Difference, ...]
    left: tuple[Difference, ...]


def value_at(document: Document, path: Iterable[str]) -> Any:
    """What stands at a path, or `None` where it leads nowhere."""
    found: Any = document
    for name in path:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def take_back(written: Iterable[Difference], document: Document) -> TakenBack:
    """How to undo what was `written` to a document that is now as it is given.

    Only what is still ours is put back: somebody may have changed it meanwhile.
    """
    differences, left = [], []
    for change in written:
        now = value_at(document, change.path)
        if _same(now, change.wanted) or (change.secret and may_be(now, change.wanted)):
            differences.append(Difference(change.path, now, change.current, change.secret))
        elif not _same(now, change.current):
            left.append(change)
    return TakenBack(tuple(differences), tuple(left))


def may_be(value: object, wanted: object) -> bool:
    """Whether a value is a mask, under which the secret that is wanted may be."""
    mask = _MASK.fullmatch(value) if isinstance(value, str) else None
    if mask is None or not isinstance(wanted, str):
        return False
    return value != wanted and wanted.startswith(mask[1]) and wanted.endswith(mask[2])


def shown(difference: Difference) -> tuple[str, str]:
    """The two sides as text: what is, and what should be."""
    current, wanted = difference.current, difference.wanted
    if difference.secret:
        return (
            _NOTHING if current is None else "(another secret)"
        ), _NOTHING if wanted is None else "(the shared secret)"
    if isinstance(current, list) and isinstance(wanted, list):
        return f"{len(current)} of them", _changed(current, wanted)
    return _text(current), _text(wanted)


def masked(difference: Difference) -> tuple[Any, Any]:
    """The two sides as values for a machine: what is, and what should be; of a secret only whether it is there."""
    if difference.secret:
        return difference.current and "(secret)", difference.wanted and "(secret)"
    return _without_user(difference.current), _without_user(difference.wanted)


def _changed(current: list[Any], wanted: list[Any]) -> str:
    more = [f"+ {one}" for one in wanted if one not in current]
    fewer = [f"- {one}" for one in current if one not in wanted]
    return ", ".join([*more, *fewer])


def _text(value: object) -> str:
    match value:
        case None | "":
            return _NOTHING
        case bool():
            return "on" if value else "off"
        case list():
            return ", ".join(map(str, value))
        case {"variable_name": name}:
            return f"the variable {name}"
        case Mapping():
            return "(something else)"
        case _:
            return str(_without_user(value))


def _without_user(value: Any) -> Any:
    """A URL may hold a user's name and password."""
    return _USER.sub("(secret)@", value) if isinstance(value, str) else value


def _same(one: object, other: object) -> bool:
    """In lists the order means nothing: a vendor may give them in its own."""
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(part in other for part in one)
    return one == other
