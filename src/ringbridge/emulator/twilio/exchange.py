"""What all calls of one twin share, and what its number plan says about who answers."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Literal

from aiohttp import ClientSession

from ringbridge.emulator.addresses import AddressBook
from ringbridge.emulator.faults import Faults
from ringbridge.emulator.speech.base import Voice

__all__ = ["Answer", "DialOutcome", "Exchange", "new_sid"]

Outcome = Literal["answered", "busy", "no-answer", "failed"]

DialOutcome = Literal["completed", "busy", "no-answer", "failed"]


@dataclass(frozen=True, slots=True)
class Answer:
    """How somebody behaves who is called: after `after_ms` of ringing the call is answered, or is not."""

    outcome: Outcome = "answered"
    after_ms: int = 1000


@dataclass(slots=True)
class Exchange:
    """The account, the world outside, and who answers when dialled."""

    account_sid: str
    auth_token: str = field(repr=False)
    addresses: AddressBook
    clock: Callable[[], float]
    faults: Faults
    voice: Voice | None
    numbers: set[str] = field(default_factory=set)
    answers: dict[str, Answer] = field(default_factory=dict)
    dial_outcomes: dict[str, DialOutcome] = field(default_factory=dict)
    talk_seconds: dict[str, float] = field(default_factory=dict)
    session: ClientSession = field(init=False)

    def now(self) -> datetime:
        """The wall clock."""
        return datetime.fromtimestamp(self.clock(), UTC)

    def rfc2822(self) -> str:
        """The wall clock as Twilio's call resources and status callbacks tell it."""
        return format_datetime(self.now())

    def iso8601(self) -> str:
        """The wall clock as the callbacks of a stream tell it."""
        return self.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")


def new_sid(prefix: str) -> str:
    """A name as Twilio makes them: two letters and 32 hexadecimal digits."""
    return prefix + uuid.uuid4().hex
