import pytest

np = pytest.importorskip("numpy", reason="numpy comes with the extra [voice]")

from ringbridge.audio.mulaw import SILENCE  # noqa: E402 - only after numpy is known to be there
from ringbridge.emulator.speech.numeric import doubled, floats, lowered, mulaw, trimmed  # noqa: E402


def tone(hz, rate, seconds=0.25):
    return (0.5 * np.sin(2 * np.pi * hz * np.arange(int(rate * seconds)) / rate)).astype(np.float32)


def strength(samples, hz, rate):
    middle = samples[200:-200]
    turns = np.exp(-2j * np.pi * hz * np.arange(len(middle)) / rate)
    return abs(np.dot(middle, turns)) * 4 / len(middle)


def test_mulaw_comes_back():
    every = bytes(range(256))
    assert mulaw(floats(every)) == every.replace(b"\x7f", b"\xff")


def test_too_loud_is_clipped():
    assert mulaw(np.array([5, -5], np.float32)) == b"\x80\x00"


def test_8_to_16_khz():
    samples = doubled(tone(1000, 8000))
    assert len(samples) == 4000
    assert strength(samples, 1000, 16_000) == pytest.approx(1, abs=0.01)
    assert strength(samples, 7000, 16_000) < 0.01  # the mirror image


def test_24_to_8_khz():
    samples = lowered(tone(1000, 24_000) + tone(5000, 24_000), 1.0)
    assert len(samples) == 2000
    assert strength(samples, 1000, 8000) == pytest.approx(1, abs=0.01)
    assert strength(samples, 3000, 8000) < 0.01  # 5 kHz, folded back


def test_a_lower_pitch_takes_longer():
    samples = lowered(tone(1000, 24_000), 0.8)
    assert len(samples) == 2500
    assert strength(samples, 800, 8000) == pytest.approx(1, abs=0.01)


def test_silence_is_trimmed():
    quiet = np.zeros(8000, np.float32)
    voice = tone(500, 8000)
    trim = trimmed(np.concatenate([quiet, voice, quiet]))
    assert len(trim) == pytest.approx(len(voice) + 8 * (30 + 60), abs=4)
    assert len(trimmed(quiet)) == 0
    assert mulaw(trimmed(quiet[:1])) == b""
    assert mulaw(quiet[:2]) == bytes([SILENCE, SILENCE])
