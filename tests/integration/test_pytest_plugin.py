"""The fixture that ships: a project of somebody else's phones its brain, whatever plugins it has."""

import pytest

pytest_plugins = ["pytester"]

BRAIN = """
    import pytest

    @pytest.fixture
    def brain():
        async def reply(turn):
            if "boom" in turn.text:
                raise ValueError(turn.text)
            yield f"You said: {turn.text}. "
            yield f"Your keys: {', '.join(turn.digits) or 'none'}."
        return reply
"""

TEST = """
    from ringbridge.emulator.faults import Fault

    async def test_talking(phone):
        call = await phone.dial()
        assert "an AI assistant" in await call.heard()
        await call.say("a table for two please")
        assert await call.heard() == "You said: a table for two please. Your keys: none."
        await call.press("42#")
        assert "Your keys: 42." in await call.heard()
        await call.hang_up()

    async def test_barging_in(phone):
        call = await phone.dial()
        await call.say("stop", barge_in_ms=1000)
        heard = await call.heard()
        assert "how can I help you?" not in heard
        assert "You said: stop." in heard

    async def test_a_brain_that_fails(phone):
        call = await phone.dial()
        await call.say("boom")
        assert "I ran into a problem" in await call.heard()

    async def test_a_fault(phone):
        phone.faults.add(Fault("engine_socket", "drop", after_ms=9000, times=-1))
        call = await phone.dial()
        await call.ended()
        assert "I'm sorry, we're having a technical problem." in await call.heard()

    async def test_two_calls_at_once(phone):
        one, two = await phone.dial(), await phone.dial(from_="+15550100009")
        await one.say("one")
        await two.say("two")
        assert "said: one." in await one.heard()
        assert "said: two." in await two.heard()

    def test_others_are_left_alone():
        pass
"""


@pytest.fixture
def project(pytester):
    pytester.makeconftest(BRAIN)
    pytester.makepyfile(TEST)
    return pytester


@pytest.mark.parametrize(
    "options",
    [
        ["-o", "asyncio_mode=strict"],
        ["-o", "asyncio_mode=auto"],
        ["-p", "no:asyncio", "-p", "no:aiohttp"],
    ],
    ids=["strict", "auto", "without pytest-asyncio"],
)
def test_a_brain_is_phoned(project, options):
    result = project.runpytest_subprocess(*options, timeout=60)
    result.assert_outcomes(passed=6)


def test_a_failing_test_fails(pytester):
    pytester.makeconftest(BRAIN)
    pytester.makepyfile(
        """
        async def test_it(phone):
            call = await phone.dial()
            assert "nonsense" in await call.heard()
        """
    )
    result = pytester.runpytest_subprocess(timeout=60)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*assert 'nonsense' in 'Hello, *"])


def test_a_missing_brain_is_asked_for(pytester):
    pytester.makepyfile("async def test_it(phone): pass")
    result = pytester.runpytest_subprocess(timeout=60)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*define a fixture named `brain`*"])
