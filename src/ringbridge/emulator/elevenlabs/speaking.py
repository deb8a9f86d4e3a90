"""The agent's mouth: text becomes audio messages, faster than it is played, and stops at once when it is cut.

How much of it the caller has heard is an estimate, as at the vendor: what was sent is taken to play from the moment it
was sent, one chunk after the other.
"""

import asyncio
import itertools
from dataclasses import dataclass, field
from typing import Final, Protocol

from ringbridge.emulator.elevenlabs.cutting import Cutter
from ringbridge.emulator.elevenlabs.formats import Recode, unchanged
from ringbridge.emulator.elevenlabs.messages import Message, audio
from ringbridge.emulator.speech.base import Voice

__all__ = ["Audience", "Clause", "Reply", "Speaker"]

LEAD_SECONDS: Final = 15
"""Nothing more is made while so much audio waits to be played, by our estimate."""

_CHUNK_BYTES: Final = (960, 2400, 0, 1333, 8000, 517, 4096, 3201)
"""Chunks are as uneven as the vendor's, and now and then empty, too."""

_BYTES_PER_MS: Final = 8


@dataclass(slots=True)
class Clause:
    """A clause that is being played: `begins` on the loop's clock, and how much audio of it there is."""

    text: str
    begins: float
    ms: float = 0

    def heard(self, now: float) -> str:
        """The words heard by `now`: one letter takes as long as the other; a word that was cut is not heard."""
        if now >= self.begins + self.ms / 1000:
            return self.text
        spaced = f"{self.text} "
        letters = int(len(spaced) * max(0.0, now - self.begins) * 1000 / self.ms)
        return spaced[: letters + 1].rpartition(" ")[0]


@dataclass(eq=False)
class Reply:
    """What the agent says under one event id. Text is added until it is finished."""

    event_id: int
    clauses: list[Clause] = field(default_factory=list)
    finished: bool = False
    made: bool = False
    announced: bool = False
    """Whether the client was told the words."""
    line: dict[str, str] | None = None
    """Its line in the history, from its first sound on."""

    def __post_init__(self) -> None:
        self._cutter = Cutter()
        self._waiting: asyncio.Queue[str | None] = asyncio.Queue()
        self._text: list[str] = []

    @property
    def text(self) -> str:
        """All its words so far, single-spaced."""
        return " ".join("".join(self._text).split())

    def add(self, text: str) -> None:
        """More of its text. Each clause is spoken as soon as it is complete."""
        self._text.append(text)
        for clause in self._cutter.feed(text):
            self._waiting.put_nowait(clause)

    def finish(self) -> None:
        """There is no more text."""
        self.finished = True
        for clause in self._cutter.end():
            self._waiting.put_nowait(clause)
        self._waiting.put_nowait(None)

    async def next_clause(self) -> str | None:
        """What to say next; `None` when all is said."""
        return await self._waiting.get()

    def heard(self, now: float) -> str:
        """The words that the caller has heard by `now`, single-spaced."""
        return " ".join(word for clause in self.clauses for word in clause.heard(now).split())


class Audience(Protocol):
    """Who follows the speaker."""

    def emit(self, message: Message) -> None:
        """Send a message to the client."""
        ...

    def begins(self, reply: Reply, text: str) -> None:
        """The audio of a clause follows."""
        ...

    def made(self, reply: Reply) -> None:
        """All audio of a reply has been sent."""
        ...

    def stumbled(self) -> None:
        """The agent broke off, as it was made to."""
        ...


class Speaker:
    """Speaks one reply after the other, each in a task of `tasks`, and none while somebody else has the floor."""

    def __init__(
        self,
        voice: Voice,
        audience: Audience,
        tasks: asyncio.TaskGroup,
        *,
        alignment: bool = True,
        recode: Recode = unchanged,
    ) -> None:
        """`recode` makes of mu-law what is sent; `alignment` tells whether that comes with the times of its letters."""
        """`alignment`: whether the audio of each clause comes with the times of its letters."""
        self._voice = voice
        self._aligns = alignment
        self._recode = recode
        self._audience = audience
        self._tasks = tasks
        self._loop = asyncio.get_running_loop()
        self._mouth = asyncio.Lock()
        self._floor = asyncio.Event()
        self._floor.set()
        self._live: dict[Reply, asyncio.Task[None]] = {}
        self._sizes = itertools.cycle(_CHUNK_BYTES)
        self.until = 0.0
        """When all that was sent will have been played, on the loop's clock."""
        self.stumbles = False
        """The next sound is cut in half, and nothing comes after it."""

    @property
    def playing(self) -> bool:
        """Whether the caller should be hearing the agent now."""
        return self._loop.time() < self.until

    def begin(self, event_id: int) -> Reply:
        """A new reply, to be spoken as its text comes."""
        over = [reply for reply in self._live if reply.made] if not self.playing else []
        for reply in over:
            del self._live[reply]
        reply = Reply(event_id)
        self._live[reply] = self._tasks.create_task(self._speak(reply), name=f"reply {event_id}")
        return reply

    def listen(self) -> None:
        """The caller has the floor: no clause begins until `resume`."""
        self._floor.clear()

    def resume(self) -> None:
        """The caller is silent again."""
        self._floor.set()

    def cut(self) -> list[Reply]:
        """Stop at once. Every reply that was not over: still to be made, or to be heard."""
        live, self._live = self._live, {}
        for task in live.values():
            task.cancel()
        self.until = min(self.until, self._loop.time())
        return list(live)

    async def _speak(self, reply: Reply) -> None:
        async with self._mouth:
            while (text := await reply.next_clause()) is not None:
                await asyncio.sleep(self.until - self._loop.time() - LEAD_SECONDS)
                await self._floor.wait()
                await self._pronounce(reply, text)
            if reply.clauses:
                self._audience.emit(audio(reply.event_id, b"", is_final=True))
            reply.made = True
            self._audience.made(reply)

    async def _pronounce(self, reply: Reply, text: str) -> None:
        clause = None
        async for sound in self._voice.say(text):
            if clause is None:
                clause = Clause(text, max(self._loop.time(), self.until))
                reply.clauses.append(clause)
                self._audience.begins(reply, text)
            self._send(reply.event_id, clause, sound)

    def _send(self, event_id: int, clause: Clause, sound: bytes) -> None:
        if self.stumbles:
            sound = sound[: len(sound) // 2]
        ms = len(sound) / _BYTES_PER_MS
        alignment = _alignment(clause.text, ms) if self._aligns and not clause.ms else None
        clause.ms += ms
        self.until = max(self._loop.time(), self.until) + ms / 1000
        start = 0
        while start < len(sound):
            size = next(self._sizes)
            self._audience.emit(audio(event_id, self._recode(sound[start : start + size]), alignment))
            start, alignment = start + size, None
        if self.stumbles:
            self._audience.stumbled()


def _alignment(text: str, ms: float) -> Message:
    """When each letter is spoken; here they all take as long."""
    each = ms / len(text)
    return {
        "chars": list(text),
        "char_start_times_ms": [round(number * each) for number in range(len(text))],
        "char_durations_ms": [round(each)] * len(text),
    }
