from ringbridge.errors import VendorError
from ringbridge.telemetry.failures import as_text

HERE = __file__


def brain(words):
    planted = f"local {words}"
    raise ValueError(f"can't book for {planted}")


def caught(function, *args):
    try:
        function(*args)
    except BaseException as error:
        return error
    raise AssertionError


def test_type_and_place_stay_and_words_go():
    text = as_text(caught(brain, "Alice"), personal=False)
    title, *frames = text.splitlines()
    assert title == "ValueError: (26 characters)"
    assert frames[-1].startswith(f"  {HERE}:")
    assert frames[-1].endswith(" in brain")
    assert "Alice" not in text
    assert "can't book" not in text


def test_words_may_be_asked_for_but_variables_never_are():
    assert "ValueError: can't book for local Alice" in as_text(caught(brain, "Alice"), personal=True)
    assert "words" not in as_text(caught(brain, "Alice"), personal=True)


def test_words_of_ours_are_not_personal():
    assert as_text(VendorError("Twilio answered 500"), personal=False) == "VendorError: Twilio answered 500"


def test_causes_contexts_and_groups_are_told_in_the_same_way():
    def wrapped():
        try:
            brain("Alice")
        except ValueError as error:
            raise RuntimeError("Bob") from error

    parts = [caught(wrapped), KeyError("Eve")]

    def grouped():
        try:
            brain("Carol")
        except ValueError:
            raise ExceptionGroup("Dora", parts)  # noqa: B904

    text = as_text(caught(grouped), personal=False)
    for name in ("Alice", "Bob", "Carol", "Dora", "Eve"):
        assert name not in text
    lines = [line for line in text.splitlines() if not line.startswith("  ")]
    assert [line.partition(":")[0] for line in lines] == [
        "ExceptionGroup",
        "with",
        "RuntimeError",
        "caused by",
        "ValueError",
        "with",
        "KeyError",
        "while handling",
        "ValueError",
    ]


def test_an_endless_chain_ends():
    first, second = ValueError("a"), ValueError("b")
    first.__cause__, second.__cause__ = second, first
    assert len(as_text(first, personal=False).splitlines()) < 30


def test_a_deep_recursion_is_cut():
    def deeper():
        deeper()

    assert len(as_text(caught(deeper), personal=False).splitlines()) < 40


def test_an_error_that_can_not_say_itself():
    class Broken(Exception):
        def __str__(self):
            raise RuntimeError

    assert as_text(Broken(), personal=False).endswith("Broken")


def test_a_text_of_several_lines_is_one():
    assert as_text(ValueError("a\nTraceback"), personal=True) == r"ValueError: a\x0aTraceback"
