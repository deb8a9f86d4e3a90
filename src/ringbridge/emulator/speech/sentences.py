"""Text cut where a speaker would draw breath."""

import re
from typing import Final

__all__ = ["CLAUSE_MAX", "clauses", "sentences"]

CLAUSE_MAX: Final = 150
"""Characters. A synthesizer can't be stopped within one piece, so a piece is kept to some ten seconds of speech."""

_SENTENCE_END = re.compile(r"(?<!\bMr\.)(?<!\bMs\.)(?<!\bDr\.)(?<!\bSt\.)(?<!\bMrs\.)(?<=[.!?…])\s+")
_CLAUSE_END = re.compile(r"(?<=[,;:–—])\s+")


def sentences(text: str) -> list[str]:
    """The sentences of `text`, without the white space around them; none is empty."""
    return [sentence for sentence in _SENTENCE_END.split(text.strip()) if sentence]


def clauses(text: str) -> list[str]:
    """The sentences of `text`, those beyond `CLAUSE_MAX` characters cut at commas, and if need be between words."""
    return [clause for sentence in sentences(text) for clause in _cut(sentence)]


def _cut(sentence: str) -> list[str]:
    if len(sentence) <= CLAUSE_MAX:
        return [sentence]
    pieces = _CLAUSE_END.split(sentence)
    return _packed([word for piece in pieces for word in ([piece] if len(piece) <= CLAUSE_MAX else piece.split())])


def _packed(parts: list[str]) -> list[str]:
    """`parts` joined to as few lines as fit; one that is too long by itself stays whole."""
    lines: list[str] = []
    for part in parts:
        if lines and len(lines[-1]) + 1 + len(part) <= CLAUSE_MAX:
            lines[-1] += " " + part
        else:
            lines.append(part)
    return lines
