"""One caller of one call, in a hurry: does what its story says, and keeps what it has heard."""

import asyncio
import re
from collections.abc import Callable
from contextlib import suppress

from benchmarks.soak.stories import Story

from ringbridge.emulator.speech.exact import Decoder, encode
from ringbridge.emulator.twilio.phone import PhoneCall
from ringbridge.emulator.twilio.records import CallOver

__all__ = ["NeverEnded", "Telephone", "foreign"]

PATIENCE_SECONDS = 3.0
"""So long the caller waits for the greeting, and for an answer."""

ALL_SECONDS = 15.0
"""Whatever happens, the caller hangs up after so long."""

END_SECONDS = 40.0
"""By then Twilio has given up whatever it asks at the end of a call."""

_DIGITS = re.compile(r"\d+")


class NeverEnded(Exception):
    """A call was hung up, and did not end."""


def foreign(text: str, digits: str) -> list[str]:
    """The numbers in `text` that are not those of the call with these `digits`.

    A word may have been cut, and where a line was bad it may lack digits: what is left keeps its order.
    """
    return [found for found in _DIGITS.findall(text) if not _is_part(found, digits)]


def _is_part(found: str, digits: str) -> bool:
    left = iter(digits)
    return all(digit in left for digit in found)


class Telephone:
    """Plays one story on one call that was just dialled."""

    def __init__(self, phone: PhoneCall, story: Story) -> None:
        self.sid = phone.sid
        self._phone = phone
        self._story = story
        self._line = Decoder()
        self._news = asyncio.Event()
        phone.on_heard.append(self._hear)
        phone.on_event.append(lambda _: self._notify())

    @property
    def heard(self) -> str:
        """The words that came out of the earpiece, the last one perhaps cut."""
        return " ".join([*self._line.words, self._line.cut()])

    @property
    def answers(self) -> int:
        """How often the caller heard the brain's words to the end."""
        return self._line.words.count(f"r{self._story.digits}.")

    async def play(self) -> None:
        """Live through the call. Raises `NeverEnded`."""
        at = self._story.at
        hangs_up = self._story.manner == "hangs up at any time"
        with suppress(CallOver, TimeoutError):
            async with asyncio.timeout(at if hangs_up else ALL_SECONDS):
                if self._story.manner == "loses the line":
                    await self._talk_on_a_bad_line(at)
                else:
                    await self._talk()
        await self._phone.hang_up()
        try:
            async with asyncio.timeout(END_SECONDS):
                await self._phone.ended()
        except TimeoutError:
            raise NeverEnded(f"{self._story} did not end") from None

    async def _talk(self) -> None:
        await self._hears(lambda: bool(self._line.words))
        match self._story.manner:
            case "says nothing":
                await asyncio.sleep(self._story.at)
            case "presses keys":
                await self._phone.streaming()
                await self._phone.press(f"{self._story.digits}#")
                await self._hears(lambda: self.answers > 0)
            case "cuts in":
                await self._say()
                await self._hears(lambda: self.heard.endswith(f"r{self._story.digits[:2]}"))
                await self._say()
                await self._hears(lambda: self.answers > 0)
            case "is patient":
                await self._say()
                await self._hears(lambda: self._phone.over, seconds=ALL_SECONDS)
            case "talks twice":
                await self._say()
                await self._hears(lambda: self.answers > 0)
                await self._say()
                await self._hears(lambda: self.answers > 1)
            case _:
                await self._say()
                await self._hears(lambda: self.answers > 0)

    async def _talk_on_a_bad_line(self, at: float) -> None:
        async with asyncio.TaskGroup() as tasks:
            losing = tasks.create_task(self._lose_the_line(at))
            with suppress(CallOver):
                await self._talk()
            losing.cancel()

    async def _lose_the_line(self, at: float) -> None:
        await asyncio.sleep(at)
        with suppress(CallOver):
            await self._phone.drop_stream()

    async def _say(self) -> None:
        await self._phone.speak(encode(f"n{self._story.digits}."))

    async def _hears(self, holds: Callable[[], bool], *, seconds: float = PATIENCE_SECONDS) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not holds() and not self._phone.over:
                    await self._news.wait()
        if self._phone.over:
            raise CallOver(self._phone.status)

    def _hear(self, frame: bytes) -> None:
        self._line.feed(frame)
        self._notify()

    def _notify(self) -> None:
        if not self._news.is_set():
            self._news.set()
            self._news = asyncio.Event()
