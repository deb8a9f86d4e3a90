"""Ears around a recognizer: cuts a stream into speech, has it recognized off the loop, tells it in order."""

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial
from typing import Final, Protocol

from ringbridge.audio.mulaw import BYTES_PER_MS, FRAME_MS
from ringbridge.emulator.speech.base import Ear, Hearing, SpeechStarted, Tentative, Utterance
from ringbridge.emulator.speech.endpoint import Began, Ended, Endpointer
from ringbridge.emulator.speech.vad import VoiceActivity

__all__ = ["Recognizer", "SpokenEars"]

_BEFORE_MS: Final = 300
"""Audio from before the speech that its recognition is given, too."""

_KEPT_MS: Final = 1000
"""Audio kept while nobody speaks: `_BEFORE_MS`, and what it takes to be sure of a start."""

_FIRST_TENTATIVE_MS: Final = 300
_TENTATIVE_EVERY_MS: Final = 400

_SHORTEST_MS: Final = 200
"""Less voice than this is no word, though a recognizer would make one of it."""

_LONGEST_MS: Final = 30_000
"""A recognizer's time and memory grow with the square of this; longer speech comes as several utterances."""

_SPARE_MAX: Final = 8
"""Detectors of 11 MB each that are kept for the next streams."""

_Answer = asyncio.Future[Hearing]


class Recognizer(Protocol):
    """Turns one stretch of speech into words; blocks for some 100 ms."""

    def text(self, ulaw: bytes) -> str:
        """The words in `ulaw`; empty where there are none."""
        ...


class SpokenEars:
    """Opens ears that share one recognizer, on an executor with one thread, which keeps its answers in order.

    A detector of voice takes long to make: some are made ahead, and all are used again.
    """

    __slots__ = ("_desk", "_make_activity", "_spare")

    def __init__(
        self, recognizer: Recognizer, executor: Executor, make_activity: Callable[[], VoiceActivity], *, ahead: int
    ) -> None:
        """Makes `ahead` detectors at once. To be called off the loop."""
        self._desk = _Desk(recognizer, executor)
        self._make_activity = make_activity
        self._spare = [make_activity() for _ in range(ahead)]

    def open(self, listener: Callable[[Hearing], None]) -> Ear:
        """A new ear on the running loop. Where no detector is left, audio waits until one is made, off the loop."""
        loop = asyncio.get_running_loop()
        ear = _SpokenEar(_Report(loop, self._desk, listener), self._take_back)
        if self._spare:
            ear.begin(self._spare.pop())
        else:
            made = loop.run_in_executor(self._desk.executor, self._make_activity)
            made.add_done_callback(lambda activity: ear.begin(activity.result()))
        return ear

    def _take_back(self, activity: VoiceActivity) -> None:
        if len(self._spare) < _SPARE_MAX:
            activity.reset()
            self._spare.append(activity)


class _Desk:
    """Where all ears hand in their work, which is done one by one in the order in which it came."""

    __slots__ = ("_latest", "executor", "recognizer")

    def __init__(self, recognizer: Recognizer, executor: Executor) -> None:
        self.recognizer = recognizer
        self.executor = executor
        self._latest: _Answer | None = None

    @property
    def free(self) -> bool:
        return self._latest is None or self._latest.done()

    def hand_in(self, loop: asyncio.AbstractEventLoop, work: Callable[[str], Hearing], audio: bytes) -> _Answer:
        self._latest = loop.run_in_executor(self.executor, lambda: work(self.recognizer.text(audio)))
        return self._latest


class _Report:
    """Tells one listener everything in order, though some of it has to be recognized first."""

    __slots__ = ("_desk", "_due", "_listener", "_loop", "_tentative")

    def __init__(self, loop: asyncio.AbstractEventLoop, desk: _Desk, listener: Callable[[Hearing], None]) -> None:
        self._loop = loop
        self._desk = desk
        self._listener: Callable[[Hearing], None] | None = listener
        self._due: deque[_Answer] = deque()
        self._tentative: _Answer | None = None

    def tell(self, hearing: Hearing) -> None:
        """Tells what is known by now."""
        known: _Answer = self._loop.create_future()
        known.set_result(hearing)
        self._due.append(known)
        self._flush()

    def tell_tentative(self, audio: bytes) -> None:
        """Tells what is understood so far, unless somebody's words would have to wait for it."""
        if self._desk.free:
            self._tentative = self._recognize(Tentative, audio)

    def tell_utterance(self, audio: bytes, ended_ms: int) -> None:
        """Tells what has been said, in place of what is being understood so far."""
        if self._tentative:
            self._tentative.cancel()
        self._recognize(partial(Utterance, ended_ms=ended_ms), audio)

    def close(self) -> None:
        self._listener = None
        for answer in self._due:
            answer.cancel()
        self._due.clear()

    def _recognize(self, hearing: Callable[[str], Hearing], audio: bytes) -> _Answer:
        answer = self._desk.hand_in(self._loop, hearing, audio)
        self._due.append(answer)
        answer.add_done_callback(self._flush)
        return answer

    def _flush(self, _: _Answer | None = None) -> None:
        while self._due and self._due[0].done():
            answer = self._due.popleft()
            if self._listener and not answer.cancelled() and answer.result() != Tentative(""):
                self._listener(answer.result())


class _SpokenEar:
    """Knows where speech begins and ends, and holds its audio."""

    __slots__ = ("_activity", "_audio", "_closed", "_endpoints", "_give_back", "_next_ms", "_report", "_rest")

    def __init__(self, report: _Report, give_back: Callable[[VoiceActivity], None]) -> None:
        self._report = report
        self._give_back = give_back
        self._activity: VoiceActivity | None = None
        self._endpoints = Endpointer(FRAME_MS, _LONGEST_MS)
        self._audio = bytearray()
        self._rest = b""
        self._next_ms = 0
        self._closed = False

    def begin(self, activity: VoiceActivity) -> None:
        """Gets its detector, and hears what came before it."""
        if self._closed:
            self._give_back(activity)
            return
        self._activity = activity
        self._endpoints = Endpointer(activity.window_ms, _LONGEST_MS)
        self._hear_windows(activity)

    def feed(self, audio: bytes) -> None:
        if self._closed:
            return
        self._rest += audio
        if self._activity:
            self._hear_windows(self._activity)

    async def close(self) -> None:
        self._closed = True
        self._report.close()
        if self._activity:
            self._give_back(self._activity)
            self._activity = None

    def _hear_windows(self, activity: VoiceActivity) -> None:
        size = activity.window_ms * BYTES_PER_MS
        audio = self._rest
        whole = len(audio) - len(audio) % size
        self._rest = audio[whole:]
        for start in range(0, whole, size):
            self._hear(activity, audio[start : start + size])

    def _hear(self, activity: VoiceActivity, window: bytes) -> None:
        self._audio += window
        voiced = activity.voiced(window)
        match self._endpoints.hear(voiced=voiced):
            case Began(at_ms):
                self._keep(self._endpoints.now_ms - at_ms + _BEFORE_MS)
                self._next_ms = at_ms + _FIRST_TENTATIVE_MS
                self._report.tell(SpeechStarted(at_ms))
            case Ended(ended_ms, voiced_ms):
                self._end(ended_ms, voiced_ms)
            case None if not self._endpoints.talking:
                self._keep(_KEPT_MS)
            case None if voiced and self._endpoints.now_ms >= self._next_ms:
                self._next_ms += _TENTATIVE_EVERY_MS
                self._report.tell_tentative(bytes(self._audio))

    def _end(self, ended_ms: int, voiced_ms: int) -> None:
        if voiced_ms < _SHORTEST_MS:
            self._report.tell(Utterance("", ended_ms))
        else:
            self._report.tell_utterance(bytes(self._audio), ended_ms)
        self._audio.clear()

    def _keep(self, ms: int) -> None:
        """Forgets all audio but the last `ms`."""
        del self._audio[: -ms * BYTES_PER_MS]
