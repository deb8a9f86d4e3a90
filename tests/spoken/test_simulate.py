"""The demonstration as a newcomer hears it: spoken, recognized, and interrupted in time."""

import asyncio
from importlib.util import find_spec

import pytest

from ringbridge.brains import demo
from ringbridge.emulator.caller import Caller
from ringbridge.emulator.openai.characters import booking_desk
from ringbridge.emulator.play import play
from ringbridge.emulator.scenario import DEMO
from ringbridge.emulator.speech import spoken
from ringbridge.emulator.wiretap import Wiretap
from ringbridge.emulator.world import World

MISSING = [name for name in ("numpy", "hibari", "moonshine_voice") if not find_spec(name)]
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"{', '.join(MISSING)} missing: pip install 'ringbridge[voice]'")


async def test_the_demonstration():
    speech = await asyncio.to_thread(spoken.load)
    async with World(demo.reply, speech, model=booking_desk, clock=asyncio.get_running_loop().wall) as world:
        phone = await world.dial()
        wiretap = Wiretap(phone, world.elevenlabs.conversations)
        async with Caller(phone, speech) as caller:
            report = await play(DEMO, caller, wiretap, sounds={}, exact=False)

    assert report.problems == []
    booking, barge_in = next(pair for pair in zip(report.lines, report.lines[1:], strict=False) if pair[0].cut)
    assert 0 < booking.to_ms - barge_in.from_ms <= 250
    assert all(wait.ms < 2000 for wait in report.waits)
