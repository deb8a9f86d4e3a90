"""The cleaner of replies, over any text and any cutting of it."""

import re
from itertools import pairwise
from unittest import mock

from hypothesis import example, given
from hypothesis import strategies as st

from ringbridge.brain import plain as plain_module
from ringbridge.brain.plain import Plain

MARKS = ["*", "**", "_", "~~", "`", "```", "#", "- ", "> ", "|", "|-|", "[", "](", ")", "!", "<", ">", "\\", "\n", " "]
WORDS = [
    "a",
    "Tea",
    "5",
    "$5.50",
    "😀",
    "👩‍💻",
    "https://",
    "www.",
    "x.org/y_z",
    "(b)",
    ".",
    ",",
    "\u200d",
    "\ufe0f",
    "h",
]

written = st.lists(st.sampled_from(MARKS + WORDS) | st.text(max_size=3), max_size=30).map("".join)
words = st.from_regex(r"[A-Za-z0-9$€%'’éß]{1,8}[.,;:?!]?", fullmatch=True)
names = st.from_regex(r"[a-z0-9]+(_[a-z0-9]+){1,3}", fullmatch=True)
sums = st.builds("{} * {} = {}".format, st.integers(0), st.integers(0), st.integers(0))
sentences = st.lists(words | names | sums | st.just("-5"), min_size=1).map(" ".join)


def plain(*pieces):
    cleaner = Plain()
    return "".join([*map(cleaner.feed, pieces), cleaner.finish()])


@given(written, st.data())
@example("*" * 20, None)
def test_cuts_change_nothing(text, data):
    cuts = data.draw(st.lists(st.integers(0, len(text)), max_size=6).map(sorted)) if data else range(len(text))
    ends = [0, *cuts, len(text)]
    assert plain(*(text[begin:end] for begin, end in pairwise(ends))) == plain(text)


@given(written | sentences)
def test_what_is_taken_at_once_comes_out_as_by_the_character(text):
    at_once = plain(text)
    with mock.patch.object(plain_module, "_ORDINARY", re.compile(r"(?!)")):
        assert plain(text) == at_once


@given(sentences)
def test_words_stay_as_they_are(text):
    assert plain(text) == text


@given(st.lists(words, min_size=1), st.data())
def test_decorated_words_are_the_words(texts, data):
    decorate = st.sampled_from(
        ["{}", "**{}**", "*{}*", "_{}_", "`{}`", "***{}***", "😀 {}", "[{}](http://a.bc/d)", "~~{}~~"]
    )
    decorated = [data.draw(decorate).format(text) for text in texts]
    assert plain(" ".join(decorated)).split() == texts


@given(written)
def test_no_mark_is_left_that_a_voice_would_read(text):
    said = plain(text)
    assert not re.search(r"\bhttps?://\w|[\u2600-\u27bf\U0001f300-\U0001faff]", said, re.IGNORECASE)
    assert "```" not in said or "\\" in text


@given(written)
def test_nothing_is_made_up(text):
    """Every letter and digit that is said was written, in that order."""
    rest = iter(text)
    assert all(character in rest for character in plain(text) if character.isalnum())
