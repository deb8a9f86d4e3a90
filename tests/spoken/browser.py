"""A real browser with a WAV for a microphone, whose loudspeaker is on tape."""

import asyncio
import base64
import os
import shutil
import wave
from array import array
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ringbridge.audio.mulaw import RATE, SILENCE, from_pcm, to_pcm
from ringbridge.emulator.speech.base import Hearing, Speech, Utterance

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "chrome")

TAPE = """
    window.tape = [];
    const connect = AudioNode.prototype.connect;
    AudioNode.prototype.connect = function (to, ...more) {
        if (to instanceof AudioDestinationNode) {
            const recorder = this.context.createScriptProcessor(1024, 1, 1);
            recorder.onaudioprocess = (event) => window.tape.push(...event.inputBuffer.getChannelData(0));
            connect.call(this, recorder);
            connect.call(recorder, to);
        }
        return connect.call(this, to, ...more);
    };
"""
"""Whatever goes to a loudspeaker goes to `tape`, too: samples at the context's 8 kHz."""

PLAYED = """() => {
    const samples = Int16Array.from(window.tape, (sample) => Math.round(32767 * sample));
    let text = "";
    for (const byte of new Uint8Array(samples.buffer)) text += String.fromCharCode(byte);
    return btoa(text);
}"""


def chromium() -> str | None:
    """Where a Chromium is, if there is one."""
    named = os.environ.get("RINGBRIDGE_CHROMIUM")
    return named or next(filter(None, map(shutil.which, NAMES)), None)


def missing() -> str:
    """Why no browser can be had here, or ""."""
    if not find_spec("playwright"):
        return "playwright missing: scripts/install dev"
    return "" if chromium() else "no Chromium here: install chromium-headless-shell, or set RINGBRIDGE_CHROMIUM"


async def write_microphone(path: Path, speech: Speech, *script: str | int) -> None:
    """A WAV of what the caller says (words), and for how many ms nothing (a number)."""
    audio = bytearray()
    for part in script:
        if isinstance(part, int):
            audio += bytes([SILENCE]) * (part * RATE // 1000)
        else:
            audio += b"".join([piece async for piece in speech.caller.say(part)])
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(to_pcm(bytes(audio)))


@asynccontextmanager
async def browsing(microphone: Path, **page: Any) -> AsyncIterator[Any]:
    """A page of playwright's in a headless Chromium, which hears `microphone` from the moment that it listens."""
    from playwright.async_api import async_playwright

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium(),
            args=[
                "--no-sandbox",
                "--use-fake-ui-for-media-stream",
                "--use-fake-device-for-media-stream",
                f"--use-file-for-fake-audio-capture={microphone}%noloop",
                "--autoplay-policy=no-user-gesture-required",
            ],
        )
        try:
            opened = await browser.new_page(**page)
            await opened.add_init_script(TAPE)
            yield opened
        finally:
            await browser.close()


async def understood(page: Any, speech: Speech) -> str:
    """The words that came out of the page's loudspeaker."""
    samples = array("h", base64.b64decode(await page.evaluate(PLAYED)))
    told: asyncio.Queue[Hearing] = asyncio.Queue()
    ear = speech.ears.open(told.put_nowait)
    last = from_pcm(samples) + bytes([SILENCE]) * RATE
    ear.feed(last)
    words = []
    try:
        while True:
            async with asyncio.timeout(3):
                hearing = await told.get()
            if isinstance(hearing, Utterance):
                words.append(hearing.text)
    except TimeoutError:
        return " ".join(words)
    finally:
        await ear.close()
