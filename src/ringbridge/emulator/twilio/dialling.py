"""`<Dial>`: another leg, which somebody takes or not.

https://www.twilio.com/docs/voice/twiml/dial
"""

import asyncio
import re
from collections.abc import Awaitable, Callable

from ringbridge.emulator.twilio.leg import Leg
from ringbridge.emulator.twilio.twiml import Dial

__all__ = ["E164", "ring"]

E164 = re.compile(r"\+[1-9][0-9]{6,14}")

RING_SECONDS = 1.0
"""How long it rings before somebody answers, or is found busy."""

TALK_SECONDS = 5.0
"""How long somebody talks who was not told otherwise."""


async def ring(
    leg: Leg, verb: Dial, whisper: Callable[[Dial], Awaitable[None]], bridged: Callable[[], None]
) -> tuple[str, float]:
    """Dial; when somebody answers, `whisper` is awaited and then `bridged` called.

    Returns the DialCallStatus and how many seconds were talked.
    """
    exchange = leg.exchange
    if problem := _problem(leg, verb):
        leg.journal.error(*problem)
        return "failed", 0.0
    outcome = exchange.dial_outcomes.get(verb.number, "no-answer")
    if outcome == "no-answer":
        await asyncio.sleep(verb.timeout)
        return outcome, 0.0
    await asyncio.sleep(RING_SECONDS)
    if outcome != "completed":
        return outcome, 0.0
    await whisper(verb)
    bridged()
    seconds = min(exchange.talk_seconds.get(verb.number, TALK_SECONDS), float(verb.time_limit))
    await asyncio.sleep(seconds)
    return outcome, seconds


def _problem(leg: Leg, verb: Dial) -> tuple[int, str] | None:
    """What Twilio refuses: https://www.twilio.com/docs/api/errors/13214 and 13223."""
    if not E164.fullmatch(verb.number):
        return 13223, f"{verb.number!r} is not E.164"
    caller = verb.caller_id
    if caller is None:
        # Left out, it is the caller's own number, which a client does not have.
        return (13214, "a client's call needs a callerId") if (leg.from_ or "").startswith("client:") else None
    if E164.fullmatch(caller) and caller in {leg.from_, leg.to, *leg.exchange.numbers}:
        return None
    return 13214, f"{caller!r} is neither the caller, nor the called, nor a number of the account"
