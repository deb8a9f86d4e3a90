"""`<Record>`: a message that the caller leaves.

https://www.twilio.com/docs/voice/twiml/record
"""

import asyncio
from dataclasses import dataclass, field

from ringbridge.audio.mulaw import FRAME_MS, RATE
from ringbridge.emulator.speech.vad import Energy
from ringbridge.emulator.twilio.account import new_sid
from ringbridge.emulator.twilio.leg import API_VERSION, Leg
from ringbridge.emulator.twilio.sounds import beep
from ringbridge.emulator.twilio.twiml import Record

__all__ = ["Recorder", "Recording"]


@dataclass(slots=True)
class Recording:
    """One message: `audio` is what came over the line after the tone, mu-law, the silence at its end included.

    `digits` is the key that ended it, or `hangup`; nothing where silence or its length did.
    """

    started: str
    """When, as Twilio writes it."""
    sid: str = field(default_factory=lambda: new_sid("RE"))
    audio: bytearray = field(default_factory=bytearray)
    digits: str = ""
    is_empty: bool = True
    """Whether the caller made no sound: nothing is kept of it then, and `action` is not asked."""

    @property
    def seconds(self) -> int:
        """How long it is, at least 1 unless it is empty."""
        return 0 if self.is_empty else max(1, round(len(self.audio) / RATE))

    def fields(self, account_sid: str) -> dict[str, str]:
        """What both `action` and the status callback are told."""
        return {
            "RecordingSid": self.sid,
            "RecordingUrl": f"https://api.twilio.com/{API_VERSION}/Accounts/{account_sid}/Recordings/{self.sid}",
            "RecordingDuration": str(self.seconds),
        }


class Recorder:
    """Takes down what the caller says, until one of the things happens that end it."""

    def __init__(self, leg: Leg, verb: Record) -> None:
        self.recording = Recording(leg.exchange.rfc2822())
        self._leg = leg
        self._verb = verb
        self._loud = Energy()
        self._silent_ms = 0
        self._over = asyncio.Event()

    async def run(self) -> None:
        """Record. Cancelled when the caller hangs up, or the call is led elsewhere; there is a recording then, too."""
        if self._verb.beep:
            await beep(self._leg)
        self._leg.handset.stream = self._take
        try:
            await self._over.wait()
        except asyncio.CancelledError:
            self.recording.digits = "hangup"
            raise
        finally:
            self._leg.handset.stream = None

    def press(self, digit: str) -> None:
        """The caller has pressed a key; not all of them need end it."""
        if digit in self._verb.keys and not self._over.is_set():
            self.recording.digits = digit
            self._over.set()

    def _take(self, frame: bytes) -> None:
        voiced = self._loud.voiced(frame)
        self.recording.audio += frame
        self.recording.is_empty = self.recording.is_empty and not voiced
        self._silent_ms = 0 if voiced else self._silent_ms + FRAME_MS
        length = len(self.recording.audio)
        if self._silent_ms >= self._verb.timeout * 1000 or length >= self._verb.max_length * RATE:
            self._over.set()
