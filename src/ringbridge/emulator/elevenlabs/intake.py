"""What comes in from a conversation's client: the first message, audio, words, and whatever is neither."""

import asyncio
import json
from base64 import b64decode
from collections.abc import Callable
from typing import Final, Protocol

from ringbridge.emulator.elevenlabs import initiation, messages
from ringbridge.emulator.elevenlabs.dialogue import Dialogue
from ringbridge.emulator.elevenlabs.diary import EventKind, Timed
from ringbridge.emulator.elevenlabs.formats import from_format
from ringbridge.emulator.elevenlabs.messages import Message
from ringbridge.emulator.elevenlabs.pulse import Pulse
from ringbridge.emulator.speech.base import Ear

__all__ = ["Desk", "Intake"]

_UNUSED: Final = frozenset({"feedback", "client_tool_result", "mcp_tool_approval_result", "multimodal_message"})
"""What a client may send without anything coming of it here."""


class Desk(Protocol):
    """What the intake needs of its conversation."""

    def emit(self, message: Message) -> None:
        """To the client, if the engine is set to send such messages."""
        ...

    def note(self, kind: EventKind, detail: str = "") -> None:
        """Into the diary."""
        ...

    def fail(self, code: int, error_type: str, text: str) -> None:
        """The conversation can't go on."""
        ...


class Intake:
    """Takes a client's messages, undecoded, as they come.

    `first` is done with the initiation data; `received` holds everything but audio, with `now()` in ms; `audio` is
    mu-law, made of what comes in the format `sound`.
    """

    def __init__(
        self, desk: Desk, dialogue: Dialogue, ear: Ear, pulse: Pulse, now: Callable[[], int], *, sound: str
    ) -> None:
        self.first: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self.received: list[Timed] = []
        self.audio = bytearray()
        self.audio_messages = 0
        self._desk = desk
        self._dialogue = dialogue
        self._ear = ear
        self._pulse = pulse
        self._recode = from_format(sound)
        self._now = now

    def take(self, text: str) -> None:
        """The next message. A broken one is answered with `client_error`, an unknown one noted."""
        now = self._now()
        self._pulse.beat(now)
        try:
            message = json.loads(text)
        except ValueError:
            message = None
        if not self.first.done():
            self._take_first(message)
        elif not isinstance(message, dict):
            self._complain(text)
        elif "user_audio_chunk" in message:
            self._take_audio(message["user_audio_chunk"])
        else:
            self.received.append(Timed(now, message))
            self._take_word(message)

    def _take_first(self, message: object) -> None:
        if isinstance(message, dict) and message.get("type") == initiation.TYPE:
            self.received.append(Timed(self._now(), message))
            self.first.set_result(message)
        else:
            self._desk.fail(1008, "invalid_message", f"The first message must be {initiation.TYPE}.")

    def _take_audio(self, chunk: object) -> None:
        try:
            sound = b64decode(chunk, validate=True) if isinstance(chunk, str) else None
        except ValueError:
            sound = None
        if sound is None:
            self._complain("user_audio_chunk is no base64")
            return
        self.audio_messages += 1
        sound = self._recode(sound)
        self.audio += sound
        self._ear.feed(sound)

    def _take_word(self, message: Message) -> None:
        match message:
            case {"type": "pong", "event_id": int(event_id)}:
                self._pulse.pong(event_id, self._now())
            case {"type": "user_message", "text": str(text)}:
                self._dialogue.read(text)
            case {"type": "user_activity"}:
                self._desk.note("activity")
                self._dialogue.stay_active()
            case {"type": "contextual_update", "text": str(text)}:
                self._desk.note("context", text)
            case {"type": "pong" | "user_message" | "contextual_update" | initiation.TYPE}:
                self._complain(json.dumps(message))
            case {"type": str(kind)} if kind in _UNUSED:
                pass
            case {"type": str(kind)}:
                self._desk.note("unknown", kind)
            case _:
                self._complain(json.dumps(message))

    def _complain(self, detail: str) -> None:
        self._desk.note("broken", detail[:200])
        self._desk.emit(messages.client_error(1008, "invalid_message", "The message could not be processed."))
