"""What the README tells people to do, done."""

import asyncio
import os
import re
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest

from ringbridge.emulator.addresses import AddressBook
from ringbridge.emulator.elevenlabs.twin import ElevenLabsTwin
from ringbridge.emulator.faults import Faults
from ringbridge.emulator.speech.exact import ExactEars, ExactVoice

README = Path(__file__).parents[2].joinpath("README.md").read_text(encoding="utf-8")


def block_with(words):
    blocks = re.findall(r"^ *```python\n(.*?)^ *```$", README, re.DOTALL | re.MULTILINE)
    return next(block for block in blocks if words in block)


@pytest.mark.true_time
async def test_its_speech_engine_is_one_that_a_phone_line_needs():
    environ = {**os.environ, "ELEVENLABS_API_KEY": "sk_test", "SHARED_SECRET": "a-secret-of-16-characters"}
    lines = block_with("speech_engine.create").splitlines()
    indent = len(lines[0]) - len(lines[0].lstrip())
    code = "\n".join(line[indent:] for line in lines)
    async with ElevenLabsTwin(
        api_key="sk_test",
        voice=ExactVoice(),
        ears=ExactEars(),
        addresses=AddressBook(),
        clock=lambda: 0.0,
        faults=Faults(),
    ) as twin:
        pointed = code.replace("ElevenLabs(api_key=", f"ElevenLabs(base_url={twin.base_url!r}, api_key=")
        run = await asyncio.create_subprocess_exec(sys.executable, "-c", pointed, stdout=PIPE, env=environ)
        async with asyncio.timeout(30):
            printed, _ = await run.communicate()
        (engine,) = twin.engines.values()
    assert printed.decode() == f"{engine.id}\n"
    assert engine.ws_url == "wss://your-name.ngrok.app/ws"
    assert engine.request_headers == {"x-api-key": "a-secret-of-16-characters"}
    assert (engine.input_format, engine.output_format) == ("ulaw_8000", "ulaw_8000")
    assert engine.enable_auth
    assert engine.allow_first_message
