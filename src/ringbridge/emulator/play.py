"""Plays a scripted call, and tells what came of it: the dialogue, the waits, and whatever was not as it should be.

What can be checked at a call's two ends is checked here; the bridge between them is not asked.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, assert_never

from ringbridge.audio.wav import read_wav
from ringbridge.emulator.caller import ANSWER_SECONDS, PATIENCE_SECONDS, AgentSilent, Caller, Line
from ringbridge.emulator.likeness import is_in, sounds_in
from ringbridge.emulator.scenario import DropStream, End, HangUp, Play, Press, Say, Scenario, Step, Wait
from ringbridge.emulator.twilio.records import CallOver
from ringbridge.emulator.wiretap import Frames, Wiretap

__all__ = ["Report", "TurnWait", "load_sounds", "play"]

END_SECONDS: Final = 30.0
"""How long a call may take to end that the caller does not end."""

LEAVE_SECONDS: Final = 30.0
"""How long the ends may take to settle what follows a call's end."""


@dataclass(frozen=True, slots=True)
class TurnWait:
    """From the caller's last sound (or key) to the agent's first one after it; `None` when none came."""

    text: str
    ms: int | None


@dataclass(slots=True)
class Report:
    """What came of a call. It went well when there are no `problems`."""

    call_sid: str
    lines: list[Line] = field(default_factory=list)
    waits: list[TurnWait] = field(default_factory=list)
    end: End | None = None
    frames: Frames | None = None
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Due:
    """What is to be heard next: these words, or (`None`) anything."""

    place: str
    words: str | None


def load_sounds(scenario: Scenario) -> dict[str, bytes]:
    """The files that a scenario plays, as mu-law. Raises `WavError`."""
    return {step.play: read_wav(step.play) for step in scenario.steps if isinstance(step, Play)}


async def play(
    scenario: Scenario, caller: Caller, wiretap: Wiretap, *, sounds: dict[str, bytes], exact: bool
) -> Report:
    """Play a call that has just been dialled, to its end.

    `sounds` are its files, loaded; `exact` says that words must be heard to the letter. Lost audio and the vendors'
    complaints are problems, too, unless the scenario itself breaks things.
    """
    report = Report(caller.phone.sid)
    script = _Script(scenario, caller, sounds, is_in if exact else sounds_in, report.problems)
    report.end = await script.run()
    report.lines = caller.lines
    report.waits = _waits(caller.lines)
    talk = wiretap.conversation
    if talk is not None and not await _within(LEAVE_SECONDS, talk.gone.wait()):
        report.problems.append(f"the conversation was not closed {LEAVE_SECONDS:g} s after the call's end")
    report.frames = wiretap.frames()
    if not scenario.faults and not any(isinstance(step, DropStream) for step in scenario.steps):
        report.problems += wiretap.complaints() + _losses(report.frames)
    return report


class _Script:
    """One scenario on its way."""

    def __init__(
        self,
        scenario: Scenario,
        caller: Caller,
        sounds: dict[str, bytes],
        likeness: Callable[[str, str], bool],
        problems: list[str],
    ) -> None:
        self._scenario = scenario
        self._caller = caller
        self._sounds = sounds
        self._is_in = likeness
        self._problems = problems
        self._due = [_Due("greeting", scenario.greeting or None)]
        self._hung_up = False

    async def run(self) -> End:
        """Play it to the end of the call. Tells how that came about."""
        try:
            for number, step in enumerate(self._scenario.steps, 1):
                await self._play(f"step {number}", step)
            await self._listen()
        except CallOver:
            await self._listen()
            if self._scenario.end == "caller":
                self._problems.append("the call ended before its last step")
        except AgentSilent as silent:
            self._problems.append(str(silent))
        await self._end()
        return self._ended_as()

    async def _play(self, place: str, step: Step) -> None:
        match step:
            case Say(text, barge_in_ms, expect):
                if barge_in_ms is None:
                    await self._listen()
                await self._caller.say(text, barge_in_ms=barge_in_ms)
                self._expect(place, expect)
            case Press(digits, expect):
                await self._listen()
                await self._caller.press(digits)
                self._expect(place, expect)
            case Play(file, expect):
                await self._listen()
                await self._caller.play(self._sounds[file])
                self._expect(place, expect)
            case Wait(ms):
                await self._caller.wait(ms)
            case DropStream():
                await self._caller.drop_stream()
            case HangUp():
                await self._hang_up()
            case _:
                assert_never(step)

    def _expect(self, place: str, words: str | None) -> None:
        if words != "":
            self._due.append(_Due(place, words))

    async def _listen(self) -> None:
        """Hear the agent out, if it owes anything, and compare that with what was due since the last time."""
        if not self._due:
            return
        optional = self._due == [_Due("greeting", None)]
        heard = await self._caller.heard(PATIENCE_SECONDS if optional else ANSWER_SECONDS)
        for due in self._due:
            if due.words is not None and not self._is_in(due.words, heard):
                self._problems.append(f"{due.place}: should have heard {due.words!r}, but heard {heard!r}")
            elif not heard and due.place != "greeting":
                self._problems.append(f"{due.place}: heard no answer")
        self._due.clear()

    async def _hang_up(self) -> None:
        self._hung_up = self._hung_up or not self._caller.phone.over
        await self._caller.hang_up()

    async def _end(self) -> None:
        if self._scenario.end != "caller":
            await self._caller.wait(round(END_SECONDS * 1000))
            if not self._caller.phone.over:
                self._problems.append(f"the call did not end within {END_SECONDS:g} s")
        await self._hang_up()
        if not await _within(LEAVE_SECONDS, self._caller.ended()):
            self._problems.append(f"Twilio's last requests were not done {LEAVE_SECONDS:g} s after the call's end")
        await self._caller.quiet()
        if self._ended_as() != self._scenario.end:
            self._problems.append(f"should have been ended by: {self._scenario.end}, but was by: {self._ended_as()}")

    def _ended_as(self) -> End:
        if self._caller.phone.said:
            return "sorry"
        return "caller" if self._hung_up else "agent"


async def _within(seconds: float, event: Awaitable[object]) -> bool:
    """Whether something happened in time."""
    try:
        async with asyncio.timeout(seconds):
            await event
    except TimeoutError:
        return False
    return True


def _waits(lines: list[Line]) -> list[TurnWait]:
    answers = [line.from_ms for line in lines if line.who == "agent"]
    own = [line for line in lines if line.who != "agent"]
    waits = []
    for index, line in enumerate(own):
        until = own[index + 1].from_ms if index + 1 < len(own) else float("inf")
        answer = next((ms for ms in answers if line.to_ms <= ms < until), None)
        waits.append(TurnWait(line.text, None if answer is None else answer - line.to_ms))
    return waits


def _losses(frames: Frames | None) -> list[str]:
    if frames is None:
        return []
    lost = {"engine": (frames.lost_to_engine, frames.to_engine), "caller": (frames.lost_to_caller, frames.to_caller)}
    return [f"{few} of {all_} frames did not reach the {end}" for end, (few, all_) in lost.items() if few]
