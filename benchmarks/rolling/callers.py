"""Fifty people who phone, one call after the other, and what became of each call."""

import asyncio
import re
from collections import defaultdict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from ringbridge.emulator.elevenlabs.conversation import Conversation
from ringbridge.emulator.elevenlabs.diary import Event
from ringbridge.emulator.speech.exact import Decoder, encode
from ringbridge.emulator.twilio.phone import PhoneCall
from ringbridge.emulator.twilio.records import CallOver

__all__ = ["CALL_SID_HEADER", "GREETINGS", "Callers", "Fate"]

TURNS = 3
PATIENCE_SECONDS = 5.0
PAUSE_SECONDS = 0.7

CALL_SID_HEADER = "x-call-sid"
"""The engine sends it with each brain socket, as it is set to."""

GREETINGS = {"Hi.": "A", "Hey.": "B"}
"""What each process says first."""

_CALL_SID = re.compile(rb"^%b: (\S+)" % CALL_SID_HEADER.encode(), re.IGNORECASE | re.MULTILINE)

Fate: TypeAlias = Literal["well", "lost", "without a brain", "turned away"]
"""`lost`: a call that had begun missed an answer, or was ended by anybody but its caller. `without a brain`: its brain
was dialled into the process that does not have the call. `turned away`: it never had a stream."""


@dataclass(slots=True)
class _Call:
    phone: PhoneCall
    number: int
    line: Decoder = field(default_factory=Decoder)
    answers: int = 0
    hung_up: bool = False
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def hear(self, frame: bytes) -> None:
        self.line.feed(frame)
        self.news.set()
        self.news = asyncio.Event()


class Callers:
    """Keeps `at_once` calls going until `stop`. `on_end` is told each call's fate, and whether it was live before."""

    def __init__(self, dial: Callable[[], Awaitable[PhoneCall]], *, at_once: int) -> None:
        self._dial = dial
        self._at_once = at_once
        self._stopped = False
        self._calls: dict[str, _Call] = {}
        self._homes: defaultdict[str, set[str]] = defaultdict(set)
        self._brains: defaultdict[str, set[str]] = defaultdict(set)
        self._began = 0
        self.fates: dict[str, Fate] = {}
        """What became of each call that is over, by its CallSid."""

    @property
    def live(self) -> frozenset[str]:
        """The calls that have a stream now."""
        return frozenset(
            sid for sid, call in self._calls.items() if call.phone.stream is not None and call.phone.stream.up
        )

    @property
    def under_way(self) -> frozenset[str]:
        """The calls that are not over."""
        return frozenset(self._calls)

    def stop(self) -> None:
        """No new calls; those that are live end by themselves."""
        self._stopped = True

    def watch(self, conversation: Conversation, _event: Event) -> None:
        """Takes each event of the engine's twin: the greeting says which process has opened the conversation."""
        with suppress(KeyError):
            asked = conversation.initiation
            greeting = asked["conversation_config_override"]["agent"]["first_message"]
            self._homes[asked["dynamic_variables"]["call_sid"]].add(GREETINGS[greeting])

    def arrived(self, head: bytes, process: str) -> None:
        """Takes the head of each request, and the process that it went to: a brain socket's names its call."""
        if named := _CALL_SID.search(head):
            self._brains[named[1].decode()].add(process)

    async def run(self) -> None:
        """All of it."""
        async with asyncio.TaskGroup() as tasks:
            for place in range(self._at_once):
                tasks.create_task(self._take_place(10 * place / self._at_once), name=f"place {place}")

    async def _take_place(self, begin: float) -> None:
        await asyncio.sleep(begin)
        while not self._stopped:
            self._began += 1
            call = _Call(await self._dial(), self._began)
            self._calls[call.phone.sid] = call
            call.phone.on_heard.append(call.hear)
            with suppress(CallOver):
                await self._talk(call)
                call.hung_up = not call.phone.over
            await call.phone.hang_up()
            await call.phone.ended()
            del self._calls[call.phone.sid]
            self.fates[call.phone.sid] = self._fate(call)

    async def _talk(self, call: _Call) -> None:
        await self._hears(call, *GREETINGS)
        for _ in range(TURNS):
            await asyncio.sleep(PAUSE_SECONDS)
            words = f"{call.number:04d}{call.answers}."
            await call.phone.speak(encode(f"n{words}"))
            if not await self._hears(call, f"r{words}"):
                return
            call.answers += 1

    @staticmethod
    async def _hears(call: _Call, *words: str) -> bool:
        """One of these words, in time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not set(words) & set(call.line.words):
                    await call.news.wait()
                return True
        return False

    def _fate(self, call: _Call) -> Fate:
        kinds = {event.kind for event in call.phone.events}
        if "stream_started" not in kinds:
            return "turned away"
        if call.hung_up and call.answers == TURNS:
            return "well"
        misled = self._brains[call.phone.sid] - self._homes[call.phone.sid]
        return "without a brain" if misled else "lost"
