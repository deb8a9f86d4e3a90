"""The telephone's page in a real browser: somebody asks, cuts in, presses a key and hangs up, by keyboard alone.

It plays in real time.
"""

import re
from importlib.util import find_spec

import pytest

from ringbridge.audio.mulaw import LINEAR, from_pcm
from ringbridge.emulator.elevenlabs.engine import DEFAULT_CLIENT_EVENTS
from ringbridge.emulator.likeness import sounds_in
from ringbridge.emulator.speech import spoken
from ringbridge.emulator.world import World
from ringbridge.facts import CallerSpoke, DigitsPressed, Interrupted
from ringbridge.phone.app import open_phone
from ringbridge.phone.line import Line, Watch

from .browser import browsing, missing, understood, write_microphone

MISSING = [name for name in ("numpy", "hibari", "moonshine_voice") if not find_spec(name)]
pytestmark = [
    pytest.mark.skipif(bool(MISSING), reason=f"{', '.join(MISSING)} missing: pip install 'ringbridge[voice]'"),
    pytest.mark.skipif(bool(missing()), reason=missing()),
    pytest.mark.true_time,
]

QUESTION = "What are your opening hours on Sunday?"
HOURS = (
    "On Sunday we are open from ten in the morning until six in the evening.",
    "The kitchen closes one hour before that, and the garden is open in summer.",
    "On all other days we are open until midnight, and children eat for half the price.",
)
CUT_IN = "Wait, I changed my mind."


async def reply(turn):
    if turn.call.digits:
        yield "Thank you. The garden is open on Sunday."
    elif {"hours", "Sunday", "opening"} & set(re.findall(r"\w+", turn.text)):
        for sentence in HOURS:
            yield f"{sentence} "
    else:
        yield "No problem. Please press a key."


async def test_a_call_from_the_page(tmp_path):
    from playwright.async_api import expect

    speech = spoken.load()
    microphone = tmp_path / "microphone.wav"
    await write_microphone(microphone, speech, 2000, QUESTION, 6000, CUT_IN, 10_000)
    facts = []
    watch = Watch()
    async with (
        World(
            reply,
            speech,
            settings={"GREETING": "", "FILLER_AFTER": "off"},
            engine={"client_events": DEFAULT_CLIENT_EVENTS | {"vad_score"}},
            observers=(watch, lambda _, fact: facts.append(fact)),
        ) as world,
        open_phone(Line(world.dial, world.elevenlabs, watch), brain="brain.py:reply", port=0) as link,
        browsing(microphone, viewport={"width": 360, "height": 740}) as page,
    ):
        problems = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
        await page.goto(link)
        status, words, keypad = page.get_by_role("status"), page.get_by_role("log"), page.get_by_role("group")
        await expect(status).to_have_text("Ready to call")
        assert "#" not in page.url  # the ticket is used
        await page.get_by_role("button", name="Call").press("Enter")
        await expect(status).to_have_text("On the line")

        await expect(words).to_contain_text("until six in the evening", timeout=12_000)
        await expect(words).to_contain_text("(you cut in)", timeout=12_000)
        await expect(words).to_contain_text("No problem.", timeout=8000)
        await expect(words).to_contain_text("to the answer")
        await keypad.get_by_role("button", name="1").press("5")
        await expect(keypad.get_by_role("button", name="5")).to_be_focused()
        await page.keyboard.press("#")
        await expect(words).to_contain_text("The garden is open on Sunday.", timeout=8000)
        await page.get_by_role("button", name="Mute").press("Space")
        await expect(page.get_by_role("button", name="Muted", pressed=True)).to_be_visible()
        await page.wait_for_timeout(2000)  # the last words are being spoken
        await page.get_by_role("button", name="Hang up").press("Enter")
        await expect(status).to_have_text("You hung up")

        heard = await understood(page, speech)
        mulaw = await page.evaluate("import('/mulaw.js').then(({ encode, SAMPLES }) => [...SAMPLES].map(encode))")
        samples = await page.evaluate("import('/mulaw.js').then(({ SAMPLES }) => [...SAMPLES])")
        width = await page.evaluate("document.documentElement.scrollWidth")
        await page.reload()
        await expect(status).to_have_text("Ready to call")

    assert sounds_in("opening hours on Sunday", " ".join(fact.text for fact in facts if isinstance(fact, CallerSpoke)))
    assert sounds_in("we are open from ten in the morning", heard)
    assert not sounds_in("children eat for half the price", heard)
    assert sounds_in("the garden is open on Sunday", heard)
    assert any(isinstance(fact, Interrupted) for fact in facts)
    assert [fact.digits for fact in facts if isinstance(fact, DigitsPressed)] == ["5"]
    assert all(call.over for call in world.twilio.calls.values())
    assert [round(32768 * sample) for sample in samples] == list(LINEAR)
    assert bytes(mulaw) == from_pcm(LINEAR)
    assert width == 360
    assert problems == []
