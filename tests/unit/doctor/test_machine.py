import pytest

from ringbridge.doctor import machine
from ringbridge.doctor.machine import check_descriptors, check_libraries, check_processor, check_python


def test_enough_descriptors():
    assert check_descriptors(500, 2100)[0].outcome == "ok"
    assert check_descriptors(500, None)[0].found == "no limit"


def test_too_few_descriptors():
    (found,) = check_descriptors(500, 1024)

    assert found.outcome == "warning"
    assert "1024 at most, and MAX_CALLS=500 needs 2100" in found.found
    assert found.mend.endswith("set MAX_CALLS=231")


@pytest.mark.parametrize(
    ("text", "max_calls", "outcome", "mend"),
    [
        ("max 100000\n", 500, "ok", ""),
        ("400000 100000\n", 500, "ok", ""),
        ("50000 100000\n", 500, "warning", "a whole core, or set MAX_CALLS=250"),
        ("max 100000\n", 501, "warning", "set MAX_CALLS=500: a process uses one core"),
        ("nonsense", 500, "ok", ""),
        (None, 500, "ok", ""),
    ],
)
def test_what_a_container_gets_of_the_processor(tmp_path, text, max_calls, outcome, mend):
    file = tmp_path / "cpu.max"
    if text is not None:
        file.write_text(text)

    (found,) = check_processor(max_calls, file)

    assert (found.outcome, mend in found.mend) == (outcome, True)


def test_libraries(monkeypatch):
    assert check_libraries()[0].outcome == "ok"
    assert check_libraries("no-such-package")[0].outcome == "warning"
    asked = ["click>=99", "no-such-package>=1", "yarl; extra == 'never'"]
    monkeypatch.setattr(machine, "requires", lambda _: asked)
    (found,) = check_libraries()
    assert found.outcome == "failure"
    assert "click is 8" in found.found
    assert found.found.endswith("no-such-package is missing")


def test_python(monkeypatch):
    assert check_python()[0].outcome == "ok"
    monkeypatch.setattr(machine, "OLDEST", (99, 0))
    assert check_python()[0].outcome == "failure"
