from pathlib import Path

import pytest

from ringbridge.emulator.faults import Fault
from ringbridge.emulator.scenario import (
    DEMO,
    DropStream,
    HangUp,
    Play,
    Press,
    Say,
    Scenario,
    ScenarioError,
    Wait,
    read,
)


def test_a_scenario_says_all_of_a_call():
    text = """
        greeting = "how can I help"
        end = "sorry"

        [[step]]
        say = "I'd like to book a table"
        expect = "a table for two"

        [[step]]
        say = "Make it four"
        barge_in_ms = 800

        [[step]]
        press = "42#"
        expect = ""

        [[step]]
        play = "noise.wav"

        [[step]]
        wait_ms = 2000

        [[step]]
        drop_stream = true

        [[step]]
        hang_up = true

        [[fault]]
        where = "engine_socket"
        kind = "drop"
        after_ms = 4000

        [[fault]]
        where = "brain_socket"
        kind = "close"
        code = 1001
        times = -1
    """

    assert read(text, Path("/calls")) == Scenario(
        greeting="how can I help",
        end="sorry",
        steps=(
            Say("I'd like to book a table", expect="a table for two"),
            Say("Make it four", barge_in_ms=800),
            Press("42#", expect=""),
            Play("/calls/noise.wav"),
            Wait(2000),
            DropStream(),
            HangUp(),
        ),
        faults=(
            Fault("engine_socket", "drop", after_ms=4000),
            Fault("brain_socket", "close", code=1001, times=-1),
        ),
    )


def test_the_least_scenario_is_one_step():
    scenario = read('step = [{say = "Hello"}]')

    assert scenario == Scenario((Say("Hello"),), greeting="", end="caller", faults=())


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("step = [", "this is no TOML"),
        ("", "the scenario: object missing required field `step`"),
        ('step = "Hello"', "step: expected `array`, got `str`"),
        ("step = []\ngreetings = 'x'", "the scenario: there is no greetings here"),
        ("step = []\nend = 'bang'", "end: invalid enum value 'bang'"),
        (
            "step = [{say = 'a'}, {expect = 'x'}]",
            "step 2: needs one of say, press, play, wait_ms, hang_up, drop_stream",
        ),
        ("step = [{say = 'a', press = '1'}]", "step 1: needs one of .*, and has say and press"),
        ("step = [{say = 1}]", "step 1: say: expected `str`, got `int`"),
        ("step = [{say = ' '}]", "step 1: say has no words"),
        ("step = [{say = 'a', barge_in_ms = -1}]", "step 1: barge_in_ms can't be below 0"),
        ("step = [{say = 'a', barge_in_ms = '1'}]", "step 1: barge_in_ms: expected `int | null`, got `str`"),
        ("step = [{say = 'a', bargein_ms = 1}]", "step 1: there is no bargein_ms here, only say, barge_in_ms, expect"),
        ("step = []\nfault = [{where = 'webhook', kind = 'drop', times = 0}]", "fault 1: times must be 1 or more"),
        ("step = [{press = '1', barge_in_ms = 1}]", "step 1: there is no barge_in_ms here, only press, expect"),
        ("step = [{press = '1-2'}]", "step 1: press has other keys than"),
        ("step = [{press = ''}]", "step 1: press has other keys than"),
        ("step = [{wait_ms = -5}]", "step 1: wait_ms can't be below 0"),
        ("step = [{hang_up = false}]", "step 1: hang_up is true, or left out"),
        ("step = [{drop_stream = false}]", "step 1: drop_stream is true, or left out"),
        ("step = []\nfault = [{where = 'moon', kind = 'drop'}]", "fault 1: where: invalid enum value 'moon'"),
        ("step = []\nfault = [{where = 'webhook', kind = 'drop', after = 1}]", "fault 1: there is no after here"),
        ("step = []\nfault = [{where = 'webhook', kind = 'drop', ms = 1.5}]", "fault 1: ms: expected `int`"),
    ],
)
def test_what_is_no_scenario_is_named_by_place_and_field(text: str, problem: str):
    with pytest.raises(ScenarioError, match=problem.replace("|", r"\|")):
        read(text)


def test_the_demonstration_has_what_the_command_promises():
    barge_ins = [step for step in DEMO.steps if isinstance(step, Say) and step.barge_in_ms is not None]
    keys = [step for step in DEMO.steps if isinstance(step, Press)]

    assert DEMO.greeting
    assert len(barge_ins) == 1
    assert [len(step.press) for step in keys] == [1]
    assert all(step.expect for step in DEMO.steps[1:] if isinstance(step, Say | Press))
