"""Calls that a REST request starts: the queue they wait in, and how they ring.

https://www.twilio.com/docs/voice/api/call-resource; "Call Queueing and CPS" in the glossary.
"""

import asyncio

from ringbridge.emulator.twilio.exchange import Answer
from ringbridge.emulator.twilio.phone import PhoneCall

__all__ = ["StartQueue", "ring_out"]

GRACE_SECONDS = 5.0
"""What Twilio adds to the ring time that was asked for."""


class StartQueue:
    """Lets so many calls a second start; the others wait their turn."""

    def __init__(self, calls_per_second: float) -> None:
        self._gap = 1 / calls_per_second
        self._next = 0.0

    async def turn(self) -> int:
        """Wait until the next call may start. Returns how many milliseconds that took."""
        loop = asyncio.get_running_loop()
        asked = loop.time()
        begins = max(asked, self._next)
        self._next = begins + self._gap
        await asyncio.sleep(begins - asked)
        return round((begins - asked) * 1000)


async def ring_out(call: PhoneCall, queue: StartQueue, patience: int) -> None:
    """Call somebody, who answers, or does not within `patience` seconds. The call's status tells."""
    call.queue_ms = await queue.turn()
    call.set_status("initiated")
    call.post_status("initiated")
    call.set_status("ringing")
    call.post_status("ringing")
    answer = call.exchange.answers.get(call.to, Answer())
    seconds = answer.after_ms / 1000
    if answer.outcome == "no-answer" or seconds > patience + GRACE_SECONDS:
        await asyncio.sleep(patience + GRACE_SECONDS)
        call.set_status("no-answer")
        return
    await asyncio.sleep(seconds)
    match answer.outcome:
        case "answered":
            call.answer()
        case outcome:
            call.set_status(outcome)
