"""What is remembered of each call for a day: how it was answered, how it ends for the caller.

Twilio asks what comes next whenever a stream ends, and that request races with our own closing. So the outcome is
recorded before anything is closed, and the answer is read from here alone.

The header `I-Twilio-Idempotency-Token` marks a retry, but it is not part of what Twilio signs: anybody who replays a
webhook can set it. So it decides nothing. A CallSid that is known gets the answer that it had, retried or replayed.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum, auto

from cachetools import TTLCache

from ringbridge.facts import Outcome
from ringbridge.ids import CallSid
from ringbridge.wire.webhook import TERMINAL_STATUSES

__all__ = ["AfterStream", "Arrival", "Entry", "Ledger", "SameAnswer", "after_stream", "on_arrival"]

MAX_CALLS = 100_000
"""Calls that are remembered; the one that was touched longest ago goes first."""

MAX_REATTACHMENTS = 2
"""Fresh streams that one call is offered after it has lost one; then it gets the sorry."""

REMEMBERED_SECONDS = 24 * 60 * 60
"""How long a call is remembered: Twilio may ask what comes next until its end."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What is remembered of one call: `answer` is the TwiML that its webhook got, while it may be asked for again."""

    answer: str | None = None
    outcome: Outcome | None = None
    apologised: bool = False
    """Whether the caller has heard our sorry."""
    reattachments: int = 0


class Arrival(Enum):
    """How /incoming-call is answered, unless the answer is the same as before."""

    FIRST = auto()
    """With a new document: this call has had none."""
    ELSEWHERE = auto()
    """Sent to this address once more, see `Ledger.turn_away`: by then a proxy has turned to another process."""
    SORRY = auto()
    HANG_UP = auto()


@dataclass(frozen=True, slots=True)
class SameAnswer:
    """/incoming-call is answered as it was before; nothing is made ready again."""

    twiml: str


class AfterStream(Enum):
    """How /call-ended is answered: what the caller hears now that a stream is over."""

    REATTACH = auto()
    """A fresh stream; it counts, see `Ledger.grant_reattachment`."""
    HANG_UP = auto()
    SORRY = auto()
    NOTHING = auto()
    """The call is over: an empty document."""


def on_arrival(entry: Entry | None, *, draining: bool = False) -> Arrival | SameAnswer:
    """Decide the answer to /incoming-call from what is remembered of that call.

    A process that is `draining` takes no new one.
    """
    if entry is None:
        return Arrival.ELSEWHERE if draining else Arrival.FIRST
    match entry.outcome:
        case Outcome.GOODBYE | Outcome.CALLER_GONE | Outcome.TRANSFERRED:
            return Arrival.HANG_UP
        case Outcome.FAULT:
            return Arrival.SORRY
        case None:
            if entry.answer is not None:
                return SameAnswer(entry.answer)
            return Arrival.SORRY if draining else Arrival.FIRST


def after_stream(entry: Entry | None, status: str) -> AfterStream:
    """Decide the answer to /call-ended from what is remembered of that call, and its CallStatus.

    A call unknown here, and in progress, was another process's, which is no more. A caller who is said to be gone
    and yet is in progress had the stream stopped by somebody else: the conversation was given back by then.
    """
    if status in TERMINAL_STATUSES:
        return AfterStream.NOTHING
    if entry is None:
        return AfterStream.SORRY
    match entry.outcome:
        case Outcome.GOODBYE | Outcome.TRANSFERRED:
            return AfterStream.HANG_UP
        case Outcome.FAULT | Outcome.CALLER_GONE:
            return AfterStream.SORRY
        case None:
            granted = entry.reattachments
            return AfterStream.REATTACH if granted < MAX_REATTACHMENTS else AfterStream.SORRY


class Ledger:
    """The calls of the last 24 h, at most 100 000: the one that was touched longest ago goes first."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._entries: TTLCache[CallSid, Entry, float] = TTLCache(MAX_CALLS, REMEMBERED_SECONDS, clock)
        self._signed: TTLCache[str, CallSid, float] = TTLCache(MAX_CALLS, REMEMBERED_SECONDS, clock)

    def entry(self, call_sid: CallSid) -> Entry | None:
        """What is remembered of this call; `None` if it was never seen here."""
        try:
            return self._entries[call_sid]  # its `get` looks twice
        except KeyError:
            return None

    def call_of(self, signature: str, call_sid: CallSid) -> CallSid:
        """The call that this signature of a webhook came with first; `call_sid`, if it is new.

        The text that Twilio signs has no borders between names and values. So whoever has seen one webhook could cut
        its text into other fields, and have each cut taken for a new call.
        """
        return self._signed.setdefault(signature, call_sid)

    def answer(self, call_sid: CallSid, twiml: str) -> None:
        """Remember the answer that /incoming-call gives for this call."""
        self._entries[call_sid] = replace(self._known(call_sid), answer=twiml)

    def attach(self, call_sid: CallSid) -> None:
        """Remember that a stream of this call is attached here, whoever answered its webhook."""
        if call_sid not in self._entries:
            self._entries[call_sid] = Entry()

    def grant_reattachment(self, call_sid: CallSid) -> None:
        """Count a fresh stream that /call-ended offers this call."""
        entry = self._known(call_sid)
        self._entries[call_sid] = replace(entry, reattachments=entry.reattachments + 1)

    def record(self, call_sid: CallSid, outcome: Outcome) -> None:
        """Record how this call ends, before anything of it is closed.

        The first record stands, but for a fault that the caller then hung up on. A goodbye stays one even so: Twilio
        may still ask about that call while it is in progress, and who has been said goodbye to gets no apology.
        """
        entry = self._known(call_sid)
        if entry.outcome is None or (entry.outcome, outcome) == (Outcome.FAULT, Outcome.CALLER_GONE):
            self._entries[call_sid] = replace(entry, outcome=outcome, answer=None)

    def apologise(self, call_sid: CallSid) -> None:
        """Remember that the caller of this call has heard the sorry."""
        self._entries[call_sid] = replace(self._known(call_sid), apologised=True)

    def turn_away(self, call_sid: CallSid) -> None:
        """Remember that this call was sent to this address once more."""
        self._entries[call_sid] = self._known(call_sid)

    def _known(self, call_sid: CallSid) -> Entry:
        return self.entry(call_sid) or Entry()
