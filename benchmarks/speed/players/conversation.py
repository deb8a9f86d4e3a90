"""One conversation's socket, as ElevenLabs serves it: speaks as soon as it is spoken to.

https://elevenlabs.io/docs/agents-platform/api-reference/agents-platform/websocket
"""

import secrets
from dataclasses import dataclass, field
from typing import Final

from benchmarks.speed.players.audio import DOWN, UP, Ear, Mouth, Tally
from benchmarks.speed.players.brain import BrainLine, Brains
from benchmarks.speed.players.clock import Metronome, now_us
from picows import WSFrame, WSListener, WSMsgType, WSTransport

__all__ = ["EVENT_MS", "Conversation", "Floor", "greeting", "metadata"]

EVENT_MS: Final = 200
TURN_EVENTS: Final = 10
"""Once in so many events, that is in 2 s, there is a ping, and a turn begins."""


@dataclass(slots=True)
class Floor:
    """What all conversations share."""

    clock: "Metronome[Conversation]"
    brains: Brains
    tally: Tally = field(default_factory=Tally)
    conversations: "set[Conversation]" = field(default_factory=set)
    silent: bool = False
    greets: bool = False
    """Whether the agent speaks first."""
    scores: bool = False
    """Whether `vad_score` comes with each event of audio."""


class Conversation(WSListener):
    """One conversation, from its first message on with its brain, where the bridge has any."""

    def __init__(self, floor: Floor) -> None:
        self._id = f"conv_{secrets.token_hex(14)}"
        self._brain: BrainLine | None = None
        self.ear = Ear(UP, floor.tally, began=self._begin)
        self.mouth = Mouth(DOWN, 0)
        self._floor = floor
        self._events = len(floor.conversations) % TURN_EVENTS  # or all turns would begin at once
        self._initiated = False
        self._wire: WSTransport

    def on_ws_connected(self, transport: WSTransport) -> None:
        self._wire = transport
        self._floor.conversations.add(self)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.CLOSE:
            transport.disconnect()
            return
        message = frame.get_payload_as_bytes()
        at = message.find(b'"user_audio_chunk"')
        if at >= 0:
            start = message.index(b'"', at + 18) + 1
            self.ear.take(message[start : message.index(b'"', start)], now_us())
        elif not self._initiated and b'"conversation_initiation_client_data"' in message:
            self._initiated = True
            self._brain = self._floor.brains.dial(self._id)
            self._say(metadata(self._id))
            if self._floor.greets:
                self._say(greeting())

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self._floor.clock.remove(self)
        self._floor.conversations.discard(self)
        if self._brain is not None:
            self._brain.end()

    def tick(self, now: int) -> None:
        """Say 200 ms, and what else is due."""
        if self._floor.silent:
            return
        self._events = events = self._events + 1
        turn = 1 + events // TURN_EVENTS
        self._say(_audio(self.mouth.frame(now), turn))
        if self._floor.scores:
            self._say(b'{"vad_score_event":{"vad_score":0.02},"type":"vad_score"}')
        if events % TURN_EVENTS == 0:
            self._say(b'{"ping_event":{"event_id":%d,"ping_ms":42},"type":"ping"}' % events)
            self._turn(turn)

    def _turn(self, event_id: int) -> None:
        if self._brain is not None:
            said = b'{"user_transcription_event":{"user_transcript":"Question %d, please.","event_id":%d},'
            self._say(said % (event_id, event_id) + b'"type":"user_transcript"}')
            self._brain.ask(event_id)
        self._say(
            b'{"agent_response_event":{"agent_response":"Of course, a table for two at seven.","event_id":%d},'
            b'"type":"agent_response"}' % event_id
        )

    def _begin(self, call: int) -> None:
        """The caller's first frame has told whose conversation this is."""
        self.mouth = Mouth(DOWN, call)
        self._floor.clock.add(self)

    def _say(self, message: bytes) -> None:
        self._wire.send(WSMsgType.TEXT, message)


def metadata(conversation_id: str) -> bytes:
    """The first message of all."""
    return (
        b'{"conversation_initiation_metadata_event":{"conversation_id":"%b","agent_output_audio_format":"ulaw_8000",'
        b'"user_input_audio_format":"ulaw_8000"},"type":"conversation_initiation_metadata"}' % conversation_id.encode()
    )


def greeting() -> bytes:
    """The first sound of an agent who speaks first."""
    return _audio(Mouth(DOWN, 0).frame(now_us()), 1)


def _audio(payload: bytes, event_id: int) -> bytes:
    return b'{"audio_event":{"audio_base_64":"%b","event_id":%d},"type":"audio"}' % (payload, event_id)
