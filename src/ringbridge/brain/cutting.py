"""Where a text can be cut while it streams, so that each piece can be spoken on its own.

The first words go out early: at the first clause's end, or after three words. Until the first sentence is over, pieces
are clauses; after that they are sentences, which a voice speaks best. A piece ends behind white space, and never inside
a number, a price, an abbreviation, a name's initials, an address.
"""

import re
from typing import Final

__all__ = ["ABBREVIATIONS", "Cutter"]

FIRST_WORDS: Final = 3
CLAUSE_WORDS: Final = 8
MOST_WORDS: Final = 40
"""A sentence that is longer than anybody's breath is cut at a word."""

_WORDS: Final = (
    # English
    "dr mr mrs ms prof sr jr st mt vs etc e.g i.e a.m p.m no nos vol fig inc ltd co corp approx ext tel ave blvd rd apt"
    " dept est jan feb mar apr jun jul aug sep sept oct nov dec mon tue tues wed thu thurs fri sat sun u.s u.k ph.d"
    # German
    " hr fr frl bzw ca ggf inkl exkl zzgl usw evtl str nr tel std min sek mio mrd vgl s.o s.u z.b d.h u.a v.a jhd geb"
    " abs art ing dipl mag"
    # French
    " mme mmes mlle mlles mm me p.ex c.-à-d env rdv av boul chap éd janv févr avr juil déc"
    # Spanish
    " sra sras sres srta srtas d dña ud uds vd vds ej p.ej núm pág págs av avda dpto aprox teléf gral lic ee.uu"
    # Hindi
    " डॉ श्री श्रीमती सुश्री पं प्रो कु रु क्र सं मो कि.मी"
)

ABBREVIATIONS: Final = frozenset(_WORDS.split())
"""Without their last full stop, in lower case. Twelve of them are words as well: then a cut is missed, no harm done."""

_TOKEN: Final = re.compile(r"(\S+)\s+")
_ENDS_SENTENCE: Final = re.compile(r"[.!?…।॥。！？][\"'”’»)\]]*$")
_ENDS_CLAUSE: Final = re.compile(r"(?:[,;:—–][\"'”’»)\]]*|-)$")
_NUMBER_END: Final = re.compile(r"[\d०-९][.,:'’]?$")
_CURRENCY: Final = "$€£₹¥₽₩₺₴₱¢"
_SIGN_END: Final = re.compile(
    rf"(?:^|[\d\s(])(?:[{_CURRENCY}]|US\$|EUR|USD|CHF|GBP|INR|Rs\.?|No\.?|Nr\.?|N°|№|#|\+|±|≈)$"
)
_JOINS_NUMBER: Final = re.compile(rf"[\d०-९%‰°{_CURRENCY}+×x*/=–-]")
_ADDRESS: Final = re.compile(r"://|^www\.|@", re.IGNORECASE)
_LETTERS: Final = re.compile(r"[^\W\d_]", re.UNICODE)
_OPENERS: Final = "\"'“‘«([¿¡"


class Cutter:
    """Cuts one text: `feed` it, `flush` it when it pauses, `finish` it."""

    def __init__(self) -> None:
        self._held = ""
        self._seen = 0
        """Up to here, what is held was looked at: whole words, after which no cut was wanted."""
        self._words = 0
        self._first = True
        self._first_sentence = True

    def feed(self, text: str) -> list[str]:
        """Take more text; get the pieces that may go out now."""
        self._held += text
        pieces = []
        while (token := _TOKEN.match(self._held, self._seen)) is not None:
            word, end = token[1], token.end()
            following = self._held[end : end + 1]
            if not following and _needs_following(word):
                break
            self._seen = end
            self._words += any(map(str.isalnum, word))
            if self._is_wanted(word) and _can_end(word, following):
                pieces.append(self._take(end, sentence=_ends_sentence(word)))
        return pieces

    def flush(self) -> str:
        """The text pauses: get what can be spoken as it stands, "" if that is nothing."""
        for end, word, following in self._ends_backwards():
            if _can_end(word, following) and not (not following and _is_open(word)):
                return self._take(end, sentence=_ends_sentence(word))
        return ""

    def finish(self) -> str:
        """Get the rest: there is no more."""
        return self._take(len(self._held), sentence=True)

    def _ends_backwards(self) -> list[tuple[int, str, str]]:
        """The places behind words, the last first: where, the word before, the character after."""
        tokens = list(re.finditer(r"(\S+)\s*", self._held))
        return [(token.end(), token[1], self._held[token.end() : token.end() + 1]) for token in reversed(tokens)]

    def _is_wanted(self, word: str) -> bool:
        if _ends_sentence(word) or self._words >= MOST_WORDS:
            return True
        if not self._first_sentence:
            return False
        return self._words >= (FIRST_WORDS if self._first else CLAUSE_WORDS) or _ENDS_CLAUSE.search(word) is not None

    def _take(self, end: int, *, sentence: bool) -> str:
        piece, self._held = self._held[:end], self._held[end:]
        self._seen = self._words = 0
        if any(map(str.isalnum, piece)):
            self._first = False
            self._first_sentence = self._first_sentence and not sentence
        return piece


def _ends_sentence(word: str) -> bool:
    return _ENDS_SENTENCE.search(word) is not None and _can_end(word, "")


def _needs_following(word: str) -> bool:
    """Whether only the next word tells if this one belongs to it: "1 000", "20 %"."""
    return _NUMBER_END.search(word) is not None


def _can_end(word: str, following: str) -> bool:
    """Whether speech can be cut behind this word, if `following` (unknown when empty) is what comes next."""
    if _SIGN_END.search(word):
        return False
    if _NUMBER_END.search(word):
        # "3." is a date's in German, and "1," or "10:" may go on; a bare number may have its unit behind it.
        return not word.endswith((".", "'", "’")) and following != "" and not _JOINS_NUMBER.match(following)
    bare = word.strip(_OPENERS + ")]”’»,;:")
    if not bare.endswith("."):
        return True
    stem = bare[:-1].casefold()
    is_initial = len(stem) == 1 and _LETTERS.match(stem) is not None
    return not (is_initial or stem in ABBREVIATIONS)


def _is_open(word: str) -> bool:
    """Whether this may only be the beginning of a number or an address."""
    return word[-1].isdigit() or _ADDRESS.search(word) is not None
