"""Brains in real processes: how one is started, fails and ends, and that none is left behind."""

import asyncio
import signal
import sys
import textwrap
import time

import psutil
import pytest

from ringbridge.config import load_settings
from ringbridge.elsewhere import process
from ringbridge.elsewhere.messages import FailedElsewhere
from ringbridge.emulator.world import ACCOUNT_SID, SECRETS
from ringbridge.errors import BrainNotFound
from ringbridge.facts import CallEnded
from ringbridge.turn import Call, Message, Turn
from ringbridge.wiring import open_parts

pytestmark = pytest.mark.true_time

BRAIN = """
    import os, signal, sys, time

    async def reply(turn):
        yield f"{turn.text} "
        match turn.text:
            case "die":
                os.kill(os.getpid(), signal.SIGKILL)
            case "exit":
                sys.exit(4)
            case "break":
                raise ValueError(f"sk_secret {turn.text}")
            case "spin":
                while True:
                    pass
        turns = turn.call.state["turns"] = turn.call.state.get("turns", 0) + 1
        yield f"{os.getpid()} {os.getsid(0) != os.getsid(os.getppid())} {sys.stdin.read()!r} {turns}"
"""


class NoLine:
    transfer_names = ()


def turn(text="Hello", sid="CA1"):
    return Turn((Message("user", text),), Call(sid, "+15550100", "+15550101", "conv_1", state={}, line=NoLine()))


async def says(brain, *args):
    return "".join([piece async for piece in brain(turn(*args))])


@pytest.fixture
def settings(tmp_path):
    (tmp_path / "desk.py").write_text(textwrap.dedent(BRAIN))
    environ = {
        **SECRETS,
        "SPEECH_ENGINE_ID": "seng_1",
        "TWILIO_ACCOUNT_SID": ACCOUNT_SID,
        "PUBLIC_URL": "https://bridge.test",
        "BRAIN": f"{tmp_path}/desk.py:reply",
        "BRAIN_PROCESSES": "1",
        "LLMS": "openai@http://127.0.0.1:9/v1:m",
        "LOG_FORMAT": "json",
    }
    return load_settings(None, environ)


def children():
    return psutil.Process().children()


async def test_a_process_fails_alone_and_leaves_the_ending_to_the_bridge(settings, capfd, monkeypatch):
    monkeypatch.setattr(process, "EXIT_SECONDS", 0.1)
    async with open_parts(settings) as parts:
        (first,) = children()
        assert first.cmdline()[2:4] == ["-m", "ringbridge.elsewhere"]
        assert await says(parts.brain) == f"Hello {first.pid} True '' 1"
        assert await says(parts.brain) == f"Hello {first.pid} True '' 2"
        for observer in parts.observers:
            observer("CA1", CallEnded(None))
        assert await says(parts.brain) == f"Hello {first.pid} True '' 1"
        for number in (signal.SIGINT, signal.SIGTERM):
            first.send_signal(number)
        with pytest.raises(FailedElsewhere, match=r"^ValueError in reply \(desk\.py:12\)$"):
            await says(parts.brain, "break")
        assert first.is_running()
        with pytest.raises(FailedElsewhere, match="its process was killed by SIGKILL"):
            await says(parts.brain, "die")
        again = await says(parts.brain)
        (second,) = children()
        assert again == f"Hello {second.pid} True '' 1"
        spinning = parts.brain(turn("spin"))
        assert await anext(spinning) == "spin "
        ending = time.monotonic()
    assert time.monotonic() - ending < 2  # although it never lets go
    assert children() == []
    with pytest.raises(FailedElsewhere, match="its process is ended"):
        await anext(spinning)
    assert "secret" not in capfd.readouterr().err


async def test_an_import_that_fails_stops_the_start(settings, tmp_path):
    (tmp_path / "desk.py").write_text("exit(7)")
    with pytest.raises(BrainNotFound, match="the process that was to load the brain exited with 7"):
        async with open_parts(settings):
            pass
    assert children() == []


async def test_no_process_outlives_a_bridge_that_is_killed(settings):
    code = "import asyncio; from ringbridge.elsewhere.process import start_process\n" + textwrap.dedent("""
        async def main():
            async with start_process(print):
                print("started", flush=True)
                await asyncio.sleep(60)
        asyncio.run(main())
    """)
    bridge = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE)
    await bridge.stdout.readline()
    (child,) = psutil.Process(bridge.pid).children()
    bridge.kill()
    await bridge.communicate()
    async with asyncio.timeout(10):
        while child.is_running() and child.status() != psutil.STATUS_ZOMBIE:  # whoever reaps orphans here may be slow
            await asyncio.sleep(0.02)
