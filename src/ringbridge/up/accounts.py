"""The accounts, as a step: what an earlier start has left, the number, and the secret."""

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ringbridge.apis.elevenlabs_engines import ElevenLabsEngines
from ringbridge.apis.twilio_numbers import AccountNumber, TwilioNumbers
from ringbridge.provision.dotenv import remember
from ringbridge.provision.journal import Journal
from ringbridge.provision.number import Choose, find_number
from ringbridge.provision.steps import Tell
from ringbridge.provision.undo import finish_undo
from ringbridge.screen.steps import StepScreen
from ringbridge.up.plan import Plan

__all__ = ["AccountsStep", "undisturbed"]


@dataclass(slots=True)
class AccountsStep:
    """Puts back what an earlier start was killed over, finds the number, and makes the secret where there is none."""

    plan: Plan
    journal: Journal
    engines: ElevenLabsEngines
    numbers: TwilioNumbers
    choose: Choose

    @property
    def title(self) -> str:
        """What it is about."""
        return "Accounts"

    async def do(self, tell: Tell) -> AccountNumber:
        """Gives the number. Raises `VendorError` and `NotProvided`."""
        if self.journal.entries:
            tell("an earlier start was cut off, and left something to put back")
        await finish_undo(self.journal, self.engines, self.numbers, tell)
        number = await find_number(self.numbers, self.plan.outset.line.twilio_phone_number, self.choose)
        tell(f"{number.phone_number} of the Twilio account")
        if self.plan.outset.line.twilio_phone_number is None:
            self._remember("TWILIO_PHONE_NUMBER", number.phone_number, tell)
        if self.plan.outset.line.secret is None:
            self._remember("SHARED_SECRET", self.plan.outset.secret, tell)
        return number

    async def undo(self, tell: Tell) -> None:
        """What is written into `.env` stays there."""

    def _remember(self, name: str, value: str, tell: Tell) -> None:
        env_file = self.plan.request.env_file
        remember(env_file, name, value)
        tell(f"{name} is written into {env_file}")


def undisturbed(steps: StepScreen, choose: Choose) -> Choose:
    """The same question, with the terminal to itself; Ctrl-C and SIGTERM are answers, too: to do nothing."""

    def ask(numbers: Sequence[AccountNumber]) -> AccountNumber:
        with steps.paused(), _interruptible():
            return choose(numbers)

    return ask


@contextmanager
def _interruptible() -> Iterator[None]:
    """Signals raise `KeyboardInterrupt`: the loop, which would handle them, stands still while somebody is asked."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handlers: dict[int, Callable[..., Any] | int | None] = {
        number: signal.signal(number, signal.default_int_handler) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
