"""`ringbridge doctor` between both twins and behind a tunnel: each thing that may be wrong, wrong in turn."""

import asyncio
import json
import re
import socket
import ssl
from types import SimpleNamespace

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver
from click.testing import CliRunner
from twilio.request_validator import RequestValidator

from ringbridge.cli.choosing import choose_number
from ringbridge.cli.main import cli
from ringbridge.config import describe, load, load_settings
from ringbridge.doctor import address
from ringbridge.doctor.address import Wishes, check_address
from ringbridge.doctor.checks import SECONDS
from ringbridge.doctor.examine import examine
from ringbridge.doctor.outside import Outside
from ringbridge.emulator.elevenlabs.twin import ElevenLabsTwin
from ringbridge.emulator.elevenlabs.workspace import ImportedNumber
from ringbridge.emulator.faults import Faults
from ringbridge.emulator.openai.script import Fail, Say
from ringbridge.emulator.openai.twin import OpenAITwin
from ringbridge.emulator.speech.exact import ExactEars, ExactVoice
from ringbridge.emulator.tunnels.edge import Edge
from ringbridge.emulator.tunnels.ngrok import NGROK
from ringbridge.emulator.twilio.twin import TwilioTwin
from ringbridge.emulator.world import ACCOUNT_SID, OWN_NUMBER, SECRETS
from ringbridge.provision.fixed import FixedAddress, Request, set_up
from ringbridge.web.app import open_app
from ringbridge.web.health import HEALTH, PROCESS
from ringbridge.web.server import serving
from ringbridge.wiring import open_parts

from .tls_proxy import write_certificate

HOST = "bridge.test"
ENGINE_ID = "seng_twin"
DEARER = {"DNS": "warning", "TLS": "warning"}
"""The test's own name leads to this machine, and its certificate lasts for an hour."""


class Names(AbstractResolver):
    """The name servers of a world in which our name leads to the edge of the tunnel."""

    def __init__(self, port):
        self.port = port

    async def resolve(self, host, port=0, family=socket.AF_INET):
        if host != HOST:
            raise OSError
        return [{"hostname": host, "host": "127.0.0.1", "port": self.port, "family": family, "proto": 0, "flags": 0}]

    async def close(self):
        pass


class House(SimpleNamespace):
    """All that a doctor can look at. `port` is the bridge's."""

    @property
    def outside(self):
        return Outside(tls=self.trusting, resolver=lambda: Names(self.edge.tls_port))

    async def examine(self, *, clock=None, **environ):
        """Look at everything."""
        return self._told(await examine(self.folder / ".env", self._given(environ), self._wishes(clock=clock)))

    async def look(self, *, live=False, idle=3.0, **environ):
        """Look at the public address alone."""
        settings = load_settings(None, self._given(environ))
        return self._told(await check_address(settings, self._wishes(live=live, idle_seconds=idle)))

    def _given(self, environ):
        return {name: value for name, value in {**self.environ, **environ}.items() if value is not None}

    def _wishes(self, *, clock=None, **wishes):
        return Wishes(outside=self.outside, clock=clock or asyncio.get_running_loop().wall, **wishes)

    def _told(self, verdicts):
        self.text = "\n".join(f"{one.name}: {one.found} → {one.mend}" for one in verdicts)
        assert not any(secret in self.text for secret in SECRETS.values())
        return {verdict.name: verdict for verdict in verdicts}


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return write_certificate(tmp_path_factory.mktemp("tls"), HOST)


@pytest.fixture
def free_port():
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


@pytest.fixture
async def way(tmp_path, certificate, free_port):
    """A tunnel that leads to the bridge's port, and settings; the vendors are nowhere."""
    server_tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server_tls.load_cert_chain(certificate)
    environ = {
        **SECRETS,
        "SPEECH_ENGINE_ID": ENGINE_ID,
        "TWILIO_ACCOUNT_SID": ACCOUNT_SID,
        "TWILIO_PHONE_NUMBER": OWN_NUMBER,
        "PUBLIC_URL": HOST,
        "PORT": str(free_port),
        "OPENAI_API_KEY": "sk-twin",
    }
    async with Edge(NGROK, tls=server_tls) as edge:
        edge.open(HOST, f"http://127.0.0.1:{free_port}")
        yield House(
            edge=edge,
            environ=environ,
            folder=tmp_path,
            port=free_port,
            trusting=ssl.create_default_context(cafile=str(certificate)),
        )


@pytest.fixture
async def house(way):
    """With the vendors, and everything as it should be: `setup` has been here."""
    shared = {"addresses": way.edge.addresses, "clock": asyncio.get_running_loop().wall, "faults": Faults()}
    voice, ears = ExactVoice(), ExactEars()
    async with (
        ElevenLabsTwin(api_key=SECRETS["ELEVENLABS_API_KEY"], voice=voice, ears=ears, **shared) as way.elevenlabs,
        TwilioTwin(account_sid=ACCOUNT_SID, auth_token=SECRETS["TWILIO_AUTH_TOKEN"], **shared) as way.twilio,
        OpenAITwin(lambda _: way.model()) as openai,
    ):
        way.model = lambda: [Say("Ready.")]
        way.engine = way.elevenlabs.add_engine(ENGINE_ID, ws_url="", request_headers={}, allow_first_message=True)
        way.number = way.twilio.account.add_number(OWN_NUMBER)
        way.environ |= {
            "ELEVENLABS_BASE_URL": way.elevenlabs.base_url,
            "TWILIO_BASE_URL": way.twilio.rest_url,
            "OPENAI_BASE_URL": openai.base_url,
        }
        account, request = load(FixedAddress, None, way.environ), Request(applies=True, takes=False)
        await set_up(account, way.folder / ".env", request, choose=choose_number, tell=lambda _: None)
        yield way


def worse(verdicts):
    """What is not well, beside what a test can't have better."""
    return {name: one.outcome for name, one in verdicts.items() if one.outcome != "ok" and name not in DEARER}


async def test_all_is_well(house):
    before = house.twilio.account.snapshot(), house.elevenlabs.snapshot()
    begun = asyncio.get_running_loop().time()

    verdicts = await house.examine()

    assert worse(verdicts) == {}, house.text
    assert {name: verdicts[name].outcome for name in DEARER} == DEARER, house.text
    assert {
        "Python", "libraries", "settings", "brain", "clock", "ElevenLabs key", "ElevenLabs permissions",
        "ElevenLabs quota", "ElevenLabs concurrency", "speech engine", "Twilio account",
        "Twilio balance", "Twilio outbound calls", "Twilio number", "Twilio number's webhook", "DNS", "TLS",
        "public URL", "Twilio's signature through the proxy", "WebSocket through the proxy",
        "compression of WebSockets", "silence on WebSockets", "model openai:gpt-5.4-mini", "processor",
        "file descriptors",
    } == verdicts.keys()  # fmt: skip
    assert (house.twilio.account.snapshot(), house.elevenlabs.snapshot()) == before
    assert asyncio.get_running_loop().time() - begun < 10
    assert "open after 3 s" in verdicts["silence on WebSockets"].found


async def test_with_keys_alone_all_is_looked_at_but_the_address(house):
    house.engine.ws_url = "wss://old.test/ws"
    house.number.voice_url = "https://demo.twilio.com/welcome/voice/"
    (house.folder / ".env").touch(0o600)

    verdicts = await house.examine(PUBLIC_URL=None)

    assert worse(verdicts) == {"PUBLIC_URL": "failure", "the public address": "warning"}, house.text
    assert "or run `ringbridge up`, which borrows an address" in verdicts["PUBLIC_URL"].mend
    assert verdicts["Twilio number"].found == f"{OWN_NUMBER} takes calls"
    assert verdicts["speech engine"].found == f"{ENGINE_ID} is as the bridge wants it"
    assert {"model openai:gpt-5.4-mini", "file descriptors", "ElevenLabs quota", "Twilio balance"} < verdicts.keys()

    house.engine.client_events.discard("vad_score")
    house.number.trunk_sid = house.twilio.account.add_trunk().sid
    examples = {"PUBLIC_URL": "your-name.ngrok.app", "SPEECH_ENGINE_ID": None, "SHARED_SECRET": None}
    verdicts = await house.examine(**examples)

    assert {*worse(verdicts)} == {*examples, "speech engine", "Twilio number", "the public address"}, house.text
    assert verdicts["speech engine"].mend.startswith("`ringbridge up` makes one")

    verdicts = await house.examine(**{**examples, "SPEECH_ENGINE_ID": ENGINE_ID})

    assert "+ vad_score" in verdicts["speech engine"].found
    assert verdicts["speech engine"].mend == "`ringbridge up` writes it"


async def test_what_works_but_not_for_long(house):
    account, workspace = house.twilio.account, house.elevenlabs.workspace
    account.kind, account.balance = "Trial", "3.20"
    account.permitted.add("DE")
    workspace.permissions.remove("convai_write")
    workspace.used, workspace.credits, workspace.convai_concurrency = 95_000, 100_000, 5
    house.engine.client_events.discard("vad_score")
    house.number.voice_fallback_url = ""
    (house.folder / ".env").write_text("FALLBACK_NUMBER=+493012345678\n")
    (house.folder / ".env").chmod(0o644)

    verdicts = await house.examine(clock=lambda: asyncio.get_running_loop().wall() + 20)

    assert worse(verdicts) == dict.fromkeys(
        (
            str(house.folder / ".env"), "clock", "ElevenLabs permissions", "ElevenLabs quota",
            "ElevenLabs concurrency", "speech engine", "Twilio account", "Twilio balance", "Twilio number's webhook",
        ),
        "warning",
    ), house.text  # fmt: skip
    assert "20 s ahead of" in verdicts["clock"].found
    assert "set MAX_CALLS=5," in verdicts["ElevenLabs concurrency"].mend
    assert "+ vad_score" in verdicts["speech engine"].found
    assert "3.20 USD" in verdicts["Twilio balance"].found
    assert verdicts["Twilio outbound calls"].found == "DE may be called"


async def test_what_does_not_work(house):
    account, workspace = house.twilio.account, house.elevenlabs.workspace
    account.balance = "-0.10"
    workspace.used, workspace.status = workspace.credits, "active"
    house.engine.ws_url, house.engine.allow_first_message = "wss://old.test/ws", False
    house.number.voice_url = "https://old.test/voice"
    workspace.numbers.append(ImportedNumber(OWN_NUMBER, agent_id="agent_1", agent_name="Desk"))
    house.model = lambda: [Fail(401)]

    verdicts = await house.examine(
        clock=lambda: asyncio.get_running_loop().wall() - 100,
        TRANSFER_NUMBERS="sales:+493012345678",
        BRAIN="no.py:reply",
    )

    failed = {name for name, outcome in worse(verdicts).items() if outcome == "failure"}
    assert failed == {
        "brain", "clock", "ElevenLabs quota", "speech engine", "Twilio balance", "Twilio outbound calls",
        "Twilio number", "Twilio number's webhook", "model openai:gpt-5.4-mini",
    }, house.text  # fmt: skip
    assert "100 s behind" in verdicts["clock"].found
    assert "wss://old.test/ws, not wss://bridge.test/ws" in verdicts["speech engine"].found
    assert "`ringbridge setup --apply`" in verdicts["speech engine"].mend
    assert "a call would fail" in verdicts["speech engine"].found
    assert "the agent 'Desk' answers it" in verdicts["Twilio number"].found
    assert "calls ask https://old.test/voice, not https://bridge.test/incoming-call" in house.text


async def test_wrong_keys(house):
    verdicts = await house.examine(
        ELEVENLABS_API_KEY="sk_wrong", TWILIO_AUTH_TOKEN="0" * 32, BRAIN="json:loads", OPENAI_API_KEY=None
    )

    failed = {name for name, outcome in worse(verdicts).items() if outcome == "failure"}
    assert failed == {"brain", "ElevenLabs key", "speech engine", "Twilio account", "Twilio number"}, house.text
    assert "check ELEVENLABS_API_KEY" in verdicts["ElevenLabs key"].mend
    assert "check TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN" in verdicts["Twilio account"].mend
    assert not any(name.startswith("model") for name in verdicts)


async def test_a_key_that_may_not_tell_of_its_plan(house):
    house.elevenlabs.workspace.permissions.remove("user_read")
    house.twilio.account.status = "suspended"

    verdicts = await house.examine()

    assert worse(verdicts) == {"ElevenLabs quota": "warning", "Twilio account": "failure"}, house.text
    assert verdicts["ElevenLabs key"].outcome == "ok"


async def test_an_invoice_that_is_open(house):
    house.elevenlabs.workspace.status = "past_due"
    house.twilio.account.permitted.add("GB")

    verdicts = await house.examine(ALLOWED_NUMBERS="+442079460000")

    assert worse(verdicts) == {"ElevenLabs quota": "warning"}
    assert "the subscription is past_due" in verdicts["ElevenLabs quota"].found
    assert verdicts["Twilio outbound calls"].found == "GB may be called"


async def test_numbers_that_are_somebody_elses(house):
    house.number.trunk_sid = house.twilio.account.add_trunk().sid

    assert "the SIP trunk TK" in (await house.examine())["Twilio number"].found

    house.number.trunk_sid, house.number.voice_method = "", "GET"
    house.twilio.refuse("GET", "*/Balance.json", 404, 20404, "not found")
    house.twilio.refuse("GET", "*/Countries/GB", 403, 20403, "Forbidden")
    house.elevenlabs.refuse("GET", "/v1/convai/phone-numbers", 503, "system_busy", "The system is busy.")
    house.twilio.account.add_number("+15550100044")
    verdicts = await house.examine(TWILIO_PHONE_NUMBER=None, FALLBACK_NUMBER="+442079460000")
    assert "has 2 numbers" in verdicts["Twilio number"].found
    assert verdicts["Twilio balance"].outcome == verdicts["Twilio outbound calls"].outcome == "warning"
    verdicts = await house.examine()
    assert "by GET" in verdicts["Twilio number's webhook"].found
    assert verdicts["ElevenLabs numbers"].outcome == "warning"


async def test_settings_that_do_not_do(house):
    verdicts = await house.examine(MAX_CALLS="many", FALLBACK_NUMBER="112", SPEECH_ENGINE_ID=None)

    assert verdicts["MAX_CALLS"].outcome == verdicts["FALLBACK_NUMBER"].outcome == "failure"
    assert verdicts["MAX_CALLS"].found == "is not understood"
    assert verdicts["SPEECH_ENGINE_ID"].mend.startswith("copy your engine's id")
    assert "settings" not in verdicts
    assert verdicts["speech engine"].mend.startswith("`ringbridge up` makes one")
    assert verdicts["Twilio number"].outcome == "ok"

    assert verdicts["the rest"].outcome == "warning"

    verdicts = await house.examine(TWILIO_AUTH_TOKEN=None)
    assert (list(verdicts)[-1], verdicts["the rest"].outcome) == ("the rest", "warning")
    assert "Twilio number" not in verdicts


async def test_there_is_no_env_file(house):
    env_file = house.folder / ".env"
    env_file.unlink(missing_ok=True)
    assert "is not there" in (await house.examine(MAX_CALLS="many"))[str(env_file)].found
    env_file.mkdir()  # what Docker makes of a file that is to be mounted, and isn't there
    assert "is a folder" in (await house.examine(MAX_CALLS="many"))[str(env_file)].found
    assert str(env_file) not in await house.examine()


# The way in


async def test_a_name_that_nobody_knows(way):
    verdicts = await way.look(PUBLIC_URL="nowhere.test")

    assert verdicts["DNS"].outcome == "failure"
    assert "TLS" not in verdicts


async def test_a_certificate_that_nobody_trusts(way):
    way.trusting = ssl.create_default_context()

    verdicts = await way.look()

    assert verdicts["TLS"].outcome == "failure"
    assert "not trusted: self-signed certificate" in verdicts["TLS"].found
    assert "public URL" not in verdicts


async def test_nobody_ends_tls(way):
    way.edge.tls_port = way.port

    assert "no connection to bridge.test: ConnectionRefusedError" in (await way.look())["TLS"].found


async def test_a_tunnel_that_leads_elsewhere(way, aiohttp_server):
    stranger = await aiohttp_server(web.Application())
    way.edge.open(HOST, f"http://127.0.0.1:{stranger.port}")

    verdict = (await way.look())["public URL"]

    assert verdict.outcome == "failure"
    assert "leads elsewhere: it answered with 404" in verdict.found
    assert f"to port {way.port} of this machine" in verdict.mend


async def test_a_proxy_that_cuts_silent_sockets(way):
    way.edge.idle_seconds = 5.0

    verdicts = await way.look(idle=8)

    assert worse(verdicts) == {"silence on WebSockets": "failure"}, way.text
    assert "cut after 5 s" in verdicts["silence on WebSockets"].found


async def test_silence_may_be_tried_longer_than_all_the_rest_takes(way):
    assert worse(await way.look(idle=70)) == {}, way.text


async def carry(head, way, reader, writer):
    up_reader, up_writer = await asyncio.open_connection("127.0.0.1", way.port)
    up_writer.write(head)
    async with asyncio.TaskGroup() as ways:
        inwards = ways.create_task(_pump(reader, up_writer))
        await _pump(up_reader, writer)
        inwards.cancel()
    up_writer.close()
    writer.close()


async def _pump(reader, writer):
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()


@pytest.fixture
async def altering(way):
    """Puts a proxy between the tunnel and the bridge that replaces bytes in a request's head, and in its body."""
    servers = []

    async def put(old, new, *, body=None):
        async def serve(reader, writer):
            head = await reader.readuntil(b"\r\n\r\n")
            form = b"" if body is None or b"POST" not in head else (await reader.readexactly(len(body[0])))
            await carry(head.replace(old, new) + form.replace(*(body or (b"", b""))), way, reader, writer)

        servers.append(await asyncio.start_server(serve, "127.0.0.1", 0))
        way.edge.open(HOST, "http://127.0.0.1:{1}".format(*servers[0].sockets[0].getsockname()))

    yield put
    for server in servers:
        server.close()


async def test_a_proxy_that_loses_the_signature(way, altering):
    await altering(b"X-Twilio-Signature", b"X-Something")

    verdicts = await way.look()

    assert worse(verdicts) == dict.fromkeys(
        ("Twilio's signature through the proxy", "WebSocket through the proxy"), "failure"
    )
    assert "X-Twilio-Signature was lost" in verdicts["Twilio's signature through the proxy"].found


async def test_a_proxy_that_rewrites_the_query(way, altering):
    await altering(b"?b=%2F&a=1+1", b"?a=1%201&b=/")

    verdicts = await way.look()

    assert worse(verdicts) == {"Twilio's signature through the proxy": "failure"}
    assert "the query was rewritten" in verdicts["Twilio's signature through the proxy"].found


async def test_a_proxy_that_knows_no_upgrade(way, altering):
    await altering(b"Upgrade: websocket", b"X-Nothing: 1")

    verdicts = await way.look()

    assert worse(verdicts) == {"WebSocket through the proxy": "failure"}
    assert "answered with 400" in verdicts["WebSocket through the proxy"].found
    assert "nginx" in verdicts["WebSocket through the proxy"].mend


# The conversation


async def test_a_conversation(house):
    assert worse(await house.look(live=True)) == {}, house.text
    assert len(house.elevenlabs.conversations) == 1
    assert "conversation" in house.text
    assert "conversation" not in await house.look()


async def test_an_engine_that_sends_another_secret(house):
    house.engine.request_headers["x-api-key"] = "another-secret-0123456789"

    verdict = (await house.look(live=True))["conversation"]

    assert verdict.outcome == "failure"
    assert "refused: x-api-key is not SHARED_SECRET" in verdict.found


async def test_an_engine_that_dials_somebody_else(house):
    house.engine.ws_url = "wss://old.test/ws"

    verdict = (await house.look(live=True))["conversation"]

    assert verdict.outcome == "failure"
    assert "did not dial wss://bridge.test/ws" in verdict.found or "did not begin" in verdict.found


async def test_an_engine_that_does_not_allow_the_greeting(house):
    house.engine.allow_first_message = False

    verdict = (await house.look(live=True))["conversation"]

    assert (verdict.outcome, "did not begin" in verdict.found) == ("failure", True), verdict


async def test_a_conversation_that_takes_too_long_takes_nothing_else_with_it(house, monkeypatch):
    async def converse(*_):
        await asyncio.sleep(60)

    monkeypatch.setattr(address, "converse", converse)
    since = asyncio.get_running_loop().time()

    verdicts = await house.look(live=True)

    assert worse(verdicts) == {"conversation": "failure"}, house.text
    assert "no answer within" in verdicts["conversation"].found
    assert asyncio.get_running_loop().time() - since < SECONDS


async def test_an_engine_that_speaks_something_else(house):
    house.engine.output_format = "pcm_16000"

    assert "speaks pcm_16000" in (await house.look(live=True))["conversation"].found


async def test_an_engine_that_does_not_tell_what_it_says(house):
    house.engine.client_events.discard("agent_response")

    assert (await house.look(live=True))["conversation"].outcome == "warning"


# Somebody listens on the port already


@pytest.fixture
async def running(way):
    """The bridge itself."""
    settings = load_settings(None, way.environ)
    async with open_parts(settings) as parts, open_app(settings, parts) as app:
        async with serving(app, host="127.0.0.1", port=way.port):
            yield app
        await asyncio.sleep(0.001)


async def test_a_bridge_runs_already(way, running):
    verdicts = await way.look(live=True)

    assert worse(verdicts) == {"conversation": "warning"}, way.text
    assert f"leads to the bridge that runs on port {way.port}" in verdicts["public URL"].found
    assert "ringbridge simulate --url https://bridge.test" in verdicts["conversation"].mend
    assert verdicts["WebSocket through the proxy"].outcome == verdicts["compression of WebSockets"].outcome == "ok"


async def test_a_bridge_that_has_another_token(way, running):
    verdict = (await way.look(TWILIO_AUTH_TOKEN="0" * 32))["Twilio's signature through the proxy"]

    assert (verdict.outcome, "refuses a request" in verdict.found) == ("failure", True)


async def test_the_name_leads_to_another_bridge(way, running, aiohttp_server):
    other = web.Application()
    other.router.add_get(HEALTH, named)
    way.edge.open(HOST, f"http://127.0.0.1:{(await aiohttp_server(other)).port}")

    verdict = (await way.look())["public URL"]

    assert (verdict.outcome, "another bridge than the one" in verdict.found) == ("warning", True)


async def test_the_name_leads_past_the_bridge(way, running, aiohttp_server):
    elsewhere = await aiohttp_server(web.Application())
    way.edge.open(HOST, f"http://127.0.0.1:{elsewhere.port}")

    verdict = (await way.look())["public URL"]

    assert (verdict.outcome, verdict.found) == ("failure", "https://bridge.test leads elsewhere: it answered with 404")


async def named(_request):
    return web.Response(headers={PROCESS: "another"})


async def test_something_else_runs_on_the_port(way, aiohttp_server):
    await aiohttp_server(web.Application(), port=way.port)

    assert "something else than a bridge" in (await way.look())["public URL"].found


async def test_an_address_of_another_machine(way):
    assert "can't be listened on" in (await way.look(HOST="203.0.113.9"))["public URL"].found


# The command


@pytest.fixture
def run(tmp_path):
    """The command, with settings that don't do: nobody is asked then."""
    environ = {row.name: None for row in describe()} | SECRETS | {"SHARED_SECRET": "short", "PUBLIC_URL": HOST}
    return lambda *args: CliRunner().invoke(cli, ["doctor", "--env-file", str(tmp_path / ".env"), *args], env=environ)


def test_the_lines_and_the_exit_code(run):
    done = run()

    assert done.exit_code == 1
    lines = done.stdout.splitlines()
    assert re.match(r"ok       Python +CPython", lines[0])
    assert any(
        re.match(r"failure  SHARED_SECRET +is shorter than 16 .*  → make one with: python", line) for line in lines
    )
    assert re.fullmatch(r"2 ok, 2 warnings, \d failures", lines[-1])
    assert not any(secret in done.output for secret in SECRETS.values())


def test_json(run):
    told = json.loads(run("--json").stdout)

    assert told["outcome"] == "failure"
    mend = "copy the Account SID from the Twilio console"
    sid = {"name": "TWILIO_ACCOUNT_SID", "outcome": "failure", "found": "is not set", "mend": mend}
    assert sid in told["checks"]
    assert told["checks"][0]["mend"] is None


def test_a_captured_request(tmp_path):
    url, fields = "https://old.test/incoming-call", {"CallSid": "CA" + "1" * 32}
    file = tmp_path / "captured.txt"
    file.write_text(
        "POST /incoming-call HTTP/1.1\nHost: old.test\n"
        f"X-Twilio-Signature: {RequestValidator(SECRETS['TWILIO_AUTH_TOKEN']).compute_signature(url, fields)}\n\n"
        f"CallSid={fields['CallSid']}\n"
    )
    environ = {row.name: None for row in describe()} | SECRETS
    environ |= {"TWILIO_ACCOUNT_SID": ACCOUNT_SID, "PUBLIC_URL": HOST}
    args = ["doctor", "--env-file", str(tmp_path / ".env"), "--request", str(file)]

    done = CliRunner().invoke(cli, args, env=environ)
    assert done.exit_code == 1
    assert done.stdout.startswith(
        f"failure  request  signed for {url} with the auth token in use, but the bridge checks"
    )

    environ["PUBLIC_URL"] = "old.test"
    assert CliRunner().invoke(cli, args, env=environ).exit_code == 0

    file.write_text("nothing")
    done = CliRunner().invoke(cli, args, env=environ)
    assert (done.exit_code, "no request is in the file" in done.stderr) == (1, True)
