"""The caller's telephone: a microphone and an earpiece that run on one clock from the moment the call is answered."""

import asyncio
from typing import TYPE_CHECKING

from ringbridge.audio.mulaw import FRAME_MS
from ringbridge.emulator.twilio.audio import SILENT_FRAME, AudioQueue

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Handset"]

FRAME_SECONDS = FRAME_MS / 1000


class Handset:
    """Both directions of one caller's audio, and the tapes of both.

    `sent` and `heard` share one time line: 8 bytes are a millisecond, and the first byte of each is the moment of the
    answer. They always have the same length.
    """

    def __init__(self) -> None:
        self.microphone = AudioQueue()
        self.earpiece = AudioQueue()
        self.sent = bytearray()
        self.heard = bytearray()
        self.on_heard: list[Callable[[bytes], None]] = []
        self.stream: Callable[[bytes], None] | None = None
        """Takes each frame of the microphone while a media stream is up."""
        self._playing = SILENT_FRAME

    async def run(self) -> None:
        """Tick every 20 ms until cancelled. After being late it catches up, tick by tick; it never drifts."""
        loop = asyncio.get_running_loop()
        began, ticks = loop.time(), 0
        self._playing = self.earpiece.take()
        while True:
            ticks += 1
            await asyncio.sleep(max(0.0, began + ticks * FRAME_SECONDS - loop.time()))
            self._tick()

    def _tick(self) -> None:
        # A frame is on the tapes when it is over, so that marks are due when the audio *has* played.
        self._hear(self._playing)
        self.earpiece.done()
        spoken = self.microphone.take()
        self.sent += spoken
        if self.stream is not None:
            self.stream(spoken)
        self.microphone.done()
        self._playing = self.earpiece.take()

    def _hear(self, frame: bytes) -> None:
        self.heard += frame
        for listener in self.on_heard:
            listener(frame)
