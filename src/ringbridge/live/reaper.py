"""Looks after calls of which nothing is heard any more: who is over is let go, and who is nobody's is ended."""

import asyncio

from ringbridge.apis.base import PhoneAPI
from ringbridge.errors import VendorError
from ringbridge.live.call import Call
from ringbridge.live.roster import Roster
from ringbridge.log import get_logger

__all__ = ["reap"]

log = get_logger(__name__)

SWEEP_SECONDS = 20.0
"""How often the calls are looked at."""

MOST_QUIET_LOOKS = 3
"""A call of which Twilio has said nothing for so many looks is asked about; a live stream has 50 messages a second."""

MOST_TRANSFERRED_LOOKS = 15
"""The same while a human has the caller, and there is no stream."""


async def reap(roster: Roster, phone: PhoneAPI) -> None:
    """Look after the calls until cancelled."""
    while True:
        await asyncio.sleep(SWEEP_SECONDS)
        await _sweep(roster, phone)  # between two of them it must not hold a call that is over


async def _sweep(roster: Roster, phone: PhoneAPI) -> None:
    for call in roster.live_calls:
        twilio, engine = call.look()
        if twilio and twilio % (MOST_TRANSFERRED_LOOKS if call.is_transferring else MOST_QUIET_LOOKS) == 0:
            await _ask_about(call, phone, is_engine_quiet=engine >= MOST_QUIET_LOOKS)


async def _ask_about(call: Call, phone: PhoneAPI, *, is_engine_quiet: bool) -> None:
    try:
        over = await phone.is_over(call.sid)
    except VendorError as error:
        log.warning("Twilio does not tell whether a call is over", call_sid=call.sid, problem=str(error))
        over = False
    except Exception:  # whatever an SDK does wrong, the other calls are looked after
        log.exception("asking Twilio about a call failed", call_sid=call.sid)
        over = False
    if over:
        call.over()
    elif not call.is_transferring and is_engine_quiet:
        seconds = MOST_QUIET_LOOKS * SWEEP_SECONDS
        call.fail(f"neither Twilio nor the speech engine has said anything for {seconds:g} s")
