"""`ringbridge up`, whole: both vendors, the tunnel and the telephone are twins, and each step can fail."""

import asyncio
import io
import logging
import signal
import socket
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from dotenv import dotenv_values
from pydantic import SecretStr

from ringbridge.apis.elevenlabs_engines import ElevenLabsEngines
from ringbridge.cli.main import cli
from ringbridge.cli.offline import DOMAIN, ENGINE_ID, Offline, open_offline, up_offline
from ringbridge.cli.up import _set_up_log
from ringbridge.config import BridgeSettings, describe
from ringbridge.emulator.scenario import Say, Scenario
from ringbridge.emulator.speech.base import Speech
from ringbridge.emulator.speech.exact import ExactEars, ExactVoice
from ringbridge.emulator.tunnels.edge import Edge
from ringbridge.emulator.world import OWN_NUMBER
from ringbridge.errors import RingbridgeError, SettingsError
from ringbridge.log import get_logger
from ringbridge.provision.failures import NotProvided
from ringbridge.provision.journal import FILE, unfinished
from ringbridge.screen.calls import CallScreen
from ringbridge.screen.paper import Paper
from ringbridge.screen.steps import StepScreen
from ringbridge.up import rise
from ringbridge.up.plan import Request
from ringbridge.up.rise import risen
from ringbridge.up.run import CUT_OFF, up

TITLES = ["Accounts", "Public address", "Speech engine", "Bridge", "Telephone number"]


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


async def echo(turn):
    yield f"You said: {turn.text}."


@dataclass
class House:
    """The offline world, the screen's paper, and what is asked for."""

    offline: Offline
    env_file: Path
    console: Paper = field(default_factory=lambda: Paper(file=io.StringIO(), width=90))
    hurry: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self):
        clock = asyncio.get_running_loop().time
        self.steps, self.calls = StepScreen(self.console, clock), CallScreen(self.console, clock)
        self.around = replace(self.offline.around, brain=echo)

    def request(self, settings=None, **more):
        given = {**self.offline.settings, "BRAIN": "brain.py:reply", "GREETING": "Hello.", **(settings or {})}
        known = {name: value for name, value in given.items() if value is not None}
        return Request(env_file=self.env_file, settings=known, **{"domain": DOMAIN, **more})

    def risen(self, **more):
        return risen(self.request(**more), self.around, self.steps, self.calls, hurry=self.hurry)

    async def up(self, **more):
        return await up(self.request(**more), self.around, self.steps, self.calls)

    @property
    def shown(self):
        return self.console.file.getvalue()

    def marked(self, mark):
        lines = [line for line in self.shown.splitlines() if line.startswith(mark)]
        return [next(title for title in TITLES if line.startswith(f"{mark} {title}")) for line in lines]

    async def until(self, words):
        """Wait until the screen says so."""
        async with asyncio.timeout(120):
            while words not in " ".join(self.shown.split()):
                await asyncio.sleep(0.05)

    @property
    def number(self):
        return self.offline.twilio.account.numbers[OWN_NUMBER]

    @property
    def engine(self):
        return self.offline.elevenlabs.engines[ENGINE_ID]


@asynccontextmanager
async def opened(folder):
    speech = Speech(ExactVoice(), ExactVoice(), ExactEars())
    async with open_offline(speech, clock=asyncio.get_running_loop().wall) as offline:
        yield House(offline, folder / ".env")


@pytest.fixture
async def house(tmp_path):
    async with opened(tmp_path) as house:
        before = house.offline.snapshots()
        yield house
        assert house.offline.snapshots() == before, "the accounts are not as they were"
        assert house.offline.agent.tunnels == {}
        assert unfinished(tmp_path) == ()


async def test_a_call_is_answered_and_shown_and_all_is_as_it_was_to_the_byte(house):
    before = house.offline.snapshots()
    async with house.risen() as there:
        assert (there.phone_number, str(there.url)) == (OWN_NUMBER, f"https://{DOMAIN}")
        assert house.number.voice_url.startswith(f"https://{DOMAIN}/incoming-call#")
        assert house.engine.ws_url == f"wss://{DOMAIN}/ws"
        assert house.marked("✓") == TITLES
        report = await house.offline.call(Scenario((Say("one", expect="You said: one."),), greeting="Hello."))
        assert report.problems == []
    assert house.offline.snapshots() == before
    assert house.marked("↩") == ["Telephone number", "Speech engine", "Public address"]
    for words in (
        "+15550100001 is on the line of +15550100002",
        "agent Hello.",
        "caller one",
        "agent You said: one.",
        "waited ",
        "is over: the caller hung up",
        "a signed request to ourselves came through",
        f"{OWN_NUMBER} leads to https://{DOMAIN}/incoming-call",
    ):
        assert words in " ".join(house.shown.split())


def refuse_the_list(house, _):
    house.offline.twilio.refuse("GET", "*/IncomingPhoneNumbers.json", 401, 20003, "Authenticate")


def lend_nothing(house, _):
    house.offline.agent._reserved = frozenset()


def lead_elsewhere(_, monkeypatch):
    nowhere = b"GET /nowhere HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    monkeypatch.setattr(Edge, "_forwarded", lambda *_: nowhere)


def lose_signatures(_, monkeypatch):
    forwarded = Edge._forwarded

    def without(self, first, headers, host):
        return forwarded(self, first, [line for line in headers if not line.lower().startswith("x-twilio")], host)

    monkeypatch.setattr(Edge, "_forwarded", without)


def refuse_the_engine(house, _):
    house.offline.elevenlabs.refuse("PATCH", "*/speech-engine/*", 500, "internal_error", "no")


def take_the_number(house, _):
    house.number.trunk_sid = house.offline.twilio.account.add_trunk().sid


def refuse_the_number(house, _):
    house.offline.twilio.refuse("POST", "*/IncomingPhoneNumbers/*", 500, 20500, "Internal Server Error")


@pytest.mark.parametrize(
    ("breaks", "title", "words"),
    [
        (refuse_the_list, "Accounts", "check TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN"),
        (lend_nothing, "Public address", "reserve the domain in ngrok's dashboard"),
        (lead_elsewhere, "Public address", f"lead {DOMAIN} to port"),
        (lose_signatures, "Public address", "X-Twilio-Signature was lost"),
        (refuse_the_engine, "Speech engine", "ElevenLabs refused"),
        (take_the_number, "Telephone number", "--take"),
        (refuse_the_number, "Telephone number", "20500"),
    ],
)
async def test_a_step_that_fails_says_why_and_undoes_the_others(tmp_path, monkeypatch, breaks, title, words):
    async with opened(tmp_path) as house:
        breaks(house, monkeypatch)
        before = house.offline.snapshots()
        assert await house.up() == 1
        assert house.offline.snapshots() == before
        assert house.offline.agent.tunnels == {}
        assert (house.marked("✗"), house.marked("✓")) == ([title], TITLES[: TITLES.index(title)])
        assert words in " ".join(house.shown.split())
        assert unfinished(tmp_path) == ()


async def test_the_port_is_taken(house):
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        assert await house.up(settings={"PORT": str(port)}) == 1
    assert f"can't listen on 127.0.0.1:{port}: Address already in use" in " ".join(house.shown.split())
    assert "--port" in house.shown


async def test_the_port_is_taken_before_the_bridge_has_it(house, monkeypatch):
    @asynccontextmanager
    async def refused(*_args, **_how):
        raise OSError(98, "Address already in use")
        yield

    monkeypatch.setattr("ringbridge.up.bridge.serving", refused)
    assert await house.up() == 1
    assert house.marked("✗") == ["Bridge"]


@pytest.mark.parametrize(
    ("settings", "kind", "words"),
    [
        ({"TWILIO_AUTH_TOKEN": None}, SettingsError, "TWILIO_AUTH_TOKEN: is not set"),
        ({"MAX_CALLS": "many"}, SettingsError, "MAX_CALLS: is not understood"),
        ({"BRAIN": None}, SettingsError, "OPENAI_API_KEY: is not set"),
        ({"SPEECH_ENGINE_IDS": f"en:{ENGINE_ID}"}, NotProvided, "leave out --language"),
    ],
)
async def test_what_is_wrong_is_told_before_anybody_else_hears_of_us(house, settings, kind, words):
    more = {"language": "de"} if kind is NotProvided else {}
    with pytest.raises(RingbridgeError, match=words) as caught:
        await house.up(settings=settings, **more)
    assert caught.type is kind


async def test_nobody_else_may_be_up_with_the_same_folder(house):
    async with house.risen():
        with pytest.raises(NotProvided, match="is at work with the number"):
            await house.up()


async def test_a_fixed_address_needs_no_tunnel(house):
    house.offline.agent.start({"name": "mine", "addr": "http://127.0.0.1:1", "domain": DOMAIN})
    house.offline.edge._upstreams[DOMAIN] = ("127.0.0.1", port := free_port())
    async with house.risen(settings={"PUBLIC_URL": DOMAIN, "PORT": str(port)}, domain=None):
        assert f"https://{DOMAIN}, by PUBLIC_URL" in house.shown
    house.offline.agent.stop("mine")


async def test_a_public_url_is_the_domain_of_a_tunnel_that_is_asked_for(house):
    async with house.risen(settings={"PUBLIC_URL": DOMAIN}, domain=None, tunnel="ngrok") as there:
        assert there.url.host == DOMAIN
        assert len(house.offline.agent.tunnels) == 1


async def test_the_first_start_makes_what_is_missing_and_remembers_it(tmp_path):
    (tmp_path / ".env").write_text("SPEECH_ENGINE_ID=seng_your-speech-engine\nPUBLIC_URL=your-name.ngrok.app\n")
    missing = dict.fromkeys(("SPEECH_ENGINE_ID", "SHARED_SECRET", "TWILIO_PHONE_NUMBER"))
    async with opened(tmp_path) as house:
        account = house.offline.twilio.account.snapshot()
        async with house.risen(settings=missing, voice="voice_2", language="fr"):
            noted = dotenv_values(tmp_path / ".env")
            made = house.offline.elevenlabs.engines[noted["SPEECH_ENGINE_ID"]]
            assert (made.language, made.groups["tts"]["voice_id"]) == ("fr", "voice_2")
            assert made.request_headers["x-api-key"] == noted["SHARED_SECRET"]
            assert noted["TWILIO_PHONE_NUMBER"] == OWN_NUMBER
            report = await house.offline.call(Scenario((Say("one", expect="You said: one."),), greeting="Hello."))
            assert report.problems == []
        assert house.offline.twilio.account.snapshot() == account
        assert noted["SHARED_SECRET"] not in house.shown
        before = house.offline.snapshots()
        async with house.risen(settings={**missing}):
            assert len(house.offline.elevenlabs.engines) == 2
        assert house.offline.snapshots() == before


async def test_several_numbers_are_asked_about_with_the_terminal_to_itself(house):
    own = house.offline.twilio.account.add_number("+15550100003")
    asked = []

    def choose(numbers):
        asked.append(
            (
                signal.getsignal(signal.SIGINT),
                signal.getsignal(signal.SIGTERM),
                [number.phone_number for number in numbers],
            )
        )
        return next(number for number in numbers if number.phone_number == own.phone_number)

    house.around = replace(house.around, choose=choose)
    async with house.risen(settings={"TWILIO_PHONE_NUMBER": None}) as there:
        assert there.phone_number == own.phone_number
    assert asked == [(signal.default_int_handler, signal.default_int_handler, [OWN_NUMBER, own.phone_number])]
    del house.offline.twilio.account.numbers[own.phone_number]


async def test_whoever_does_not_choose_has_changed_nothing(house):
    house.offline.twilio.account.add_number("+15550100003")

    def choose(_):
        raise click.Abort

    house.around = replace(house.around, choose=choose)
    with pytest.raises(click.Abort):
        await house.up(settings={"TWILIO_PHONE_NUMBER": None})
    assert house.marked("✗") == ["Accounts"]
    del house.offline.twilio.account.numbers["+15550100003"]


async def test_without_restoring_engine_and_number_stay_led_here(tmp_path):
    async with opened(tmp_path) as house:
        async with house.risen(restores=False, fallback_url="https://handler.twilio.com/twiml/EH1"):
            assert not (tmp_path / FILE).exists()
        assert house.number.voice_url.startswith(f"https://{DOMAIN}/incoming-call#")
        assert house.number.voice_fallback_url == "https://handler.twilio.com/twiml/EH1"
        assert house.engine.ws_url == f"wss://{DOMAIN}/ws"
        assert house.marked("↩") == ["Public address"]


async def test_what_was_killed_before_is_put_back_first(tmp_path):
    async with opened(tmp_path) as house:
        before = house.offline.snapshots()
        async with house.risen():
            kept = (tmp_path / FILE).read_bytes()
            led = house.number.voice_url
        house.number.voice_url = led
        (tmp_path / FILE).write_bytes(kept)
        async with house.risen(settings={"GREETING": "Good day."}):
            assert "an earlier start was cut off" in house.shown
        assert house.offline.snapshots() == before


async def test_an_undo_that_fails_is_shown_and_left_to_the_next_start(tmp_path):
    async with opened(tmp_path) as house:
        before = house.offline.snapshots()
        async with house.risen():
            refuse_the_engine(house, None)
        assert house.marked("✗") == ["Speech engine"]
        assert "the next start tries again" in house.shown
        async with house.risen():
            pass
        assert house.offline.snapshots() == before


# Signals


async def test_a_signal_halfway_undoes_what_was_done(house, monkeypatch):
    done = asyncio.Event()

    class Stuck(rise.BridgeStep):
        async def do(self, tell):
            done.set()
            await asyncio.sleep(3600)

    monkeypatch.setattr(rise, "BridgeStep", Stuck)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(house.up())
        await done.wait()
        assert house.engine.ws_url == f"wss://{DOMAIN}/ws"
        signal.raise_signal(signal.SIGTERM)
        assert await running == CUT_OFF
    assert house.marked("✗") == ["Bridge"]
    assert house.marked("↩") == ["Speech engine", "Public address"]


async def test_a_signal_in_the_midst_of_a_change_shows_that_it_is_put_back(house, monkeypatch):
    update = ElevenLabsEngines.update

    async def signalled(*args):
        monkeypatch.undo()
        signal.raise_signal(signal.SIGINT)
        await asyncio.sleep(2)
        return await update(*args)

    monkeypatch.setattr(ElevenLabsEngines, "update", signalled)
    assert await house.up() == CUT_OFF
    assert house.marked("✗") == ["Speech engine"]
    assert house.marked("↩") == ["Speech engine", "Public address"]


async def test_a_call_goes_on_after_the_first_signal_but_the_number_does_not_lead_here(house):
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(house.up())
        await house.until("Ctrl-C ends it")
        phone = await house.offline.twilio.dial(to=OWN_NUMBER)
        await house.until("agent Hello.")
        signal.raise_signal(signal.SIGINT)
        await house.until("calls in progress: 1")
        assert house.number.voice_url == "https://demo.twilio.com/welcome/voice/"
        assert not phone.over
        await phone.hang_up()
        assert await running == 0


async def test_the_second_signal_ends_the_calls(house):
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(house.up())
        await house.until("Ctrl-C ends it")
        phone = await house.offline.twilio.dial(to=OWN_NUMBER)
        await house.until("agent Hello.")
        signal.raise_signal(signal.SIGINT)
        await house.until("calls in progress: 1")
        signal.raise_signal(signal.SIGINT)
        assert await running == 0
        await phone.ended()
    assert "says goodbye: the process stops" in house.shown


async def test_a_terminal_that_is_closed_is_a_signal_too(house):
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(house.up())
        await house.until("Ctrl-C ends it")
        signal.raise_signal(signal.SIGHUP)
        assert await running == 0


async def test_a_tunnel_that_ends_meanwhile_is_noticed(house):
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(house.up())
        await house.until("Ctrl-C ends it")
        host = next(iter(house.offline.agent.tunnels.values())).host
        upstream = house.offline.edge._upstreams.pop(host)
        await house.until("it answers with 404. Start the tunnel again.")
        house.offline.edge._upstreams[host] = upstream
        await house.until("leads here again.")
        signal.raise_signal(signal.SIGTERM)
        assert await running == 0
    assert house.shown.count("No call can come") == 1


# The command itself


@pytest.fixture
def alone(tmp_path, monkeypatch):
    """An empty folder, and an environment without settings."""
    monkeypatch.chdir(tmp_path)
    for row in describe():
        monkeypatch.delenv(row.name, raising=False)


def test_without_keys_it_names_what_is_missing(alone):
    done = CliRunner().invoke(cli, ["up"])
    assert done.exit_code == 1
    for name in ("ELEVENLABS_API_KEY", "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN"):
        assert f"{name}: is not set" in done.stderr
    assert "SPEECH_ENGINE_ID" not in done.stderr
    assert "PUBLIC_URL" not in done.stderr


def test_the_log_shows_warnings_that_the_screen_does_not_tell(alone, monkeypatch, capsys):
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [])
    monkeypatch.setattr(root, "level", root.level)
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    secret = "sk_0123456789abcdef"
    settings = BridgeSettings.model_construct(log_format="pretty", log_personal=False, openai_api_key=SecretStr(secret))
    _set_up_log(settings, verbose=False)
    get_logger("ringbridge.web.guards").warning("refused", route=secret)
    get_logger("ringbridge.web.guards").info("of no interest")
    get_logger("ringbridge.call").error("call failed")
    shown = capsys.readouterr().err
    assert "refused" in shown
    for hidden in ("of no interest", "call failed", secret):
        assert hidden not in shown


# All of it, as `ringbridge up --offline` does


async def run_offline(folder, stop_after):
    """What it shows, when Ctrl-C comes 5 s after this fact."""
    console = Paper(file=io.StringIO(), width=90)
    clock = asyncio.get_running_loop().time

    class Calls(CallScreen):
        def observe(self, sid, fact):
            super().observe(sid, fact)
            if type(fact).__name__ == stop_after:
                asyncio.get_running_loop().call_later(5, signal.raise_signal, signal.SIGINT)

    request = Request(env_file=folder / ".env", settings={})
    code = await up_offline(request, "exact", StepScreen(console, clock), Calls(console, clock), lambda _: None)
    shown = console.file.getvalue()
    assert code == 0, shown
    assert shown.endswith("\nThe accounts are as they were, byte by byte.\n")
    return shown


async def test_ctrl_c_ends_the_offline_runs_own_call(tmp_path):
    shown = await run_offline(tmp_path, "CallBegan")
    assert "is over: the caller hung up" in shown
    assert "says goodbye" not in shown


async def test_the_offline_run_shows_a_call_and_restores(tmp_path):
    shown = await run_offline(tmp_path, "CallEnded")
    for words in ("caller  I'd like to book a table for two", "tool    book_table: done", "heard   of that, before"):
        assert words in shown
    assert [*tmp_path.iterdir()] == []
