"""Written text made fit to be spoken, as it streams: no Markdown, no emoji, no web addresses.

Models write for the eye, and a voice reads every asterisk aloud. Out go the marks of emphasis, headings, lists, quotes,
code and tables; a link leaves its text, an image its description, a bare address its host. What only looks like a
mark stays: `5 * 3`, `snake_case`, `-5`, `#1`, `<break time="1s"/>`.

Text is taken character by character, and held only while it may still turn out to be a mark. So what comes out does
not depend on where the pieces were cut.
"""

import re
from typing import Final, TypeAlias

from ringbridge.brain import marks

__all__ = ["Plain"]

MAX_HELD: Final = 1000
"""What is still undecided after so many characters is no mark."""

_SPACES: Final = " \t"
_NUMBER_LENGTH: Final = len("123. ")

_ORDINARY: Final = re.compile(r"(?:[a-gi-vx-zA-GI-VX-Z0-9][hHwW]*|[ .,:;?'\"()$%&/+=-])+")
"""A stretch that no mark is in or begins in, as most are: it is taken at once. An `h` or `w` may begin an address."""

_Taken: TypeAlias = tuple[int, str] | None
"""How many of the held characters are settled, and what is said for them; `None`: more must come to tell."""


class Plain:
    """Cleans one reply: `feed` it each piece, then `finish`."""

    def __init__(self) -> None:
        self._held = ""
        self._before = ""
        """The character before what is held, in the text as written; empty at a line's beginning."""
        self._said = ""
        """The last character said in this line."""
        self._word = ""
        """The last that was not white space."""
        self._opening = ""
        """The first few said in this line."""
        self._begun = False
        self._fresh = True
        """Whether the line had nothing but block marks yet."""
        self._item = False
        """Whether the line is a heading, an item or a row: a voice needs a full stop at its end."""
        self._row = False
        self._gap = False
        """Whether something was taken out right here, so that a second space would be left."""
        self._last = False

    def feed(self, piece: str) -> str:
        """Take the next piece of text; get what can be said by now, which may be nothing."""
        piece = piece.replace("\r", "")
        said = []
        at = 0
        while at < len(piece):
            plain = None if self._held or self._fresh or self._row or self._gap else _ORDINARY.match(piece, at)
            if plain is None:
                said.append(self._take(piece[at]))
                at += 1
            else:
                said.append(self._say(plain[0]))
                self._before = self._said
                at = plain.end()
        return "".join(said)

    def finish(self) -> str:
        """Get what was still held, as the text ends here."""
        self._last = True
        return self._settle()

    def _take(self, character: str) -> str:
        self._held += character
        said = self._settle()
        if len(self._held) > MAX_HELD:
            self._last = True
            said += self._settle()
            self._last = False
        return said

    def _settle(self) -> str:
        said = ""
        while self._held:
            taken = self._block() if self._fresh else self._inline()
            if taken is None:
                break
            length, text = taken
            if length:
                self._before = self._held[length - 1]
                self._held = self._held[length:]
            said += self._say(text)
        return said

    def _say(self, text: str) -> str:
        if not text:
            return ""
        self._gap = False
        self._begun = True
        if text.endswith("\n"):
            self._new_line()
            return text
        self._said = text[-1]
        self._word = text.rstrip()[-1:] or self._word
        if len(self._opening) < _NUMBER_LENGTH:
            self._opening += text
        return text

    def _new_line(self) -> None:
        self._before = self._said = self._word = self._opening = ""
        self._fresh = True
        self._item = self._row = False

    def _more(self, length: int) -> bool:
        """Whether it takes a character beyond the first `length` to decide, and it has not come yet."""
        return len(self._held) <= length and not self._last

    # Marks at a line's beginning

    def _block(self) -> _Taken:
        """What stands where a line begins. Marks are dropped one after another: `> - # x` has three of them."""
        mark = self._held[0]
        match mark:
            case " " | "\t":
                return 1, ""
            case "#":
                return self._heading()
            case ">":
                return self._quote()
            case "-" | "+" | "*" | "_" | "=" | "•":
                return self._bullet_or_rule()
            case "`" | "~":
                return self._fence()
            case "|":
                return self._table()
            case _:
                return self._text()

    def _text(self) -> _Taken:
        self._fresh = False
        return 0, ""

    def _run(self) -> int:
        return len(self._held) - len(self._held.lstrip(self._held[0]))

    def _after(self, length: int) -> str:
        return self._held[length : length + 1]

    def _heading(self) -> _Taken:
        run = self._run()
        if self._more(run):
            return None
        if run > 6 or self._after(run) not in {" ", "\t", "\n"}:
            return self._text()
        self._item = True
        return run, ""

    def _quote(self) -> _Taken:
        if self._more(1):
            return None
        return (1, "") if self._after(1) in {" ", "\t", "\n", ">"} else self._text()

    def _bullet_or_rule(self) -> _Taken:
        run = self._run()
        if self._more(run):
            return None
        if run >= 3:
            return self._whole_line(marks.RULE)
        if run > 1 or self._held[0] in "_=" or self._after(1) not in {" ", "\t", "\n"}:
            return self._text()
        self._item = True
        return 1, ""

    def _fence(self) -> _Taken:
        run = self._run()
        if self._more(run):
            return None
        return self._whole_line(marks.FENCE) if run >= 3 else self._text()

    def _table(self) -> _Taken:
        if marks.TABLE_RULE.match(self._held) and not self._last:
            return None
        line = self._held.split("\n")[0]
        if "-" in line and marks.TABLE_RULE.match(line):
            return self._whole_line(marks.TABLE_RULE)
        self._row = self._item = True
        self._fresh = False
        return 1, ""

    def _whole_line(self, pattern: re.Pattern[str]) -> _Taken:
        """Drop the line, its end included, when it is all mark."""
        line, newline, _ = self._held.partition("\n")
        if not pattern.match(line):
            return self._text()
        if not newline and not self._last:
            return None
        if newline:
            self._new_line()
        return len(line + newline), ""

    # Marks within a line

    def _inline(self) -> _Taken:
        character = self._held[0]
        match character:
            case "\n":
                return self._line_end()
            case " " | "\t":
                return self._space()
            case "|" if self._row:
                return self._cell_end()
            case "*" | "_" | "~":
                return self._emphasis()
            case "`":
                return 1, ""
            case "\\":
                return self._escape()
            case "[":
                return self._link(0)
            case "!" if not self._before.strip():
                return self._image()
            case "<":
                return self._bracketed_address()
            case "h" | "H" | "w" | "W" if not self._before.isalnum():
                return self._address()
            case _:
                return self._emoji(character)

    def _line_end(self) -> _Taken:
        if not self._begun:
            self._new_line()
            return 1, ""
        item = self._item or marks.NUMBERED.match(self._opening)
        open_end = self._word.isalnum() or (self._word and self._word in ")%\"'”’€$£")
        return 1, ".\n" if item and open_end else "\n"

    def _space(self) -> _Taken:
        if not self._row:
            doubled = self._gap and self._said in {"", " ", "\t"}
            return 1, "" if doubled else self._held[0]
        spaces = len(self._held) - len(self._held.lstrip(_SPACES))
        if self._more(spaces):
            return None
        between_words = self._said.strip() and self._after(spaces) not in {"|", "\n", ""}
        return spaces, " " if between_words else ""

    def _cell_end(self) -> _Taken:
        length = len(self._held) - len(self._held.lstrip(_SPACES + "|"))  # empty cells are skipped
        if self._more(length):
            return None
        more_cells = self._after(length) not in {"\n", ""}
        return length, ", " if more_cells and self._said else ""

    def _emphasis(self) -> _Taken:
        run = self._run()
        if self._more(run):
            return None
        literal = marks.is_literal(self._before, self._held[0], run, self._after(run))
        return run, self._held[:run] if literal else ""

    def _escape(self) -> _Taken:
        if self._more(1):
            return None
        escaped = self._after(1)
        return (2, escaped) if escaped in marks.ESCAPABLE else (1, "" if escaped == "\n" else "\\")

    def _image(self) -> _Taken:
        if self._more(1):
            return None
        return self._link(1) if self._after(1) == "[" else (1, "!")

    def _link(self, start: int) -> _Taken:
        """A link, or with `start` 1 an image. Its text is put back, as it may have marks of its own."""
        if link := marks.LINK.match(self._held, start):
            self._held = link[1] + self._held[link.end() :]
            return 0, ""
        if marks.LINK_SO_FAR.match(self._held, start) and not self._last:
            return None
        return 1, self._held[0]

    def _bracketed_address(self) -> _Taken:
        inside = self._held[1:]
        if not inside and not self._last:
            return None
        address = marks.ADDRESS.match(inside)
        if address is None or not marks.may_be_address(inside):
            return 1, "<"
        if address.end() < len(inside):
            ending = 1 if inside[address.end()] == ">" else 0
            return 1 + address.end() + ending, self._host(address[0])
        return (1, "<") if self._last else None

    def _address(self) -> _Taken:
        if not marks.may_be_address(self._held):
            return 1, self._held[0]
        address = marks.ADDRESS.match(self._held)
        assert address is not None
        if self._more(address.end()):
            return None
        text = marks.without_end(address[0])
        if not text.lower().startswith(marks.ADDRESS_STARTS):
            return 1, self._held[0]
        return len(text), self._host(text)

    def _host(self, address: str) -> str:
        self._gap = True
        return marks.host(address)

    def _emoji(self, character: str) -> _Taken:
        if marks.EMOJI.match(character) or (character == marks.JOINER and marks.EMOJI.match(self._before)):
            self._gap = True
            return 1, ""
        return 1, character
