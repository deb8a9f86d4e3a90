"""The fixture that ships: a project of somebody else's phones its brain, whatever plugins it has."""

import textwrap

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

TESTS = """
    import gc

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

    async def test_a_call_that_is_still_up(phone):
        call = await phone.dial()
        await call.say("hello")

    async def test_a_call_that_is_just_over(phone):
        call = await phone.dial()
        await call.say("hello")
        await call.heard()
        await call.hang_up()

    def test_others_are_left_alone():
        gc.collect()  # a socket that was left open is told of here at the latest

    async def test_what_is_not_heard(phone):
        call = await phone.dial()
        assert "nonsense" in await call.heard()
"""

OPTIONS = ("-W", "error", "-p", "no:langsmith_plugin")  # a model's library brings that, and it takes a second
LOOPS = ("-o", "asyncio_default_fixture_loop_scope=function")

BRAINLESS = "async def test_without_a_brain(phone): pass"


@pytest.fixture
def project(pytester):
    """Tests of a brain, one of which should fail, and in another folder one that has none."""
    for name, text in (
        ("phoned/conftest.py", BRAIN),
        ("phoned/test_phoned.py", TESTS),
        ("alone/test_alone.py", BRAINLESS),
    ):
        file = pytester.path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(textwrap.dedent(text))
    return pytester


def judge(result):
    """Eight tests pass, one fails, and one misses its brain."""
    result.assert_outcomes(passed=8, failed=1, errors=1)
    result.stdout.fnmatch_lines_random(["*assert 'nonsense' in 'Hello, *", "*define a fixture named `brain`*"])


def test_a_brain_is_phoned(project):
    """The plugin is found by its entry point, in a process of its own."""
    judge(project.runpytest_subprocess(*OPTIONS, *LOOPS, "-o", "asyncio_mode=strict", timeout=60))


@pytest.mark.parametrize(
    "options",
    [
        [*LOOPS, "-o", "asyncio_mode=auto"],
        ["-p", "no:asyncio", "-p", "no:aiohttp"],
    ],
    ids=["auto", "without pytest-asyncio"],
)
def test_a_brain_is_phoned_whatever_runs_the_other_tests(project, options):
    judge(project.runpytest_inprocess(*OPTIONS, *options))
