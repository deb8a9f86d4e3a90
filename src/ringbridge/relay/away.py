"""Twilio does something else for a call than to stream it: it dials a human, or presses keys."""

from ringbridge import facts
from ringbridge.plans import SendDigits, Transfer
from ringbridge.relay.commands import Command, DropTimer, Report, SetTimer
from ringbridge.relay.events import Timer
from ringbridge.relay.keys import Keys
from ringbridge.relay.playout import Cut
from ringbridge.relay.state import Dial, Engine, Phase, Stream

__all__ = ["Away"]

RING_SECONDS = 30.0
"""A human to whom the caller is put through has taken the call when it has not come back so much later."""

TALK_SECONDS = 3700.0
"""A transferred call is forgotten then: the dial's own limit is an hour."""

KEY_SECONDS = 0.5
"""The longest that one key takes which is pressed for us, or one pause between two."""

BACK_SECONDS = 10.0
"""What Twilio may take on top to do as asked, and to bring the stream back."""


class Away(Keys):
    """The layer of redirects: the stream's end is expected then, and the conversation is held."""

    def _redirected(self) -> list[Command]:
        if self._phase is Phase.ENDING:
            return self._finish()
        return self._away() if self._is_redirecting else []

    def _away(self) -> list[Command]:
        """The stream ends, or will: not the call."""
        assert self._running is not None
        if self._stream is Stream.AWAY:
            return []
        attached, self._stream = self._stream is Stream.ATTACHED, Stream.AWAY
        unheard = self._unheard(self.lane.shut_to_caller()) if attached else []
        plan = self._running.plan
        keys = len(plan.digits) * KEY_SECONDS if isinstance(plan, SendDigits) else RING_SECONDS
        return [
            *unheard,
            *self._paid(),
            DropTimer(Timer.HELD),
            SetTimer(Timer.AWAY, keys + BACK_SECONDS),
            *self._silence_due(),
        ]

    def _redirect_failed(self) -> list[Command]:
        if self._phase is Phase.ENDING:
            return self._finish()
        if not self._is_redirecting or self._stream is Stream.AWAY:
            return []
        dial = self._engine_awaited() if self._engine is Engine.IDLE and self._stream is Stream.ATTACHED else []
        return [*dial, *self._not_transferred("failed; the caller is still with you")]

    def _not_transferred(self, how: str) -> list[Command]:
        assert self._running is not None
        plan = self._running.plan
        settled = self._settle(done=False)
        if not isinstance(plan, Transfer):
            return settled
        text = f"The transfer to {plan.name} {how}."
        return [*settled, Report(facts.Transferring(plan.name, ended=True)), *self._write(text)]

    def _back(self) -> list[Command]:
        """A stream is attached again: whatever Twilio did for us is over."""
        if not self._is_redirecting:
            return []
        assert self._running is not None
        if isinstance(self._running.plan, SendDigits):
            return [Report(facts.DigitsSent(self._running.plan.digits)), *self._settle(done=True)]
        return self._not_transferred("was not taken; the caller is back with you")

    def _dial_ended(self, *, taken: bool) -> list[Command]:
        if not self.is_transferring:
            return []
        if taken:
            return self._transferred()
        self._human = Dial.OVER
        return [SetTimer(Timer.AWAY, BACK_SECONDS)]

    def _away_for_long(self) -> list[Command]:
        if self._stream is not Stream.AWAY or self._running is None:
            return []
        if not self.is_transferring or self._human is Dial.OVER:
            return self._fault(f"the stream did not come back within {BACK_SECONDS:g} s")
        if self._human is Dial.TAKEN:
            return self._transferred()
        self._human = Dial.TAKEN
        return [SetTimer(Timer.AWAY, TALK_SECONDS), *self._give_up_conversation()]

    def _unheard(self, cut: Cut) -> list[Command]:
        if cut.reply is None:
            return []
        return [Report(facts.Interrupted(cut.reply, cut.dropped_ms, cut.reply, cut.heard))]
