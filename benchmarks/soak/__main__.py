"""Thousands of short calls through both twins and a real bridge, on real sockets.

Time jumps to the next timer whenever there is nothing to do, or the waits of so many faults would take all day.

    python -m benchmarks.soak --calls 10000 --at-once 50

Calls come in ten batches. Between two of them everybody has hung up, what is held is counted, and the bridge's clock
(not the loop's) is set a day ahead: what is remembered of calls for a day is then due to be forgotten.
Writes soak.md and soak.svg; exits with 1 when something was left behind or arrived where it should not.
"""

import argparse
import asyncio
import logging
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.soak import report
from benchmarks.soak.census import Held, Sample, count, sample
from benchmarks.soak.stories import Story, fault_before, tell
from benchmarks.soak.telephone import NeverEnded, Telephone
from benchmarks.soak.witness import SeenFaults, Witness

from ringbridge.emulator.clock import VirtualTimeLoop
from ringbridge.emulator.speech.base import Speech
from ringbridge.emulator.speech.exact import ExactEars, ExactVoice
from ringbridge.emulator.twilio.phone import PhoneCall
from ringbridge.emulator.world import World
from ringbridge.turn import Turn

BATCHES = 10
SAMPLES = 200
DAY_SECONDS = 24 * 60 * 60 + 1

FORGOTTEN_SECONDS = 100.0
"""A call for which no stream came is remembered until its token has expired, for 90 s."""

LET_GO_SECONDS = 8.0
"""What is over is let go of so soon: a brain socket that comes for no call waits for one for 5 s."""

SETTINGS = {"GREETING": "Hi.", "BRAIN_DEADLINE": "1000", "FILLER_AFTER": "500"}


class Days:
    """The time of day for the bridge and the twins, which can be set ahead."""

    def __init__(self) -> None:
        self._ahead = 0.0

    def __call__(self) -> float:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)
        return loop.wall() + self._ahead

    def next(self) -> None:
        """Tomorrow."""
        self._ahead += DAY_SECONDS


@dataclass(slots=True)
class Soak:
    """One run: `calls` of them, so many at once."""

    calls: int
    at_once: int
    seed: int
    witness: Witness = field(default_factory=Witness)
    samples: list[Sample] = field(default_factory=list)
    rests: list[Held] = field(default_factory=list)
    _over: int = 0
    _days: Days = field(default_factory=Days)

    async def run(self) -> tuple[Held, Held]:
        """All of it; gives what was held before and after."""
        await self._world(range(self.calls, self.calls + self.at_once), batches=1)  # what is made once is made now
        self.witness.forget()
        self._over = 0
        self.samples.clear()
        self.rests.clear()
        before = count()
        await self._world(range(self.calls), batches=BATCHES)
        after = await until(lambda held: not held.beyond(before), LET_GO_SECONDS)
        self.samples.append(sample(self._over))
        return before, after

    async def _world(self, numbers: range, *, batches: int) -> None:
        voice = ExactVoice()
        world = World(
            self._brain,
            Speech(voice, voice, ExactEars()),
            settings=SETTINGS,
            clock=self._days,
            observers=(self.witness.on_fact,),
        )
        world.faults = SeenFaults(self.witness)
        async with world:
            world.elevenlabs.on_event.append(self.witness.on_conversation)
            size = -(-len(numbers) // batches)
            for first in range(0, len(numbers), size):
                await self._batch(world, numbers[first : first + size])
                self.rests.append(await self._rest(world))
                self._tell(len(self.rests))

    async def _batch(self, world: World, numbers: range) -> None:
        waiting = iter(numbers)

        async def place(begin: float) -> None:
            await asyncio.sleep(begin)
            for number in waiting:
                await self._call(world, tell(self.seed, number))

        async with asyncio.TaskGroup() as tasks:
            for index in range(self.at_once):
                tasks.create_task(place(2 * index / self.at_once), name=f"place {index}")

    async def _call(self, world: World, story: Story) -> None:
        if fault := fault_before(self.seed, story.number):
            world.faults.add(fault)
        phone = await world.dial(from_=f"+15550{story.number:06d}")
        self.witness.expect(phone, story)
        telephone = Telephone(phone, story)
        try:
            await telephone.play()
        except NeverEnded as error:
            self.witness.find(str(error))
        self.witness.heard(telephone, story)
        self._forget(world, phone)
        self._over += 1
        if self._over % max(1, self.calls // SAMPLES) == 0:
            self.samples.append(sample(self._over))

    @staticmethod
    def _forget(world: World, phone: PhoneCall) -> None:
        """The twins keep what a test may want to see; here it would be taken for a leak."""
        del world.twilio.calls[phone.sid]
        talks = world.elevenlabs.conversations
        talks[:] = [talk for talk in talks if not talk.gone.is_set()]
        world.elevenlabs.requests.clear()
        world.elevenlabs.signed_urls.clear()

    async def _rest(self, world: World) -> Held:
        """Wait until nothing of any call is left, and count."""
        held = await until(lambda held: not held.roster, FORGOTTEN_SECONDS)
        if held.roster:
            self.witness.find(f"{held.roster} calls are in the roster {FORGOTTEN_SECONDS:.0f} s after all have hung up")
        held = await until(lambda held: not held.objects, LET_GO_SECONDS)
        if held.objects:
            self.witness.find(f"{held.objects} calls, sockets or brain sessions are held that are over")
        self.witness.settle()
        self._days.next()
        return held

    def _tell(self, batch: int) -> None:
        now, findings = sample(self._over), self.witness.seen["findings"]
        print(
            f"batch {batch:>2}: {self._over:>6} calls, {now.memory_mib:.1f} MiB, {findings} findings", file=sys.stderr
        )

    async def _brain(self, turn: Turn) -> AsyncIterator[str]:
        self.witness.asked(turn)
        story = tell(self.seed, int(turn.call.caller[-5:]))
        words = f"r{''.join(filter(str.isdigit, turn.text))[:5]}. "
        match story.mind:
            case "answers":
                yield words
            case "goes on":
                for _ in range(5):
                    yield words
                    await asyncio.sleep(0.02)
            case "fails first":
                raise RuntimeError("no idea")
            case "fails midway":
                yield words
                raise RuntimeError("lost the thread")
            case "stalls":
                await asyncio.sleep(60)
            case "has no words":
                return
            case "says goodbye":
                yield words
                await turn.call.hang_up()


async def until(holds: Callable[[Held], bool], seconds: float) -> Held:
    """Wait until it holds of what is held, but not for ever."""
    held = count()
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while not holds(held):
                await asyncio.sleep(0.2)
                held = count()
    return held


def main() -> int:
    """Run, report, judge."""
    parser = argparse.ArgumentParser(description="Thousands of short calls with faults among them.")
    parser.add_argument("--calls", type=int, default=10_000)
    parser.add_argument("--at-once", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--into", type=Path, default=Path("docs"), help="the folder of the report  [default: docs]")
    options = parser.parse_args()
    soak = Soak(options.calls, options.at_once, options.seed)
    logging.basicConfig(level=logging.INFO, handlers=[soak.witness])
    began = time.monotonic()
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        before, after = runner.run(soak.run())
    result = report.Result(
        at_once=options.at_once,
        seed=options.seed,
        seconds=time.monotonic() - began,
        before=before,
        after=after,
        rests=soak.rests,
        samples=soak.samples,
        witness=soak.witness,
    )
    report.write(result, options.into)
    print(report.summary(result))
    return 1 if result.problems else 0


if __name__ == "__main__":
    sys.exit(main())
