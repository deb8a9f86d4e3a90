"""The telephone in the browser, without the browser: who gets to it, and a call from it."""

import asyncio
import json
import os
import re
import signal
import socket
import webbrowser
from collections.abc import Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import ClientSession, ClientWebSocketResponse, TCPConnector, WSMsgType, WSServerHandshakeError, web
from click.testing import CliRunner

from ringbridge.audio.mulaw import FRAME_BYTES, SILENCE
from ringbridge.cli.main import cli
from ringbridge.emulator.elevenlabs.engine import DEFAULT_CLIENT_EVENTS
from ringbridge.emulator.speech import spoken
from ringbridge.emulator.speech.base import Speech, VoiceMissing
from ringbridge.emulator.speech.exact import Decoder, ExactEars, ExactVoice, encode
from ringbridge.emulator.twilio.audio import SILENT_FRAME
from ringbridge.phone.app import open_phone
from ringbridge.phone.line import Line, Watch
from ringbridge.phone.messages import Clear
from ringbridge.phone.session import UNSENT_MESSAGES, Session

PROTOCOL = "ringbridge.phone"
STORY = "one two three four five six seven eight nine ten."
PATHS = ["/", "/phone.css", "/phone.js", "/audio.js", "/mulaw.js", "/transcript.js", "/worklet.js", "/icon.svg"]


async def reply(turn):
    if turn.text == "bye":
        yield "Goodbye."
        await turn.call.hang_up()
    elif turn.text == "story":
        yield f"{STORY} Eleven."
    else:
        yield f"You said {turn.text}."


class Page:
    """The page's end of its socket: what it was told, and the words that came out of its loudspeaker."""

    def __init__(self, socket: ClientWebSocketResponse) -> None:
        self.socket = socket
        self.told: list[dict[str, Any]] = []
        self.ear = Decoder()
        self.frames = 0
        self._news = asyncio.Event()

    async def listen(self) -> None:
        async for message in self.socket:
            if message.type is WSMsgType.BINARY:
                assert len(message.data) == FRAME_BYTES
                self.frames += 1
                self.ear.feed(message.data)
            else:
                self.told.append(json.loads(message.data))
            self._notify()
        self._notify()

    def _notify(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    async def until(self, holds: Callable[[], bool], seconds: float = 30) -> None:
        async with asyncio.timeout(seconds):
            while not holds():
                await self._news.wait()

    async def tells(self, kind: str, count: int = 1) -> dict[str, Any]:
        await self.until(lambda: len(self.of(kind)) >= count)
        return self.of(kind)[count - 1]

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [message for message in self.told if message["type"] == kind]

    async def hears(self, text: str) -> None:
        await self.until(lambda: text in " ".join(self.ear.words))

    async def send(self, kind: str, **fields: str) -> None:
        await self.socket.send_str(json.dumps({"type": kind, **fields}))

    async def speak(self, text: str) -> None:
        """Say something, frame by frame, with half a second of silence after it."""
        audio = encode(text) + bytes([SILENCE]) * 4800
        for start in range(0, len(audio), FRAME_BYTES):
            await self.socket.send_bytes(audio[start : start + FRAME_BYTES].ljust(FRAME_BYTES, SILENT_FRAME[:1]))
            await asyncio.sleep(0.02)

    async def closed(self) -> int | None:
        await self.until(lambda: self.socket.closed)
        return self.socket.close_code


class Phone:
    """The telephone on its port, and browsers that come to it."""

    def __init__(self, link: str, web_: ClientSession, tasks: asyncio.TaskGroup) -> None:
        self.origin, _, self.ticket = link.partition("/#")
        self._web = web_
        self._tasks = tasks

    async def get(self, path: str, **headers: str):
        async with self._web.get(self.origin + path, headers=headers) as response:
            await response.read()
            return response

    async def page(self, ticket: str, **headers: str) -> Page:
        headers = {"Origin": self.origin, **headers}
        opened = await self._web.ws_connect(
            f"{self.origin}/line", headers=headers, protocols=(PROTOCOL, f"ticket.{ticket}")
        )
        page = Page(opened)
        self._tasks.create_task(page.listen())
        self.ticket = (await page.tells("ready"))["ticket"]
        return page

    async def is_refused(self, ticket: str, **headers: str) -> bool:
        try:
            await self.page(ticket, **headers)
        except WSServerHandshakeError as refusal:
            return refusal.status == 403
        return False


@pytest.fixture
def phones(world):
    """`async with phones() as (phone, bridge)`."""

    @asynccontextmanager
    async def phones(**settings: Any):
        watch = Watch()
        async with world(reply, **settings) as bridge:
            bridge.on_fact.append(lambda told: watch(told.sid, told.fact))
            line = Line(bridge.dial, bridge.elevenlabs, watch)
            async with (
                asyncio.TaskGroup() as tasks,
                ClientSession(connector=TCPConnector(force_close=True)) as session,
                open_phone(line, brain="brain.py:reply", port=0) as link,
            ):
                yield Phone(link, session, tasks), bridge

    return phones


# Who gets to it


async def test_the_page_is_served_under_a_strict_policy(phones):
    async with phones() as (phone, _):
        for path in PATHS:
            response = await phone.get(path)
            assert response.status == 200
            policy = response.headers["Content-Security-Policy"]
            assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
            assert f"connect-src {phone.origin.replace('http', 'ws')};" in policy
            assert "frame-ancestors 'none'" in policy
            assert response.headers["X-Content-Type-Options"] == "nosniff"
            assert "Server" not in response.headers
        assert "text/javascript" in (await phone.get("/worklet.js")).headers["Content-Type"]
        assert (await phone.get("/favicon.ico")).status == 404


async def test_it_listens_on_this_machine_alone_and_by_its_own_name(phones):
    async with phones() as (phone, _):
        assert phone.origin.startswith("http://127.0.0.1:")
        port = phone.origin.rpartition(":")[2]
        assert (await phone.get("/", Host=f"localhost:{port}")).status == 200
        for host in (f"evil.test:{port}", "127.0.0.1", f"10.0.0.1:{port}"):
            assert (await phone.get("/", Host=host)).status == 403
            assert await phone.is_refused(phone.ticket, Host=host, Origin=f"http://{host}")
        assert await phone.page(phone.ticket)


async def test_a_request_that_names_two_hosts_is_refused(phones):
    async with phones() as (phone, _):
        own = phone.origin.removeprefix("http://")
        reader, writer = await asyncio.open_connection(*own.split(":"))
        writer.write(f"GET http://evil.test/ HTTP/1.1\r\nHost: {own}\r\nConnection: close\r\n\r\n".encode())
        assert (await reader.readline()).startswith(b"HTTP/1.1 403")
        writer.close()
        await writer.wait_closed()


async def test_a_page_of_another_origin_is_refused_and_the_ticket_stays_good(phones):
    async with phones() as (phone, _):
        for origin in ("http://evil.test", "null", phone.origin.replace("http", "https"), "http://127.0.0.1"):
            assert await phone.is_refused(phone.ticket, Origin=origin)
        assert await phone.page(phone.ticket)


async def test_a_ticket_opens_one_socket_which_is_given_the_next(phones):
    async with phones() as (phone, _):
        assert await phone.is_refused("wrong")
        first = phone.ticket
        page = await phone.page(first)
        assert page.told == [{"type": "ready", "brain": "brain.py:reply", "ticket": phone.ticket}]
        assert phone.ticket != first
        assert await phone.is_refused(first)
        assert await phone.page(phone.ticket)


async def test_a_newer_page_takes_over_and_the_older_ones_call_ends(phones):
    async with phones() as (phone, bridge):
        older = await phone.page(phone.ticket)
        await older.send("call")
        await older.hears("Hello.")
        newer = await phone.page(phone.ticket)
        assert await older.closed() == 1008
        assert bridge.twilio.calls.popitem()[1].over
        await newer.send("call")
        await newer.hears("Hello.")
        assert older.of("ended") == []


# A call from it


async def test_a_call_word_by_word_and_wait_by_wait(phones):
    async with phones(engine={"client_events": DEFAULT_CLIENT_EVENTS | {"vad_score"}}) as (phone, _):
        page = await phone.page(phone.ticket)
        await page.send("call")
        assert await page.tells("answered")
        await page.hears("Hello.")
        assert await page.tells("agentwords") == {"type": "agentwords", "text": "Hello."}
        await page.speak("two of us")
        await page.hears("You said two of us.")
        *drafts, final = page.of("callerwords")
        assert [draft["final"] for draft in drafts] == [False] * len(drafts)
        assert final == {"type": "callerwords", "text": "two of us", "final": True}
        assert page.of("agentwords")[-1]["text"] == "You said two of us."
        waited = await page.tells("waited")
        assert waited["by"] == "brain"
        assert waited["total"] == pytest.approx(sum(ms for ms in waited["parts"].values() if ms is not None), abs=0.01)
        assert 400 < waited["total"] < 1000
        await page.send("hangup")
        assert await page.tells("ended") == {"type": "ended", "by": "caller"}


async def test_words_are_told_when_they_are_heard_and_not_before(phones):
    async with phones() as (phone, _):
        page = await phone.page(phone.ticket)
        await page.send("call")
        await page.hears("Hello.")
        await page.speak("story")
        await page.tells("agentwords", 2)
        assert page.ear.words == ["Hello."]
        await page.tells("agentwords", 3)
        assert page.ear.words[-1] in {"nine", "ten."}
        assert [words["text"] for words in page.of("agentwords")[1:]] == [STORY, "Eleven."]


async def test_cutting_in_empties_the_loudspeaker_and_corrects_the_words(phones):
    async with phones() as (phone, _):
        page = await phone.page(phone.ticket)
        await page.send("call")
        await page.hears("Hello.")
        await page.speak("story")
        await page.hears("three")
        await page.speak("stop")
        assert await page.tells("clear")
        heard = (await page.tells("corrected"))["heard"]
        assert heard.startswith("one two three")
        assert "eight" not in heard
        await page.hears("You said stop.")
        assert "nine" not in page.ear.words


async def test_keys(phones):
    async with phones() as (phone, _):
        page = await phone.page(phone.ticket)
        await page.send("press", digit="1")  # there is no call
        await page.send("hangup")
        await page.send("call")
        await page.hears("Hello.")
        for digit in "42#":
            await page.send("press", digit=digit)
        assert await page.tells("keys") == {"type": "keys", "digits": "42"}
        await page.hears("You said")
        assert await page.tells("waited")
        assert page.of("callerwords") == []  # what the brain is told of keys was not spoken


async def test_the_agent_hangs_up_and_one_can_call_again(phones):
    async with phones() as (phone, bridge):
        page = await phone.page(phone.ticket)
        for times in (1, 2):
            await page.send("call")
            await page.send("call")  # pressed twice
            await page.until(lambda times=times: page.ear.words.count("Hello.") == times)
            await page.speak("bye")
            await page.tells("ended", times)
        assert [ended["by"] for ended in page.of("ended")] == ["agent", "agent"]
        assert len(bridge.twilio.calls) == 2


@pytest.mark.parametrize("when", ["ringing", "talking"])
async def test_a_page_that_goes_ends_its_call(phones, when):
    async with phones() as (phone, bridge):
        page = await phone.page(phone.ticket)
        await page.send("call")
        if when == "talking":
            await page.hears("Hello.")
        else:
            await asyncio.sleep(0)
        await page.socket.close()
        await bridge.until(lambda: all(call.over for call in bridge.twilio.calls.values()), "the call is over")
        await asyncio.sleep(2)
        assert await bridge.calls_in_progress() == 0


async def test_a_page_that_makes_no_sense_is_sent_away(phones):
    async with phones() as (phone, bridge):
        for nonsense in ("{}", b"", b"short", SILENT_FRAME * 2):
            page = await phone.page(phone.ticket)
            await page.send("call")
            await page.tells("answered")
            if isinstance(nonsense, str):
                await page.socket.send_str(nonsense)
            else:
                await page.socket.send_bytes(nonsense)
            assert await page.closed() == 1003
        page = await phone.page(phone.ticket)
        await page.socket.send_str("x" * 2000)
        assert await page.closed() == 1009
        await bridge.until(lambda: all(call.over for call in bridge.twilio.calls.values()), "the calls are over")


async def test_a_page_that_takes_nothing_is_sent_away(world):
    async def stall(request: web.Request) -> web.StreamResponse:
        stalled = web.WebSocketResponse()
        await stalled.prepare(request)
        session = Session(stalled, Line(bridge.dial, bridge.elevenlabs, Watch()))
        for _ in range(UNSENT_MESSAGES + 1):
            session.tell(Clear())
        await session.run()
        return stalled

    async with world(reply) as bridge:
        app = web.Application()
        app.router.add_get("/", stall)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        async with ClientSession() as session, session.ws_connect(f"http://127.0.0.1:{runner.addresses[0][1]}") as ws:
            assert (await ws.receive()).type is WSMsgType.CLOSE
            assert ws.close_code == 1008
        await runner.cleanup()


async def test_the_command_that_ends_sends_the_page_away(phones):
    async with phones() as (phone, _):
        page = await phone.page(phone.ticket)
        await page.send("call")
        await page.tells("answered")
    assert page.socket.close_code == 1001


# The command


@pytest.fixture
def opened(monkeypatch, tmp_path):
    """Whatever the command opens in a browser; it is stopped then, as by Ctrl-C. Its speech is the exact one."""
    opened = []

    def browse(link: str) -> bool:
        opened.append(link)
        os.kill(os.getpid(), signal.SIGINT)
        return True

    voice = ExactVoice()
    monkeypatch.setattr(spoken, "load", lambda: Speech(voice, voice, ExactEars()))
    monkeypatch.setattr(webbrowser, "open", browse)
    monkeypatch.chdir(tmp_path)
    return opened


def test_the_command_opens_the_page_and_ends_with_ctrl_c(opened):
    result = CliRunner().invoke(cli, ["phone", "--port", "0"])
    assert result.exit_code == 0, result.output
    (link,) = opened
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/#[\w-]{20,}", link)
    assert link in result.output


def test_a_port_that_is_taken_is_said_so(opened):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = CliRunner().invoke(cli, ["phone", "--port", str(port)])
    assert result.exit_code == 1
    assert f"can't listen on port {port}: Address already in use; choose another with --port" in result.output
    assert opened == []


def test_a_brain_that_is_not_there_is_said_so(opened):
    result = CliRunner().invoke(cli, ["phone", "--brain", "nowhere.py:reply"])
    assert result.exit_code == 1
    assert "nowhere.py" in result.output


def test_without_the_voice_the_command_says_what_is_missing(monkeypatch):
    def missing():
        raise VoiceMissing("no real speech here (No module named 'hibari'): pip install 'ringbridge[voice]'")

    monkeypatch.setattr(spoken, "load", missing)
    result = CliRunner().invoke(cli, ["phone", "--no-open"])
    assert result.exit_code == 1
    assert "pip install 'ringbridge[voice]'" in result.output
    assert "Traceback" not in result.output
