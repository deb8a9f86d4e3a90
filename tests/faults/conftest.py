"""Stories of calls that go wrong."""

import asyncio

import pytest

from ringbridge.phrases import ENGLISH

from ..integration.conftest import world  # noqa: F401 - a fixture
from .table import NOTHING, Seen

GREETING = "Hello."

SENTENCES = {
    GREETING: "greeting",
    ENGLISH.one_moment: "*one moment*",
    ENGLISH.still_here: "*still here*",
    ENGLISH.sorry: "*sorry*",
    ENGLISH.connecting: "*connecting*",
    ENGLISH.leave_message: "*leave a message*",
    ENGLISH.message_kept: "*message kept*",
    ENGLISH.goodbye: "*goodbye*",
    ENGLISH.farewell: "*farewell*",
    ENGLISH.model_failed: "“I ran into a problem”",
    ENGLISH.too_slow: "“that is taking too long”",
}

LONGEST_SILENCE_MS = 2100
"""Two seconds, and what frames and a stream's change of hands take."""


def named(heard):
    """What was heard, sentence by sentence; words of the agent's other than the greeting are `answer`."""
    names = []
    while heard:
        sentence = next((known for known in SENTENCES if heard.startswith(known)), None)
        if sentence is None:
            rest = min((heard.find(known) for known in SENTENCES if known in heard), default=len(heard))
            names, heard = [*names, "answer"], heard[rest:]
        else:
            names, heard = [*names, SENTENCES[sentence]], heard[len(sentence) :].lstrip()
        heard = heard.lstrip()
    return ", ".join(name for number, name in enumerate(names) if number == 0 or names[number - 1] != name)


def longest_silence_ms(call):
    """The longest that the caller heard nothing, from the first stream's start to the last sound.

    While the caller speaks, and until that is understood, there is no silence to be explained.
    """
    started = next((event.at_ms for event in call.events if event.kind == "stream_started"), 0)
    answered = next(event.at_ms for event in call.events if event.kind == "verb")
    begun = max(0, started - answered) * 8
    heard, said = bytes(call.heard)[begun:].rstrip(b"\xff"), bytes(call.sent)[begun:]
    longest = silent = understood = 0
    for start in range(0, len(heard), 160):
        if said[start : start + 160].strip(b"\xff"):
            understood = start + UNDERSTOOD_MS * 8
        silent = 0 if heard[start : start + 160].strip(b"\xff") or start < understood else silent + 20
        longest = max(longest, silent)
    return longest


UNDERSTOOD_MS = 520
"""The ears of these stories take half a second of silence for the end of what was said."""


async def nothing_more(w, call):
    """The caller only listens."""


async def says_hello(w, call):
    """The caller says something once greeted."""
    await w.hears(call, GREETING)
    await w.says(call, "hello")


@pytest.fixture
def story(world, caplog):  # noqa: F811
    """Plays a call to its end; gives what was seen of it."""

    async def play(drive=nothing_more, *, silence=True, hangs_up_after=None, **given):
        async with world(**given) as w:
            call = await w.dial()
            await drive(w, call)
            if hangs_up_after is not None:
                await asyncio.sleep(hangs_up_after)
                await call.hang_up()
            await call.ended()
            if silence:
                assert longest_silence_ms(call) <= LONGEST_SILENCE_MS
            await w.is_given_back(since=w.now)
            verbs = w.verbs(call)[1:]
            told = ", ".join(f"`<{verb}>`" for verb in verbs if verb != "Say") or NOTHING
            return Seen(named(w.heard(call)), told)

    return play
