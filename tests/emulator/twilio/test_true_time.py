"""On the wall's clock: the frames keep time, and cost little."""

import asyncio
import base64
import json
import time

import pytest

pytestmark = pytest.mark.true_time


async def test_frames_keep_time_on_the_walls_clock(stage):
    call, end = await stage.talk()
    await end.until("media", 55)
    # How far each is behind its time; of ten, the one that this machine held up least.
    behind = [at - 0.02 * number for number, at in enumerate(end.times("media"))]
    assert min(behind[45:55]) - min(behind[:10]) == pytest.approx(0, abs=0.1)
    await call.hang_up()


def cost_of_a_message():
    """What it takes, on this machine and now, to write a media message with the standard library and to read it."""
    audio = bytes(160)
    began = time.process_time()
    for number in range(5000):
        media = {"track": "inbound", "chunk": str(number), "payload": base64.b64encode(audio).decode()}
        base64.b64decode(json.loads(json.dumps({"event": "media", "media": media}))["media"]["payload"])
    return (time.process_time() - began) / 5000


async def test_a_tick_of_a_call_costs_no_more_than_a_few_messages(stage):
    # Twenty calls at once with the bridge beside them; what the twin and this bridge use together is measured.
    calls = [await stage.dial() for _ in range(20)]
    await asyncio.gather(*(call.streaming() for call in calls))
    await asyncio.sleep(0.2)
    sent, cost = [len(call.sent) for call in calls], time.process_time()
    for end in stage.bridge.media:
        await end.say(b"\x20" * 8000)
    await asyncio.sleep(1.0)
    cost = time.process_time() - cost
    ticks = sum(len(call.sent) - before for call, before in zip(calls, sent, strict=True)) / 160
    assert ticks > 900
    assert cost / ticks < 25 * cost_of_a_message()
