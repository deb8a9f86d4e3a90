"""The cutter of replies, over any text, any pieces of it, and any pauses."""

import re
from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st

from ringbridge.brain.cutting import ABBREVIATIONS, CLAUSE_WORDS, FIRST_WORDS, MOST_WORDS, Cutter

WORDS = [
    "word",
    "Dr.",
    "3",
    "3.",
    ".50",
    "€",
    "$",
    "–",
    "-",
    "10:",
    "30",
    ",",
    "!",
    " ",
    " ",
    "\n",
    "\u202f",
    "」",
    "。",
]
WORDS += ["J.", "https://", "a@b", "नमस्ते", "।", "डॉ.", "»", "(", "¿"]

written = st.lists(st.sampled_from(WORDS) | st.text(max_size=3), max_size=30)
digits = st.integers(0, 10**7)
numbers = st.one_of(
    digits.map("{:,}".format),
    digits.map(lambda number: f"{number:,}".replace(",", ".") + ",50"),
    digits.map(lambda number: f"{number:,}".replace(",", " ")),
    digits.map(lambda number: f"{number:,}.00".replace(",", "'")),
    st.times().map("{:%H:%M}".format),
    st.times().map("{:%H h %M}".format),
    st.ip_addresses(v=4).map(str),
)
prices = st.one_of(
    st.builds("{}{}{}".format, st.sampled_from("$€£₹¥"), st.sampled_from(["", " "]), numbers),
    st.builds("{} {}".format, digits, st.sampled_from(["€", "$", "%", "EUR", "Euro", "km"])),
)
ordinals = st.integers(1, 31).map("{}. Mai".format)
abbreviations = st.builds(
    "{}. {}".format,
    st.one_of([st.sampled_from(sorted(ABBREVIATIONS)).map(change) for change in (str, str.capitalize, str.upper)]),
    st.sampled_from(["Smith", "this", "शर्मा"]),
)
initials = st.lists(st.sampled_from("ABDEÉJRÖ"), min_size=1, max_size=4).map(lambda all_: ". ".join(all_) + ". Smith")
addresses = st.one_of(
    st.builds("{}@{}.{}.org".format, *[st.from_regex(r"[a-z]{1,8}", fullmatch=True)] * 3),
    st.from_regex(r"https://[a-z]{1,9}\.com/[a-z0-9.,;:!?=&/-]{0,20}[a-z0-9]", fullmatch=True),
)
protected = st.one_of(numbers, prices, ordinals, abbreviations, initials, addresses)
filler = st.lists(st.sampled_from(["well", "Oh,", "Yes.", "we", "go", "—", "there;"]), max_size=10).map(" ".join)


@st.composite
def fed(draw, texts):
    """A text, and the pieces in which it comes."""
    text = draw(texts)
    places = draw(st.lists(st.integers(0, len(text)), max_size=12) | st.just(list(range(len(text)))))
    return [text[start:end] for start, end in pairwise(sorted([0, *places, len(text)]))]


@given(fed(written.map("".join)), st.data())
def test_nothing_is_lost_or_changed_whatever_comes_and_pauses(parts, data):
    cutter = Cutter()
    out = []
    for part in parts:
        out += cutter.feed(part)
        if data.draw(st.booleans()):
            out.append(cutter.flush())
    assert "".join([*out, cutter.finish()]) == "".join(parts)
    assert cutter.finish() == ""


@given(filler, protected, filler, st.data())
def test_no_cut_is_inside_what_belongs_together(before, whole, after, data):
    before = before and before + " "
    parts = data.draw(fed(st.just(f"{before}{whole} {after}")))
    cutter = Cutter()
    at = 0
    for piece in [piece for part in parts for piece in cutter.feed(part)]:
        at += len(piece)
        assert not len(before) < at < len(before + whole), piece


@given(filler, st.one_of(numbers.filter(lambda text: " h " not in text), prices), st.data())
def test_no_pause_tears_a_number_or_a_price(before, whole, data):
    before = before and before + " "
    digits_end = max(match.end() for match in re.finditer(r"\d", whole))
    cutter = Cutter()
    at = 0
    for part in data.draw(fed(st.just(f"{before}{whole} and so on"))):
        for piece in [*cutter.feed(part), cutter.flush()]:
            at += len(piece)
            assert not (piece and len(before) < at < len(before) + digits_end), piece


@given(st.lists(st.text("abc", min_size=2, max_size=4), min_size=5, max_size=120), st.data())
@example(["ab"] * 100, None)
def test_pieces_are_short_at_first_and_never_endless(words, data):
    text = " ".join(words)
    cutter = Cutter()
    out = [piece for part in ([text] if data is None else data.draw(fed(st.just(text)))) for piece in cutter.feed(part)]
    assert len(out[0].split()) == FIRST_WORDS
    assert all(len(piece.split()) == CLAUSE_WORDS for piece in out[1:])
    assert len(cutter.finish().split()) <= CLAUSE_WORDS

    later = Cutter()
    out = later.feed("Hello. " + text)
    assert all(len(piece.split()) == MOST_WORDS for piece in out[1:])
