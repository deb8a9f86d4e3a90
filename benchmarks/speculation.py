"""What SPECULATE gains: whole calls on the twins, on virtual time, so the figures are exact and the same everywhere.

    python benchmarks/speculation.py

The model takes 500 ms to its first token. The wait is that of the twin: from the final transcript to the first audio of
the answer. Sentences come as a recognizer tells them: each word as it is understood, 300 ms after the one before, and
the whole for so long before the transcript. Each case is a call of ten turns. What the brain is asked more than once a
turn is the price.
"""

import asyncio
import statistics
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass

from ringbridge.emulator.clock import VirtualTimeLoop
from ringbridge.emulator.elevenlabs.conversation import Conversation
from ringbridge.emulator.speech.base import Speech, Tentative
from ringbridge.emulator.speech.exact import ExactEars, ExactVoice
from ringbridge.emulator.world import World
from ringbridge.turn import Turn

FIRST_TOKEN_SECONDS = 0.5
WORD_SECONDS = 0.3
TURNS = 10

SHORT = "Yes."
LONG = "I would like to book a table for two on Saturday evening at seven, please."


@dataclass(frozen=True, slots=True)
class Case:
    """How transcripts come: the whole text so many ms before the final one, which every so often says more."""

    name: str
    text: str
    ms: int
    errs_every: int = 0
    words: bool = True
    """Whether words come one by one before."""


CASES = (
    Case("one word, the whole 300 ms before", SHORT, 300),
    Case("one sentence at once, 300 ms before", LONG, 300, words=False),
    Case("15 words one by one, the whole 300 ms before", LONG, 300),
    Case("15 words one by one, the whole 500 ms before", LONG, 500),
    Case("15 words one by one, the whole 800 ms before", LONG, 800),
    Case("the same without punctuation, 500 ms before", LONG.rstrip("."), 500),
    Case("15 words, the final differs every other time", LONG, 800, errs_every=2),
    Case("15 words, the final always differs", LONG, 800, errs_every=1),
)


@dataclass(frozen=True, slots=True)
class Result:
    """The waits of a case in ms, and how often the brain was asked."""

    waits: list[int]
    asked: int


async def play(case: Case, *, speculates: bool) -> Result:
    """One call."""
    asked = 0

    async def brain(turn: Turn) -> AsyncIterator[str]:
        nonlocal asked
        asked += 1
        await asyncio.sleep(FIRST_TOKEN_SECONDS)
        yield "Gladly."

    voice = ExactVoice()
    world = World(
        brain,
        Speech(voice, voice, ExactEars()),
        settings={"SPECULATE": "on" if speculates else "off", "GREETING": "Hello.", "FILLER_AFTER": "off"},
        engine={"tentative_ms": case.ms, "tentative_errs_every": case.errs_every},
        clock=asyncio.get_running_loop().wall,  # type: ignore[attr-defined]
    )
    async with world:
        phone = await world.dial()
        await asyncio.sleep(5)
        (talk,) = world.elevenlabs.conversations
        waits = [await say(talk, case) for _ in range(TURNS)]
        await phone.hang_up()
        await asyncio.sleep(1)
    return Result(waits, asked)


async def say(talk: Conversation, case: Case) -> int:
    """The caller says it; gives what they wait for the answer, in ms."""
    words = case.text.split()
    for number in range(1, len(words) if case.words else 0):
        talk._hear(Tentative(" ".join(words[:number])))  # noqa: SLF001 - there is no verb for half a sentence
        await asyncio.sleep(WORD_SECONDS)
    talk.hear(case.text)
    await asyncio.sleep(5)
    user, agent = ([event.at_ms for event in talk.events if event.kind == kind][-1] for kind in ("user", "agent"))
    return agent - user


def main() -> None:
    """Print the table."""
    print(f"{'':<46}  {'off':>7}  {'on':>7}  {'gained':>7}  {'worst':>6}  {'asked per turn':>14}")
    for case in CASES:
        off, on = (run(case, speculates=speculates) for speculates in (False, True))
        before, after = statistics.mean(off.waits), statistics.mean(on.waits)
        print(
            f"{case.name:<46}  {before:>4.0f} ms  {after:>4.0f} ms  {before - after:>4.0f} ms"
            f"  {max(on.waits):>3} ms  {on.asked / TURNS:>14.1f}"
        )


def run(case: Case, *, speculates: bool) -> Result:
    """On a loop of its own."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(play(case, speculates=speculates))


if __name__ == "__main__":
    sys.exit(main())
