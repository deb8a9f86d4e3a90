import random

import pytest

from ringbridge.audio.mulaw import FRAME_BYTES, SILENCE, from_pcm
from ringbridge.emulator.speech.exact import encode
from ringbridge.emulator.speech.vad import Energy

SILENT = bytes([SILENCE]) * FRAME_BYTES


def noise(dbfs: float, frames: int) -> bytes:
    dice = random.Random(7)
    return from_pcm(int(dice.gauss(0, 32768 * 10 ** (dbfs / 20))) for _ in range(frames * FRAME_BYTES))


def heard(vad: Energy, audio: bytes) -> str:
    frames = (audio[start : start + FRAME_BYTES] for start in range(0, len(audio), FRAME_BYTES))
    return "".join("#" if vad.voiced(frame) else "." for frame in frames)


@pytest.mark.parametrize("quiet", [SILENT, b"\x7f" * FRAME_BYTES, b"\xfe\x7e" * (FRAME_BYTES // 2)])
def test_silence_is_no_speech(quiet):
    assert heard(Energy(), 5 * quiet) == "....."


def test_the_exact_codec_is_speech_from_its_first_frame_on():
    assert heard(Energy(), encode("ab")) == "######..."


def test_a_word_of_ten_seconds_is_speech_to_its_end():
    assert heard(Energy(), encode("x" * 170)) == 510 * "#" + "..."


@pytest.mark.parametrize("dbfs", [-50, -35])
def test_a_steady_noise_is_no_speech(dbfs):
    assert "#" not in heard(Energy(), noise(dbfs, 100))


def test_what_is_louder_than_the_noise_is_speech():
    vad = Energy()
    assert heard(vad, noise(-45, 100) + noise(-20, 3) + noise(-45, 2))[-5:] == "###.."


def test_reset_forgets_the_noise():
    vad = Energy()
    heard(vad, noise(-35, 100))
    vad.reset()
    assert heard(vad, SILENT + noise(-30, 1)) == ".#"
