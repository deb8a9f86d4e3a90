"""`ringbridge serve` as an operator runs it: a process of its own, on the true clock, in a folder with its settings."""

import asyncio
import errno
import http.client
import json
import os
import re
import signal
import socket
import sys
import time
from contextlib import asynccontextmanager, chdir, suppress

import pytest
from click.testing import CliRunner

from ringbridge.cli.main import cli
from ringbridge.config import describe

from .raw_house import House, connections, environment, new_call_sid, noise, vendors
from .raw_http import ask, head
from .raw_proofs import API_KEY, AUTH_TOKEN, HOST, SHARED_SECRET, twilio_signature
from .raw_twilio import FORM_TYPE, Twilio

pytestmark = pytest.mark.true_time

BRAIN = """
async def reply(turn):
    yield f"You said {turn.text}."
"""
SETTINGS = {row.name for row in describe()}


@pytest.fixture
async def around():
    """Both vendors."""
    async with vendors() as both:
        yield both


@pytest.fixture
def folder(tmp_path, around):
    """A folder as `ringbridge init` leaves it, with the settings of a bridge between these vendors."""
    (tmp_path / "brain.py").write_text(BRAIN)
    write_settings(tmp_path, environment(*around, PORT="0"))
    return tmp_path


def write_settings(folder, settings):
    (folder / ".env").write_text("".join(f"{name}={value}\n" for name, value in settings.items()))


@asynccontextmanager
async def running(folder, *args, **environ):
    """A process of this Python in this folder. It is killed in the end, if it still runs."""
    inherited = {name: value for name, value in os.environ.items() if name not in SETTINGS}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, *args),
        cwd=folder,
        env={**inherited, **environ},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.communicate()


class Served:
    """A running process, and what it has said so far."""

    def __init__(self, process):
        self._process = process
        self.said = ""

    async def listening(self):
        """The port that it says it listens on."""
        async with asyncio.timeout(60):
            while (port := re.search(r'"address": "127\.0\.0\.1:(\d+)"', self.said)) is None:
                line = await self._process.stderr.readline()
                assert line, self.said
                self.said += line.decode()
        return int(port[1])

    async def end(self, number=signal.SIGTERM):
        """Tell it to stop; gives its exit code and the seconds that it took."""
        since = time.monotonic()
        self._process.send_signal(number)
        async with asyncio.timeout(60):
            out, err = await self._process.communicate()
        self.said += err.decode()
        assert out == b""
        assert "Traceback" not in self.said
        assert not any(secret in self.said for secret in (API_KEY, AUTH_TOKEN, SHARED_SECRET))
        return self._process.returncode, time.monotonic() - since


@asynccontextmanager
async def serving(folder, around, *args, **environ):
    """The running process, and the house around it."""
    elevenlabs, rest = around
    async with running(folder, "-m", "ringbridge", "serve", *args, **environ) as process:
        served = Served(process)
        port = await served.listening()
        async with connections("127.0.0.1", port) as connect:
            yield served, House(port, Twilio(connect), rest, elevenlabs, time.time)


async def test_it_carries_calls_and_refuses_strangers_with_the_settings_of_its_folder(folder, around):
    elevenlabs, rest = around
    async with serving(folder, around) as (served, home):
        await home.is_healthy()
        await refuses_strangers(home)
        assert (elevenlabs.connections, rest.connections) == (0, 0)
        await home.carries_a_call()
        await home.carries_a_call()
        await home.has_given_back()
        await home.stream(new_call_sid())  # one that never starts
        await home.dial_brain()  # and one that never says whose it is
        code, seconds = await served.end(signal.SIGINT)
    assert code == 0
    assert seconds < 5
    assert f'"public_url": "https://{HOST}"' in served.said
    assert served.said.count('"outcome": "caller_gone"') == 2


async def refuses_strangers(home):
    """Its server and its loop are not those of the other tests."""
    for path in ("/incoming-call", "/call-ended", "/dial-ended", "/stream-status", "/fallback", "/nothing"):
        for body in (b"", noise(5000), b"a" * 2_000_000):
            signature = twilio_signature(f"https://{HOST}{path}", [])
            for headers in ({}, {"X-Twilio-Signature": "x"}, {"X-Twilio-Signature": signature}):
                status, answer = await asyncio.to_thread(post_at_a_stroke, home.port, path, headers, body)
                assert 400 <= status < 500
                assert len(answer) < 200
    for path in ("/media-stream", "/ws", "/nothing"):
        answer = await ask(home.port, head(f"GET {path} HTTP/1.1", {"Host": HOST}))
        assert 400 <= answer.status < 500
    for rubbish in (b"\x16\x03\x01\x02\x00\x01\r\n\r\n", b"POST /ws HTTP/1.1\r\nContent-Length: -1\r\n\r\n"):
        assert (await ask(home.port, rubbish)).status == 400


def post_at_a_stroke(port, path, headers, body):
    """As many clients do it: all is sent before the answer is read, whatever the server may say meanwhile."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("POST", path, body, {"Content-Type": FORM_TYPE, **headers})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


async def test_it_stops_with_calls_in_progress_and_closes_its_sockets_although_nobody_answers_that(folder, around):
    async with serving(folder, around, DRAIN_SECONDS="0") as (served, home):
        call, silent = await home.place_call(), await home.place_call()
        brain = await home.brain(call.conversation.id)
        await call.carries(noise(1600))
        await silent.carries(noise(1600))
        assert await home.calls_in_progress() == 2
        await home.twilio.connect()  # and somebody who has not said anything yet
        async with asyncio.TaskGroup() as group:
            ending = group.create_task(served.end())
            closing = [group.create_task(socket.ended()) for socket in (call.conversation, call.stream.socket, brain)]
    code, seconds = ending.result()
    assert code == 3, "they were cut short"
    assert seconds < 20  # what a goodbye and a shutdown may take, on a slow machine
    assert [task.result() in {1000, 1001} for task in closing] == [True, True, True]


async def test_options_go_over_the_environment_which_goes_over_the_folder(folder, around):
    (folder / "other.py").write_text(BRAIN.replace("You said", "They said"))
    write_settings(folder, environment(*around, PORT="1", BRAIN="nothing.py:reply", TWILIO_AUTH_TOKEN="the wrong one"))
    options = ("--port", "0", "--brain", "other.py:reply")
    async with serving(folder, around, *options, TWILIO_AUTH_TOKEN=AUTH_TOKEN, PORT="2") as (served, home):
        call = await home.place_call()
        brain = await home.brain(call.conversation.id)
        brain.send(type="user_transcript", user_transcript=[{"role": "user", "content": "hello"}], event_id=1)
        assert (await brain.receive())["content"] == "They said hello."
        await call.hang_up()
        assert (await served.end())[0] == 0


# It does not start


async def test_without_settings_it_says_all_that_is_missing(tmp_path):
    async with running(tmp_path, "-m", "ringbridge", "serve") as process, asyncio.timeout(60):
        out, err = await process.communicate()
    assert process.returncode == 1
    assert out == b""
    assert b"Traceback" not in err
    missing = re.findall(r"^  ([A-Z_]+): is not set; ", err.decode(), re.MULTILINE)
    assert missing == [
        "ELEVENLABS_API_KEY",
        "SPEECH_ENGINE_ID",
        "SHARED_SECRET",
        "TWILIO_ACCOUNT_SID",
        "TWILIO_AUTH_TOKEN",
        "PUBLIC_URL",
        "OPENAI_API_KEY",
    ]


async def test_it_says_all_that_is_wrong_and_quotes_no_value(folder, around):
    wrong = {"PUBLIC_URL": "http://127.0.0.1", "SHARED_SECRET": "too-short", "PORT": "many", "BRAIN_AUTH": "none"}
    write_settings(folder, environment(*around, **wrong))
    with chdir(folder):
        done = CliRunner().invoke(cli, ["serve"], env=dict.fromkeys(SETTINGS))
    assert done.exit_code == 1
    assert re.findall(r"^  ([A-Z_]+): ", done.stderr, re.MULTILINE) == [
        "SHARED_SECRET",
        "BRAIN_AUTH",
        "PUBLIC_URL",
        "PORT",
    ]
    assert "too-short" not in done.output


ONE_AFTER_ANOTHER = """
import json, sys
from ringbridge.cli.main import cli

for options in json.loads(sys.argv[1]):
    try:
        cli(["serve", *options], prog_name="ringbridge")
    except SystemExit as end:
        print(end.code)
"""


async def test_what_is_in_its_way_is_told_in_a_sentence(folder):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        attempts = [["--brain", "brain.py:nothing"], ["--port", str(port)], ["--host", "192.0.2.1"]]
        async with running(folder, "-c", ONE_AFTER_ANOTHER, json.dumps(attempts)) as process, asyncio.timeout(60):
            out, err = await process.communicate()
    assert out.split() == [b"1", b"1", b"1"]
    brain, in_use, not_ours = err.decode().splitlines()
    assert brain.startswith('Error: brain.py has no function "nothing"')
    for said, address, reason in (
        (in_use, f"127.0.0.1:{port}", errno.EADDRINUSE),
        (not_ours, "192.0.2.1:0", errno.EADDRNOTAVAIL),
    ):
        assert said == f"Error: can't listen on {address}: {os.strerror(reason)}; set --host or --port"
