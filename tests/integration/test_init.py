"""`ringbridge init` where somebody answers: keys are checked with the vendors' twins as they are typed."""

import asyncio
import sys
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from dotenv import dotenv_values

from ringbridge.cli import choosing, init
from ringbridge.cli.beginnings import BEGINNINGS
from ringbridge.cli.main import cli
from ringbridge.config import describe
from ringbridge.emulator.addresses import AddressBook
from ringbridge.emulator.elevenlabs.twin import ElevenLabsTwin
from ringbridge.emulator.faults import Faults
from ringbridge.emulator.openai.script import Say
from ringbridge.emulator.openai.twin import OpenAITwin
from ringbridge.emulator.speech.exact import ExactEars, ExactVoice
from ringbridge.emulator.twilio.twin import TwilioTwin
from ringbridge.emulator.world import ACCOUNT_SID, OWN_NUMBER, SECRETS

pytestmark = pytest.mark.true_time  # the command runs on a loop of its own, beside that of the twins

KEY, TOKEN = SECRETS["ELEVENLABS_API_KEY"], SECRETS["TWILIO_AUTH_TOKEN"]
ANSWERS = [KEY, ACCOUNT_SID, TOKEN, "calls.example.com"]
NOBODY = "http://127.0.0.1:9"


@pytest.fixture
def terminal(monkeypatch):
    """Standard input is one."""
    stdin = SimpleNamespace(isatty=lambda: True)
    for module in (init, choosing):
        monkeypatch.setattr(module, "sys", SimpleNamespace(stdin=stdin))


class Folder:
    """Where the command runs, and what it is told."""

    def __init__(self, path, **environ):
        self.path = path
        self.environ = {**{row.name: None for row in describe()}, **environ}

    def init(self, *args, answers=(), **environ):
        text = "".join(f"{answer}\n" for answer in answers)
        self.done = CliRunner().invoke(cli, ["init", str(self.path), *args], input=text, env=self.environ | environ)
        assert not any(secret in self.done.output for secret in SECRETS.values())
        return self.done

    @property
    def env(self):
        return dotenv_values(self.path / ".env")


@pytest.fixture
async def vendors(tmp_path):
    shared = {"addresses": AddressBook(), "clock": lambda: 0.0, "faults": Faults()}
    voice, ears = ExactVoice(), ExactEars()
    async with (
        ElevenLabsTwin(api_key=KEY, voice=voice, ears=ears, **shared) as elevenlabs,
        TwilioTwin(account_sid=ACCOUNT_SID, auth_token=TOKEN, **shared) as twilio,
        OpenAITwin(lambda _: [Say("Ready.")]) as openai,
    ):
        folder = Folder(
            tmp_path / "phone",
            ELEVENLABS_BASE_URL=elevenlabs.base_url,
            TWILIO_BASE_URL=twilio.rest_url,
            OPENAI_BASE_URL=openai.base_url,
        )
        yield SimpleNamespace(elevenlabs=elevenlabs, twilio=twilio, openai=openai, folder=folder)


async def answered(vendors, *args, answers, **environ):
    done = await asyncio.to_thread(vendors.folder.init, *args, answers=answers, **environ)
    assert done.exit_code == 0, done.output
    return vendors.folder.env


async def test_what_is_typed_is_checked_and_written(vendors, terminal):
    env = await answered(vendors, answers=["plain", *ANSWERS])

    expected = ("ELEVENLABS_API_KEY", "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "PUBLIC_URL", "TWILIO_PHONE_NUMBER")
    assert [env[name] for name in expected] == [*ANSWERS, OWN_NUMBER]
    assert vendors.folder.done.output.count("  accepted\n") == 2
    assert f"the number that is called: {OWN_NUMBER}" in vendors.folder.done.output
    assert (vendors.folder.path / ".env").stat().st_mode & 0o077 == 0


async def test_what_is_refused_is_asked_for_again(vendors, terminal):
    vendors.twilio.account.add_number("+15550100044")
    wrong = ["sk_wrong", KEY, ACCOUNT_SID, "wrong", ACCOUNT_SID, TOKEN, "2", "127.0.0.1", "calls.example.com"]

    env = await answered(vendors, "--brain", "plain", answers=wrong)

    assert (env["ELEVENLABS_API_KEY"], env["TWILIO_AUTH_TOKEN"]) == (KEY, TOKEN)
    assert env["TWILIO_PHONE_NUMBER"] == "+15550100044"
    assert env["PUBLIC_URL"] == "calls.example.com"
    assert "401 invalid_api_key: check ELEVENLABS_API_KEY" in vendors.folder.done.output
    assert "PUBLIC_URL: is an IP address" in vendors.folder.done.output


async def test_what_is_malformed_is_not_even_asked_about(vendors, terminal):
    odd = ["schlüssel", "your-elevenlabs-api-key", KEY, "SK" + "1" * 32, ACCOUNT_SID, TOKEN, "http://calls.example.com"]

    env = await answered(vendors, "--brain", "plain", answers=[*odd, "calls.example.com"])

    assert (env["ELEVENLABS_API_KEY"], env["TWILIO_ACCOUNT_SID"]) == (KEY, ACCOUNT_SID)
    told = vendors.folder.done.output
    assert "ELEVENLABS_API_KEY: has other characters than ASCII ones" in told
    assert "ELEVENLABS_API_KEY: is still the example's" in told
    assert "TWILIO_ACCOUNT_SID: is not AC and 32 hexadecimal digits" in told
    assert "PUBLIC_URL: http:// is not encrypted" in told
    assert "schlüssel" not in told


async def test_a_token_that_is_being_rotated_will_do(vendors, terminal):
    given = {"TWILIO_ACCOUNT_SID": ACCOUNT_SID, "TWILIO_AUTH_TOKEN": f"{TOKEN},{'0' * 32}"}

    env = await answered(vendors, "--brain", "plain", answers=["", ""], **given)

    assert env["TWILIO_PHONE_NUMBER"] == OWN_NUMBER


async def test_only_what_cant_be_found_is_asked_for(vendors, terminal):
    given = {"ELEVENLABS_API_KEY": KEY, "TWILIO_ACCOUNT_SID": ACCOUNT_SID, "PUBLIC_URL": "calls.example.com"}

    env = await answered(vendors, "--brain", "booking", answers=[TOKEN, "sk-wrong", "sk-twin"], **given)

    assert (env["TWILIO_AUTH_TOKEN"], env["OPENAI_API_KEY"]) == (TOKEN, "sk-twin")
    # What is in the environment is not copied.
    assert (env["ELEVENLABS_API_KEY"], env["PUBLIC_URL"]) == ("your-elevenlabs-api-key", "your-name.ngrok.app")


async def test_an_empty_answer_leaves_it_open(vendors, terminal):
    env = await answered(vendors, answers=["", "", "", "", ""])

    assert env["ELEVENLABS_API_KEY"] == "your-elevenlabs-api-key"
    assert env["BRAIN"] == "brain.py:reply"


def test_who_cant_be_reached_is_believed_to_agree(tmp_path, terminal):
    folder = Folder(tmp_path, ELEVENLABS_BASE_URL=NOBODY, TWILIO_BASE_URL=NOBODY, OPENAI_BASE_URL=NOBODY)

    done = folder.init("--brain", "receptionist", answers=[*ANSWERS, "sk-mine"])

    assert done.exit_code == 0, done.output
    assert folder.env["TWILIO_AUTH_TOKEN"] == TOKEN
    assert folder.env["OPENAI_API_KEY"] == "sk-mine"
    assert "taken unchecked: ElevenLabs can't be reached" in done.output
    assert "the number stays open: Twilio can't be reached" in done.output


def test_yes_asks_nothing(tmp_path, terminal):
    folder = Folder(tmp_path)

    assert folder.init("--yes").exit_code == 0
    assert folder.env["ELEVENLABS_API_KEY"] == "your-elevenlabs-api-key"


def test_giving_up_writes_nothing(tmp_path, terminal):
    folder = Folder(tmp_path / "phone")

    assert folder.init(answers=["plain"]).exit_code == 1
    assert not folder.path.exists()


def test_an_old_env_stays_and_nothing_is_asked(tmp_path, terminal):
    (tmp_path / ".env").write_text("MINE=1\n")
    folder = Folder(tmp_path)

    done = folder.init("--brain", "plain")

    assert done.exit_code == 0
    assert (tmp_path / ".env").read_text() == "MINE=1\n"
    assert "kept" in done.stdout
    assert (tmp_path / "brain.py").exists()


@pytest.mark.parametrize("name", [name for name in BEGINNINGS if name != "plain"])
def test_the_test_of_each_beginning_passes(name, tmp_path, monkeypatch):
    folder = Folder(tmp_path)
    assert folder.init("--brain", name, "--yes").exit_code == 0
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    for row in describe():
        monkeypatch.delenv(row.name, raising=False)

    try:
        scope = "asyncio_default_fixture_loop_scope=function"
        code = pytest.main(
            ["-q", "-p", "no:cacheprovider", "-p", "no:langsmith_plugin", "-o", scope, "--rootdir", str(tmp_path), "."]
        )
    finally:
        for module in ("brain", "test_brain"):
            sys.modules.pop(module, None)

    assert code == pytest.ExitCode.OK


@pytest.mark.parametrize("name", BEGINNINGS)
def test_no_beginning_speaks_of_where_it_came_from(name):
    assert "examples" not in BEGINNINGS[name].brain
