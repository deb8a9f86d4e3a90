"""What is counted of a call while it lasts: no words, a few numbers, dropped at its end."""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Final

from ringbridge import facts
from ringbridge.facts import Fact
from ringbridge.ids import CallSid, ConversationId, StreamSid

__all__ = ["COUNTED", "Meter", "Tallies", "Tally", "fault_kind"]

MAX_CALLS: Final = 10_000
"""So many calls are counted at once; beyond that the oldest is let go, and its end is told without numbers."""

MAX_WAITS: Final = 1000
"""So many of a call's waits are kept for their median: the newest."""


def fault_kind(fact: Fact) -> str | None:
    """The kind of fault that a fact tells of, of which there is a fixed number; `None` if it tells of none."""
    match fact:
        case facts.ConversationClosed(code=code):
            return None if code == 1000 else "conversation_lost"
        case facts.Broken(peer=peer):
            return f"broken_message_of_{peer}"
        case _:
            return _FAULTS.get(type(fact))


_FAULTS: Final[Mapping[type[Fact], str]] = {
    facts.EngineComplained: "engine_complained",
    facts.GreetingRefused: "greeting_refused",
    facts.StreamLost: "stream_lost",
    facts.TurnFailed: "brain_failed",
    facts.Faulted: "call_failed",
}

COUNTED: Final = frozenset(
    {
        *_FAULTS,
        facts.Broken,
        facts.CallBegan,
        facts.CallEnded,
        facts.CallerWaited,
        facts.ClipPlayed,
        facts.ConversationClosed,
        facts.ConversationGivenBack,
        facts.ConversationOpened,
        facts.ConversationRedialled,
        facts.Interrupted,
        facts.StreamAttached,
        facts.Transferring,
        facts.TurnAnswered,
    }
)
"""What changes a tally."""


@dataclass(slots=True)
class Meter:
    """Adds up the time, in seconds, for which something was open."""

    seconds: float = 0.0
    _since: float | None = None

    def start(self, at: float) -> None:
        """It is open from now on, if it was not already."""
        if self._since is None:
            self._since = at

    def stop(self, at: float) -> None:
        """It is closed."""
        if self._since is not None:
            self.seconds += at - self._since
            self._since = None


@dataclass(slots=True)
class Tally:
    """One call. Times are in seconds on the clock of whoever tells them."""

    began: float
    stream_sid: StreamSid | None = None
    conversation_id: ConversationId | None = None
    turns: int = 0
    barge_ins: int = 0
    faults: int = 0
    clips: int = 0
    redials: int = 0
    worst_wait: float | None = None
    stream: Meter = field(default_factory=Meter)
    conversation: Meter = field(default_factory=Meter)
    """The engine's vendor bills by it."""
    _waits: list[float] = field(default_factory=list)  # an empty deque has 760 bytes

    @property
    def median_wait(self) -> float | None:
        """Of the answers that the caller waited for, in seconds; `None` if there was none."""
        return median(self._waits) if self._waits else None

    def note(self, fact: Fact, at: float) -> None:
        """Count what has happened."""
        self.faults += fault_kind(fact) is not None
        match fact:
            case facts.StreamAttached(stream_sid=stream_sid):
                self.stream_sid = stream_sid
                self.stream.start(at)
            case facts.StreamLost() | facts.Transferring(ended=False):
                self.stream.stop(at)
            case facts.ConversationOpened(conversation_id=conversation_id):
                self.conversation_id = conversation_id
                self.conversation.start(at)
            case facts.ConversationClosed() | facts.ConversationGivenBack():
                self.conversation.stop(at)
            case facts.ConversationRedialled():
                self.redials += 1
                self.conversation.stop(at)
            case facts.CallerWaited(waterfall=waterfall) if waterfall.is_answer:
                self._add_wait(waterfall.total / 1000)
            case facts.TurnAnswered():
                self.turns += 1
            case facts.Interrupted():
                self.barge_ins += 1
            case facts.ClipPlayed():
                self.clips += 1
            case facts.CallEnded():
                self.stream.stop(at)
                self.conversation.stop(at)
            case _:
                pass

    def _add_wait(self, seconds: float) -> None:
        self._waits.append(seconds)
        del self._waits[:-MAX_WAITS]
        self.worst_wait = max(seconds, self.worst_wait or 0.0)


class Tallies:
    """Those of the calls in progress."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock` gives monotonic seconds."""
        self._clock = clock
        self._tallies: OrderedDict[CallSid, Tally] = OrderedDict()

    def __len__(self) -> int:
        return len(self._tallies)

    def note(self, sid: CallSid, fact: Fact) -> tuple[Tally | None, float]:
        """Count a fact. Gives the call's tally, which is let go when the call ends, and the time.

        There is none for a call that was refused, or whose end has been told: what comes late begins nothing.
        """
        now = self._clock()
        tally = self._tallies.get(sid)
        if tally is None and isinstance(fact, facts.CallBegan | facts.StreamAttached | facts.ConversationOpened):
            tally = self._tallies[sid] = Tally(now)
            if len(self._tallies) > MAX_CALLS:
                self._tallies.popitem(last=False)
        if tally is not None:
            tally.note(fact, now)
        if isinstance(fact, facts.CallEnded):
            self._tallies.pop(sid, None)
        return tally, now
