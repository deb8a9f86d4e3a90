"""`<Dial>`: another leg, which somebody takes or not.

https://www.twilio.com/docs/voice/twiml/dial and …/number
"""

import asyncio
import re
from collections.abc import Callable

from ringbridge.emulator.twilio.leg import Dialled, Leg, Source, Status
from ringbridge.emulator.twilio.twiml import Dial
from ringbridge.emulator.twilio.whisper import whisper

__all__ = ["E164", "HumanLeg"]

E164 = re.compile(r"\+[1-9][0-9]{6,14}")

RING_SECONDS = 1.0
"""How long it rings before somebody answers, or is found busy."""

TALK_SECONDS = 5.0
"""How long somebody talks who was not told otherwise."""


class HumanLeg:
    """The leg to whoever one `<Dial>` calls. `dialled` always tells how far it has come."""

    def __init__(self, leg: Leg, verb: Dial, dialled: Dialled, absolute: Callable[[str], str]) -> None:
        """`leg` is the caller's; `absolute` completes the URLs of the document that `verb` stands in."""
        self._leg = leg
        self._verb = verb
        self._callee = verb.callee
        self._dialled = dialled
        self._absolute = absolute
        self._shown = verb.caller_id or leg.from_
        self._sequence = 0

    async def run(self) -> None:
        """Dial, whisper, join the two and let them talk. Cancelled when the caller hangs up, or is led elsewhere."""
        if problem := self._problem():
            self._leg.journal.error(*problem)
            self._dialled.status = "failed"
            return
        try:
            self._tell("initiated", "initiated")
            self._tell("ringing", "ringing")
            if await self._ring():
                await self._answered()
        finally:
            dialled = self._dialled
            self._tell("completed", dialled.status)
            self._leg.journal.note(
                "dial_ended", number=dialled.number, status=dialled.status, seconds=round(dialled.seconds, 3)
            )

    async def _ring(self) -> bool:
        """Whether somebody answers."""
        outcome = self._leg.exchange.dial_outcomes.get(self._callee.number, "no-answer")
        await asyncio.sleep(self._verb.timeout if outcome == "no-answer" else RING_SECONDS)
        self._dialled.status = outcome
        return outcome == "completed"

    async def _answered(self) -> None:
        self._tell("answered", "in-progress")
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            if self._callee.whisper is None or await self._whisper(self._callee.whisper):
                self._dialled.bridged = True
                seconds = self._leg.exchange.talk_seconds.get(self._callee.number, TALK_SECONDS)
                await asyncio.sleep(min(seconds, self._verb.time_limit))
        finally:
            self._dialled.seconds = loop.time() - began

    async def _whisper(self, url: str) -> bool:
        dialled = self._dialled
        fields = self._leg.fields_of_dialled(dialled, self._shown, "in-progress")
        return await whisper(self._leg, dialled, Source(self._absolute(url), self._callee.whisper_method, fields))

    def _tell(self, event: str, status: Status) -> None:
        """https://www.twilio.com/docs/voice/twiml/number, "statusCallback"."""
        callee = self._callee
        if callee.status_callback is None or event not in callee.status_callback_events:
            return
        more = {
            "SequenceNumber": str(self._sequence),
            "Timestamp": self._leg.exchange.rfc2822(),
            "CallbackSource": "call-progress-events",
        }
        if event == "completed":
            more["CallDuration"] = str(round(self._dialled.seconds))
        self._sequence += 1
        fields = {**self._leg.fields_of_dialled(self._dialled, self._shown, status), **more}
        self._leg.dial_courier.post(self._absolute(callee.status_callback), fields, callee.status_callback_method)

    def _problem(self) -> tuple[int, str] | None:
        """What Twilio refuses: https://www.twilio.com/docs/api/errors/13214 and 13223."""
        leg, number, caller = self._leg, self._callee.number, self._verb.caller_id
        if not E164.fullmatch(number):
            return 13223, f"{number!r} is not E.164"
        if caller is None:
            # Left out, it is the caller's own number, which a client does not have.
            return (13214, "a client's call needs a callerId") if (leg.from_ or "").startswith("client:") else None
        if E164.fullmatch(caller) and caller in {leg.from_, leg.to, *leg.exchange.account.numbers}:
            return None
        return 13214, f"{caller!r} is neither the caller, nor the called, nor a number of the account"
