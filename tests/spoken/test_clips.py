"""The clips inside the package say what they should: recognized, and measured."""

import asyncio
import math
import re
from importlib.resources import files
from importlib.util import find_spec

import pytest

from ringbridge.audio.mulaw import LINEAR, SILENCE
from ringbridge.emulator.speech import spoken
from ringbridge.emulator.speech.base import Hearing, Utterance
from ringbridge.live.clips import NAMES
from ringbridge.phrases import ENGLISH

MISSING = [name for name in ("numpy", "hibari", "moonshine_voice") if not find_spec(name)]
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"{', '.join(MISSING)} missing: pip install 'ringbridge[voice]'")


@pytest.fixture(scope="module")
def speech():
    return spoken.load()


def clip(name: str) -> bytes:
    return (files("ringbridge") / "clips" / "en" / f"{name}.ulaw").read_bytes()


def words(text: str) -> list[str]:
    return re.sub(r"[^a-z ]", "", text.lower().replace("goodbye", "good bye")).split()


@pytest.mark.parametrize("name", NAMES)
async def test_a_clip_says_its_sentence(speech, name):
    told: list[Hearing] = []
    ear = speech.ears.open(told.append)
    audio = bytes([SILENCE]) * 4000 + clip(name) + bytes([SILENCE]) * 6400
    ear.feed(audio)
    await asyncio.sleep(0.1)
    await ear.close()
    heard = " ".join(event.text for event in told if isinstance(event, Utterance))
    assert words(heard) == words(getattr(ENGLISH, name))


@pytest.mark.parametrize("name", NAMES)
def test_a_clip_is_as_loud_as_speech_on_the_phone(name):
    samples = [LINEAR[byte] / 32768 for byte in clip(name)]
    loud = [n for n, sample in enumerate(samples) if abs(sample) > 0.02]
    active = [sample for sample in samples if abs(sample) > 0.005]
    level = 10 * math.log10(sum(sample**2 for sample in active) / len(active))
    assert -24 < level < -12
    assert max(map(abs, samples)) < 0.97
    assert loud[0] < 8 * 60
    assert len(samples) - loud[-1] < 8 * 100
