from ringbridge.emulator.speech.endpoint import Began, Ended, Endpointer

FRAME = 20


def edges(pattern: str, longest_ms: int = 60_000) -> list[tuple[int, Began | Ended]]:
    """What is told, and after how many ms, of frames drawn as `#` (voice) and `.` (none)."""
    endpointer = Endpointer(FRAME, longest_ms)
    told = [(endpointer.hear(voiced=frame == "#"), endpointer.now_ms) for frame in pattern]
    return [(now_ms, edge) for edge, now_ms in told if edge]


def test_60_ms_of_voice_are_a_start():
    assert edges("....##") == []
    assert edges("....###") == [(140, Began(80))]


def test_a_click_is_none():
    assert edges("#" + 12 * "." + "#" + 12 * "." + "#") == []


def test_a_start_may_have_gaps():
    assert edges("#..#..#") == [(140, Began(0))]


def test_500_ms_of_silence_are_an_end():
    assert edges("#####" + 24 * ".") == [(60, Began(0))]
    assert edges("#####" + 25 * ".") == [(60, Began(0)), (600, Ended(100, 100))]


def test_a_breath_is_none():
    speech = "#####" + 24 * "." + "#####" + 25 * "."
    assert edges(speech) == [(60, Began(0)), (1180, Ended(680, 200))]


def test_two_utterances():
    speech = 10 * "#" + 30 * "." + 10 * "#" + 30 * "."
    assert edges(speech) == [(60, Began(0)), (700, Ended(200, 200)), (860, Began(800)), (1500, Ended(1000, 200))]


def test_endless_speech_is_ended():
    assert edges(15 * "#", longest_ms=200) == [(60, Began(0)), (200, Ended(200, 200)), (260, Began(200))]


def test_idle_until_something_sounds():
    endpointer = Endpointer(FRAME, 60_000)
    endpointer.hear(voiced=False)
    assert endpointer.idle
    endpointer.hear(voiced=True)
    assert not endpointer.idle
    assert not endpointer.talking
    for _ in range(10):
        endpointer.hear(voiced=False)
    assert endpointer.idle
