"""Who is let in: asks how things stand, and lets `calls/admission.py` decide."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from ringbridge.calls.admission import Counts, Rules, Why, admit, is_anonymous
from ringbridge.facts import CallEnded, Fact, StreamAttached, hears
from ringbridge.ids import CallSid
from ringbridge.live.tasks import Tasks
from ringbridge.shared.base import Usage
from ringbridge.wire.webhook import CallWebhook

__all__ = ["Gate"]

ANONYMOUS = "anonymous"
"""Who hides the number is one caller with all who do: otherwise nothing would bound them."""


@dataclass(slots=True)
class Gate:
    """The gate of one process. It listens to the calls, as the minutes that they last count.

    `at_once` gives the calls in progress, `now` the time in the zone whose opening hours count, `elapsed` seconds that
    only rise.
    """

    rules: Rules
    usage: Usage
    tasks: Tasks
    at_once: Callable[[], int]
    now: Callable[[], datetime]
    elapsed: Callable[[], float]
    _begun: dict[CallSid, float] = field(default_factory=dict)

    async def ask(self, webhook: CallWebhook) -> Counts:
        """Count a call, unless it is refused anyway, and tell how things stand for it."""
        rules = self._rules(webhook)
        nothing_counts = not rules.counts_calls and rules.daily_seconds is None
        if nothing_counts or self.decide(webhook, Counts()) is not None:
            return Counts()
        in_minute = in_day = 0
        seconds = 0.0
        if rules.counts_calls:
            caller = ANONYMOUS if is_anonymous(webhook.caller) else webhook.caller
            in_minute, in_day = await self.usage.count_call(webhook.call_sid, caller)
        if rules.daily_seconds is not None:
            ended = await self.usage.seconds_today()
            now = self.elapsed()
            seconds = ended + sum(now - begun for begun in self._begun.values())
        return Counts(in_minute=in_minute, in_day=in_day, seconds_today=seconds)

    def decide(self, webhook: CallWebhook, counts: Counts) -> Why | None:
        """What speaks against a call, if anything. Nothing may be awaited between this and taking it."""
        counts = replace(counts, at_once=self.at_once())
        return admit(webhook.caller, rules=self._rules(webhook), counts=counts, now=self.now())

    @hears(StreamAttached, CallEnded)
    def observe(self, sid: CallSid, fact: Fact) -> None:
        """Note how long calls last."""
        match fact:
            case StreamAttached(again=False):
                self._begun[sid] = self.elapsed()
            case CallEnded():
                begun = self._begun.pop(sid, None)
                if begun is not None and self.rules.daily_seconds is not None:
                    seconds = max(1, round(self.elapsed() - begun))
                    self.tasks.start(self.usage.add_seconds(seconds), name=f"count the seconds of {sid}")
            case _:
                pass

    def _rules(self, webhook: CallWebhook) -> Rules:
        return self.rules.for_outgoing if webhook.direction.startswith("outbound") else self.rules
