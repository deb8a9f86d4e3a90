"""What the benchmark makes of what it hears and measures."""

import base64
from pathlib import Path

import pytest
from benchmarks.speed import report
from benchmarks.speed.contenders import CONTENDERS
from benchmarks.speed.noise import Noise
from benchmarks.speed.plan import FIGURES, whole
from benchmarks.speed.players.audio import DOWN, UP, Direction, Ear, Mouth, Tally
from benchmarks.speed.results import Measured, Results

CPU = "cpu, ws, 200 calls"


def frames(direction: Direction, call: int, times: int) -> list[bytes]:
    mouth = Mouth(direction, call)
    return [mouth.frame(1000 * number) for number in range(times)]


@pytest.mark.parametrize("direction", [UP, DOWN])
def test_frames_that_come_as_they_went_are_counted(direction: Direction):
    tally = Tally()
    ear = Ear(direction, tally, 300)

    for number, frame in enumerate(frames(direction, 300, 1000)):
        ear.take(frame, 1000 * number + 42)

    assert (tally.frames, tally.lost, tally.repeated, tally.strayed, tally.broken) == (1000, 0, 0, 0, 0)
    assert set(tally.latencies) == {42}
    assert ear.heard == 999


@pytest.mark.parametrize("piece", [1, 7, 159, 161, 1601, 5000])
def test_how_the_bridge_cuts_them_is_its_own_affair(piece: int):
    tally = Tally()
    ear = Ear(DOWN, tally, 1)
    sound = b"".join(map(base64.b64decode, frames(DOWN, 1, 20)))

    for start in range(0, len(sound), piece):
        ear.take(base64.b64encode(sound[start : start + piece]), 0)

    assert (tally.frames, tally.lost, tally.broken) == (20, 0, 0)
    assert b"\x7f" not in sound


def test_what_is_lost_repeated_broken_or_anothers_is_found():
    tally = Tally()
    ear = Ear(UP, tally, 1)
    first, second, _, fourth, fifth = frames(UP, 1, 5)
    broken = fourth[:100] + (b"AAAA" if fourth[100:104] != b"AAAA" else b"BBBB") + fourth[104:]

    for frame in (first, second, second, *frames(UP, 2, 1), broken, fifth, b"?"):
        ear.take(frame, 0)

    assert (tally.frames, tally.repeated, tally.strayed, tally.lost, tally.broken) == (3, 1, 1, 2, 2)


def test_an_ear_that_knows_no_call_learns_it_from_the_first_frame():
    begun: list[int] = []
    ear = Ear(UP, Tally(), began=begun.append)

    for frame in frames(UP, 9000, 2):
        ear.take(frame, 0)

    assert begun == [9000]


def measured(name: str, number: int) -> set[str]:
    """What is measured of a contender in the round of this number, by a whole run."""
    (contender,) = (one for one in CONTENDERS if one.name == name)
    return {figure for item in whole(None, 3) if item.is_for(contender, number) for figure in item.figures}


def test_what_the_goals_judge_is_measured_in_every_round_the_rest_once():
    assert measured("ours", 0) == set(FIGURES)
    assert measured("ours", 1) == set(FIGURES) - {"capacity"}
    assert measured("node", 1) == {"beside"}
    assert measured("floor", 1) == {"cpu", "latency", "memory"}
    assert measured("fastapi", 1) == set()


def results(*values: tuple[str, int, float, str]) -> Results:
    return Results([Measured(CPU, name, number, value, spoilt) for name, number, value, spoilt in values])


def test_ratios_are_taken_round_by_round():
    slow_machine = results(
        ("ours", 0, 20.0, ""), ("guide", 0, 50.0, ""), ("ours", 1, 40.0, ""), ("guide", 1, 100.0, "")
    )

    assert slow_machine.ratio(CPU, "ours") == pytest.approx(0.4)
    assert slow_machine.median(CPU, "ours") == 30


def test_what_was_measured_beside_the_sample_is_compared_with_that():
    beside = Results(
        [
            Measured(CPU, "ours", 0, 20.0, beside=50.0),
            Measured(CPU, "guide", 0, 50.0),
            Measured(CPU, "node", 0, 64.0, beside=80.0),
            Measured(CPU, "guide", 0, 80.0),
        ]
    )

    assert beside.ratio(CPU, "ours") == pytest.approx(0.4)
    assert beside.ratio(CPU, "node") == pytest.approx(0.8)
    assert beside.ratio(CPU, "ours", "node") == pytest.approx(0.5)
    assert beside.ratio(CPU, "guide") == 1
    assert beside.median(CPU, "guide") == 65


def test_a_disturbed_round_counts_only_where_there_is_no_other():
    some = results(("ours", 0, 90.0, "noise"), ("ours", 1, 20.0, ""), ("ours", 2, 22.0, ""))
    most = results(("ours", 0, 90.0, "noise"), ("ours", 1, 80.0, "noise"), ("ours", 2, 20.0, ""))

    assert (some.median(CPU, "ours"), some.untrusted()) == (21, {})
    assert (most.median(CPU, "ours"), most.untrusted()) == (20, {(CPU, "ours"): "noise"})


def test_the_report_shows_the_ratio_first_and_doubts_what_was_disturbed():
    beside = "beside, ws, 200 calls"
    text = report.markdown(Results([Measured(beside, "ours", 0, 20.0, "noise", beside=50.0)]))

    assert "**0.40**? · 20.0? µs" in text
    assert "| CPU per frame, 200 calls, of the sample's |     0.5 |     0.40 | yes |" in text


def test_what_was_measured_replaces_what_was_before(tmp_path: Path):
    page = tmp_path / "page.md"
    page.write_text(f"head\n{report.BEGIN}\nold\n{report.END}\ntail\n", encoding="utf-8")

    report.rewrite(page, "new")

    assert page.read_text(encoding="utf-8") == f"head\n{report.BEGIN}\n\nnew\n\n{report.END}\ntail\n"


def test_the_page_has_a_place_for_what_is_measured():
    page = (Path(__file__).parents[2] / "docs" / "performance.md").read_text(encoding="utf-8")

    assert page.count(report.BEGIN) == page.count(report.END) == 1


def test_others_on_the_core_spoil_waits_before_they_spoil_cpu_time():
    busy = Noise(slowness=1, stolen=0, others=0.1, beside=0)

    assert busy.spoils_time()
    assert not busy.spoils_cpu()
