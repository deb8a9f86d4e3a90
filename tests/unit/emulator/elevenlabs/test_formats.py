import pytest

from ringbridge.emulator.elevenlabs.formats import FORMATS, from_format, to_format

SOUND = bytes(range(128, 256)) + bytes([0xFF]) * 32


@pytest.mark.parametrize("name", ["pcm_8000", "pcm_16000", "pcm_24000", "pcm_48000", "ulaw_8000"])
def test_there_and_back_again(name):
    assert from_format(name)(to_format(name)(SOUND)) == SOUND


@pytest.mark.parametrize("name", sorted(FORMATS - {"ulaw_8000"}))
def test_20_ms_stay_20_ms(name):
    pcm = to_format(name)(SOUND)
    assert len(pcm) == int(name.removeprefix("pcm_")) // 50 * 2
    assert abs(len(from_format(name)(pcm)) - len(SOUND)) <= 1


def test_an_odd_byte_is_left_out():
    assert from_format("pcm_8000")(b"\0\0\0") == b"\xff"
