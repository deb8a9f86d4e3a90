"""What has been said on one call, as it was heard. It outlives brain sockets, and a conversation that is dialled anew.

What the caller heard of a reply is, in this order: what the engine corrects it to; what its alignment says up to the
last mark that came back; what the engine's own history says.
"""

from dataclasses import dataclass, field, replace

from ringbridge import facts
from ringbridge.facts import Fact
from ringbridge.phrases import Phrases
from ringbridge.turn import Message

__all__ = ["FILLER_LETTER_MS", "Kept", "Talk", "Told"]

FILLER_LETTER_MS = 70
"""A letter of a filler takes about so long to speak: what is heard for no longer than that is no answer yet."""

MAX_REPLIES = 400
"""As many replies are remembered: more than an hour has."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a brain is told of the conversation: see the fields of the same names in `Turn`."""

    history: tuple[Message, ...]
    interrupted: bool
    heard: str
    heard_out: bool
    utterance: int


@dataclass(slots=True)
class _Reply:
    """One reply of the agent's: what was sent of it, and what is known of its being heard."""

    event_id: int | None
    sent: list[str] = field(default_factory=list)
    filler_letters: int = 0
    begun: bool = False
    """Whether any of it was heard."""
    whole: bool = False
    told: bool = False
    """Whether the engine's history had it already."""
    cut: bool = False
    aligned: str | None = None
    corrected: str | None = None

    @property
    def heard(self) -> str | None:
        return self.aligned if self.corrected is None else self.corrected

    key: str = ""
    """The letters of what was sent, by which it is found in the engine's history."""

    def add(self, text: str) -> None:
        self.sent.append(text)
        self.key += _letters(text)


@dataclass(frozen=True, slots=True)
class Kept:
    """All that a talk knows, for a copy of it in another process. Personal."""

    answered: int | None
    silences: int
    failures: int
    wordless: int
    gathering: bool
    fillers: int
    utterance: int
    heard_since: bool
    heard_out: bool | None
    replies: tuple[_Reply, ...]
    conversations: int
    before: tuple[Message, ...]
    told: tuple[Message, ...]
    history: tuple[Message, ...]
    said_since: tuple[str, ...]


class Talk:
    """One call's conversation. `note` takes the facts of its audio, `tell` what the engine says was said."""

    def __init__(self, phrases: Phrases) -> None:
        """`phrases` are in the call's language."""
        self.phrases = phrases
        self.answered: int | None = None
        """The event id of the newest turn that was answered in this conversation, by whichever socket."""
        self.silences = 0
        """Turns in a row in which the caller said nothing."""
        self.failures = 0
        """Turns in a row in which the brain failed."""
        self.wordless = 0
        self.gathering = False
        """Whether the caller is keying what was asked for."""
        self._fillers = -1
        self._utterance = 0
        self._heard_since = True
        self._heard_out: bool | None = None
        self._replies: list[_Reply] = []
        self._conversations = 0
        self._before: tuple[Message, ...] = ()
        self._told: tuple[Message, ...] = ()
        self._history: tuple[Message, ...] = ()
        """The engine's, with the newest transcript; and what the agent has said since, by the engine's account."""
        self._said_since: list[str] = []
        self._keys: dict[str, str] = {}
        """The letters of each entry that was told last: most of them come again with the next transcript."""

    # Copies

    def kept(self) -> Kept:
        """All that is known now."""
        return Kept(
            self.answered,
            self.silences,
            self.failures,
            self.wordless,
            self.gathering,
            self._fillers,
            self._utterance,
            self._heard_since,
            self._heard_out,
            tuple(replace(reply, sent=[*reply.sent]) for reply in self._replies),
            self._conversations,
            self._before,
            self._told,
            self._history,
            tuple(self._said_since),
        )

    def restore(self, kept: Kept) -> None:
        """Know that, and nothing else."""
        self.answered, self.silences, self.failures = kept.answered, kept.silences, kept.failures
        self.wordless, self.gathering, self._fillers = kept.wordless, kept.gathering, kept.fillers
        self._utterance, self._heard_since, self._heard_out = kept.utterance, kept.heard_since, kept.heard_out
        self._replies = [replace(reply, sent=[*reply.sent]) for reply in kept.replies]
        self._conversations, self._before, self._told = kept.conversations, kept.before, kept.told
        self._history, self._said_since = kept.history, [*kept.said_since]

    # What was heard

    def note(self, fact: Fact) -> None:
        """Something has happened on the call."""
        match fact:
            case facts.ConversationOpened():
                self._begin_conversation()
            case facts.Heard(event_id=event_id, ms=ms):
                self._note_heard(event_id, ms)
            case facts.ReplyHeard(event_id=event_id):
                self._reply(event_id).whole = True
            case facts.Interrupted(reply=reply, heard=heard) if reply is not None:
                cut = self._reply(reply)
                cut.cut, cut.aligned = True, heard
            case facts.AgentSpoke(text=text):
                self._said_since.append(text)
            case facts.AgentCorrected(original=original, text=text):
                self._correct(original, text)
            case facts.CallerBegan():
                self._heard_out = self._is_heard_out
            case facts.DigitsPressed():
                self.gathering = False
            case _:
                pass

    def _begin_conversation(self) -> None:
        """The history of a conversation before this one goes first from now on, to the last word that was heard."""
        self._conversations += 1
        self._history = ()
        self._said_since.clear()
        if self._conversations == 1:
            return
        last = self._replies[-1] if self._replies else None
        if last is not None and last.begun and not last.told:
            said = last.heard if last.cut and last.heard is not None else "".join(last.sent)
            self._told = (*self._told, Message("agent", said.strip())) if said.strip() else self._told
        self._before = self._told
        self._replies.clear()
        self.answered = None

    def _note_heard(self, event_id: int | None, ms: int) -> None:
        reply = self._reply(event_id)
        reply.begun = True
        if ms > reply.filler_letters * FILLER_LETTER_MS:
            self._heard_since = True

    def _correct(self, original: str, text: str) -> None:
        self._said_since = [text if said == original else said for said in self._said_since]
        key = _letters(original)
        cut = [reply for reply in self._replies if reply.cut]
        fitting = [reply for reply in cut if key and _related(reply.key, key)]
        for reply in (fitting or cut)[-1:]:
            reply.corrected = text
            if not reply.sent:
                reply.add(original)

    def _reply(self, event_id: int | None) -> _Reply:
        for reply in reversed(self._replies):
            if reply.event_id == event_id:
                return reply
        reply = _Reply(event_id)
        self._replies.append(reply)
        del self._replies[:-MAX_REPLIES]
        return reply

    @property
    def _is_heard_out(self) -> bool:
        return next((reply.whole for reply in reversed(self._replies) if reply.sent), True)

    # What is said

    def sent(self, event_id: int | None, text: str, *, filler: bool = False) -> None:
        """Note what was sent to be spoken, in the reply `event_id`."""
        reply = self._reply(event_id)
        reply.add(text)
        reply.whole = False
        if filler:
            reply.filler_letters += len(text)

    def next_filler(self) -> str:
        """What to let the caller wait with: never the same twice running."""
        self._fillers += 1
        return self.phrases.fillers[self._fillers % len(self.phrases.fillers)]

    # What the brain is told

    def tell(self, history: tuple[Message, ...]) -> Told:
        """A transcript came, with the engine's history of this conversation: give it as it was heard."""
        told, found = self._told_with(history)
        for reply in found:
            reply.told = True
        self._utterance, self._heard_since, self._heard_out = told.utterance, False, None
        self._history, self._told = history, told.history
        self._said_since.clear()
        return told

    def expect(self, words: str) -> Told:
        """What `tell` would give if these were the caller's next words. Changes nothing.

        It goes by the engine's own account of what the agent has said since the last transcript.
        """
        since = [Message("agent", said.strip()) for said in self._said_since if said.strip()]
        told, _ = self._told_with((*self._history, *since, Message("user", words)))
        return told

    def _told_with(self, history: tuple[Message, ...]) -> tuple[Told, list[_Reply]]:
        as_heard, found = self._as_heard(history)
        told = self._before + as_heard
        last = next((reply for reply in reversed(self._replies) if reply.begun or reply.cut), None)
        agent = next((said.text for said in reversed(told) if said.role == "agent"), "")
        nothing = last is not None and last.cut and last.heard is not None and not last.heard.strip()
        return Told(
            history=told,
            interrupted=last is not None and last.cut,
            heard="" if nothing else agent,
            heard_out=self._is_heard_out if self._heard_out is None else self._heard_out,
            utterance=self._utterance + self._heard_since,
        ), found

    def _as_heard(self, history: tuple[Message, ...]) -> tuple[tuple[Message, ...], list[_Reply]]:
        """The history, each entry of the agent's that was cut ending where the caller cut it; the replies found in it.

        Changes nothing.
        """
        found: list[_Reply] = []
        cuts: dict[int, str] = {}
        free = self._agents_entries(history)
        for reply in reversed(self._replies):
            key = reply.key or _letters(reply.heard or "")
            place = _newest(free, key) if key else None
            if place is None:
                continue
            number, _ = free[place]
            del free[place:]
            found.append(reply)
            if reply.cut and reply.heard is not None:
                cuts[number] = reply.heard.strip()
        if not cuts:
            return history, found
        ending = (Message("agent", cuts[number]) if number in cuts else said for number, said in enumerate(history))
        return tuple(said for number, said in enumerate(ending) if cuts.get(number, True)), found

    def _agents_entries(self, history: tuple[Message, ...]) -> list[tuple[int, str]]:
        """The places and the letters of those of the agent's entries that have any."""
        known, self._keys = self._keys, {}
        entries = []
        for number, said in enumerate(history):
            if said.role == "agent":
                key = self._keys[said.text] = known.get(said.text) or _letters(said.text)
                if key:
                    entries.append((number, key))
        return entries


def _newest(entries: list[tuple[int, str]], key: str) -> int | None:
    """Where the newest entry stands whose letters are these, or the beginning of them, or they of its."""
    for place in range(len(entries) - 1, -1, -1):
        if _related(entries[place][1], key):
            return place
    return None


def _related(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text.casefold()))
