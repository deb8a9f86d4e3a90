"""A glance at what `scripts/fuzz` does for ten minutes, and at whether it would find anything."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .hunting import Foreign, hunt, judge
from .readers import READERS, WAVS, Reader, signed_token


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.name)
@settings(max_examples=20)
@given(data=st.data())
def test_any_input_is_read_or_refused_with_an_error_of_our_own(reader, data):
    judge(reader, data.draw(reader.inputs))


CRIT_TOKENS = [(f'{{"alg":"HS256","crit":{crit}}}'.encode(), b"{}") for crit in ("null", "[null]", "[[]]", "7")]
ONCE_FOUND = [
    *(("wire/brain_token", signed_token(parts)) for parts in CRIT_TOKENS),
    ("wire/signatures", ("//[x/y", "", "", False, None, None)),
    ("audio/wav", WAVS[0].replace(b"fmt ", b"fact")),
    ("audio/wav", WAVS[0].replace(b"fmt ", b"mt ", 1)),
]
"""What `scripts/fuzz` has found, and who it was that raised."""


@pytest.mark.parametrize(("name", "found"), ONCE_FOUND)
def test_what_was_found_once_stays_mended(name, found):
    (reader,) = [reader for reader in READERS if reader.name == name]
    judge(reader, found)


def test_an_exception_that_is_not_our_own_is_found():
    reader = Reader("one that can't count", lambda text: text.index("7"), st.text("567", min_size=1), (KeyError,))
    with pytest.raises(Foreign, match="ValueError in one that can't count") as found:
        hunt(reader, seconds=5)
    assert any("given_input='5'" in note for note in found.value.__notes__)
