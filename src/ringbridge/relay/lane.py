"""The fast lane of one call: each frame of audio from one wire to the other, decided by a gate and nothing else.

The machine sets the gate; the reader's callback of one socket carries each frame through it to the writer of the other.
"""

from collections.abc import Callable, Iterable
from enum import Enum
from typing import Generic, TypeVar

from ringbridge.ids import StreamSid
from ringbridge.relay.playout import Cut, Playout
from ringbridge.wire import engine, twilio

__all__ = ["AGENT_HELD_MS", "CALLER_HELD_MS", "Gate", "Lane", "audio_ms", "caller_audio"]

CALLER_HELD_MS = 2_000
"""The caller's words from before the conversation is open: as much is kept, the oldest goes."""

AGENT_HELD_MS = 30_000
"""The agent's words from before the stream starts: as much is kept, the newest goes (a greeting has its start)."""

BYTES_PER_MS = 8


class Gate(Enum):
    """What happens to audio in one direction."""

    SHUT = "dropped"
    HOLDING = "kept for later, within a bound"
    OPEN = "carried"


def audio_ms(payload: str) -> float:
    """The length in ms of base64 µ-law at 8 kHz: 8 bytes a ms, 4 characters for 3 bytes."""
    return (len(payload) * 3 // 4 - payload.count("=", -2)) / BYTES_PER_MS


def caller_audio(text: bytes) -> bytes | None:
    """What an open gate makes of a message of Twilio's, if it is the caller's audio: what the engine is sent."""
    try:
        payload = twilio.decode_media(text).media.payload
    except twilio.UNREADABLE:
        return None
    return engine.encode(engine.UserAudio(payload)) if payload else None


_Item = TypeVar("_Item")


class _Held(Generic[_Item]):
    """Audio that waits, oldest first, with its length in ms."""

    def __init__(self) -> None:
        self._items: list[tuple[float, _Item]] = []  # an empty deque has 760 bytes
        self.ms = 0.0

    def append(self, ms: float, item: _Item) -> None:
        self._items.append((ms, item))
        self.ms += ms

    def drop_oldest(self) -> None:
        ms, _ = self._items.pop(0)
        self.ms -= ms

    def take(self) -> list[_Item]:
        items = [item for _, item in self._items]
        self._items.clear()
        self.ms = 0.0
        return items


class Lane:
    """Both directions of one call's audio. `caller` and `agent` say what passes; the rest is for the machine."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock` tells seconds, and never goes back."""
        self.from_caller = Gate.HOLDING
        self.from_agent = Gate.HOLDING
        self.playout = Playout(clock)
        self._stream_sid = StreamSid("")
        self._last_interruption = -1
        self._muted = False
        self._caller_held: _Held[str] = _Held()
        self._agent_held: _Held[engine.Audio] = _Held()

    def caller(self, payload: str) -> bytes | None:
        """One frame of the caller's: what to send to the engine now, if anything."""
        if not payload:
            return None
        if self.from_caller is Gate.OPEN:
            return engine.encode(engine.UserAudio(payload))
        if self.from_caller is Gate.HOLDING:
            self._caller_held.append(audio_ms(payload), payload)
            while self._caller_held.ms > CALLER_HELD_MS:
                self._caller_held.drop_oldest()
        return None

    def agent(self, audio: engine.Audio) -> list[bytes] | None:
        """One message with the agent's audio: what to send to Twilio now, if anything, with the marks that are due.

        Stale is what belongs to a reply before the last interruption: a lower id. An equal one is the reply after it.
        """
        event = audio.audio_event
        payload, event_id, alignment = event.audio_base_64, event.event_id, event.alignment
        if not (payload or alignment) or self.is_stale(event_id):
            return None
        if self.from_agent is Gate.OPEN:
            if alignment:  # its audio may come with the next messages only
                self.playout.spell(event_id, engine.letters(event))
            return self._media(payload, event_id) if payload else None
        if self.from_agent is Gate.HOLDING and self._agent_held.ms < AGENT_HELD_MS:
            self._agent_held.append(audio_ms(payload), audio)
        return None

    def open_to_engine(self) -> list[bytes]:
        """The conversation is open: the caller's words pass from now on. Gives those that waited, to be sent first."""
        self.from_caller = Gate.OPEN
        return [engine.encode(engine.UserAudio(payload)) for payload in self._caller_held.take()]

    def hold_caller(self) -> None:
        """The conversation is not open (any more): the caller's words wait for the next one."""
        self.from_caller = Gate.HOLDING

    def open_to_caller(self, stream_sid: StreamSid) -> list[bytes]:
        """A stream is attached: the agent's words pass from now on. Gives what waited for it, to be sent first."""
        self.from_agent = Gate.OPEN
        self._stream_sid = stream_sid
        if self._muted:
            self.mute()
        return [message for audio in self._agent_held.take() for message in self.agent(audio) or ()]

    def shut_to_caller(self) -> Cut:
        """The stream is gone, and with it what it had not played; what the agent says now is dropped."""
        self.from_agent = Gate.SHUT
        self._stream_sid = StreamSid("")
        return self.playout.clear()

    def forget_agent(self) -> None:
        """The conversation was given back before its stream came: its words are nobody's."""
        self.from_agent = Gate.HOLDING
        self._agent_held.take()
        self._last_interruption = -1

    def mute(self) -> None:
        """Drop what the agent says until the caller has spoken: a conversation that goes on does not greet again."""
        self._muted = True
        self.from_agent = Gate.SHUT
        self._agent_held.take()

    def unmute(self) -> None:
        """The caller has spoken."""
        if self._muted:
            self._muted = False
            self.from_agent = Gate.OPEN if self._stream_sid else Gate.HOLDING

    def play(self, pieces: Iterable[str]) -> list[bytes]:
        """Audio of our own, after the agent's: what to send to Twilio now, a mark behind each media."""
        return [wire for piece in pieces for wire in (*self._media(piece, None), *self.mark_rest())]

    def play_clip(self, pieces: Iterable[str]) -> list[bytes]:
        """The bridge's own voice, after whatever is queued: what to send to Twilio now, a mark behind it."""
        payloads = list(pieces)
        before = self.mark_rest()
        mark = self.playout.queue_clip(sum(map(audio_ms, payloads)))
        return [*before, *map(self._encode_media, payloads), self._encode_mark(mark)]

    def mark_rest(self) -> list[bytes]:
        """No more audio comes for now: the mark to send behind it, if it has none."""
        return self._marks(self.playout.mark_rest())

    def mark_pause(self) -> list[bytes]:
        """What `mark_rest` gives, if nothing has come since this was last asked; to be asked at an even pace."""
        return self._marks(self.playout.mark_pause())

    def end(self) -> None:
        """The conversation is over for good: nothing passes any more."""
        self.from_caller = self.from_agent = Gate.SHUT
        self._caller_held.take()
        self._agent_held.take()

    def clear(self) -> tuple[bytes | None, Cut]:
        """Silence at once. Gives the `clear` to send (`None` without a stream), and what it cuts off."""
        cut = self.playout.clear()
        return (twilio.encode(twilio.Clear(self._stream_sid)) if self._stream_sid else None), cut

    def interrupt(self, event_id: int) -> tuple[bytes | None, Cut]:
        """The caller barged in: audio of older replies is dropped wherever it waits. Gives what `clear` does."""
        self._last_interruption = max(self._last_interruption, event_id)
        for audio in self._agent_held.take():
            self.agent(audio)  # held again, unless it is stale by now
        return self.clear()

    def is_stale(self, event_id: int | None) -> bool:
        """Whether the caller has cut in on this reply, or on a later one."""
        return event_id is not None and event_id < self._last_interruption

    def begin_conversation(self) -> None:
        """Another conversation takes over: its ids begin anew."""
        self._last_interruption = -1
        self.playout.begin_conversation()

    def _media(self, payload: str, event_id: int | None) -> list[bytes]:
        media = self._encode_media(payload)
        mark = self.playout.queue(audio_ms(payload), event_id)
        return [media] if mark is None else [media, self._encode_mark(mark)]

    def _encode_media(self, payload: str) -> bytes:
        return twilio.encode(twilio.Media(self._stream_sid, twilio.Payload(payload)))

    def _encode_mark(self, name: str) -> bytes:
        return twilio.encode(twilio.Mark(self._stream_sid, twilio.MarkName(name)))

    def _marks(self, name: str | None) -> list[bytes]:
        return [] if name is None else [self._encode_mark(name)]
