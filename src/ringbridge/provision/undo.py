"""What a process that was killed has left behind is put back by the next one."""

from ringbridge.apis.elevenlabs_engines import ElevenLabsEngines
from ringbridge.apis.twilio_numbers import TwilioNumbers
from ringbridge.provision.engine import put_back_engine
from ringbridge.provision.journal import Journal, Program
from ringbridge.provision.number import put_back_number
from ringbridge.provision.program import end_program
from ringbridge.provision.steps import Tell

__all__ = ["finish_undo"]


async def finish_undo(journal: Journal, engines: ElevenLabsEngines, numbers: TwilioNumbers, tell: Tell) -> None:
    """Put back all that the journal says, the newest first. Raises `VendorError`; what was not put back stays in it."""
    for entry in reversed(journal.entries):
        if isinstance(entry, Program):
            await end_program(entry, tell)
        elif entry.kind == "engine":
            await put_back_engine(engines, entry, tell)
        else:
            await put_back_number(numbers, entry, tell)
        journal.drop(entry)
