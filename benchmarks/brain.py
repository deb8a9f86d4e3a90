"""What the brain side of Ringbridge adds to a turn.

    python benchmarks/brain.py

Two things are timed: from the transcript's arrival to the brain's first statement, and from a token of the brain's to
the chunk that goes out. Conversations come at the rhythm of people and models (a turn every few seconds, a token every
20 ms); then as many as go through, for the tokens a second. The sockets are stand-ins in memory, so that only our own
share is counted; a bare loop (JSON in, JSON out, nothing checked or remembered) runs beside it for comparison.
"""

import asyncio
import json
import random
import statistics
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from ringbridge.brain.talk import Talk
from ringbridge.brain.turns import Patience
from ringbridge.callers.memory import InMemory
from ringbridge.facts import Fact
from ringbridge.live.line import Facilities
from ringbridge.live.replies import BrainSession
from ringbridge.live.socket import Closed
from ringbridge.live.tasks import Tasks
from ringbridge.phrases import ENGLISH
from ringbridge.plans import Plan
from ringbridge.turn import Call, Turn

try:
    import uvloop
except ImportError:
    uvloop = None

TOKENS = ("Of", " course,", " I", " would", " be", " happy", " to", " book", " a", " table", " for", " two.") * 4
TURNS = 4
HISTORY = 20
"""Entries of the conversation in each transcript."""


@dataclass
class Shares:
    """What was measured, in seconds."""

    asked: list[float] = field(default_factory=list)
    token: list[float] = field(default_factory=list)


class Wire:
    """A brain socket without a network: what is sent to it is timed, and wakes whoever waits for the end of a turn."""

    def __init__(self, shares: Shares) -> None:
        self.shares = shares
        self.yielded_at = 0.0
        self.turn_over = asyncio.Event()
        self._ended: asyncio.Future[Closed] = asyncio.get_running_loop().create_future()
        self.read: Callable[[bytes], None] = lambda _: None

    def listen(self, read: Callable[[bytes], None]) -> None:
        self.read = read

    def send(self, message: bytes) -> bool:
        if self.yielded_at:
            self.shares.token.append(time.perf_counter() - self.yielded_at)
            self.yielded_at = 0.0
        if b'"is_final":true' in message:
            self.turn_over.set()
        return True

    async def closed(self) -> Closed:
        return await asyncio.shield(self._ended)

    async def close(self, code: int = 1000, reason: str = "") -> None:
        if not self._ended.done():
            self._ended.set_result(Closed(code))

    def abort(self) -> None:
        raise AssertionError("the benchmark's socket is never too slow")


class OneCall:
    """The call of one conversation."""

    def __init__(self) -> None:
        self.talk = Talk(ENGLISH)
        self.ids = {"call_sid": "CA1", "conversation_id": "conv_1"}

    def card(self) -> Call:
        return Call("CA1", "+15550100", "+15550101", "conv_1")  # type: ignore[arg-type]

    def tell(self, fact: Fact) -> None:
        pass

    async def ask(self, plan: Plan, event_id: int | None) -> bool:
        return False

    def fail(self, reason: str) -> None:
        raise AssertionError(reason)

    def brain_attached(self, session: BrainSession) -> None:
        pass

    def brain_detached(self, session: BrainSession) -> None:
        pass

    def brain_asked(self) -> None:
        pass

    def brain_said(self, *, words: bool, complete: bool) -> None:
        pass


def transcript(turn: int) -> bytes:
    """A transcript as ElevenLabs sends it, the whole history each time."""
    said = [{"role": ("user", "agent")[n % 2], "content": f"entry {n} of the talk"} for n in range(HISTORY)]
    entries = [*said, {"role": "user", "content": f"question {turn}"}]
    return json.dumps({"type": "user_transcript", "user_transcript": entries, "event_id": turn}).encode()


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Pauses in seconds."""

    turn: float
    token: float


PEOPLE = Rhythm(turn=2.0, token=0.02)
FLAT_OUT = Rhythm(turn=0.0, token=0.0)


async def converse(shares: Shares, facilities: Facilities, rhythm: Rhythm, turns: int) -> None:
    """One conversation of some turns."""
    wire = Wire(shares)
    asked_at = 0.0

    async def brain(turn: Turn) -> AsyncIterator[str]:
        shares.asked.append(time.perf_counter() - asked_at)
        for token in TOKENS:
            wire.yielded_at = time.perf_counter()
            yield token
            wire.yielded_at = 0.0
            await asyncio.sleep(rhythm.token)

    async def find(conversation_id: str) -> OneCall:
        return OneCall()

    session = BrainSession(wire, brain=brain, find_call=find, patience=Patience(), facilities=facilities)  # type: ignore[arg-type]
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(session.run())
        await asyncio.sleep(0)
        wire.read(b'{"type":"init","conversation_id":"conv_1"}')
        await asyncio.sleep(random.uniform(0.01, 0.01 + rhythm.turn))
        for turn in range(1, turns + 1):
            wire.turn_over.clear()
            message = transcript(turn)
            asked_at = time.perf_counter()
            wire.read(message)
            await wire.turn_over.wait()
            await asyncio.sleep(random.uniform(0, rhythm.turn))
        await wire.close()


async def converse_bare(shares: Shares, rhythm: Rhythm, turns: int) -> None:
    """The same without any of what Ringbridge does."""
    await asyncio.sleep(random.uniform(0, rhythm.turn))
    for turn in range(1, turns + 1):
        message = transcript(turn)
        asked_at = time.perf_counter()
        asked = json.loads(message)

        async def reply(asked_at: float = asked_at, event_id: int = asked["event_id"]) -> None:
            shares.asked.append(time.perf_counter() - asked_at)
            for token in TOKENS:
                yielded_at = time.perf_counter()
                json.dumps({"type": "agent_response", "content": token, "event_id": event_id, "is_final": False})
                shares.token.append(time.perf_counter() - yielded_at)
                await asyncio.sleep(rhythm.token)

        await asyncio.get_running_loop().create_task(reply())
        await asyncio.sleep(random.uniform(0, rhythm.turn))


async def crowd(at_once: int, make: Callable[[], Coroutine[Any, Any, None]]) -> float:
    """So many at once; gives the seconds that they took."""
    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(make())
    return time.perf_counter() - began


async def measure(at_once: int) -> None:
    """Print one line for so many conversations at once."""
    unused: Any = None
    facilities = Facilities(InMemory(), models=unused, sounds=unused, tasks=Tasks(), transfer_numbers={})
    ours, bare, rest = Shares(), Shares(), Shares()
    await crowd(at_once, lambda: converse(ours, facilities, PEOPLE, TURNS))
    await crowd(at_once, lambda: converse_bare(bare, PEOPLE, TURNS))
    ours_took = await crowd(at_once, lambda: converse(rest, facilities, FLAT_OUT, 2))
    bare_took = await crowd(at_once, lambda: converse_bare(rest, FLAT_OUT, 2))
    tokens = at_once * 2 * len(TOKENS)
    print(
        f"{at_once:>7}  {_us(ours.asked)}  {_us(ours.token)}  {tokens / ours_took:>9,.0f}"
        f"  {_us(bare.asked)}  {_us(bare.token)}  {tokens / bare_took:>9,.0f}"
    )


def _us(seconds: list[float]) -> str:
    ordered = sorted(seconds)
    median, p99 = statistics.median(ordered), ordered[int(len(ordered) * 0.99)]
    return f"{median * 1e6:>8.0f} {p99 * 1e6:>8.0f}"


async def main() -> None:
    """Print the table."""
    print("Our share of a turn in µs (median, p99), and tokens a second; then the same of the bare loop.\n")
    head = "transcript→brain    token→chunk        tokens/s"
    print(f"at once  {head}   {head}")
    for at_once in (1, 100, 500):
        await measure(at_once)
    print("\nREST calls per brain connection: none. A session is handed no client that could make one.")


if __name__ == "__main__":
    sys.exit(asyncio.Runner(loop_factory=uvloop.new_event_loop if uvloop else None).run(main()))
