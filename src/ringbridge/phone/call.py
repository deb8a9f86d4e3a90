"""One call from the page: its audio both ways, and everything that the page is told of it."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Literal, TypeAlias

from ringbridge.emulator.twilio.records import CallEvent, CallOver
from ringbridge.phone.captions import caption
from ringbridge.phone.messages import AgentWords, Answered, CallerWords, Clear, Corrected, Ended, ToPage
from ringbridge.phone.microphone import Microphone
from ringbridge.phone.pace import Pace

if TYPE_CHECKING:
    from ringbridge.emulator.elevenlabs.conversation import Conversation
    from ringbridge.emulator.elevenlabs.diary import Event
    from ringbridge.emulator.elevenlabs.twin import ElevenLabsTwin
    from ringbridge.emulator.twilio.phone import PhoneCall
    from ringbridge.facts import Fact

__all__ = ["PageCall", "Tell"]

Tell: TypeAlias = Callable[[ToPage | bytes], None]
"""Takes what the page is to be told, audio or a message. It must not block."""

HANG_UP_SECONDS = 5.0
"""How long the line may take to be cut."""


class PageCall:
    """A call that was just dialled. `leave` when the page is done with it."""

    def __init__(self, phone: "PhoneCall", twin: "ElevenLabsTwin", tell: Tell) -> None:
        """`twin` has this call and no other; what it writes down of older ones is passed over."""
        self._phone = phone
        self._twin = twin
        self._tell = tell
        self._microphone = Microphone(phone.handset.microphone)
        self._older = {talk.id for talk in twin.conversations}
        self._pace: dict[str, Pace] = {}
        self._unheard: list[asyncio.TimerHandle] = []
        self._hung_up = False
        phone.on_event.append(self._line_event)
        phone.on_heard.append(tell)
        twin.on_event.append(self._engine_event)

    @property
    def sid(self) -> str:
        """Its CallSid."""
        return self._phone.sid

    @property
    def over(self) -> bool:
        """Whether it has ended, one way or another."""
        return self._phone.over

    # What the caller does

    def hear(self, frame: bytes) -> None:
        """Take 20 ms of the caller's microphone. Before the answer nobody listens."""
        if self._phone.answered_at is not None and not self._phone.over:
            self._microphone.hear(frame)

    async def press(self, digit: str) -> None:
        """Press a key. Before the answer and after the end it does nothing."""
        if self._phone.answered_at is not None:
            with suppress(CallOver):
                await self._phone.press(digit)

    async def hang_up(self) -> None:
        """Put the receiver down. On a call that is over it does nothing."""
        self._hung_up = self._hung_up or not self._phone.over
        async with asyncio.timeout(HANG_UP_SECONDS):
            await self._phone.hang_up()

    async def leave(self) -> None:
        """End the call if it is not over, and tell the page no more of it."""
        self._phone.on_event.remove(self._line_event)
        self._phone.on_heard.remove(self._tell)
        self._twin.on_event.remove(self._engine_event)
        self._forget_unheard()
        await self.hang_up()

    # What the page is told

    def note(self, fact: "Fact") -> None:
        """The bridge tells something of this call."""
        message = caption(fact)
        if message is not None:
            self._tell(message)

    def _line_event(self, event: CallEvent) -> None:
        match event:
            case CallEvent(kind="clear"):
                self._tell(Clear())
            case CallEvent(kind="status", detail={"status": "in-progress"}):
                self._tell(Answered())
            case CallEvent(kind="status") if self._phone.over:
                self._forget_unheard()
                self._tell(Ended(self._ended_by()))
            case _:
                pass

    def _ended_by(self) -> Literal["caller", "agent", "fault"]:
        if self._hung_up:
            return "caller"
        return "fault" if self._phone.said else "agent"

    def _engine_event(self, talk: "Conversation", event: "Event") -> None:
        if talk.id in self._older:
            return
        match event.kind:
            case "tentative":
                self._tell(CallerWords(event.detail, final=False))
            case "agent":
                begins_ms = self._pace_of(talk).begins_ms(talk.sent, event.at_ms)
                seconds = (begins_ms - event.at_ms) / 1000
                loop = asyncio.get_running_loop()
                self._unheard.append(loop.call_later(seconds, self._tell, AgentWords(event.detail)))
            case "interruption":
                self._pace_of(talk).cut(talk.sent, event.at_ms)
                self._forget_unheard()
            case "correction":
                self._tell(Corrected(event.detail))
            case _:
                pass

    def _pace_of(self, talk: "Conversation") -> Pace:
        return self._pace.setdefault(talk.id, Pace())

    def _forget_unheard(self) -> None:
        while self._unheard:
            self._unheard.pop().cancel()
