"""The page's telephone line: one call at a time, to the bridge between the twins."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from ringbridge.phone.call import PageCall, Tell

if TYPE_CHECKING:
    from ringbridge.emulator.elevenlabs.twin import ElevenLabsTwin
    from ringbridge.emulator.twilio.phone import PhoneCall
    from ringbridge.facts import Fact
    from ringbridge.ids import CallSid

__all__ = ["Line", "Watch"]


class Watch:
    """An observer of the bridge, which is there before the line: it tells a call what the bridge tells of it."""

    def __init__(self) -> None:
        self.call: PageCall | None = None

    def __call__(self, call_sid: "CallSid", fact: "Fact") -> None:
        """The bridge tells something of a call."""
        if self.call is not None and self.call.sid == call_sid:
            self.call.note(fact)


class Line:
    """Dials. `watch` is an observer of the very bridge that `dial` leads to, and `twin` its engine's."""

    def __init__(self, dial: Callable[[], Awaitable["PhoneCall"]], twin: "ElevenLabsTwin", watch: Watch) -> None:
        self._dial = dial
        self._twin = twin
        self._watch = watch

    async def dial(self, tell: Tell) -> PageCall:
        """Hang up, if there is a call, and begin another. `tell` is called with whatever its page is to be told."""
        await self.hang_up()
        self._watch.call = PageCall(await self._dial(), self._twin, tell)
        return self._watch.call

    async def hang_up(self) -> None:
        """End the call, if there is one, and tell no more of it."""
        call, self._watch.call = self._watch.call, None
        if call is not None:
            await call.leave()
