"""What a process holds: counted, so that before and after can be compared."""

import asyncio
import gc
import threading
from collections import Counter
from dataclasses import dataclass, fields

import psutil

from ringbridge.live.call import Call
from ringbridge.live.replies import BrainSession
from ringbridge.live.roster import Roster
from ringbridge.live.socket import Socket

__all__ = ["Held", "Sample", "count", "sample"]

_OWN = (Call, Socket, BrainSession)
"""What each call has of its own."""


@dataclass(frozen=True, slots=True)
class Held:
    """What there is in this process. `objects` are calls, sockets and brain sessions that nothing has let go of."""

    tasks: int
    sockets: int
    descriptors: int
    timers: int
    threads: int
    roster: int
    objects: int

    def beyond(self, before: "Held") -> dict[str, int]:
        """What there is more of than before, by its name."""
        names = [field.name for field in fields(self)]
        return {name: more for name in names if (more := getattr(self, name) - getattr(before, name)) > 0}


@dataclass(frozen=True, slots=True)
class Sample:
    """A look in passing, when so many calls were over."""

    calls: int
    memory_mib: float
    descriptors: int
    tasks: int


_process = psutil.Process()


def count() -> Held:
    """Collect the garbage and count what is left. Takes a tenth of a second."""
    gc.collect()
    things = gc.get_objects()
    kinds = Counter(type(thing) for thing in things)
    return Held(
        tasks=len(asyncio.all_tasks()),
        sockets=len(_process.net_connections(kind="all")),
        descriptors=_process.num_fds(),
        # uvloop has a class of its own for them
        timers=sum(1 for thing in things if type(thing).__name__ == "TimerHandle" and not thing.cancelled()),
        threads=threading.active_count(),
        roster=sum(len(thing) for thing in things if type(thing) is Roster),
        objects=sum(kinds[kind] for kind in _OWN),
    )


def sample(calls: int) -> Sample:
    """Look in passing; takes no time to speak of."""
    memory = _process.memory_info().rss / 2**20
    return Sample(calls, memory, _process.num_fds(), len(asyncio.all_tasks()))
