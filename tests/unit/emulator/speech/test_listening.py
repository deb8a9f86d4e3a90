"""The ears around a recognizer, with one that is told when it may answer."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from ringbridge.audio.mulaw import SILENCE
from ringbridge.emulator.speech.base import Hearing, SpeechStarted, Tentative, Utterance
from ringbridge.emulator.speech.exact import decode, encode
from ringbridge.emulator.speech.listening import SpokenEars
from ringbridge.emulator.speech.vad import Energy


class Recognizer:
    """Reads the exact codec; answers while `may_answer` is set."""

    def __init__(self) -> None:
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.given: list[bytes] = []

    def text(self, ulaw: bytes) -> str:
        self.given.append(ulaw)
        assert self.may_answer.wait(5)
        words, cut = decode(ulaw)
        return " ".join([*words, cut]).strip()


@pytest.fixture
def recognizer() -> Recognizer:
    return Recognizer()


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as executor:
        yield executor


@pytest.fixture
def ears(recognizer, executor) -> SpokenEars:
    return SpokenEars(recognizer, executor, Energy, ahead=1)


class Listener:
    def __init__(self) -> None:
        self.hearings: list[Hearing] = []
        self._more = asyncio.Event()

    def __call__(self, hearing: Hearing) -> None:
        self.hearings.append(hearing)
        self._more.set()

    async def until(self, hearing: Hearing) -> None:
        async with asyncio.timeout(5):
            while hearing not in self.hearings:
                self._more.clear()
                await self._more.wait()

    @property
    def utterances(self) -> list[Utterance]:
        return [hearing for hearing in self.hearings if isinstance(hearing, Utterance)]


def silence(ms: int) -> bytes:
    return bytes([SILENCE]) * (8 * ms)


async def all_done(executor: ThreadPoolExecutor) -> None:
    """Every job handed in so far has been done, and its callbacks have run."""
    await asyncio.get_running_loop().run_in_executor(executor, int)
    await asyncio.sleep(0)


async def test_speech_is_recognized_with_what_lies_around_it(ears, recognizer):
    listener = Listener()
    ears.open(listener).feed(silence(1000) + encode("hello") + silence(2000))
    await listener.until(Utterance("hello", 1300))
    assert listener.hearings[0] == SpeechStarted(1000)
    assert recognizer.given[-1] == silence(300) + encode("hello") + silence(440)


async def test_the_start_is_told_at_once(ears):
    listener = Listener()
    ears.open(listener).feed(encode("h"))
    assert listener.hearings == [SpeechStarted(0)]


async def test_growing_speech_is_told_every_400_ms(ears, executor):
    listener = Listener()
    ear = ears.open(listener)
    audio = encode("abcdefghijklmnopqrst")  # 1200 ms
    for start in range(0, len(audio), 160):
        ear.feed(audio[start : start + 160])
        await all_done(executor)
    texts = [hearing.text for hearing in listener.hearings if isinstance(hearing, Tentative)]
    assert texts == ["abcde", "abcdefghijkl", "abcdefghijklmnopqr"]


async def test_silence_after_speech_is_not_recognized_again_and_again(ears, recognizer, executor):
    listener = Listener()
    ear = ears.open(listener)
    audio = encode("hello") + silence(420)
    for start in range(0, len(audio), 160):
        ear.feed(audio[start : start + 160])
        await all_done(executor)
    assert len(recognizer.given) == 1


async def test_what_is_understood_so_far_never_comes_late(ears, recognizer):
    listener = Listener()
    recognizer.may_answer.clear()
    ear = ears.open(listener)
    ear.feed(encode("abcdefgh"))  # a tentative answer is under way
    ear.feed(silence(1000))
    recognizer.may_answer.set()
    await listener.until(Utterance("abcdefgh", 480))
    assert listener.hearings == [SpeechStarted(0), Utterance("abcdefgh", 480)]


async def test_the_next_start_waits_for_the_last_utterance(ears, recognizer):
    listener = Listener()
    recognizer.may_answer.clear()
    ear = ears.open(listener)
    ear.feed(encode("hello") + silence(1000) + encode("wait") + silence(1000))
    recognizer.may_answer.set()
    await listener.until(Utterance("wait", 1600))
    assert listener.hearings == [
        SpeechStarted(0),
        Utterance("hello", 300),
        SpeechStarted(1360),
        Utterance("wait", 1600),
    ]


async def test_while_a_caller_waits_nobody_is_told_what_is_understood_so_far(ears, recognizer):
    first, second = Listener(), Listener()
    recognizer.may_answer.clear()
    ears.open(first).feed(encode("hello") + silence(1000))
    ears.open(second).feed(encode("abcdefgh") + silence(1000))
    recognizer.may_answer.set()
    await second.until(Utterance("abcdefgh", 480))
    assert first.utterances == [Utterance("hello", 300)]
    assert [type(hearing) for hearing in second.hearings] == [SpeechStarted, Utterance]


async def test_a_short_sound_is_an_utterance_without_words(ears, recognizer):
    listener = Listener()
    ears.open(listener).feed(encode("oh") + silence(1000))
    assert listener.hearings == [SpeechStarted(0), Utterance("", 120)]
    assert recognizer.given == []


async def test_endless_speech_is_cut(ears):
    listener = Listener()
    ears.open(listener).feed(encode("x" * 520) + silence(1000))
    await listener.until(Utterance("x" * 20, 31_200))
    assert [utterance.ended_ms for utterance in listener.utterances] == [30_000, 31_200]


async def test_after_close_nothing_is_told(ears, recognizer, executor):
    listener = Listener()
    recognizer.may_answer.clear()
    ear = ears.open(listener)
    ear.feed(encode("hello") + silence(1000))
    await ear.close()
    await ear.close()
    ear.feed(encode("hello"))
    recognizer.may_answer.set()
    await all_done(executor)
    assert listener.hearings == [SpeechStarted(0)]


async def test_any_portions(ears):
    audio = silence(333) + encode("one two") + silence(1000)
    heard = []
    for size in (1, 7, 160, 1001, len(audio)):
        listener = Listener()
        ear = ears.open(listener)
        for start in range(0, len(audio), size):
            ear.feed(audio[start : start + size])
        await listener.until(Utterance("one two", 760))
        await ear.close()
        heard.append([hearing for hearing in listener.hearings if not isinstance(hearing, Tentative)])
    assert heard == [[SpeechStarted(320), Utterance("one two", 760)]] * 5


class Slow(Energy):
    made: list["Slow"]

    def __init__(self) -> None:
        super().__init__()
        self.made.append(self)
        self.thread = threading.current_thread()


async def test_detectors_are_made_ahead_and_more_of_them_off_the_loop(recognizer, executor):
    Slow.made = []
    ears = SpokenEars(recognizer, executor, Slow, ahead=1)
    listeners = [Listener(), Listener()]
    opened = [ears.open(listener) for listener in listeners]
    for ear in opened:
        ear.feed(encode("hello") + silence(1000))
    assert listeners[0].hearings == [SpeechStarted(0)]
    assert listeners[1].hearings == []
    await listeners[1].until(Utterance("hello", 300))
    assert [made.thread is threading.main_thread() for made in Slow.made] == [True, False]
    for ear in opened:
        await ear.close()
    for _ in range(2):
        ears.open(Listener())
    assert len(Slow.made) == 2  # used again


async def test_a_detector_that_comes_too_late_is_kept_for_the_next(recognizer, executor):
    Slow.made = []
    ears = SpokenEars(recognizer, executor, Slow, ahead=0)
    ear = ears.open(Listener())
    await ear.close()
    await all_done(executor)
    listener = Listener()
    ears.open(listener).feed(encode("h"))
    assert listener.hearings == [SpeechStarted(0)]
    assert len(Slow.made) == 1
