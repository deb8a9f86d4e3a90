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

_ABBREVIATIONS: Final = (
    # English
    "dr mr mrs ms prof sr jr st mt vs etc e.g i.e a.m p.m inc ltd rs corp approx tel blvd rd"
    " dept jan feb apr jun jul aug sep sept oct nov dec tues thu thurs u.s u.k ph.d"
    # German
    " hr fr frl bzw ca ggf inkl exkl zzgl usw evtl str nr std sek mio mrd vgl jhd geb abt dipl ing okt dez med"
    # French
    " mme mmes mlle mlles mm p.ex c.-à-d env rdv av bd ste boul chap éd janv févr avr juil déc tél"
    # Spanish
    " sra sras sres srta srtas dña ud uds vd vds p.ej num núm pág págs avda dpto aprox teléf gral lic ee uu ee.uu"
    # Hindi, and the names of Latin letters in it
    " डॉ श्री श्रीमती सुश्री पं प्रो कु रु क्र सं मो कि.मी बी सी डी एफ एच एल एम एन पी क्यू आर एस टी यू वी डब्ल्यू वाई"
)
_WORDS_AS_WELL: Final = (
    "no nos vol est ext ave apt abs fig co mar mon tue wed fri sat sun tel min art mag so me ej ex ए ई जी आई जे के ओ"
)

_NEVER_WORDS: Final = frozenset(_ABBREVIATIONS.split())

ABBREVIATIONS: Final = _NEVER_WORDS | frozenset(_WORDS_AS_WELL.split())
"""Without their last full stop, in lower case. Behind what is a word as well a cut is missed, no harm done."""

_NO_BREAK: Final = "\u00a0\u202f"
_WORD: Final = rf"((?:\S|[{_NO_BREAK}])+)"
_FULL_WIDTH: Final = r"([^\s。！？；，]*[。！？；，]+[”’」』）]*)"
"""Where words are written without spaces, a text can be cut behind these marks."""

_TOKEN: Final = re.compile(rf"\s*(?:{_FULL_WIDTH}\s*|{_WORD}[^\S{_NO_BREAK}]\s*)")
_BREAK: Final = re.compile(r"[\s。！？；，]")
_LAST_TOKEN: Final = re.compile(rf"{_WORD}\s*")
_CLOSERS: Final = "\"'”’»)\\]」』）"
_ENDS_SENTENCE: Final = re.compile(rf"[.!?…।॥。！？؟][{_CLOSERS}]*$")
_ENDS_CLAUSE: Final = re.compile(rf"[,;:—–，；،؛][{_CLOSERS}]*$|^-+$")
_CURRENCY: Final = "$€£₹¥₽₩₺₴₱¢"
_SIGN_END: Final = re.compile(
    rf"(?:^|[\d(])(?:[{_CURRENCY}]|US\$|EUR|USD|CHF|GBP|INR|Rs|रु|Nr|[Nn]\.?[°º]|№|#|h)$|[+±≈&×=/॰]$"
)
_BARE_NUMBER: Final = re.compile(r"\d['’]?$")
"""Its unit may follow."""

_ORDINAL: Final = re.compile(rf"(?<![\w.,:{_CURRENCY}])\d\d?\.$")
"""A date's in German. A sentence that ends like this is spoken together with the next."""

_MAY_GO_ON: Final = re.compile(r"\d\)?[,:;]$|\d\)$|^[-–—−]+$")
"""Only the next character tells: "1, 2", "(555) 010", "10 – 12"."""

_JOINS_NUMBER: Final = re.compile(rf"[\d%‰°{_CURRENCY}+×*/=–−-]")
_JOINS_ANYTHING: Final = tuple("!?:;…»)।–—")
"""A dash belongs to what it ends; French has a space before most of the others."""

_OPEN: Final = re.compile(
    r"\d[.,:/'’-]?$|^[Hh]ttps?\b|://|^[Ww]ww\b|@|[^\W\d_]\.-?[^\W\d_]|.-$|[\"'“‘«(\[¿¡]$|^[b-np-xzB-HJ-Z]$"
)
"""What may only be the beginning of a number, an address, a quotation, an initial."""

_INITIALS: Final = re.compile(r"(?:[^\W\d_]\.)*[^\W\d_]")
_LAST_PART: Final = re.compile(rf"[{_NO_BREAK}-]")
_AROUND: Final = "\"'“‘«([¿¡)]”’»,;:"


class Cutter:
    """Cuts one text: `feed` it, `flush` it when it pauses, `finish` it."""

    def __init__(self) -> None:
        self._held = ""
        self._seen = 0
        """Up to here, what is held was looked at: whole words, after which no cut was wanted."""
        self._words = 0
        self._waits = False
        """Whether there is a whole word whose next character was not known yet."""
        self._first = True
        self._first_sentence = True

    def feed(self, text: str) -> list[str]:
        """Take more text; get the pieces that may go out now."""
        self._held += text
        if not (self._waits or _BREAK.search(text)):
            return []
        self._waits = False
        pieces = []
        while (token := _TOKEN.match(self._held, self._seen)) is not None:
            word, end = token[1] or token[2], token.end()
            following = self._held[end : end + 1]
            if not following and _MAY_GO_ON.search(word):
                self._waits = True
                break
            self._seen = end
            self._words += any(map(str.isalnum, word))
            if self._is_wanted(word) and _can_end(word, following):
                pieces.append(self._take(end, sentence=_ends_sentence(word)))
        return pieces

    def flush(self) -> str:
        """The text pauses: get what can be spoken as it stands, "" if that is nothing."""
        for token in reversed(list(_LAST_TOKEN.finditer(self._held))):
            word, end = token[1], token.end()
            is_whole = end > token.end(1) or not _is_open(word)
            if is_whole and _can_end(word, self._held[end : end + 1]):
                return self._take(end, sentence=_ends_sentence(word))
        return ""

    def finish(self) -> str:
        """Get the rest: there is no more."""
        return self._take(len(self._held), sentence=True)

    def _is_wanted(self, word: str) -> bool:
        ends = not word[-1].isalnum()  # most words end nothing
        if self._words >= MOST_WORDS or (ends and _ends_sentence(word)):
            return True
        if not self._first_sentence:
            return False
        enough = FIRST_WORDS if self._first else CLAUSE_WORDS
        return self._words >= enough or (ends and _ENDS_CLAUSE.search(word) is not None)

    def _take(self, end: int, *, sentence: bool) -> str:
        piece, self._held = self._held[:end], self._held[end:]
        self._seen = self._words = 0
        if any(map(str.isalnum, piece)):
            self._first = False
            self._first_sentence = self._first_sentence and not sentence
        return piece


def _ends_sentence(word: str) -> bool:
    return _ENDS_SENTENCE.search(word) is not None and not _is_held(word)


def _can_end(word: str, following: str) -> bool:
    """Whether speech can be cut behind this word, if `following` (unknown when empty) is what comes next."""
    if _is_held(word) or following.startswith(_JOINS_ANYTHING):
        return False
    return _MAY_GO_ON.search(word) is None or (following != "" and _JOINS_NUMBER.match(following) is None)


def _is_held(word: str) -> bool:
    """Whether this belongs to the next word, whatever that is."""
    if _SIGN_END.search(word) or _BARE_NUMBER.search(word) or _ORDINAL.search(word):
        return True
    bare = word.strip(_AROUND)
    return bare.endswith(".") and _is_short(bare[:-1].casefold())


def _is_short(stem: str) -> bool:
    """Whether this, with a full stop behind it, is an abbreviation or initials."""
    last = _LAST_PART.split(stem)[-1]
    is_short = stem in ABBREVIATIONS or last in ABBREVIATIONS or last.endswith(("str", "nr"))
    return is_short or _INITIALS.fullmatch(last) is not None


def _is_open(word: str) -> bool:
    """Whether this, with nothing behind it, may only be the beginning of something that must not be cut."""
    return _OPEN.search(word) is not None or word.strip(_AROUND).casefold() in _NEVER_WORDS
