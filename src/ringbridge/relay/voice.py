"""A call's silences, and the bridge's own voice that breaks them."""

from ringbridge import facts
from ringbridge.relay.commands import Command, DropTimer, Report, SetTimer, ToTwilio
from ringbridge.relay.errands import SLACK_SECONDS
from ringbridge.relay.events import Timer
from ringbridge.relay.state import Engine, Phase, State, Stream
from ringbridge.relay.watchdog import MUTE_SECONDS, QUIET_SECONDS, START_MUTE_SECONDS, Debtor

__all__ = ["Voice"]

LATELY_SECONDS = 20.0
"""Who spoke no longer ago than that is in the middle of a conversation."""

UNHEARD_MS = 3_000
"""So much of the agent's words is still played before our own last ones; more is cut off."""


class Voice(State):
    """The layer that listens for silence: see `watchdog.py`."""

    def awaits_audio(self, event_id: int | None) -> bool:
        """Whether audio of this reply, when it goes to the caller, is news: `AudioSent`. Changes with events alone."""
        return self._watchdog.is_owed or event_id != self._begun

    def _audio_sent(self, event_id: int | None) -> list[Command]:
        begins, self._begun = event_id != self._begun or self._watchdog.is_owed, event_id
        self._greeted, self._unanswered = True, False
        news = [Report(facts.ReplyBegan(event_id))] if begins else []
        return [*news, *self._paid(), *self._spoken()]

    def _brain_asked(self) -> list[Command]:
        self._brain_works = True
        return self._owe(Debtor.BRAIN) if self._watchdog.is_owed else []

    def _brain_said(self, *, words: bool, complete: bool) -> list[Command]:
        self._brain_works = not complete
        if not words and not self._watchdog.is_owed:
            return []
        return self._owe(Debtor.ENGINE if complete else Debtor.BRAIN)

    def _owe(self, debtor: Debtor, seconds: float = QUIET_SECONDS) -> list[Command]:
        """The caller waits for audio, and for no longer than `seconds` after the last that is still to be heard."""
        if self._phase is not Phase.LIVE or self.is_gathering:
            return []
        begins = self._watchdog.owe(debtor)
        return [*self._mute_due(), *(self._quiet_due(seconds) if begins else [])]

    def _mute_due(self) -> list[Command]:
        was, owes = self._is_mute_timed, self._watchdog.debtor is Debtor.ENGINE and self._engine is Engine.OPEN
        if owes == was:
            return []
        self._is_mute_timed = owes
        if not owes:
            return [DropTimer(Timer.MUTE)]
        patience = MUTE_SECONDS if self._greeted else START_MUTE_SECONDS
        return [SetTimer(Timer.MUTE, self.lane.playout.unheard_ms / 1000 + patience)]

    def _quiet_due(self, seconds: float) -> list[Command]:
        self._progress = self.lane.playout.progress
        return [SetTimer(Timer.QUIET, self.lane.playout.unheard_ms / 1000 + seconds)]

    def _paid(self) -> list[Command]:
        """Audio came, or the caller speaks."""
        if not self._watchdog.is_owed:
            return []
        self._watchdog.paid()
        return [DropTimer(Timer.QUIET), *self._mute_due()]

    def _quiet(self) -> list[Command]:
        playout = self.lane.playout
        if not self._watchdog.is_owed or self._stream is not Stream.ATTACHED or self._phase is not Phase.LIVE:
            return []
        if not playout.silent:
            if playout.progress != self._progress:
                return self._quiet_due(QUIET_SECONDS)
            playout.assume_heard()  # its marks do not come back
        clip = self._watchdog.next_clip()
        perhaps_all = self._watchdog.debtor is Debtor.UNKNOWN and self._engine is Engine.OPEN
        if perhaps_all and self._greeted:
            clip = "still_here"
        said = self._say(clip)
        if clip == "still_here" and (perhaps_all or self._watchdog.debtor is Debtor.TURN):
            self._unanswered |= not perhaps_all
            return [*said, *self._paid()]
        return [*said, *self._quiet_due(QUIET_SECONDS)]

    def _say(self, clip: str) -> list[Command]:
        """Say one of `Clips` into the attached stream, after whatever is queued."""
        return [*map(ToTwilio, self.lane.play_clip(getattr(self._clips, clip))), Report(facts.ClipPlayed(clip))]

    def _last_words(self, clip: str) -> list[Command]:
        """The conversation is over; our own words end the call."""
        self._watchdog.paid()
        clear = self.lane.clear()[0] if self.lane.playout.unheard_ms > UNHEARD_MS else None
        self.lane.end()
        return [
            *map(DropTimer, (Timer.QUIET, Timer.MUTE, Timer.BRAIN_DUE, Timer.ENGINE_DUE)),
            *([ToTwilio(clear)] if clear else []),
            *self._say(clip),
            SetTimer(Timer.PLAYED, self.lane.playout.unheard_ms / 1000 + SLACK_SECONDS),
        ]

    def _spoken(self) -> list[Command]:
        self._spoke_lately = True
        return [SetTimer(Timer.LATELY, LATELY_SECONDS)]
