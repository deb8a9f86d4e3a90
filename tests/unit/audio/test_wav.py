import cmath
import math
import struct
import wave
from pathlib import Path

import pytest

from ringbridge.audio import alaw
from ringbridge.audio.mulaw import SILENCE, from_pcm, to_pcm
from ringbridge.audio.wav import WavError, from_wav, read_wav, write_stereo

AMPLITUDE = 10_000


def tone(hz: float, rate: int, seconds: float = 0.25) -> list[int]:
    return [round(AMPLITUDE * math.sin(2 * math.pi * hz * n / rate)) for n in range(int(rate * seconds))]


def strength(ulaw: bytes, hz: float) -> float:
    """How loud the tone of `hz` is in `ulaw`, of 1 for `AMPLITUDE`; the edges are left out."""
    pcm = struct.unpack(f"<{len(ulaw)}h", to_pcm(ulaw))[100:-100]
    turn = cmath.exp(-2j * math.pi * hz / 8000)
    return abs(sum(sample * turn**n for n, sample in enumerate(pcm))) * 2 / len(pcm) / AMPLITUDE


def save(path: Path, data: bytes, *, rate: int = 8000, channels: int = 1, width: int = 2) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(data)
    return path


def pack(samples: list[int], width: int = 2) -> bytes:
    return b"".join((sample << 8 * (width - 2)).to_bytes(width, "little", signed=True) for sample in samples)


RATES = [6000, 11_025, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000]


@pytest.mark.parametrize("rate", RATES)
def test_any_rate_becomes_8_khz(tmp_path, rate):
    ulaw = read_wav(save(tmp_path / "a.wav", pack(tone(1000, rate)), rate=rate))
    assert len(ulaw) == pytest.approx(2000, abs=1)
    assert strength(ulaw, 1000) == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("rate", [rate for rate in RATES if rate > 16_000])
def test_what_a_telephone_can_not_carry_does_not_fold_back(tmp_path, rate):
    ulaw = read_wav(save(tmp_path / "a.wav", pack(tone(5000, rate)), rate=rate))
    assert strength(ulaw, 3000) < 0.002


def test_8_khz_is_left_as_it_is(tmp_path):
    samples = tone(440, 8000)
    assert read_wav(save(tmp_path / "a.wav", pack(samples))) == from_pcm(samples)


@pytest.mark.parametrize("width", [3, 4])
def test_wider_samples(tmp_path, width):
    samples = tone(440, 8000)
    assert read_wav(save(tmp_path / "a.wav", pack(samples, width), width=width)) == from_pcm(samples)


def test_8_bit_samples_are_unsigned(tmp_path):
    ulaw = read_wav(save(tmp_path / "a.wav", bytes([128, 255, 0]), width=1))
    assert ulaw == from_pcm([0, 127 << 8, -128 << 8])


def test_channels_are_mixed(tmp_path):
    data = pack([1000, 3000, -200, 0, 8, -8])
    assert read_wav(save(tmp_path / "a.wav", data, channels=2)) == from_pcm([2000, -100, 0])


def test_what_the_low_pass_overshoots_is_clipped(tmp_path):
    square = [32767 if n // 24 % 2 else -32768 for n in range(4800)]
    pcm = struct.unpack("<800h", to_pcm(read_wav(save(tmp_path / "a.wav", pack(square), rate=48_000))))
    assert max(pcm) == 32_124
    between_edges = [n for n in range(10, 790) if n % 4]
    assert [pcm[n] > 0 for n in between_edges] == [square[6 * n] > 0 for n in between_edges]


def test_an_extensible_header_is_understood(tmp_path):
    samples = tone(440, 8000)
    form = struct.pack("<HHIIHHHHI", 0xFFFE, 1, 8000, 16_000, 2, 16, 22, 16, 4) + b"\x01\x00" + bytes(14)
    chunks = b"LIST\x04\0\0\0INFO" + b"fmt " + struct.pack("<I", len(form)) + form
    chunks += b"data" + struct.pack("<I", 2 * len(samples)) + pack(samples)
    path = tmp_path / "a.wav"
    path.write_bytes(b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks)
    assert read_wav(path) == from_pcm(samples)


def test_a_truncated_file_is_played_as_far_as_it_goes(tmp_path):
    path = save(tmp_path / "a.wav", pack(tone(440, 8000)))
    path.write_bytes(path.read_bytes()[:1043])
    assert len(read_wav(path)) == 499


def tagged(tag: int, bits: int, data: bytes, channels: int = 1) -> bytes:
    size = channels * bits // 8
    form = struct.pack("<HHIIHH", tag, channels, 8000, 8000 * size, size, bits)
    chunks = b"fmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


@pytest.mark.parametrize(("bits", "kind"), [(32, "f"), (64, "d")])
def test_floats(bits, kind):
    values = [0.0, 0.5, -0.5, 1.0, -1.0, 7.0, -7.0, math.nan, math.inf]
    samples = [0, 16384, -16384, 32767, -32767, 32767, -32767, 0, 32767]
    assert from_wav(tagged(3, bits, struct.pack(f"<9{kind}", *values))) == from_pcm(samples)


def test_a_law():
    """Values of G.711 table 1a, on a scale of 16 bits: the least, the greatest, and where segments begin."""
    bytes_ = bytes([0xD5, 0x55, 0xAA, 0x2A, 0xC5, 0xF5])
    assert struct.unpack("<6h", alaw.to_pcm(bytes_)) == (8, -8, 32256, -32256, 264, 528)
    assert from_wav(tagged(6, 8, bytes_)) == from_pcm([8, -8, 32256, -32256, 264, 528])


def test_channels_of_mu_law_are_mixed():
    assert from_wav(tagged(7, 8, from_pcm([1000, 1000, -200, -200]), channels=2)) == from_pcm([1000, -200])


def test_floats_of_a_size_that_nobody_writes_are_refused():
    with pytest.raises(WavError, match="floats of 16 bits"):
        from_wav(tagged(3, 16, bytes(8)))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "no PCM WAV"),
        (b"ID3\x04 this is an mp3", "no PCM WAV"),
        (b"RIFF\x04\0\0\0WAVE", "no PCM WAV"),
        (tagged(2, 8, bytes(8)), "no PCM WAV"),
    ],
    ids=["empty", "mp3", "no chunks", "ADPCM"],
)
def test_what_is_no_pcm_wav_is_refused(tmp_path, content, reason):
    path = tmp_path / "voice.wav"
    path.write_bytes(content)
    with pytest.raises(WavError, match=rf"voice\.wav.*{reason}.*16 bit PCM"):
        read_wav(path)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(WavError, match=r"gone\.wav: No such file"):
        read_wav(tmp_path / "gone.wav")


def test_a_file_without_audio_is_refused(tmp_path):
    with pytest.raises(WavError, match="holds no audio"):
        read_wav(save(tmp_path / "a.wav", b""))


def test_an_absurd_rate_is_refused(tmp_path):
    with pytest.raises(WavError, match="has 1 samples a second"):
        read_wav(save(tmp_path / "a.wav", bytes(20), rate=1))


def test_stereo_comes_back_and_the_shorter_side_is_padded(tmp_path):
    left, right = from_pcm([100, 2000, -3000]), from_pcm([-50])
    write_stereo(tmp_path / "both.wav", left, right)
    with wave.open(str(tmp_path / "both.wav")) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (2, 2, 8000)
        pcm = file.readframes(10)
    sides = struct.unpack("<6h", pcm)
    assert from_pcm(sides[0::2]) == left
    assert from_pcm(sides[1::2]) == right + bytes([SILENCE, SILENCE])


def mulaw_wav(data: bytes, *, rate: int = 8000, channels: int = 1, fact: bool = True) -> bytes:
    """As ffmpeg and Audacity write it: format tag 7, an empty extension, and how many samples there are."""
    form = struct.pack("<HHIIHHH", 7, channels, rate, rate * channels, channels, 8, 0)
    chunks = b"fmt " + struct.pack("<I", len(form)) + form
    if fact:
        chunks += b"fact" + struct.pack("<II", 4, len(data) // max(channels, 1))
    chunks += b"data" + struct.pack("<I", len(data)) + data + bytes(len(data) % 2)
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


@pytest.mark.parametrize("fact", [True, False])
def test_mulaw_at_8_khz_is_left_as_it_is(fact):
    ulaw = from_pcm(tone(440, 8000))
    assert from_wav(mulaw_wav(ulaw, fact=fact)) == ulaw
    assert from_wav(mulaw_wav(ulaw[:999], fact=fact)) == ulaw[:999]


def test_mulaw_of_any_rate_becomes_8_khz():
    ulaw = from_wav(mulaw_wav(from_pcm(tone(1000, 16_000)), rate=16_000))
    assert len(ulaw) == pytest.approx(2000, abs=1)
    assert strength(ulaw, 1000) == pytest.approx(1, abs=0.02)


def test_channels_of_mulaw_are_mixed():
    both = bytes(byte for pair in zip(from_pcm([1000, 500]), from_pcm([3000, 500]), strict=True) for byte in pair)
    assert from_wav(mulaw_wav(both, channels=2)) == from_pcm([2000, 500])


def test_what_follows_the_audio_is_not_played():
    ulaw = from_pcm(tone(440, 8000))
    assert from_wav(mulaw_wav(ulaw) + b"LIST" + struct.pack("<I", 4) + b"INFO") == ulaw


def test_a_chunk_that_looks_like_another_ones_name_is_passed_over():
    ulaw = from_pcm(tone(440, 8000))
    riff = mulaw_wav(ulaw)
    note = b"LIST" + struct.pack("<I", 16) + b"INFOdata\x10\0\0\0fmt "
    assert from_wav(riff[:12] + note + riff[12:]) == ulaw
    at = riff.index(b"data")
    assert from_wav(riff[:at] + note + riff[at:]) == ulaw


def test_truncated_mulaw_is_played_as_far_as_it_goes():
    ulaw = from_pcm(tone(440, 8000))
    assert from_wav(mulaw_wav(ulaw)[:-1000]) == ulaw[:-1000]


def test_mulaw_in_an_extensible_header_is_understood():
    ulaw = from_pcm(tone(440, 8000))
    form = struct.pack("<HHIIHHHHI", 0xFFFE, 1, 8000, 8000, 1, 8, 22, 8, 4) + b"\x07\x00" + bytes(14)
    chunks = b"fmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", len(ulaw)) + ulaw
    assert from_wav(b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks) == ulaw


MULAW = mulaw_wav(bytes(8))


@pytest.mark.parametrize(
    "riff",
    [
        MULAW[: MULAW.index(b"fact")],
        MULAW[: MULAW.index(b"data")],
        MULAW[: MULAW.index(b"data") + 6],
        MULAW[:24],
        mulaw_wav(b""),
        mulaw_wav(bytes(8), channels=0),
        mulaw_wav(bytes(8), rate=0),
        mulaw_wav(bytes(8), rate=1),
    ],
    ids=["no audio chunk", "fact only", "half a length", "half a format", "empty", "no channels", "no rate", "1 Hz"],
)
def test_mulaw_that_makes_no_sense_is_refused(riff):
    with pytest.raises(WavError):
        from_wav(riff)
