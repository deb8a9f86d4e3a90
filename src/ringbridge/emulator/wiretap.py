"""Listens in at both ends of one call, for what got lost between them and what either end complains of."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ringbridge.audio.mulaw import BYTES_PER_MS, FRAME_BYTES
from ringbridge.emulator.accounting import audible, lost_to_caller, lost_to_engine
from ringbridge.emulator.elevenlabs.conversation import Conversation
from ringbridge.emulator.elevenlabs.diary import EventKind
from ringbridge.emulator.twilio.phone import PhoneCall
from ringbridge.emulator.twilio.records import CallEvent

__all__ = ["Frames", "Wiretap"]

_HELD_BYTES: Final = 2000 * BYTES_PER_MS
"""A bridge keeps so much of the caller's words until the conversation is open."""

_SLACK_BYTES: Final = 500 * BYTES_PER_MS
"""What may be under way when an end learns that the other one has opened or closed something."""

_COMPLAINTS: Final[frozenset[EventKind]] = frozenset(
    {"broken", "unknown", "brain_broken", "brain_unknown", "brain_refused", "unanswered"}
)
"""What the engine writes down of a client and a brain that do as they should not."""


@dataclass(frozen=True, slots=True)
class Frames:
    """Both directions of a call in frames of 20 ms: what had to arrive, and what of it did not."""

    to_engine: int
    lost_to_engine: int
    to_caller: int
    lost_to_caller: int


class Wiretap:
    """Follows one call from its dialling on.

    Its conversation is one of `conversations`, newest last. `None` says that the engine is elsewhere: then only Twilio
    can be asked, and the audio is not accounted for.
    """

    def __init__(self, phone: PhoneCall, conversations: Sequence[Conversation] | None) -> None:
        self.conversation: Conversation | None = None
        """The call's conversation, from when it was open."""
        self._phone = phone
        self._conversations = conversations
        self._streams: list[slice] = []
        self._opened = 0
        self._closed: int | None = None
        phone.on_event.append(self._watch)
        phone.on_heard.append(self._tick)

    def complaints(self) -> list[str]:
        """What Twilio and the engine would have had to complain of, one line each."""
        twilio = [f"Twilio error {error.code}: {error.text}" for error in self._phone.errors]
        if self._conversations is None:
            return twilio
        if self.conversation is None:
            return [*twilio, "no conversation was opened for the call"]
        events = [event for event in self.conversation.events if event.kind in _COMPLAINTS]
        return [*twilio, *(f"the engine notes: {event.kind} {event.detail}".rstrip() for event in events)]

    def frames(self) -> Frames | None:
        """The account of the call's audio, to be asked for when it is over.

        `None` without a conversation, and for a call with several streams: what was sent between them is not to arrive.
        """
        if self.conversation is None or len(self._streams) != 1:
            return None
        tape, due = bytes(self._phone.sent), self._due()
        pieces = audible(self.conversation.sent, self.conversation.events[-1].at_ms)
        return Frames(
            to_engine=(due.stop - due.start) // FRAME_BYTES,
            lost_to_engine=lost_to_engine(tape, due, bytes(self.conversation.audio)),
            to_caller=-(-sum(map(len, pieces)) // FRAME_BYTES),
            lost_to_caller=lost_to_caller(pieces, bytes(self._phone.heard)),
        )

    def _due(self) -> slice:
        """The part of the caller's tape that was sent while there was a conversation to send it to."""
        stream = self._streams[0]
        begin = max(stream.start, self._opened - _HELD_BYTES + _SLACK_BYTES)
        end = stream.stop if self._closed is None else min(stream.stop, self._closed - _SLACK_BYTES)
        return slice(begin, max(begin, end))

    def _watch(self, event: CallEvent) -> None:
        now = len(self._phone.sent)
        match event.kind:
            case "stream_started":
                self._streams.append(slice(now, now))
            case "stream_ended":
                under_way = 0 if event.detail["by"] == "twilio" else _SLACK_BYTES
                self._streams[-1] = slice(self._streams[-1].start, now - under_way)

    def _tick(self, _frame: bytes) -> None:
        if self.conversation is None:
            self.conversation = self._find()
            self._opened = len(self._phone.sent)
        elif self._closed is None and self.conversation.closed is not None and self.conversation.closed.by == "twin":
            self._closed = len(self._phone.sent)

    def _find(self) -> Conversation | None:
        return next((talk for talk in reversed(self._conversations or ()) if self._is_ours(talk)), None)

    def _is_ours(self, talk: Conversation) -> bool:
        variables = talk.initiation.get("dynamic_variables")
        if not isinstance(variables, dict) or variables.get("call_sid") != self._phone.sid:
            return False
        return any(sent.message["type"] == "conversation_initiation_metadata" for sent in talk.sent)
