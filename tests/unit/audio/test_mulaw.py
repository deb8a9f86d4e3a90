import struct
import warnings

import pytest

from ringbridge.audio.mulaw import FRAME_BYTES, LINEAR, RATE, SILENCE, from_pcm, to_pcm

EVERY_BYTE = bytes(range(256))


def samples(pcm: bytes) -> list[int]:
    return list(struct.unpack(f"<{len(pcm) // 2}h", pcm))


def test_a_frame_is_20_ms():
    assert FRAME_BYTES / RATE == 0.020


def test_silence_is_zero():
    assert samples(to_pcm(bytes([SILENCE]))) == [0]
    assert from_pcm([0]) == bytes([SILENCE])


def test_values_of_g711_table_2a():
    """The decision values of ITU-T G.711, on a scale of 16 bits instead of 14."""
    assert LINEAR[0x80] == 32124
    assert LINEAR[0x00] == -32124
    assert LINEAR[0x8F] == 16764
    assert LINEAR[0xEF] == 132
    assert LINEAR[0xFE] == 8


def test_every_byte_comes_back():
    back = from_pcm(samples(to_pcm(EVERY_BYTE)))
    assert back == EVERY_BYTE.replace(b"\x7f", b"\xff")  # -0 becomes +0


def test_every_sample_gets_the_nearest_byte():
    """Within half a step, which doubles with each of the eight segments; the 16-bit sample is cut to 14 first."""
    for sample in range(-32768, 32768, 7):
        clipped = max(-32124, min(32124, sample))
        (heard,) = samples(to_pcm(from_pcm([sample])))
        assert abs(heard - clipped) <= (abs(clipped) + 132) / 32 + 4


def test_agrees_with_the_standard_library():
    with warnings.catch_warnings(action="ignore"):
        audioop = pytest.importorskip("audioop", reason="Python 3.13 has no audioop any more")
    every = range(-32768, 32768)
    assert from_pcm(every) == audioop.lin2ulaw(struct.pack("<65536h", *every), 2)
    assert to_pcm(EVERY_BYTE) == audioop.ulaw2lin(EVERY_BYTE, 2)
