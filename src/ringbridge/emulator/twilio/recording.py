"""`<Record>`: a message that the caller leaves.

https://www.twilio.com/docs/voice/twiml/record
"""

import asyncio
from dataclasses import dataclass

from ringbridge.audio.mulaw import FRAME_MS, RATE
from ringbridge.emulator.twilio.audio import SILENT_FRAME
from ringbridge.emulator.twilio.exchange import new_sid
from ringbridge.emulator.twilio.handset import Handset
from ringbridge.emulator.twilio.twiml import Record

__all__ = ["Recording", "begin", "record"]


@dataclass(slots=True)
class Recording:
    """One message: `audio` is what the caller said, from the tone to the silence after it."""

    sid: str
    audio: bytearray

    @property
    def is_empty(self) -> bool:
        """Whether the caller made no sound: nothing is kept of it then, and nobody is asked."""
        return not any(self.audio[start : start + len(SILENT_FRAME)] != SILENT_FRAME for start in self._frames)

    @property
    def _frames(self) -> range:
        return range(0, len(self.audio), len(SILENT_FRAME))

    def fields(self, account_sid: str, digits: str) -> dict[str, str]:
        """What `action` is told. `digits` is the key that ended it, or `hangup`."""
        return {
            "RecordingSid": self.sid,
            "RecordingUrl": f"https://api.twilio.com/2010-04-01/Accounts/{account_sid}/Recordings/{self.sid}",
            "RecordingDuration": str(max(1, round(len(self.audio) / RATE))),
            "Digits": digits,
        }


def begin() -> Recording:
    """A message of which nothing was said yet."""
    return Recording(new_sid("RE"), bytearray())


async def record(recording: Recording, handset: Handset, verb: Record) -> None:
    """Take down what the caller says, until they are silent for `verb.timeout` s, or `verb.max_length` s are full."""
    over = asyncio.Event()
    silent_ms = 0

    def take(frame: bytes) -> None:
        nonlocal silent_ms
        recording.audio += frame
        silent_ms = silent_ms + FRAME_MS if frame == SILENT_FRAME else 0
        if silent_ms >= verb.timeout * 1000 or len(recording.audio) >= verb.max_length * RATE:
            over.set()

    handset.stream = take
    try:
        await over.wait()
    finally:
        handset.stream = None
