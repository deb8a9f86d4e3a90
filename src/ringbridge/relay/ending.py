"""How a call ends for the caller: with a goodbye, with the sorry, or by their own hanging up."""

from ringbridge import facts
from ringbridge.facts import Outcome
from ringbridge.plans import HangUp as HangUpPlan
from ringbridge.relay.commands import (
    CloseEngine,
    CloseStream,
    Command,
    DropTimer,
    Finish,
    HangUp,
    Record,
    Report,
    Rescue,
    SetTimer,
    Settled,
    ToTwilio,
)
from ringbridge.relay.errands import SLACK_SECONDS
from ringbridge.relay.events import Timer
from ringbridge.relay.sounds import Sounds
from ringbridge.relay.state import Dial, Engine, Phase, Stream

__all__ = ["Ending"]

STOP_SECONDS = 2.0
"""How long Twilio may take to stop the stream of a call that it has ended."""


class Ending(Sounds):
    """The layer of ends. Whatever decides one is recorded before anything is closed."""

    def _part(self, *, farewell: bool) -> list[Command]:
        """The conversation has come to its end; `farewell`: nobody has said so yet."""
        self._phase = Phase.PARTING
        goodbye: list[Command] = [Record(Outcome.GOODBYE), *self._nothing_more_wanted()]
        if farewell:
            return [*goodbye, *self._last_words("farewell")]
        if self.lane.playout.silent:
            return [*goodbye, *self._hang_up()]
        played = SetTimer(Timer.PLAYED, self.lane.playout.unheard_ms / 1000 + SLACK_SECONDS)
        return [*goodbye, *map(ToTwilio, self.lane.mark_rest()), played]

    def _leave(self, why: str) -> list[Command]:
        """We end the call ourselves."""
        if self._phase is not Phase.LIVE or self._stream is Stream.AWAITED:
            return []
        if self.is_transferring:
            return self._transferred()
        attached = self._stream is Stream.ATTACHED
        self._phase = Phase.PARTING
        return [
            Record(Outcome.GOODBYE),
            Report(facts.Parting(why)),
            *self._let_go(),
            *(self._last_words("farewell") if attached else self._hang_up()),
        ]

    def _nothing_more_wanted(self) -> list[Command]:
        """The call ends by itself: who waits to end it has what they want, anything else is not done."""
        if self._waiting is None or not isinstance(self._waiting.errand.plan, HangUpPlan):
            return self._abandon()
        self._running, self._waiting = self._waiting.errand, None
        return [DropTimer(Timer.ERRAND)]

    def _abandon(self) -> list[Command]:
        """What waits for its words to be heard will not begin."""
        if self._waiting is None:
            return []
        errand, self._waiting = self._waiting.errand, None
        return [DropTimer(Timer.ERRAND), Report(facts.PlanDropped(errand.kind)), Settled(errand.number, done=False)]

    def _let_go(self) -> list[Command]:
        """No conversation and no plan any more; what remains to be said is ours."""
        self._engine = Engine.CLOSED
        return [*self._abandon(), *self._stop_sound(), *self._settle(done=False), CloseEngine()]

    def _hang_up(self) -> list[Command]:
        self._phase = Phase.ENDING
        return [DropTimer(Timer.PLAYED), HangUp()]

    def _hung_up(self) -> list[Command]:
        if self._stream is Stream.ATTACHED:
            return [SetTimer(Timer.STOP_DUE, STOP_SECONDS)]
        return self._finish()

    def _caller_gone(self) -> list[Command]:
        if self.is_transferring and self._human is Dial.TAKEN:
            return self._transferred()
        gone = [Record(Outcome.CALLER_GONE)] if self._phase is Phase.LIVE else []
        return [*gone, *self._finish()]

    def _transferred(self) -> list[Command]:
        return [*self._settle(done=True), Record(Outcome.TRANSFERRED), *self._finish()]

    def _failed(self, reason: str) -> list[Command]:
        """The caller is being told so by Twilio."""
        if self._phase is not Phase.LIVE:
            return self._finish()
        return [Record(Outcome.FAULT), Report(facts.Faulted(reason)), *self._finish()]

    def _fault(self, reason: str) -> list[Command]:
        if self._phase is Phase.APOLOGISING:
            return []
        if self._phase is not Phase.LIVE or self._stream is not Stream.ATTACHED:
            return self._failed(reason)
        failed = [Record(Outcome.FAULT), Report(facts.Faulted(reason)), *self._let_go()]
        self._phase = Phase.APOLOGISING
        return [*failed, *self._last_words("sorry")]

    def _rescue(self, reason: str) -> list[Command]:
        """Twilio brings no stream, and may not know that it has lost one: it is told what to do with the caller."""
        failed = [Record(Outcome.FAULT), Report(facts.Faulted(reason)), *self._let_go()]
        self._phase = Phase.ENDING
        return [*failed, Rescue()]

    def _finish(self) -> list[Command]:
        self._phase = Phase.OVER
        waiting = [Settled(self._waiting.errand.number, done=False)] if self._waiting else []
        ended = isinstance(self._running and self._running.plan, HangUpPlan)
        return [*waiting, *self._settle(done=ended), CloseEngine(), CloseStream(), Finish()]
