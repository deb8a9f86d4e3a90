"""A glance at what `scripts/fuzz` does for ten minutes, and at whether it would find anything."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .hunting import Foreign, hunt, judge
from .readers import READERS, Reader


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.name)
@settings(max_examples=20)
@given(data=st.data())
def test_any_input_is_read_or_refused_with_an_error_of_our_own(reader, data):
    judge(reader, data.draw(reader.inputs))


def test_an_exception_that_is_not_our_own_is_found():
    reader = Reader("one that can't count", lambda text: text.index("7"), st.text("567", min_size=1), (KeyError,))
    with pytest.raises(Foreign, match="ValueError in one that can't count") as found:
        hunt(reader, seconds=5)
    assert any("given_input='5'" in note for note in found.value.__notes__)
