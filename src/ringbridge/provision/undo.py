"""What a process that was killed has left behind is put back by the next one."""

from typing import assert_never

from ringbridge.apis.elevenlabs_engines import ElevenLabsEngines
from ringbridge.apis.twilio_numbers import TwilioNumbers
from ringbridge.provision.engine import put_back_engine
from ringbridge.provision.journal import Journal
from ringbridge.provision.number import put_back_number
from ringbridge.provision.steps import Tell

__all__ = ["finish_undo"]


async def finish_undo(journal: Journal, engines: ElevenLabsEngines, numbers: TwilioNumbers, tell: Tell) -> None:
    """Put back all that the journal says, the newest first. Raises `VendorError`; what was not put back stays in it."""
    for entry in reversed(journal.entries):
        match entry.kind:
            case "engine":
                await put_back_engine(engines, entry, tell)
            case "number":
                await put_back_number(numbers, entry, tell)
            case kind:
                assert_never(kind)
        journal.drop(entry)
