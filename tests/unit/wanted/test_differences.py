import pytest

from ringbridge.wanted.differences import Difference, masked, shown, take_back, value_at


def test_only_what_is_still_ours_is_taken_back():
    written = (
        Difference(("a", "x"), 1, 2),
        Difference(("a", "y"), 1, 2),
        Difference(("a", "z"), 1, 2),
        Difference(("b",), ["p"], ["p", "q"]),
        Difference(("c",), "old", "new", secret=True),
    )
    back = take_back(written, {"a": {"x": 2, "y": 1, "z": 3}, "b": ["q", "p"], "c": "new"})
    assert back.differences == (
        Difference(("a", "x"), 2, 1),
        Difference(("b",), ["q", "p"], ["p"]),
        Difference(("c",), "new", "old", secret=True),
    )
    assert [one.name for one in back.left] == ["a.z"]


def test_a_secret_of_ours_is_taken_back_though_it_is_masked():
    written = (Difference(("s",), None, "secret", secret=True), Difference(("t",), None, "text"))
    back = take_back(written, {"s": "****", "t": "****"})
    assert back.differences == (Difference(("s",), "****", None, secret=True),)
    assert [one.name for one in back.left] == ["t"]


def test_a_path_that_leads_nowhere_leads_to_nothing():
    assert value_at({"a": {"b": None}, "c": 1}, ("a", "b", "d")) is None
    assert value_at({"c": 1}, ("c", "d")) is None


@pytest.mark.parametrize(
    ("current", "wanted", "texts"),
    [
        (None, "", ("(none)", "(none)")),
        (False, True, ("off", "on")),
        (None, ["a", "b"], ("(none)", "a, b")),
        (["a", "b"], ["b", "c"], ("2 of them", "+ c, - a")),
        ({"secret_id": "s"}, {"variable_name": "call_sid"}, ("(something else)", "the variable call_sid")),
        (600, -1, ("600", "-1")),
        ("https://me:pw@old.test/x", "https://new.test", ("https://(secret)@old.test/x", "https://new.test")),
    ],
)
def test_both_sides_are_shown(current, wanted, texts):
    assert shown(Difference(("a",), current, wanted)) == texts


def test_secrets_are_not_shown():
    for current, wanted in (("old", "new"), (None, "new"), ("old", None)):
        difference = Difference(("a",), current, wanted, secret=True)
        assert not {"old", "new"} & {*masked(difference)}
        assert not any(word in text for text in shown(difference) for word in ("old", "new"))
    assert masked(Difference(("a",), None, "new", secret=True)) == (None, "(secret)")
    assert masked(Difference(("a",), "https://me:pw@old.test", 1)) == ("https://(secret)@old.test", 1)
