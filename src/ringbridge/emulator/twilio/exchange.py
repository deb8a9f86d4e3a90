"""What all calls of one twin share, and what its number plan says about who answers."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Literal

from aiohttp import ClientSession

from ringbridge.emulator.addresses import AddressBook
from ringbridge.emulator.faults import Faults
from ringbridge.emulator.speech.base import Voice
from ringbridge.emulator.twilio.account import Account

__all__ = ["Answer", "DialOutcome", "Exchange"]

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

    account: Account
    addresses: AddressBook
    clock: Callable[[], float]
    faults: Faults
    voice: Voice | None
    answers: dict[str, Answer] = field(default_factory=dict)
    dial_outcomes: dict[str, DialOutcome] = field(default_factory=dict)
    talk_seconds: dict[str, float] = field(default_factory=dict)
    session: ClientSession = field(init=False)

    @property
    def account_sid(self) -> str:
        """Whose calls these are."""
        return self.account.sid

    @property
    def auth_token(self) -> str:
        """What requests are signed with."""
        return self.account.auth_token

    def now(self) -> datetime:
        """The wall clock."""
        return datetime.fromtimestamp(self.clock(), UTC)

    def rfc2822(self) -> str:
        """The wall clock as Twilio's call resources and status callbacks tell it."""
        return format_datetime(self.now())

    def iso8601(self) -> str:
        """The wall clock as the callbacks of a stream tell it."""
        return self.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
