"""The person at the telephone: speaks, presses keys, and understands what comes out of the earpiece."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Literal, Self, TypeAlias

from ringbridge.audio.mulaw import BYTES_PER_MS, FRAME_BYTES, FRAME_MS, SILENCE
from ringbridge.emulator.speech.base import Hearing, Speech, SpeechStarted, Tentative, Utterance
from ringbridge.emulator.speech.endpoint import HANGOVER_MS
from ringbridge.emulator.speech.vad import Energy
from ringbridge.emulator.twilio.phone import DIGIT_GAP_SECONDS, PhoneCall
from ringbridge.emulator.twilio.records import CallEvent, CallOver

__all__ = ["ANSWER_SECONDS", "PATIENCE_SECONDS", "AgentSilent", "Caller", "Line"]

QUIET_MS: Final = 1000
"""The agent has finished when it has not made a sound for so long."""

PATIENCE_SECONDS: Final = 5.0
"""How long a caller lets the agent take to greet or to answer before saying the next thing all the same."""

ANSWER_SECONDS: Final = 15.0
"""How long an answer may take: so long a bridge, too, waits for its brain."""

Speaker: TypeAlias = Literal["caller", "agent", "keys"]


class AgentSilent(Exception):
    """The agent did not speak, so nobody could cut in on it."""


@dataclass(frozen=True, slots=True)
class Line:
    """One thing said, from its first to its last sound, in ms on the call's time line; that begins with the answer.

    Of the agent it is what the caller has understood; of the caller, what was meant to be said ("" for audio that was
    played); of the `keys`, the digits. `cut` says that the caller spoke over its end.
    """

    who: Speaker
    text: str
    from_ms: int
    to_ms: int
    cut: bool = False


class Caller:
    """Whoever holds the telephone of one call. An async context manager; leaving it does not hang up.

    A caller takes turns: lets the agent greet and answer first, and speaks when it is quiet, unless told to barge in.
    `lines` is the dialogue as it was heard at this end. `on_line` is called with each: the agent's when it is over, the
    caller's when it begins, but never out of order; `on_partial` with what has been understood of a line so far.
    """

    def __init__(self, phone: PhoneCall, speech: Speech) -> None:
        """`speech` is the caller's voice and what hears the agent. To be made before the call is answered."""
        self.phone = phone
        self.lines: list[Line] = []
        self.on_line: list[Callable[[Line], None]] = []
        self.on_partial: list[Callable[[Line], None]] = []
        self._voice = speech.caller
        self._ear = speech.ears.open(self._hear)
        self._happened = asyncio.Event()
        self._unread: list[str] = []
        self._untold: list[Line] = []
        self._own: Line | None = None
        self._talking = self._deaf = False
        self._began_ms = self._ended_ms = -1
        self._new_from_ms = 0
        self._owed_from_ms: int | None = 0
        phone.on_heard.append(self._ear.feed)
        phone.on_event.append(self._watch)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.phone.on_heard.remove(self._ear.feed)
        self.phone.on_event.remove(self._watch)
        await self._ear.close()

    @property
    def now_ms(self) -> int:
        """Where on the call's time line we are."""
        return len(self.phone.heard) // BYTES_PER_MS

    @property
    def digits_heard(self) -> str:
        """Keys that were pressed towards the caller, in order."""
        return self.phone.digits_heard

    @property
    def utterances(self) -> list[Line]:
        """What was understood of the agent, from one silence to the next."""
        return [line for line in self.lines if line.who == "agent"]

    # What a caller does

    async def say(self, text: str, *, barge_in_ms: int | None = None) -> None:
        """Speak. Returns with the last sound; raises `CallOver` when the call ends before.

        It waits for the caller's turn. With `barge_in_ms` it begins that long after the agent's running speech did, or,
        when the agent is quiet, its next one; `AgentSilent` is raised when none comes within 15 s.
        """
        audio = b"".join([piece async for piece in self._voice.say(text)])
        if barge_in_ms is None:
            await self._take_turn()
        else:
            await self._cut_in(barge_in_ms)
        await self._make_heard(audio, text)

    async def play(self, audio: bytes) -> None:
        """The same with mu-law of any length instead of a text."""
        await self._take_turn()
        await self._make_heard(audio, "")

    async def press(self, digits: str) -> None:
        """Press keys, at once, as soon as a media stream is up. Returns after the last.

        Raises `ValueError` for what is no key, `CallOver` when the call ends before.
        """
        await self.phone.streaming()
        begun = self.now_ms
        self._act(Line("keys", digits, begun, begun + round((len(digits) - 1) * DIGIT_GAP_SECONDS * 1000)))
        await self.phone.press(digits)

    async def wait(self, ms: int) -> None:
        """Let time pass, until the call ends at the latest."""
        with suppress(TimeoutError):
            async with asyncio.timeout(ms / 1000):
                await self.phone.ended()

    async def hang_up(self) -> None:
        """Put the receiver down. On a call that is over it does nothing."""
        await self.phone.hang_up()

    async def drop_stream(self) -> None:
        """Break the media connection without `stop`, as soon as there is one; the caller stays on the line.

        Raises `CallOver` when the call ends before.
        """
        await self.phone.streaming()
        await self.phone.drop_stream()

    async def ended(self) -> None:
        """Wait until the call is over, whoever ends it."""
        await self.phone.ended()

    # What a caller hears

    async def heard(self, seconds: float = ANSWER_SECONDS) -> str:
        """Everything that was understood since the last time this was asked, up to the end of the agent's answer.

        It waits until the agent has answered what was last said or pressed (after the dialling: has greeted), and has
        been quiet for a second. When no answer begins within `seconds`, or the call ends, it is what there is: "" if
        nothing came.
        """
        with suppress(TimeoutError, CallOver):
            async with asyncio.timeout(seconds):
                await self._until(lambda: self._began_ms >= self._new_from_ms)
        await self.quiet()
        self._new_from_ms = self.now_ms
        self._owed_from_ms = None
        text, self._unread = " ".join(self._unread), []
        return text

    async def quiet(self) -> None:
        """Wait until the agent has not made a sound for a second; once the call is over, it never will."""
        while self._talking or (not self.phone.over and self.now_ms < self._ended_ms + QUIET_MS):
            left_ms = None if self._talking else self._ended_ms + QUIET_MS - self.now_ms
            with suppress(TimeoutError):
                async with asyncio.timeout(left_ms and left_ms / 1000):
                    await self._happened.wait()

    # How that is done

    async def _take_turn(self) -> None:
        """As people do: let the other one greet or answer, and finish; if nothing comes, go on."""
        await self.phone.answered()
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._until(lambda: not self._owed)
        await self.quiet()

    async def _cut_in(self, ms: int) -> None:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._until(lambda: self._talking and not self._owed)
        except TimeoutError:
            raise AgentSilent(f"the agent said nothing for {ANSWER_SECONDS:g} s that one could cut in on") from None
        await asyncio.sleep((self._began_ms + ms - self.now_ms) / 1000)

    @property
    def _owed(self) -> bool:
        """Whether the agent has not begun to answer, or to greet, yet."""
        return self._owed_from_ms is not None and self._began_ms < self._owed_from_ms

    async def _make_heard(self, audio: bytes, text: str) -> None:
        await self.phone.answered()
        begun = self.now_ms
        self._act(Line("caller", text, begun, begun + _last_sound_ms(audio)))
        await self.phone.speak(audio)

    def _act(self, line: Line) -> None:
        # Whoever pauses may be answered in the midst of it: what counts is what follows.
        self._new_from_ms = self._owed_from_ms = line.to_ms
        self._own = line
        if self._talking:
            self._untold.append(line)  # the agent's words, which began before, come first
        else:
            self._tell(line)

    def _tell(self, line: Line) -> None:
        self.lines.append(line)
        for listener in self.on_line:
            listener(line)

    async def _until(self, holds: Callable[[], bool]) -> None:
        while not holds():
            if self.phone.over and not self._talking:
                raise CallOver(f"the call ended: {self.phone.status}")
            await self._happened.wait()

    def _notify(self) -> None:
        self._happened.set()
        self._happened = asyncio.Event()

    def _watch(self, event: CallEvent) -> None:
        if event.kind != "status":
            return
        if self.phone.over and not self._deaf:
            # The line is dead: without its silence the ear would wait for ever for the end of the agent's words.
            self._deaf = True
            self._ear.feed(bytes([SILENCE]) * ((HANGOVER_MS + 5 * FRAME_MS) * BYTES_PER_MS))
        self._notify()

    def _hear(self, hearing: Hearing) -> None:
        match hearing:
            case SpeechStarted(at_ms):
                self._talking = True
                self._began_ms = at_ms
            case Tentative(text):
                so_far = Line("agent", text, self._began_ms, self.now_ms)
                for listener in self.on_partial:
                    listener(so_far)
            case Utterance(text, ended_ms):
                self._talking = False
                self._ended_ms = ended_ms
                self._understand(text, ended_ms)
        self._notify()

    def _understand(self, text: str, ended_ms: int) -> None:
        if text:
            self._unread.append(text)
            own = self._own
            cut = own is not None and own.who != "keys" and self._began_ms < own.from_ms <= ended_ms
            self._tell(Line("agent", text, self._began_ms, ended_ms, cut))
        untold, self._untold = self._untold, []
        for line in untold:
            self._tell(line)


def _last_sound_ms(audio: bytes) -> int:
    """Where the last of somebody's speech is: a recording goes on with the noise of its room."""
    activity = Energy()
    for end in range(len(audio), 0, -FRAME_BYTES):
        if activity.voiced(audio[max(0, end - FRAME_BYTES) : end].rjust(FRAME_BYTES, bytes([SILENCE]))):
            return end // BYTES_PER_MS
    return 0
