"""Twenty calls at once, and then others: what one caller says reaches that caller's engine, and nothing is left."""

import itertools

from ringbridge.emulator.caller import Caller
from ringbridge.emulator.crowd import crowd, measured
from ringbridge.emulator.play import play
from ringbridge.emulator.scenario import Press, Say, Scenario
from ringbridge.emulator.wiretap import Wiretap

AT_ONCE = 20
SECONDS = 20


async def reply(turn):
    yield f"You said {turn.text}. "
    yield "I could go on, if you let me."


def scenario(number):
    """What only this caller says, with all that can happen on the way."""
    return Scenario(
        steps=(
            Say(f"I am number {number}"),
            Say(f"{number} cuts in", barge_in_ms=700 + 20 * (number % AT_ONCE), expect=f"You said {number} cuts in."),
            Press(f"{number}#", expect=f"You said Caller pressed {number}."),
        )
    )


async def test_twenty_calls_at_once(world):
    numbers = itertools.count(100)
    async with world(reply) as bridge:

        async def call():
            phone = await bridge.dial()
            wiretap = Wiretap(phone, bridge.elevenlabs.conversations)
            async with Caller(phone, bridge._speech) as caller:
                return await play(scenario(next(numbers)), caller, wiretap, sounds={}, exact=True)

        async with measured(at_once=AT_ONCE) as load:
            reports = await crowd(call, at_once=AT_ONCE, seconds=SECONDS)

        assert await bridge.left() == []
        # An idle connection or two may stay open for the next signed URL.
        assert load.leftovers(2) == []

    assert [problem for report in reports for problem in report.problems] == []
    assert len({report.call_sid for report in reports}) == len(reports) >= 2 * AT_ONCE
    assert sum(report.frames.to_engine for report in reports) > AT_ONCE * SECONDS * 40
    assert all(any(line.cut for line in report.lines) for report in reports)
