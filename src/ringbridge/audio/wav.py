"""WAV files in and out of mu-law, without a dependency."""

import io
import math
import struct
import wave
from array import array
from collections.abc import Iterator, Sequence
from functools import lru_cache
from operator import mul
from pathlib import Path
from typing import Final

from ringbridge.audio import alaw, mulaw
from ringbridge.audio.mulaw import RATE, SILENCE, from_pcm, to_pcm

__all__ = ["WavError", "from_wav", "read_wav", "write_stereo"]

_PASS_HZ: Final = 3600
"""What a telephone line carries; steep enough that nothing above 4 kHz folds back."""

_REACH_S: Final = 0.002
"""How far the low pass looks to either side."""

_RATES: Final = range(4000, 384_000)
_EXTENSIBLE: Final = b"\xfe\xff"
_PCM: Final = b"\x01\x00"
_FLOAT: Final = b"\x03\x00"
_ALAW: Final = b"\x06\x00"
_MULAW: Final = b"\x07\x00"


class WavError(Exception):
    """The file is no WAV that can be played into a call. The text names it and says why."""


def read_wav(path: str | Path) -> bytes:
    """The audio of a WAV file as mu-law, 8 kHz, mono: see `from_wav`.

    Raises `WavError`, whose text names the file.
    """
    try:
        return from_wav(Path(path).read_bytes())
    except OSError as error:
        raise WavError(f"{path}: {error.strerror or 'cannot be read'}") from error
    except WavError as error:
        raise WavError(f"{path}: {error}") from error


def from_wav(riff: bytes) -> bytes:
    """A WAV (any rate, PCM of 8 to 32 bits, floats, mu-law or A-law) as headerless mu-law, 8 kHz, mono.

    Channels are mixed.

    Raises `WavError` for what is no such WAV, or holds no audio.
    """
    try:
        return _mulaw(_plain_header(riff))
    except (wave.Error, EOFError, RuntimeError, struct.error) as error:  # a chunk may claim to end beyond the file
        reason = str(error) or "it ends too early"
        raise WavError(f"it is no PCM WAV file ({reason}); save it as WAV, 16 bit PCM") from error
    except ValueError as error:
        raise WavError(str(error)) from error


def write_stereo(path: str | Path, left: bytes, right: bytes) -> None:
    """Writes two mu-law streams as a 16-bit stereo WAV, 8 kHz; silence makes up for the shorter one.

    Raises `OSError` where the file can't be written.
    """
    longest = max(len(left), len(right))
    pcm = [array("h", to_pcm(side.ljust(longest, bytes([SILENCE])))) for side in (left, right)]
    both = array("h", bytes(4 * longest))
    both[0::2], both[1::2] = pcm
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(both.tobytes())


def _plain_header(riff: bytes) -> bytes:
    """Makes PCM in an extensible header, floats and G.711 plain PCM, which the `wave` of Python 3.11 asks for.

    RFC 2361 and Microsoft's WAVEFORMATEXTENSIBLE: the sub-format's first two bytes are the old format tag.
    """
    chunks = _chunks(riff)
    if b"fmt " not in chunks:
        return riff
    at = chunks[b"fmt "].start
    tag = riff[at : at + 2]
    if tag == _EXTENSIBLE:
        tag = riff[at + 24 : at + 26]
    if tag == _PCM:
        return riff[:at] + _PCM + riff[at + 2 :]
    if tag not in (_FLOAT, _ALAW, _MULAW) or b"data" not in chunks:
        return riff
    channels, rate, bits = struct.unpack_from("<HI6xH", riff, at + 2)
    return _as_pcm(_decoded(riff[chunks[b"data"]], tag, bits), channels, rate)


def _decoded(data: bytes, tag: bytes, bits: int) -> bytes:
    """16 bit PCM of floats or G.711."""
    if tag == _MULAW:
        return mulaw.to_pcm(data)
    if tag == _ALAW:
        return alaw.to_pcm(data)
    if bits not in (32, 64):
        raise ValueError(f"has floats of {bits} bits; 32 and 64 are understood")
    floats = array("f" if bits == 32 else "d", data[: len(data) // (bits // 8) * (bits // 8)])
    return array(
        "h", [round(max(-1, min(1, value)) * 32767) if not math.isnan(value) else 0 for value in floats]
    ).tobytes()


def _chunks(riff: bytes) -> dict[bytes, slice]:
    """Where the format is, and the audio after it."""
    found: dict[bytes, slice] = {}
    at = 12
    while at + 8 <= len(riff) and b"data" not in found:
        name, length = struct.unpack_from("<4sI", riff, at)
        if name in (b"fmt ", b"data"):
            found.setdefault(name, slice(at + 8, at + 8 + length))
        at += 8 + length + length % 2
    return found


def _as_pcm(pcm: bytes, channels: int, rate: int) -> bytes:
    """A WAV of 16 bit PCM."""
    written = io.BytesIO()
    with wave.open(written, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(pcm)
    return written.getvalue()


def _mulaw(riff: bytes) -> bytes:
    with wave.open(io.BytesIO(riff)) as file:
        channels, width, rate = file.getnchannels(), file.getsampwidth(), file.getframerate()
        samples = _samples(file.readframes(file.getnframes()), width)
    if len(samples) < channels:
        raise ValueError("holds no audio")
    if rate not in _RATES:
        raise ValueError(f"has {rate} samples a second; {_RATES.start} to {_RATES.stop} are understood")
    mono = samples if channels == 1 else _mixed(samples, channels)
    return from_pcm(mono if rate == RATE else _resampled(mono, rate))


def _samples(data: bytes, width: int) -> "array[int]":
    """16 bits of each sample, whatever its width; WAV's 8-bit samples are unsigned, all others signed."""
    if width == 1:
        return array("h", [(byte - 128) << 8 for byte in data])
    whole = len(data) // width * width
    top = bytearray(whole // width * 2)
    top[0::2] = data[width - 2 : whole : width]
    top[1::2] = data[width - 1 : whole : width]
    return array("h", bytes(top))


def _mixed(samples: "array[int]", channels: int) -> "array[int]":
    """The mean of all channels."""
    lanes = [samples[channel::channels] for channel in range(channels)]
    return array("h", [sum(together) // channels for together in zip(*lanes, strict=False)])


def _resampled(samples: "array[int]", rate: int) -> Iterator[int]:
    """`samples` at 8 kHz, through a windowed-sinc low pass, in as many phases as the ratio has."""
    reach = math.ceil(_REACH_S * rate)
    padded = array("h", bytes(2 * reach)) + samples + array("h", bytes(2 * reach + 2))
    common = math.gcd(rate, RATE)
    up, down = RATE // common, rate // common
    for index in range(len(samples) * up // down):
        whole, phase = divmod(index * down, up)
        taps = _taps(rate, reach, phase / up)
        value = round(sum(map(mul, taps, padded[whole : whole + len(taps)])))
        yield max(-32768, min(32767, value))


@lru_cache(maxsize=512)
def _taps(rate: int, reach: int, offset: float) -> Sequence[float]:
    """The low pass around a point `offset` of a sample behind the middle one; the taps add up to 1."""
    pass_hz = min(_PASS_HZ, 0.45 * rate)
    taps = [_tap(step - offset, 2 * pass_hz / rate, reach + 1) for step in range(-reach, reach + 2)]
    total = sum(taps)
    return [tap / total for tap in taps]


def _tap(distance: float, bandwidth: float, reach: int) -> float:
    """One point of a sinc under a Hamming window."""
    angle = math.pi * bandwidth * distance
    return (math.sin(angle) / angle if angle else 1.0) * (0.54 + 0.46 * math.cos(math.pi * distance / reach))
