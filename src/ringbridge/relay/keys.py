"""Keys that the caller presses, asked for or not."""

from dataclasses import replace

from ringbridge import facts
from ringbridge.plans import CollectDigits, Plan
from ringbridge.relay.commands import Command, DropTimer, KeepDigits, Report, SetTimer, Settled
from ringbridge.relay.conversation import Conversation
from ringbridge.relay.events import Timer
from ringbridge.relay.keypad import PAUSE_SECONDS

__all__ = ["Keys"]


class Keys(Conversation):
    """The layer of keys: gathered into numbers, each of which opens a turn."""

    def _key_pressed(self, key: str) -> list[Command]:
        return [Report(facts.KeyPressed()), *self._key_counted(key)]

    def _key_counted(self, key: str) -> list[Command]:
        number = self._keypad.press(key)
        if number is not None:
            return self._digits(number)
        if self._asks_for_digits and self._gathering is None:
            return []  # the question is still being spoken
        return [SetTimer(Timer.DIGITS, PAUSE_SECONDS if self._gathering is None else self._gathering.timeout)]

    def _digits(self, number: str | None) -> list[Command]:
        asked = self._gathering
        if asked is None and self._waiting is not None and isinstance(self._waiting.errand.plan, CollectDigits):
            asked = self._waiting.errand.plan  # keyed before the question was heard to its end
        if asked is not None:
            return self._gathered(asked, "" if number is None or number == asked.finish_on else number)
        if number is None:
            return []
        return self._keyed(number, f"Caller pressed {number}", secret=False)

    def _gathered(self, asked: CollectDigits, number: str) -> list[Command]:
        self._gathering = None
        self._keypad.expect_anything()
        settled = self._drop_waiting(done=True) if self._waiting and self._waiting.errand.plan is asked else []
        if not number:
            text = "Caller entered no digits"
        else:
            text = "Caller entered digits" if asked.secret else f"Caller pressed {number}"
        return [*settled, *self._keyed(number, text, secret=asked.secret)]

    def _keyed(self, number: str, text: str, *, secret: bool) -> list[Command]:
        return [*self._kept(number, secret=secret), *self._write(text)]

    def _kept(self, number: str, *, secret: bool) -> list[Command]:
        kept = [KeepDigits(number)] if number else []
        shown = "•" * len(number) if secret else number
        return [DropTimer(Timer.DIGITS), *kept, Report(facts.DigitsPressed(shown, secret))]

    def _as_secret(self, plan: Plan) -> Plan:
        """What was keyed for a secret stays one, though it is asked for again in the middle of it."""
        if isinstance(plan, CollectDigits) and self._gathering is not None and self._gathering.secret:
            return replace(plan, secret=True)
        return plan

    def _stop_gathering(self) -> list[Command]:
        """The line is wanted for something else: what was keyed so far is kept, and opens no turn."""
        asked, self._gathering = self._gathering, None
        if asked is None:
            return []
        self._keypad.expect_anything()
        return self._kept(self._keypad.complete() or "", secret=asked.secret)

    def _drop_waiting(self, *, done: bool) -> list[Command]:
        """What waits will not begin (or, digits, has been answered already)."""
        if self._waiting is None:
            return []
        errand = self._waiting.errand
        if done:
            self._waiting = None
            return [DropTimer(Timer.ERRAND), Settled(errand.number, done=True)]
        dropped = self._abandon()
        if not isinstance(errand.plan, CollectDigits):
            return dropped
        self._keypad.expect_anything()
        keys = self._keypad.complete()
        return [*dropped, *(self._gathered(errand.plan, keys) if keys else [])]
