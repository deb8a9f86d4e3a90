"""One call's waits, told from its facts: when each began, what it was made of, how it ended.

Nobody waits for a greeting, nor for a word into the caller's own silence: neither answers a turn. The wait for the
answer to keyed digits begins with the last key.
"""

from enum import IntEnum

from ringbridge import facts
from ringbridge.facts import CallerWaited, Fact
from ringbridge.waterfall import End, Waterfall, Words

__all__ = ["Waits"]


class _Moment(IntEnum):
    """Where one part of a wait ends and the next begins."""

    SILENT = 0
    TRANSCRIPT = 1
    ASKED = 2
    TOKEN = 3
    WORDS = 4
    AUDIO = 5
    WRITTEN = 6
    HEARD = 7


class _Wait:
    """The wait for the answer to one turn."""

    def __init__(self, event_id: int | None, *, silent: float | None, transcript: float) -> None:
        self.event_id = event_id
        self.by: Words | None = None
        self._moments: list[float | None] = [None] * len(_Moment)
        self._moments[_Moment.SILENT] = silent
        self._moments[_Moment.TRANSCRIPT] = self.transcript = transcript

    @property
    def is_written(self) -> bool:
        return self._moments[_Moment.WRITTEN] is not None

    def reach(self, moment: _Moment, at: float) -> None:
        """A moment has come. One that comes again, or after a later one, is no news: a first token after a filler."""
        if all(reached is None for reached in self._moments[moment:]):
            self._moments[moment] = at

    def speak(self, by: Words, at: float) -> None:
        if self.by is None:
            self.by = by
            self.reach(_Moment.WORDS, at)

    def over(self, end: End) -> CallerWaited:
        return CallerWaited(self.event_id, Waterfall.between(self._moments, by=self.by, end=end))


class Waits:
    """One call's. Times are in seconds on one clock, of whoever tells them."""

    def __init__(self) -> None:
        self.spoke_at: float | None = None
        """When the caller was last heard to speak, by the engine's `vad_score`. To be set whenever it is high."""
        self.audio_at: float | None = None
        """When the audio came that the next `ReplyBegan` tells of."""
        self._keyed_at: float | None = None
        self._came_id: int | None = None
        self._came_at: float | None = None
        self._wait: _Wait | None = None

    def note(self, fact: Fact, at: float) -> CallerWaited | None:
        """Something has happened. Gives the wait that has ended with it, or just before it."""
        match fact:
            case facts.Heard(event_id=event_id, ms=ms):
                return self._heard(event_id, at - ms / 1000)
            case facts.TranscriptCame(event_id=event_id):
                self._transcript_came(event_id, at)
            case facts.TurnBegan(event_id=event_id):
                return self._begin(event_id, at)
            case facts.BrainAsked(event_id=event_id):
                self._reach(event_id, _Moment.ASKED, at)
            case facts.BrainBegan(event_id=event_id):
                self._reach(event_id, _Moment.TOKEN, at)
            case facts.WordsSent(event_id=event_id):
                self._speak(event_id, "brain", at)
            case facts.FillerSpoken(event_id=event_id):
                self._speak(event_id, "filler", at)
            case facts.TurnAnswered(event_id=event_id, by=by):
                self._speak(event_id, by, at)
            case facts.ReplyBegan(event_id=event_id):
                self._written(event_id, at)
            case facts.TurnSuperseded(event_id=event_id):
                return self._end("superseded") if self._for(event_id) else None
            case facts.Interrupted(event_id=event_id, reply=reply):
                return self._interrupted(event_id, reply)
            case facts.KeyPressed():
                self._keyed_at = at
            case facts.DigitsPressed():
                self.spoke_at, self._keyed_at = at if self._keyed_at is None else self._keyed_at, None
            case facts.ConversationOpened():
                self._came_id = self._came_at = None
                return self._end("lost")
            case facts.CallEnded():
                return self._end("lost")
            case _:
                pass
        return None

    def _transcript_came(self, event_id: int | None, at: float) -> None:
        """Ids rise: one that is not above the newest comes again."""
        if event_id is None or self._came_id is None or event_id > self._came_id:
            self._came_id, self._came_at = event_id, at

    def _begin(self, event_id: int | None, at: float) -> CallerWaited | None:
        superseded = self._end("superseded")
        came = at if self._came_at is None or self._came_id != event_id else self._came_at
        self._wait = _Wait(event_id, silent=self.spoke_at, transcript=came)
        return superseded

    def _for(self, event_id: int | None) -> _Wait | None:
        """The wait for this turn's answer, while it lasts."""
        return self._wait if self._wait is not None and self._wait.event_id == event_id else None

    def _reach(self, event_id: int | None, moment: _Moment, at: float) -> None:
        if wait := self._for(event_id):
            wait.reach(moment, at)

    def _speak(self, event_id: int | None, by: Words, at: float) -> None:
        if wait := self._for(event_id):
            wait.speak(by, at)

    def _written(self, event_id: int | None, at: float) -> None:
        came, self.audio_at = self.audio_at, None
        if (wait := self._for(event_id)) and not wait.is_written:
            wait.reach(_Moment.AUDIO, at if came is None else came)
            wait.reach(_Moment.WRITTEN, at)

    def _heard(self, event_id: int | None, began: float) -> CallerWaited | None:
        wait = self._for(event_id)
        if wait is None or not wait.is_written:
            return None
        wait.reach(_Moment.HEARD, began)
        if self.spoke_at is not None and self.spoke_at <= wait.transcript:
            self.spoke_at = None  # the next turn has a moment of its own, or none
        return self._end("heard")

    def _interrupted(self, event_id: int, reply: int | None) -> CallerWaited | None:
        """What belongs to a turn before an interruption is stale: it will not be heard. An equal id comes after it."""
        if self._wait is None or self._wait.event_id is None:
            return None
        is_cut = self._wait.event_id < event_id or self._wait.event_id == reply
        return self._end("cut") if is_cut else None

    def _end(self, end: End) -> CallerWaited | None:
        wait, self._wait = self._wait, None
        return None if wait is None else wait.over(end)
