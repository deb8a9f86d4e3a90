"""What is seen of all calls: whose words arrived where, how calls ended, what struck, what was logged."""

import logging
from collections import Counter
from pathlib import Path
from traceback import extract_tb

from benchmarks.soak.stories import Story
from benchmarks.soak.telephone import Telephone, foreign

from ringbridge.emulator.elevenlabs.conversation import Conversation
from ringbridge.emulator.elevenlabs.diary import Event
from ringbridge.emulator.faults import Fault, Faults, Where
from ringbridge.emulator.speech.exact import decode
from ringbridge.emulator.twilio.phone import PhoneCall
from ringbridge.emulator.twilio.records import CallEvent
from ringbridge.facts import CallBegan, CallEnded, ClipPlayed, ConversationRedialled, Fact, Faulted
from ringbridge.ids import CallSid
from ringbridge.turn import Turn

__all__ = ["SeenFaults", "Witness"]

_KEPT = 50
"""So many findings of each kind are kept in words; all are counted."""


class Witness(logging.Handler):
    """Listens everywhere. `findings` are what must not happen, in words; the counters are for the report."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.findings: list[str] = []
        self.outcomes: Counter[str] = Counter()
        self.faults: Counter[tuple[str, str]] = Counter()
        self.seen: Counter[str] = Counter()
        self._numbers: dict[str, Story] = {}
        self._struck: set[str] = set()
        self._unended: set[CallSid] = set()

    def find(self, what: str) -> None:
        """Write down something that must not happen."""
        self.seen["findings"] += 1
        if len(self.findings) < _KEPT:
            self.findings.append(what)

    def forget(self) -> None:
        """Begin anew."""
        for kept in (self.findings, self.outcomes, self.faults, self.seen):
            kept.clear()

    # Calls

    def expect(self, phone: PhoneCall, story: Story) -> None:
        """This call belongs to that story."""
        self._numbers[phone.sid] = story

        def watch(event: CallEvent) -> None:
            if event.kind == "fault":
                self._struck.add(phone.sid)

        phone.on_event.append(watch)

    def heard(self, telephone: Telephone, story: Story) -> None:
        """A call is over: what its caller heard."""
        self.seen["calls"] += 1
        self.seen["callers who heard the brain"] += telephone.answers > 0
        if story.is_to_be_answered and not telephone.answers and telephone.sid not in self._struck:
            self.seen["unanswered"] += 1
        self._check("a caller's ear", telephone.heard, story)

    def asked(self, turn: Turn) -> None:
        """The brain is asked: the words must be those of the call that it is told."""
        self.seen["turns"] += 1
        digits = turn.call.caller[-5:]
        words = [turn.text, *(message.text for message in turn.history)]
        if strange := foreign(" ".join(words), digits):
            self.find(f"words of {strange} in a turn of call {digits}")

    def settle(self) -> None:
        """No call is live: each that began must have ended."""
        for sid in self._unended:
            self.find(f"a call began and never ended: {self._numbers.get(sid)}")
        self._unended.clear()
        self._numbers.clear()
        self._struck.clear()

    # Listeners

    def on_fact(self, sid: CallSid, fact: Fact) -> None:
        """A fact of the bridge's."""
        match fact:
            case CallBegan():
                self._unended.add(sid)
            case CallEnded(outcome=outcome):
                self._unended.discard(sid)
                self.outcomes[outcome.value if outcome else "given back"] += 1
            case ClipPlayed(clip=clip):
                self.seen[f"clip {clip}"] += 1
            case ConversationRedialled():
                self.seen["conversations dialled again"] += 1
            case Faulted():
                self.seen["calls that failed"] += 1
            case _:
                pass

    def on_conversation(self, conversation: Conversation, event: Event) -> None:
        """An event of a conversation of the engine's twin; at its end it is looked through."""
        sid = conversation.initiation.get("dynamic_variables", {}).get("call_sid", "")
        if event.kind == "fault":
            self._struck.add(sid)
        if event.kind != "ended" or sid not in self._numbers:
            return
        self.seen["conversations"] += 1
        story = self._numbers[sid]
        words, cut = decode(bytes(conversation.audio))
        self._check("an engine's ear", " ".join([*words, cut]), story)
        self._check("a transcript", str([line["content"] for line in conversation.history]), story)

    def emit(self, record: logging.LogRecord) -> None:
        """A line of the log. A traceback is a failure that nobody foresaw; so is all that asyncio has to say."""
        if record.exc_info or record.name == "asyncio":
            self.find(f"logged by {record.name}: {record.getMessage()}{_cause(record)}")
        self.seen[f"lines at {record.levelname.lower()}"] += 1

    def _check(self, where: str, text: str, story: Story) -> None:
        if strange := foreign(text, story.digits):
            self.find(f"{strange} in {where} of call {story.digits}")


def _cause(record: logging.LogRecord) -> str:
    """What was raised, and where."""
    if not record.exc_info or record.exc_info[1] is None:
        return ""
    frames = [frame for frame in extract_tb(record.exc_info[2]) if "/ringbridge/" in frame.filename]
    where = "".join(f" {Path(frame.filename).name}:{frame.lineno}" for frame in frames)
    return f": {record.exc_info[1]!r}{where}"


class SeenFaults(Faults):
    """Faults that tell a witness what they met."""

    def __init__(self, witness: Witness) -> None:
        super().__init__()
        self._witness = witness

    def take(self, where: Where) -> list[Fault]:
        """As `Faults.take`."""
        struck = super().take(where)
        self._witness.faults.update((fault.where, fault.kind) for fault in struck)
        return struck
