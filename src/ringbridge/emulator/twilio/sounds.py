"""What Twilio itself plays to the caller: `<Say>` and `<Play>`."""

import asyncio
import math
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from ringbridge.audio.mulaw import BYTES_PER_MS, RATE, SILENCE, from_pcm
from ringbridge.audio.wav import WavError, read_wav
from ringbridge.emulator.twilio.leg import Leg
from ringbridge.emulator.twilio.twiml import TwimlError

__all__ = ["APOLOGY", "MS_PER_CHARACTER", "beep", "play", "press", "say"]

APOLOGY = "We are sorry, an application error has occurred. Goodbye."
"""What is heard when a document can't be had or carried out."""

MS_PER_CHARACTER = 60
"""How long `<Say>` takes where the twin has no voice."""

KEY_SECONDS = 0.2
"""A key and the gap after it."""

TONE = from_pcm(round(8000 * math.cos(math.tau * 1000 * sample / RATE)) for sample in range(RATE // 4))
"""After which a caller speaks on tape: a quarter of a second at 1000 Hz. Twilio's own is not documented."""

ENDLESS = 1000
"""How often `loop="0"` repeats."""


async def say(leg: Leg, text: str, loop: int = 1) -> None:
    """Speak to the caller with the twin's voice, or be silent for as long. Returns when it has played."""
    leg.said.append(text)
    for _ in range(loop or ENDLESS):
        await _sound(leg, _spoken(leg, text))


async def play(leg: Leg, url: str, loop: int = 1) -> None:
    """Fetch a file and play it to the caller. Raises `NoAnswer`, or `TwimlError` where it is no audio.

    WAV is heard; of the other kinds that Twilio plays, a second of silence.
    """
    reply = await leg.webhooks.ask(url, {}, method="GET")
    if not reply.content_type.startswith("audio/"):
        raise TwimlError(12300, f"{url} is {reply.content_type!r}, which can't be played")
    audio = await asyncio.to_thread(_decoded, reply.body)
    for _ in range(loop or ENDLESS):
        await _sound(leg, _whole(audio))


async def press(leg: Leg, digits: str) -> None:
    """Press keys towards the caller, silently; `w` waits half a second, `W` a whole one.

    https://www.twilio.com/docs/voice/twiml/play, "digits". How long a tone lasts is not documented.
    """
    for digit in digits:
        await asyncio.sleep({"w": 0.5, "W": 1.0}.get(digit, KEY_SECONDS))
        if digit not in "wW":
            leg.digits_heard += digit


async def beep(leg: Leg) -> None:
    """Play the tone before a recording. Returns when it has played."""
    await _sound(leg, _whole(TONE))


async def _sound(leg: Leg, pieces: AsyncIterator[bytes]) -> None:
    """Play to the caller, and wait until it has played."""
    earpiece = leg.handset.earpiece
    played = asyncio.Event()
    try:
        async for piece in pieces:
            earpiece.put(piece)
        earpiece.mark(played.set)
        await played.wait()
    finally:
        earpiece.clear()


async def _spoken(leg: Leg, text: str) -> AsyncIterator[bytes]:
    voice = leg.exchange.voice
    if voice is None:
        yield bytes([SILENCE]) * (len(text) * MS_PER_CHARACTER * BYTES_PER_MS)
        return
    async for piece in voice.say(text):
        yield piece


async def _whole(audio: bytes) -> AsyncIterator[bytes]:
    yield audio


def _decoded(file: bytes) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "played.wav"
        path.write_bytes(file)
        try:
            return read_wav(path)
        except WavError:
            return bytes([SILENCE]) * RATE
