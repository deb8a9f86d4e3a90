import base64
import io
import wave

import pytest

from ringbridge.audio.mulaw import RATE, from_pcm
from ringbridge.audio.sound import SoundError, cut, mulaw_of

PCM = [(n * 37) % 9000 - 4500 for n in range(400)]


def wav() -> bytes:
    written = io.BytesIO()
    with wave.open(written, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(b"".join(sample.to_bytes(2, "little", signed=True) for sample in PCM))
    return written.getvalue()


@pytest.mark.parametrize("name", ["ring.wav", "ring.WAV", "ring.ulaw", "ring"])
def test_a_wav_is_known_by_its_header(name):
    assert mulaw_of(wav(), name) == from_pcm(PCM)


@pytest.mark.parametrize("name", ["ring.ulaw", "ring.ULAW", "ring.raw", "ring.ul", "folder.wav/ring.mulaw"])
def test_raw_mulaw_is_known_by_its_name(name):
    assert mulaw_of(b"\x12\x92", name) == b"\x12\x92"


@pytest.mark.parametrize(
    ("data", "name", "why"),
    [
        (b"ID3\x04", "ring.mp3", "is no WAV; raw mu-law at 8 kHz is named .ulaw"),
        (b"RIFF", "ring.ulaw", "can't be played: it is no PCM WAV file"),
        (b"", "ring.wav", "is no WAV"),
    ],
)
def test_anything_else_is_refused(data, name, why):
    with pytest.raises(SoundError, match=f"^{why}"):
        mulaw_of(data, name)


@pytest.mark.parametrize(("size", "pieces"), [(0, []), (1, [1]), (RATE, [RATE]), (2 * RATE + 5, [RATE, RATE, 5])])
def test_pieces_have_a_second_at_most_and_nothing_is_lost(size, pieces):
    audio = bytes(n % 251 for n in range(size))
    decoded = [base64.b64decode(piece) for piece in cut(audio)]
    assert [len(piece) for piece in decoded] == pieces
    assert b"".join(decoded) == audio
