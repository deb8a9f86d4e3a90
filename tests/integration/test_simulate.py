"""Scripted calls, from Python and from the command line."""

import asyncio
import contextlib
import json
import os
import random
import re
import socket
import sys
import wave
from array import array
from asyncio.subprocess import PIPE

import pytest
from click.testing import CliRunner

from ringbridge.audio.wav import WavError, write_stereo
from ringbridge.brains import demo
from ringbridge.cli import simulate
from ringbridge.cli.main import cli
from ringbridge.cli.places import running_bridge
from ringbridge.config import describe
from ringbridge.emulator.caller import Caller
from ringbridge.emulator.clock import VirtualTimeLoop
from ringbridge.emulator.faults import Fault
from ringbridge.emulator.openai.characters import booking_desk
from ringbridge.emulator.play import load_sounds, play
from ringbridge.emulator.scenario import DEMO, DropStream, HangUp, Play, Press, Say, Scenario, Wait
from ringbridge.emulator.speech.exact import encode
from ringbridge.emulator.wiretap import Wiretap
from ringbridge.emulator.world import ACCOUNT_SID, PUBLIC_HOST, SECRETS
from ringbridge.live.call import Call
from ringbridge.relay.lane import Lane

DEFAULT_GREETING = {"GREETING": "Hello, how can I help you?"}


async def reply(turn):
    yield f"You said: {turn.text}. What else can I do for you?"


async def played(bridge, scenario):
    """The report of one scenario, and the call that it was."""
    phone = await bridge.dial()
    wiretap = Wiretap(phone, bridge.elevenlabs.conversations)
    async with Caller(phone, bridge._speech) as caller:
        report = await play(scenario, caller, wiretap, sounds=load_sounds(scenario), exact=True)
    return report, phone


async def problems(bridge, *steps, **scenario):
    report, _ = await played(bridge, Scenario(steps, **scenario))
    return report.problems


async def test_the_demonstration(world):
    async with world(demo.reply, settings=DEFAULT_GREETING, model=booking_desk) as bridge:
        report, phone = await played(bridge, DEMO)
        assert await bridge.left() == []

    assert report.problems == []
    assert report.end == "agent"
    assert [line.who for line in report.lines].count("agent") == 6
    assert [wait.text for wait in report.waits] == [
        "I'd like to book a table for two, please.",
        "Wait, make it a table for four.",
        "At the window, please.",
        "7",
        "Thank you, goodbye.",
    ]
    assert all(500 < wait.ms < 2000 for wait in report.waits)
    assert report.frames.to_engine == len(bridge.conversation.audio) / 160 == len(phone.sent) / 160
    assert report.frames.to_caller > 300
    assert (report.frames.lost_to_engine, report.frames.lost_to_caller) == (0, 0)
    assert len(phone.heard) / 8000 < 35


async def test_what_should_have_been_heard_but_was_not_is_a_problem(world):
    async with world(reply) as bridge:
        wrong = await problems(
            bridge,
            Say("one", expect="You said: one."),
            Say("two", expect="You said: three."),
            Press("4#", expect="pressed 5."),
            greeting="Good evening",
        )

    assert wrong == [
        "greeting: should have heard 'Good evening', but heard 'Hello.'",
        "step 2: should have heard 'You said: three.', but heard 'You said: two. What else can I do for you?'",
        "step 3: should have heard 'pressed 5.', but heard 'You said: Caller pressed 4. What else can I do for you?'",
    ]


async def test_an_answer_that_is_awaited_must_come(world):
    async def silent(turn):
        await asyncio.sleep(3600)
        yield "never"

    settings = {"GREETING": "", "FILLER_AFTER": "off", "BRAIN_DEADLINE": "60000"}
    async with world(silent, settings=settings) as bridge:
        assert await problems(bridge, Wait(9000), Say("hello"), HangUp()) == ["step 2: heard no answer"]
        assert await problems(bridge, Say("hello", expect="")) == []
        assert await problems(bridge, Wait(9000), Say("hello", barge_in_ms=5)) == [
            "the agent said nothing for 15 s that one could cut in on"
        ]


async def test_who_ends_the_call_must_be_who_should(world):
    async def brain(turn):
        if turn.text == "bye":
            await turn.call.hang_up()
        else:
            async for words in reply(turn):
                yield words

    async with world(brain) as bridge:
        assert await problems(bridge, Say("bye", expect=""), end="agent") == []
        assert await problems(bridge, Say("hello"), Say("bye", expect=""), Wait(9000), Say("hi")) == [
            "the call ended before its last step",
            "should have been ended by: caller, but was by: agent",
        ]
        assert await problems(bridge, Say("hello"), end="agent") == [
            "the call did not end within 30 s",
            "should have been ended by: agent, but was by: caller",
        ]
        assert await problems(bridge, Say("tell me", expect=""), Wait(700), HangUp()) == []


async def test_faults_may_cost_audio_but_not_the_sorry(world):
    engine_gone = Fault("engine_socket", "drop", after_ms=9000, times=-1)
    async with world(reply, faults=[engine_gone]) as bridge:
        scenario = Scenario((Say("hello"), Wait(20_000)), end="sorry", faults=(engine_gone,))
        report, phone = await played(bridge, scenario)

    assert report.problems == []
    assert report.end == "sorry"
    assert phone.errors


async def test_the_same_without_a_fault_asked_for_is_a_problem(world):
    async with world(reply, faults=[Fault("engine_socket", "drop", after_ms=9000, times=-1)]) as bridge:
        wrong = await problems(bridge, Say("hello"), Wait(20_000), end="sorry")

    assert [problem[:20] for problem in wrong] == ["Twilio error 31921: "]


async def test_a_call_with_two_streams(world):
    async with world(reply) as bridge:
        report, _ = await played(bridge, Scenario((Say("one"), DropStream(), Wait(1000), Say("two", expect="two."))))

    assert report.problems == []
    assert report.frames is None


@pytest.fixture
def no_short_cut(monkeypatch):
    """Each frame of the caller's goes through the lane."""
    monkeypatch.setattr(Call, "_carry", lambda _call: None)


@pytest.mark.usefixtures("no_short_cut")
@pytest.mark.parametrize("direction", ["caller", "agent"])
async def test_a_single_lost_frame_is_noticed(world, monkeypatch, direction):
    passed = 0
    carry = getattr(Lane, direction)

    def carry_most(lane, audio):
        nonlocal passed
        passed += 1
        return None if passed == 10 else carry(lane, audio)

    monkeypatch.setattr(Lane, direction, carry_most)
    async with world(reply) as bridge:
        wrong = await problems(bridge, Say("tell me something long"))

    assert len(wrong) == 1
    assert re.fullmatch(r"\d+ of \d+ frames did not reach the (engine|caller)", wrong[0])


@pytest.mark.usefixtures("no_short_cut")
async def test_audio_in_the_wrong_call_is_noticed(world, monkeypatch):
    latest = {}
    carry = Lane.caller

    def cross(lane, payload):
        latest[lane] = payload
        return carry(lane, next((other for whose, other in latest.items() if whose is not lane), payload))

    monkeypatch.setattr(Lane, "caller", cross)
    async with world(reply) as bridge:
        reports = await asyncio.gather(played(bridge, Scenario((Say("one"),))), played(bridge, Scenario((Say("two"),))))

    assert all(report.problems for report, _ in reports)


async def test_where_the_engine_is_elsewhere_twilio_can_be_asked(world):
    async with world(reply) as bridge:
        for phone, complaints in (
            (await bridge.dial(), []),
            (await bridge.twilio.dial("https://moon.test/"), ["11205"]),
        ):
            wiretap = Wiretap(phone, None)
            async with Caller(phone, bridge._speech) as caller:
                report = await play(Scenario((Say("hello"),)), caller, wiretap, sounds={}, exact=True)
            assert report.frames is None
            assert [text for text in report.problems if "Twilio error" in text] == wiretap.complaints()
            assert [text.split()[2] for text in wiretap.complaints()] == [f"{code}:" for code in complaints]


async def test_a_wait_counts_from_the_callers_last_sound(world, tmp_path):
    file = tmp_path / "pause.wav"
    noise = bytes(random.Random(1).choices((0xEF, 0x6F, 0xFF), k=24_000))
    recording = encode("one") + b"\xff" * 40_000 + encode("two") + noise
    write_stereo(file, recording, recording)
    async with world(reply) as bridge:
        report, _ = await played(bridge, Scenario((Play(str(file)),)))

    assert [line.text[:13] for line in report.lines[2:]] == ["You said: one", "You said: two"]
    (wait,) = report.waits
    assert 500 < wait.ms < 700


async def test_a_recording_is_played_to_the_brain(world, tmp_path):
    file = tmp_path / "words.wav"
    write_stereo(file, encode("from the tape"), encode("from the tape"))
    async with world(reply) as bridge:
        report, _ = await played(bridge, Scenario((Play(str(file), expect="You said: from the tape."),)))
    assert report.problems == []
    assert [wait.text for wait in report.waits] == [""]
    with pytest.raises(WavError, match="nowhere"):
        load_sounds(Scenario((Play("nowhere.wav"),)))


# The command line


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--barge-in", "100"], "each --barge-in needs a --say"),
        (["--dtmf", "12a"], "press has other keys than"),
        (["--say", " "], "say has no words"),
        (["--brain", "a:b", "--url", "http://127.0.0.1:1"], "--brain is for a bridge that is started here"),
        (["--rest-port", "8001"], "--rest-port is for a bridge that runs"),
        (["--scenario", "nowhere.toml"], "does not exist"),
        (["--calls", "0"], "Invalid value for '--calls'"),
        (["--speech", "exact", "--brain", "nowhere.py:reply", "--say", "hello"], "there is no file"),
        (["--speech", "exact", "--url", "http://127.0.0.1:1/path"], "an origin has a scheme"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments, complaint, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text(SETTINGS)
    result = CliRunner().invoke(cli, ["simulate", *arguments])

    assert complaint in result.output
    assert result.exit_code > 0


def test_a_port_that_is_taken_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text(SETTINGS)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        arguments = ["--speech", "exact", "--url", "http://127.0.0.1:1", "--rest-port", port]
        result = CliRunner().invoke(cli, ["simulate", *arguments])

    assert f"--rest-port {port}: " in result.output
    assert "in use" in result.output
    assert result.exit_code == 1


async def test_a_bridge_that_runs_finds_twilios_api_there(world, tmp_path, monkeypatch):
    async def presses(turn):
        yield "I press them."
        await turn.call.send_digits("42#")

    port = free_port()
    monkeypatch.chdir(tmp_path)
    async with world(presses, settings={"TWILIO_BASE_URL": f"http://127.0.0.1:{port}"}) as bridge:
        secrets = {"TWILIO_ACCOUNT_SID": ACCOUNT_SID, "TWILIO_AUTH_TOKEN": SECRETS["TWILIO_AUTH_TOKEN"]}
        (tmp_path / ".env").write_text("".join(f"{name}={value}\n" for name, value in secrets.items()))
        monkeypatch.setenv("PUBLIC_URL", PUBLIC_HOST)
        async with running_bridge(f"http://127.0.0.1:{bridge.port}", bridge._speech, (), port) as place:
            phone = await place.dial()
            async with Caller(phone, bridge._speech) as caller:
                await caller.say("42, please")
                assert await caller.heard() == "Hello. I press them."
                await caller.wait(2000)
                assert caller.digits_heard == "42#"
                await caller.hang_up()
                await caller.ended()


@pytest.mark.parametrize(
    ("scenario", "more", "complaint"),
    [
        ("step = []", ["--say", "hello"], "--scenario says all of the call"),
        (
            "step = [{say = 'hello'}]\nfault = [{where = 'engine_socket', kind = 'drop'}]",
            ["--url", "http://127.0.0.1:1"],
            "a fault of the engine_socket needs a twin of ElevenLabs",
        ),
        ("step = [{sing = 'hello'}]", [], "scenario.toml: step 1: needs one of"),
        ("step = [{play = 'nowhere.wav'}]", [], "nowhere.wav: No such file"),
    ],
)
def test_a_scenario_that_is_none_is_refused(scenario, more, complaint, tmp_path):
    file = tmp_path / "scenario.toml"
    file.write_text(scenario)
    result = CliRunner().invoke(cli, ["simulate", "--speech", "exact", "--scenario", str(file), *more])

    assert complaint in result.output
    assert result.exit_code > 0


SETTINGS = """
    ELEVENLABS_API_KEY=sk_0123456789
    SPEECH_ENGINE_ID=seng_mine
    SHARED_SECRET=0123456789abcdef0123
    TWILIO_ACCOUNT_SID=AC0123456789abcdef0123456789abcdef
    TWILIO_AUTH_TOKEN=0123456789
    PUBLIC_URL=me.example.com
    BRAIN=brain.py:reply
    GREETING=Hi.
"""

BRAIN = """
async def reply(turn):
    yield f"You said {turn.text}."
"""

SCENARIO = """
greeting = "Hi."
[[step]]
say = "hello"
expect = "You said hello."
[[step]]
press = "7#"
expect = "pressed 7."
"""

WRONG = """
[[step]]
say = "hello"
expect = "goodbye"
"""


@pytest.fixture
def project(tmp_path):
    """A folder with a brain, settings and scenarios."""
    for name, text in ((".env", SETTINGS), ("brain.py", BRAIN), ("call.toml", SCENARIO), ("wrong.toml", WRONG)):
        (tmp_path / name).write_text(text)
    return tmp_path


def free_port():
    """A port that no client's socket is given by chance before it is listened on: they get theirs above 32767."""
    while True:
        port = random.randrange(20_000, 32_768)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


@contextlib.asynccontextmanager
async def ringbridge(folder, *arguments, **environ):
    """The command as a process of its own, which is stopped in the end."""
    names = {row.name for row in describe()}
    inherited = {name: value for name, value in os.environ.items() if name not in names}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "ringbridge", *arguments, cwd=folder, env=inherited | environ, stdout=PIPE, stderr=PIPE
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        async with asyncio.timeout(10):
            await process.communicate()


async def line_with(stream, words):
    async with asyncio.timeout(20):
        while words not in (line := (await stream.readline()).decode()):
            assert line, f"it ended without {words!r}"
    return line


@pytest.mark.true_time
async def test_a_call_to_ones_own_brain(project):
    arguments = ["--brain", "brain.py:reply", "--speech", "exact", "--say", "stop", "--barge-in", "300"]
    async with ringbridge(project, "simulate", *arguments, "--json", "--record", "call.wav") as process:
        out, err = await process.communicate()

    assert process.returncode == 0, err.decode()
    document = json.loads(out)
    (call,) = document["calls"]
    assert (document["ok"], document["problems"], call["end"]) == (True, [], "caller")
    greeting, caller, agent = call["lines"]
    assert greeting["cut"]
    assert greeting["to_ms"] - caller["from_ms"] <= 250
    assert [(line["who"], line["text"]) for line in (caller, agent)] == [
        ("caller", "stop"),
        ("agent", "You said stop."),
    ]
    with wave.open(str(project / "call.wav")) as file:
        samples = array("h", file.readframes(file.getnframes()))
    assert max(samples[0::2]) > 5000 < max(samples[1::2])


def test_a_call_that_went_otherwise_is_shown_and_fails(project, monkeypatch):
    monkeypatch.chdir(project)
    monkeypatch.syspath_prepend(project)
    monkeypatch.setattr(simulate, "loop_factory", lambda: VirtualTimeLoop)
    arguments = ["--brain", "brain.py:reply", "--speech", "exact", "--scenario", "wrong.toml"]
    done = CliRunner().invoke(cli, ["simulate", *arguments], catch_exceptions=False)

    assert done.exit_code == 1
    assert "step 1: should have heard 'goodbye', but heard 'You said hello.'" in " ".join(done.output.split())


@pytest.mark.true_time
async def test_three_processes_make_a_phone_call(project):
    """Twilio's twin, the bridge and ElevenLabs' twin, joined by nothing but settings and sockets."""
    engine_port, port = free_port(), str(free_port())
    arguments = ["--url", f"http://127.0.0.1:{port}", "--speech", "exact", "--scenario"]
    async with (
        ringbridge(project, "engine", "--port", str(engine_port), "--speech", "exact", PORT=port) as engine,
        ringbridge(project, "serve", PORT=port, ELEVENLABS_BASE_URL=f"http://127.0.0.1:{engine_port}") as bridge,
    ):
        assert f"ELEVENLABS_BASE_URL=http://127.0.0.1:{engine_port}" in await line_with(engine.stdout, "BASE_URL")
        await line_with(bridge.stderr, "listening")
        async with ringbridge(project, "simulate", *arguments, "call.toml") as process:
            said, trouble = await process.communicate()
        shown = await line_with(engine.stdout, " user ")

    assert process.returncode == 0, said.decode() + trouble.decode()
    assert "agent   You said hello." in said.decode()
    assert "caller  presses 7#" in said.decode()
    assert max(map(len, said.decode().splitlines())) <= 80
    assert shown.rstrip().endswith("hello")
