"""How a player is told what to do: one JSON object a line on its standard input, one answer a line on its output."""

import asyncio
import gc
import json
import sys
from collections.abc import Collection, Coroutine, Iterable
from typing import Any, Final

import uvloop
from benchmarks.speed.players.audio import Tally

__all__ = ["pay_attention", "percentiles", "played", "tallied"]

_SHARES: Final = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}


async def pay_attention(player: object, orders: Collection[str]) -> None:
    """Have the player's methods of these names carry out what is ordered, until the input ends."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        order = json.loads(line)
        name = order.pop("do")
        assert name in orders
        answer = await getattr(player, name)(**order)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def played(player: Coroutine[Any, Any, None]) -> None:
    """Run a player. A full collection would be heard as a delay of the bridge's, so there is none."""
    gc.disable()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(player)


def percentiles(values: Iterable[int]) -> dict[str, float]:
    """p50, p90, p99 and max of some µs, in ms; nothing where there are none."""
    ordered = sorted(values)
    if not ordered:
        return {}
    return {name: ordered[min(len(ordered) - 1, int(share * len(ordered)))] / 1000 for name, share in _SHARES.items()}


def tallied(tally: Tally, lateness: Iterable[int]) -> dict[str, Any]:
    """What a player's ears have heard, and how well it kept time itself."""
    return {
        "frames": tally.frames,
        "lost": tally.lost,
        "repeated": tally.repeated,
        "strayed": tally.strayed,
        "broken": tally.broken,
        "latency_ms": percentiles(tally.latencies),
        "late_ms": percentiles(lateness),
    }
