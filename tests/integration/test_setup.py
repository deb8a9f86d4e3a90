"""`ringbridge setup`, and the steps that it is made of: the vendors' SDKs, their twins, real sockets."""

import asyncio
import json
import stat
from contextlib import AsyncExitStack, asynccontextmanager
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from dotenv import dotenv_values

from ringbridge.apis.elevenlabs_engines import open_elevenlabs_engines
from ringbridge.apis.twilio_numbers import open_twilio_numbers
from ringbridge.cli import choosing
from ringbridge.cli.main import cli
from ringbridge.config import describe
from ringbridge.emulator.addresses import AddressBook
from ringbridge.emulator.elevenlabs.twin import ElevenLabsTwin
from ringbridge.emulator.elevenlabs.workspace import ImportedNumber
from ringbridge.emulator.faults import Faults
from ringbridge.emulator.refusals import Refusal
from ringbridge.emulator.speech.exact import ExactEars, ExactVoice
from ringbridge.emulator.twilio.twin import TwilioTwin
from ringbridge.emulator.world import ACCOUNT_SID, OWN_NUMBER, SECRETS
from ringbridge.errors import VendorError
from ringbridge.provision.engine import EngineStep
from ringbridge.provision.failures import NotProvided
from ringbridge.provision.journal import FILE, open_journal, unfinished
from ringbridge.provision.number import NumberStep, find_number
from ringbridge.provision.steps import carried_out
from ringbridge.provision.undo import finish_undo
from ringbridge.wanted.engine import WantedEngine
from ringbridge.wanted.number import WantedNumber

OLD = "https://old.test/voice"
SECRET = SECRETS["SHARED_SECRET"]
WANTED = WantedEngine(ws_url="wss://bridge.test/ws", secret=SECRET, max_call_seconds=600, greets=True)
WANTED_NUMBER = WantedNumber(
    voice_url="https://bridge.test/incoming-call#rc=2",
    fallback_url="https://bridge.test/fallback",
    status_callback="https://bridge.test/stream-status",
)


class Vendors(SimpleNamespace):
    """Both twins; `.run` runs the command beside the loop on which they live."""

    def snapshot(self):
        return self.twilio.account.snapshot(), self.elevenlabs.snapshot()

    def environ(self, **more):
        return {
            **{row.name: None for row in describe()},
            "ELEVENLABS_API_KEY": SECRETS["ELEVENLABS_API_KEY"],
            "ELEVENLABS_BASE_URL": self.elevenlabs.base_url,
            "TWILIO_ACCOUNT_SID": ACCOUNT_SID,
            "TWILIO_AUTH_TOKEN": SECRETS["TWILIO_AUTH_TOKEN"],
            "TWILIO_BASE_URL": self.twilio.rest_url,
            "PUBLIC_URL": "calls.example.com",
            **more,
        }

    async def run(self, *args, **environ):
        return await asyncio.to_thread(CliRunner().invoke, cli, ["setup", *args], env=self.environ(**environ))

    def told(self, line):
        self.lines.append(line)

    @property
    def steps(self):
        return EngineStep(self.engines, WANTED, self.engine.id, self.made.append, self.journal)

    async def number(self, *, takes=False):
        number = await find_number(self.numbers, OWN_NUMBER, choosing.choose_number)
        return NumberStep(self.numbers, self.engines, number, WANTED_NUMBER, takes, self.journal)

    # A watch

    def begins(self, title):
        pass

    def ends(self, title):
        pass

    def stops(self, title):
        self.lines.append(f"{title}: broken off")

    def tells(self, _title, line):
        self.lines.append(line)

    def fails(self, title, error):
        self.lines.append(f"{title}: {error}")


@asynccontextmanager
async def twins():
    clock = lambda: 0.0  # noqa: E731
    async with (
        ElevenLabsTwin(
            api_key=SECRETS["ELEVENLABS_API_KEY"],
            voice=ExactVoice(),
            ears=ExactEars(),
            addresses=AddressBook(),
            clock=clock,
            faults=Faults(),
        ) as elevenlabs,
        TwilioTwin(
            account_sid=ACCOUNT_SID,
            auth_token=SECRETS["TWILIO_AUTH_TOKEN"],
            addresses=AddressBook(),
            clock=clock,
            faults=Faults(),
        ) as twilio,
    ):
        twilio.account.add_number(OWN_NUMBER, voice_url=OLD, voice_method="GET", friendly_name="Desk")
        engine = elevenlabs.add_engine(
            "seng_old",
            ws_url="wss://old.test/ws",
            request_headers={"x-mine": "kept"},
            enable_auth=False,
            groups={"tts": {"model_id": "eleven_multilingual_v2", "voice_id": "voice_1", "speed": 1.1}},
        )
        yield Vendors(elevenlabs=elevenlabs, twilio=twilio, engine=engine, lines=[], made=[])


@pytest.fixture
async def vendors(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    async with twins() as vendors:
        yield vendors


@pytest.fixture
async def opened(vendors, tmp_path):
    """With the APIs, and a journal."""
    async with (
        open_elevenlabs_engines(
            api_key=SECRETS["ELEVENLABS_API_KEY"], base_url=vendors.elevenlabs.base_url
        ) as vendors.engines,
        open_twilio_numbers(
            account_sid=ACCOUNT_SID, auth_token=SECRETS["TWILIO_AUTH_TOKEN"], base_url=vendors.twilio.rest_url
        ) as vendors.numbers,
    ):
        with open_journal(tmp_path) as vendors.journal:
            yield vendors


async def test_a_dry_run_changes_nothing_and_says_what_differs(vendors, tmp_path):
    before = vendors.snapshot()
    done = await vendors.run(SPEECH_ENGINE_ID="seng_old", SHARED_SECRET=SECRET, TWILIO_PHONE_NUMBER=OWN_NUMBER)
    assert done.exit_code == 2, done.output
    assert vendors.snapshot() == before
    assert [*tmp_path.iterdir()] == []
    for line in (
        "speech engine seng_old (Speech engine)",
        "speech_engine.ws_url                    wss://old.test/ws → wss://calls.example.com/ws",
        "speech_engine.request_headers.x-api-key (none) → (the shared secret)",
        "tts.model_id  eleven_multilingual_v2 → eleven_flash_v2",
        "auth.enable_auth  off → on",
        f"({OWN_NUMBER})",
        f"{OLD} → https://calls.example.com/incoming-call#",
        "! the engine does not allow the bridge's GREETING",
        "say the same with --apply",
    ):
        assert " ".join(line.split()) in " ".join(done.stdout.split())
    assert SECRET not in done.output


async def test_a_file_that_has_no_arrows_shows_question_marks(vendors):
    given = vendors.environ(SPEECH_ENGINE_ID="seng_old", SHARED_SECRET=SECRET, TWILIO_PHONE_NUMBER=OWN_NUMBER)
    done = await asyncio.to_thread(CliRunner(charset="cp1252").invoke, cli, ["setup"], env=given)
    assert (done.exit_code, "wss://old.test/ws ? wss://calls.example.com/ws" in done.stdout) == (2, True), done.output


async def test_what_is_applied_is_found_the_second_time(vendors, tmp_path):
    given = {"SPEECH_ENGINE_ID": "seng_old", "SHARED_SECRET": SECRET, "TWILIO_PHONE_NUMBER": OWN_NUMBER}
    done = await vendors.run("--apply", "--fallback-url", "https://handler.twilio.com/twiml/EH1", **given)
    assert (done.exit_code, "Written." in done.stdout) == (0, True), done.output
    number, engine = vendors.twilio.account.numbers[OWN_NUMBER], vendors.engine
    assert number.voice_url.startswith("https://calls.example.com/incoming-call#")
    assert number.voice_fallback_url == "https://handler.twilio.com/twiml/EH1"
    assert engine.request_headers == {
        "x-mine": "kept",
        "x-api-key": SECRET,
        "x-call-sid": {"variable_name": "call_sid"},
    }
    assert engine.groups["tts"] | {"model_id": ""} == {"model_id": "", "voice_id": "voice_1", "speed": 1.1} | {
        "agent_output_audio_format": "ulaw_8000"
    }
    assert [*tmp_path.iterdir()] == []
    again = await vendors.run("--fallback-url", "https://handler.twilio.com/twiml/EH1", "--json", **given)
    assert again.exit_code == 0, again.output
    report = json.loads(again.stdout)
    assert (report["status"], [one["differences"] for one in report["things"]]) == ("same", [[], []])


async def test_the_first_run_makes_an_engine_and_remembers_what_it_made(vendors, tmp_path):
    given = {"SHARED_SECRET": None, "SPEECH_ENGINE_ID": None}
    (tmp_path / ".env").write_text("# Mine.\nSPEECH_ENGINE_ID=seng_your-speech-engine\nPUBLIC_URL=calls.example.com\n")
    args = ("--voice", "voice_2", "--language", "fr", "--greeting", "Bonjour à tous.", "--json")
    dry = await vendors.run(*args, PUBLIC_URL=None, **given)
    report = json.loads(dry.stdout)
    assert (dry.exit_code, report["status"], [one["id"] for one in report["things"]][1]) == (2, "differs", None)
    done = await vendors.run("--apply", *args, PUBLIC_URL=None, **given)
    assert done.exit_code == 0, done.output
    noted = dotenv_values(tmp_path / ".env")
    made = vendors.elevenlabs.engines[noted["SPEECH_ENGINE_ID"]]
    assert (made.name, made.language, made.allow_first_message) == ("Ringbridge", "fr", True)
    assert (made.groups["tts"]["voice_id"], made.groups["tts"]["model_id"]) == ("voice_2", "eleven_flash_v2_5")
    assert made.request_headers["x-api-key"] == noted["SHARED_SECRET"]
    assert (noted["GREETING"], noted["TWILIO_PHONE_NUMBER"]) == ("Bonjour à tous.", OWN_NUMBER)
    assert stat.S_IMODE((tmp_path / ".env").stat().st_mode) == 0o600
    assert noted["SHARED_SECRET"] not in done.output
    again = await vendors.run(*args, PUBLIC_URL=None, **given)
    assert (again.exit_code, json.loads(again.stdout)["status"]) == (0, "same"), again.output


async def test_an_engine_for_each_language(vendors):
    vendors.elevenlabs.add_engine("seng_fr", ws_url="wss://old.test/ws", request_headers={}, language="fr")
    given = {"SPEECH_ENGINE_IDS": "en:seng_old,fr:seng_fr", "SHARED_SECRET": SECRET}
    done = await vendors.run("--apply", **given)
    assert done.exit_code == 0, done.output
    assert {engine.ws_url for engine in vendors.elevenlabs.engines.values()} == {"wss://calls.example.com/ws"}
    assert vendors.elevenlabs.engines["seng_fr"].groups["tts"]["model_id"] == "eleven_flash_v2_5"
    refused = await vendors.run("--language", "de", **given)
    assert (refused.exit_code, "leave out --language" in refused.stderr) == (1, True)


@pytest.mark.parametrize("whose", ["trunk", "application", "agent"])
async def test_a_number_of_somebody_elses_is_refused_until_it_is_taken(vendors, whose):
    own = vendors.twilio.account.numbers[OWN_NUMBER]
    match whose:
        case "trunk":
            own.trunk_sid = vendors.twilio.account.add_trunk().sid
        case "application":
            own.voice_application_sid = vendors.twilio.account.add_application().sid
        case "agent":
            vendors.elevenlabs.workspace.numbers.append(ImportedNumber(OWN_NUMBER, agent_id="agent_1"))
    before = vendors.snapshot()
    given = {"SPEECH_ENGINE_ID": "seng_old", "SHARED_SECRET": SECRET}
    refused = await vendors.run("--apply", **given)
    assert (refused.exit_code, "--take" in refused.stderr, vendors.snapshot() == before) == (1, True, True)
    taken = await vendors.run("--apply", "--take", **given)
    assert (taken.exit_code, "it is taken all the same" in taken.stdout) == (0, True)
    assert (own.trunk_sid, own.voice_application_sid) == ("", "")
    assert (await vendors.run(TWILIO_PHONE_NUMBER=OWN_NUMBER, **given)).exit_code == 0


async def test_several_numbers_are_listed_where_nobody_can_be_asked(vendors, monkeypatch):
    for place in range(3, 60):  # more than a page
        vendors.twilio.account.add_number(f"+155501000{place:02}", voice=place != 7)
    given = {"SPEECH_ENGINE_ID": "seng_old", "SHARED_SECRET": SECRET}
    refused = await vendors.run(**given)
    assert refused.exit_code == 1
    assert "+15550100059" in refused.stderr
    assert "+15550100007" not in refused.stderr
    silent = await vendors.run(TWILIO_PHONE_NUMBER="+15550100007", **given)
    assert (silent.exit_code, "take a number with voice" in silent.stderr) == (1, True)
    monkeypatch.setattr(choosing, "sys", SimpleNamespace(stdin=SimpleNamespace(isatty=lambda: True)))
    chosen = await asyncio.to_thread(
        CliRunner().invoke, cli, ["setup", "--apply"], env=vendors.environ(**given), input="99\n2\n"
    )
    assert chosen.exit_code == 0, chosen.output
    assert vendors.twilio.account.numbers["+15550100003"].voice_url.startswith("https://calls.example.com/")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"PUBLIC_URL": None}, "PUBLIC_URL: is not set; write the host name"),
        ({"PUBLIC_URL": "your-name.ngrok.app"}, "PUBLIC_URL: is still the example's"),
        ({"ELEVENLABS_API_KEY": "sk_wrong"}, "check ELEVENLABS_API_KEY"),
        ({"TWILIO_AUTH_TOKEN": "wrong"}, "check TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN"),
        ({"SPEECH_ENGINE_ID": "seng_gone"}, "check SPEECH_ENGINE_ID"),
        ({"TWILIO_PHONE_NUMBER": "+15550100077"}, "is not a number of the Twilio account"),
    ],
)
async def test_what_is_wrong_is_a_sentence_and_its_mend(vendors, given, words):
    base = {"SPEECH_ENGINE_ID": "seng_old", "SHARED_SECRET": SECRET, "TWILIO_PHONE_NUMBER": OWN_NUMBER}
    done = await vendors.run(**(base | given))
    assert done.exit_code == 1
    assert words in done.stderr
    assert "Traceback" not in done.output


@pytest.mark.parametrize("permission", ["convai_read", "convai_write"])
async def test_a_key_that_may_not_is_told_the_permission_it_lacks(vendors, permission):
    vendors.elevenlabs.workspace.permissions.discard(permission)
    done = await vendors.run("--apply", SPEECH_ENGINE_ID="seng_old", SHARED_SECRET=SECRET)
    assert (done.exit_code, f"the permission {permission}" in done.stderr) == (1, True), done.output


async def test_a_voice_that_the_vendor_does_not_take(vendors):
    body = {"detail": [{"loc": ["body", "tts", "voice_id"], "msg": "no", "input": "private"}]}
    vendors.elevenlabs.refusals.add("PATCH", "/v1/speech-engine/*", Refusal(422, body))
    done = await vendors.run("--apply", "--voice", "private", SPEECH_ENGINE_ID="seng_old", SHARED_SECRET=SECRET)
    assert (done.exit_code, "it does not like tts.voice_id" in done.stderr, "private" in done.stderr) == (
        1,
        True,
        False,
    )


@pytest.mark.parametrize(
    ("url", "words"),
    [("nowhere", "begin it with https://"), ("https://localhost/x", "check PUBLIC_URL and --fallback")],
)
async def test_a_fallback_that_twilio_can_not_ask(vendors, url, words):
    given = {"SPEECH_ENGINE_ID": "seng_old", "SHARED_SECRET": SECRET}
    done = await vendors.run("--apply", "--fallback-url", url, **given)
    assert (done.exit_code, words in done.stderr) == (1, True), done.output


async def test_the_language_of_an_engine_that_is_there(vendors):
    given = {"SPEECH_ENGINE_ID": "seng_old", "SHARED_SECRET": SECRET, "TWILIO_PHONE_NUMBER": OWN_NUMBER}
    done = await vendors.run("--apply", "--language", "de", **given)
    assert (done.exit_code, vendors.engine.language) == (0, "de"), done.output
    assert vendors.engine.groups["tts"]["model_id"] == "eleven_flash_v2_5"
    assert (await vendors.run(**given)).exit_code == 0


# Steps, one by one


async def test_steps_leave_the_accounts_as_they_were_to_the_byte(opened, tmp_path):
    before = opened.snapshot()
    async with AsyncExitStack() as stack:
        assert await stack.enter_async_context(carried_out(opened.steps, opened)) == "seng_old"
        number = await stack.enter_async_context(carried_out(await opened.number(), opened))
        assert number.settings["voice_url"] == WANTED_NUMBER.voice_url
        assert opened.engine.ws_url == "wss://bridge.test/ws"
        assert [entry.kind for entry in unfinished(tmp_path)] == ["engine", "number"]
    assert opened.snapshot() == before
    assert unfinished(tmp_path) == ()


async def test_cancelling_leaves_the_accounts_as_they_were(opened):
    before = opened.snapshot()
    done = asyncio.Event()

    async def up():
        async with carried_out(opened.steps, opened), carried_out(await opened.number(), opened):
            done.set()
            await asyncio.Event().wait()

    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(up())
        await done.wait()
        assert opened.snapshot() != before
        task.cancel()
    assert (opened.snapshot(), opened.journal.entries) == (before, ())


def slowly(api, begun):
    """An update that the vendor takes its time over, and does all the same when nobody waits for it."""
    update = api.update

    async def late(*args):
        begun.set()
        await asyncio.sleep(5)
        return await update(*args)

    api.update = late


@pytest.mark.parametrize("which", ["engine", "number"])
async def test_what_is_being_written_is_not_cut_off(opened, which):
    before = opened.snapshot()
    begun = asyncio.Event()
    slowly(opened.engines if which == "engine" else opened.numbers, begun)
    step = opened.steps if which == "engine" else await opened.number()
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(carried_out(step, opened).__aenter__())
        await begun.wait()
        task.cancel()
    assert any("is as it was before" in line for line in opened.lines)
    assert (opened.snapshot(), opened.journal.entries) == (before, ())


async def test_an_engine_that_is_being_made_is_remembered(opened):
    create, begun = opened.engines.create, asyncio.Event()

    async def late(body):
        begun.set()
        await asyncio.sleep(5)
        return await create(body)

    opened.engines.create = late
    step = EngineStep(opened.engines, WANTED, None, opened.made.append, opened.journal)
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(step.do(opened.told))
        await begun.wait()
        task.cancel()
    assert set(opened.made) == opened.elevenlabs.engines.keys() - {"seng_old"} != set()


@pytest.mark.parametrize("which", ["engine", "number"])
async def test_what_is_written_after_it_was_given_up_is_put_back_by_the_next_start(opened, which):
    before = opened.snapshot()
    api = opened.engines if which == "engine" else opened.numbers
    step = opened.steps if which == "engine" else await opened.number()
    update, asked = api.update, []

    async def silent(*args):
        asked.append(args)
        raise VendorError("nobody answered within 10 s")

    api.update = silent
    with pytest.raises(VendorError, match="within"):
        async with carried_out(step, opened):
            pytest.fail("it was done")
    api.update = update
    assert "the next start looks again" in opened.lines[-1]
    await update(*asked[0])
    assert opened.snapshot() != before
    await finish_undo(opened.journal, opened.engines, opened.numbers, opened.told)
    assert (opened.snapshot(), opened.journal.entries) == (before, ())


async def test_a_number_on_a_trunk_is_put_back_on_it(opened):
    own = opened.twilio.account.numbers[OWN_NUMBER]
    own.trunk_sid = opened.twilio.account.add_trunk().sid
    before = opened.snapshot()
    async with carried_out(await opened.number(takes=True), opened):
        assert own.trunk_sid == ""
    assert opened.snapshot() == before


async def test_what_is_as_wanted_is_neither_written_nor_put_back(opened):
    async with carried_out(opened.steps, opened), carried_out(await opened.number(), opened):
        before = opened.snapshot()
        async with carried_out(opened.steps, opened), carried_out(await opened.number(), opened):
            assert opened.snapshot() == before
        assert opened.snapshot() == before


async def test_a_step_that_is_refused_halfway_puts_back_what_was_done(opened):
    before = opened.snapshot()
    opened.twilio.refuse("POST", "*/IncomingPhoneNumbers/*", 500, 20500, "Internal Server Error")
    with pytest.raises(VendorError, match="500"):
        async with carried_out(opened.steps, opened), carried_out(await opened.number(), opened):
            pytest.fail("the number was taken")
    assert opened.snapshot() == before
    assert opened.journal.entries == ()


async def test_what_somebody_else_has_changed_meanwhile_stays(opened):
    own = opened.twilio.account.numbers[OWN_NUMBER]
    async with carried_out(opened.steps, opened), carried_out(await opened.number(), opened):
        own.voice_url = "https://theirs.test/voice"
        opened.engine.max_duration_seconds = 5
    assert (own.voice_url, own.voice_method, own.status_callback) == ("https://theirs.test/voice", "GET", "")
    assert (opened.engine.max_duration_seconds, opened.engine.ws_url) == (5, "wss://old.test/ws")
    assert sum("was changed by somebody else" in line for line in opened.lines) == 2


async def test_an_undo_that_fails_is_finished_by_the_next_start(opened, tmp_path):
    before = opened.snapshot()
    async with carried_out(opened.steps, opened), carried_out(await opened.number(), opened):
        opened.elevenlabs.refuse("PATCH", "/v1/speech-engine/*", 500, "internal_error", "no")
    assert [entry.kind for entry in unfinished(tmp_path)] == ["engine"]
    assert any("Speech engine: ElevenLabs refused" in line for line in opened.lines)
    await finish_undo(opened.journal, opened.engines, opened.numbers, opened.told)
    assert (opened.snapshot(), unfinished(tmp_path)) == (before, ())


async def test_setup_puts_back_first_what_a_killed_process_has_left(vendors, opened, tmp_path):
    await opened.steps.do(opened.told)
    await (await opened.number()).do(opened.told)
    kept = (tmp_path / FILE).read_bytes()
    given = {"SPEECH_ENGINE_ID": "seng_old", "SHARED_SECRET": SECRET, "TWILIO_PHONE_NUMBER": OWN_NUMBER}
    busy = await vendors.run("--apply", **given)
    assert (busy.exit_code, "is at work" in busy.stderr) == (1, True)
    dry = await vendors.run(**given)
    assert (dry.exit_code, "not put it back" in dry.stdout) == (2, True)
    folder = tmp_path / "killed"
    folder.mkdir()
    (folder / FILE).write_bytes(kept)
    done = await vendors.run("--apply", "--env-file", str(folder / ".env"), **given)
    assert (done.exit_code, f"{OWN_NUMBER} is as it was before" in done.stderr) == (0, True)
    assert f"{OLD} → https://calls.example.com/incoming-call" in done.stdout
    assert [*folder.iterdir()] == []


async def test_what_is_gone_can_not_be_put_back(opened):
    async with carried_out(opened.steps, opened), carried_out(await opened.number(), opened):
        del opened.elevenlabs.engines["seng_old"]
        del opened.twilio.account.numbers[OWN_NUMBER]
    assert sum("is gone" in line for line in opened.lines) == 2
    assert opened.journal.entries == ()


async def test_a_step_without_a_journal_stays_done(opened):
    opened.journal = None
    async with carried_out(opened.steps, opened):
        pass
    assert opened.engine.ws_url == "wss://bridge.test/ws"


async def test_a_made_engine_stays(opened):
    step = EngineStep(opened.engines, WANTED, None, opened.made.append, opened.journal)
    async with carried_out(step, opened) as engine_id:
        assert opened.made == [engine_id]
    assert opened.elevenlabs.engines[engine_id].enable_auth
    assert opened.journal.entries == ()


async def test_an_account_without_numbers(opened):
    opened.twilio.account.numbers.clear()
    with pytest.raises(NotProvided, match="buy one"):
        await find_number(opened.numbers, None, choosing.choose_number)


async def test_a_call_over_engine_and_number_that_were_set_up(world, tmp_path):
    async with world(engine={"ws_url": "wss://old.test/ws", "request_headers": {}, "enable_auth": False}) as w:
        given = {
            **{row.name: None for row in describe()},
            **SECRETS,
            "ELEVENLABS_BASE_URL": w.elevenlabs.base_url,
            "SPEECH_ENGINE_ID": w.engine.id,
            "TWILIO_ACCOUNT_SID": ACCOUNT_SID,
            "TWILIO_BASE_URL": w.twilio.rest_url,
            "PUBLIC_URL": "bridge.test",
        }
        args = ["setup", "--apply", "--env-file", str(tmp_path / ".env")]
        done = await asyncio.to_thread(CliRunner().invoke, cli, args, env=given)
        assert done.exit_code == 0, done.output
        call = w._follow(await w.twilio.dial(to=OWN_NUMBER))
        await w.hears(call, "Hello.")
        await w.says(call, "a table")
        await w.hears(call, "You said: a table.")
        await call.hang_up()
