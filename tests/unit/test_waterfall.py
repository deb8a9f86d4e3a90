import json

import pytest

from ringbridge.waterfall import OURS, PARTS, Waterfall


def between(*moments, by="brain", end="heard"):
    return Waterfall.between(moments, by=by, end=end)


def test_parts_join_without_a_gap():
    whole = between(10.0, 10.54, 10.5404, 10.8404, 10.8405, 11.04, 11.0402, 11.06)
    assert whole.parts == {
        "hearing": 540.0,
        "asking": 0.4,
        "model": 300.0,
        "wording": 0.1,
        "voice": 199.5,
        "relaying": 0.2,
        "line": 19.8,
    }
    assert whole.total == 1060.0
    assert whole.ours == 0.7


def test_what_comes_before_the_first_known_moment_is_not_known():
    assert between(None, 1, 2, 3, 4, 5, 6, 7).hearing is None
    assert between(None, 1, 2, 3, 4, 5, 6, 7).total == 6000


def test_what_comes_after_the_last_is_not_either():
    never_heard = between(0, 1, 2, 3, 4, 5, 6, None, end="cut")
    assert (never_heard.line, never_heard.total, never_heard.is_answer) == (None, 6000, True)
    never_said = between(0, 1, 2, None, None, None, None, None, by=None, end="lost")
    assert (never_said.model, never_said.total) == (None, 2000)
    assert (never_said.is_answer, never_said.ours) == (False, None)


def test_a_moment_that_is_not_known_leaves_the_part_before_it_to_the_next_one():
    filler = between(0, 1, 1, None, 2.2, 3, 3, 4, by="filler")
    assert (filler.model, filler.wording, filler.voice) == (1200, None, 800)
    assert filler.total == 4000


def test_a_moment_before_an_earlier_one_counts_as_that():
    ahead = between(0, 1, 0.4, 0.9, 1.1, 2, 2, 2)
    assert (ahead.asking, ahead.model, ahead.wording) == (0, 0, 100)
    assert ahead.total == 2000


@pytest.mark.parametrize("moments", [[None] * 8, [None, 1] + [None] * 6])
def test_nothing_may_be_known(moments):
    nothing = between(*moments)
    assert set(nothing.parts.values()) == {None}
    assert nothing.total == 0


def test_it_is_a_document():
    document = json.loads(json.dumps(between(0, 1, 2, 3, 4, 5, 6, 7).as_json()))
    assert list(document) == ["by", "end", *PARTS, "ours", "total"]
    assert (document["by"], document["end"], document["total"]) == ("brain", "heard", 7000)
    assert document["ours"] == sum(document[name] for name in OURS)
