"""Clauses, cut from text as it streams in."""

import re
from typing import Final

from ringbridge.emulator.speech.sentences import clauses, sentences

__all__ = ["Cutter"]

_FIRST_CLAUSE: Final = re.compile(r"(?s)(.{12,}?[,;:–—])\s+(?=\S)")
"""A first clause of some length is spoken before its sentence is whole, so that the caller hears it sooner."""

_RUNAWAY: Final = 300
"""Characters without the end of a sentence, at which one is spoken up to its last white space."""

_MORE: Final = "\0"
"""Stands for the text to come: what it follows directly is not complete."""


class Cutter:
    """Takes text in pieces of any size; gives clauses, each as soon as it is known to be complete."""

    def __init__(self) -> None:
        self._rest = ""
        self._first = True

    def feed(self, text: str) -> list[str]:
        """The clauses that `text` completes."""
        *whole, rest = sentences(self._rest + text + _MORE)
        self._rest = rest.removesuffix(_MORE)
        if not whole:
            whole = self._early()
        self._first = self._first and not whole
        return [clause for sentence in whole for clause in clauses(sentence)]

    def _early(self) -> list[str]:
        if self._first and (clause := _FIRST_CLAUSE.match(self._rest)):
            self._rest = self._rest[clause.end() :]
            return [clause[1]]
        if len(self._rest) > _RUNAWAY and " " in self._rest:
            whole, self._rest = self._rest.rsplit(" ", 1)
            return [whole]
        return []

    def end(self) -> list[str]:
        """The text is over: what is left of it."""
        rest, self._rest = self._rest, ""
        return clauses(rest)
