import pytest

from ringbridge.wire.error_codes import explain


@pytest.mark.parametrize(
    "text", ["31921", "31921 - Stream - WebSocket - Close Error", "error (31921).", "12345, 31921"]
)
def test_code_is_found_in_the_text(text):
    fault = explain(text)
    assert fault.code == 31921
    assert "our side closed" in fault.meaning


@pytest.mark.parametrize("text", ["", "connection lost", "99999", "319210", "131921", "3192", "３１９２１"])
def test_text_without_a_known_code(text):
    assert explain(text) is None


@pytest.mark.parametrize(
    "code",
    [31901, 31902, 31910, 31920, 31921, 31922, 31923, 31924, 31930, 31931, 31950, 31951, 11200, 11205, 10004],
)
def test_every_code_of_a_stream_is_told_in_one_line(code):
    text = str(explain(f"{code}"))
    assert text.startswith(f"{code}: ")
    assert "\n" not in text
