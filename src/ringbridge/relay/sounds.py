"""Sounds that the brain plays to the caller."""

from ringbridge import facts
from ringbridge.plans import PlaySound
from ringbridge.relay.commands import Command, DropTimer, Report, SetTimer, Settled, ToEngine, ToTwilio
from ringbridge.relay.errands import SLACK_SECONDS, Errand
from ringbridge.relay.events import Timer
from ringbridge.relay.state import Engine, Stream
from ringbridge.relay.voice import Voice
from ringbridge.wire import engine

__all__ = ["Sounds"]

SOUND_AHEAD_MS = 10_000
"""So much of a sound waits at Twilio to be played."""

PLAYING_SECONDS = 1.0
"""How often the engine is told that a sound is playing."""

_ACTIVITY = engine.encode(engine.UserActivity())


class Sounds(Voice):
    """The layer of sounds: one at a time, until it was heard or the caller has something to say."""

    def _play(self, errand: Errand, sound: PlaySound) -> list[Command]:
        if self._stream is not Stream.ATTACHED or not sound.pieces:
            return [Settled(errand.number, done=False)]
        self._running = errand
        paid = self._paid()
        self._sound_left.extend(reversed(sound.pieces))
        rest = map(ToTwilio, self.lane.mark_rest())
        self.lane.playout.begin_sound()
        return [*paid, *rest, *self._play_on(), *self._playing()]

    def _play_on(self) -> list[Command]:
        """A long sound goes out as it is played: all at once, it would not fit into a socket's buffer."""
        playout = self.lane.playout
        wires: list[bytes] = []
        while self._sound_left and playout.unheard_ms < SOUND_AHEAD_MS:
            wires += self.lane.play([self._sound_left.pop()])
        self._sound_ends = playout.last_mark
        return [*map(ToTwilio, wires), SetTimer(Timer.ERRAND, playout.unheard_ms / 1000 + SLACK_SECONDS)]

    def _sound_heard(self, mark: str) -> list[Command]:
        if self._sound_left:
            return self._play_on()
        return self._sound_over(cut=False) if mark == self._sound_ends else []

    def _playing(self) -> list[Command]:
        """The engine hears nobody speak, and would ask whether anybody is there."""
        tell: list[Command] = [ToEngine(_ACTIVITY)] if self._engine is Engine.OPEN else []
        return [*tell, SetTimer(Timer.PLAYING, PLAYING_SECONDS)]

    def _stop_sound(self) -> list[Command]:
        """The caller has something to say, or nobody wants to hear it."""
        if not self._sound_ends:
            return []
        clear, _ = self.lane.clear()
        return [*([ToTwilio(clear)] if clear else []), *self._sound_over(cut=True)]

    def _sound_over(self, *, cut: bool) -> list[Command]:
        if not self._sound_ends:
            return []
        self._sound_ends = ""
        self._sound_left.clear()
        heard = self.lane.playout.heard
        ms = heard.ms if heard is not None and heard.event_id is None else 0
        told = Report(facts.SoundPlayed(ms, cut))
        return [DropTimer(Timer.ERRAND), DropTimer(Timer.PLAYING), told, *self._settle(done=not cut)]

    def _settle(self, *, done: bool) -> list[Command]:
        if self._running is None:
            return []
        errand, self._running = self._running, None
        return [Settled(errand.number, done=done)]
