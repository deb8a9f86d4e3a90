"""What is written of whole calls, and that nothing in it is a caller's or a secret; and how a process sets that up."""

import asyncio
import json
import logging
import subprocess
import sys
from contextlib import asynccontextmanager
from io import StringIO
from urllib.parse import quote

import pytest
from aiohttp import ClientSession, TCPConnector, WSServerHandshakeError
from pydantic import BaseModel

from ringbridge import facts
from ringbridge.brains.agent import Agent
from ringbridge.config import load_settings
from ringbridge.emulator.faults import Fault
from ringbridge.emulator.openai.script import Call, Fail, Say
from ringbridge.emulator.world import ACCOUNT_SID, SECRETS
from ringbridge.log import bind_ids, get_logger
from ringbridge.telemetry.secrets import secret_values
from ringbridge.telemetry.writing import handler
from ringbridge.tools.tool import tool

CALLER = "+15552368912"
NAME, SAID, DISH = "Wilhelmina", "marmalade", "bouillabaisse"
DIGITS, SECRET_DIGITS = "835209417", "917402638"
OLD_TOKEN, OLD_SECRET = "old-auth-token-fedcba9876543210", "old-secret/with+signs-fedcba9876"
OPENAI_KEY, OTHER_KEY, METRICS_TOKEN = "sk-twin", "sk-other-9876543210", "metrics-planted-0123456789"
SIGNATURE = "cvtkn_"

SETTINGS = {
    "OPENAI_API_KEY": OPENAI_KEY,
    "LLM_KEYS": f"models.test={OTHER_KEY}",
    "METRICS_TOKEN": METRICS_TOKEN,
    "TWILIO_AUTH_TOKEN": f"{SECRETS['TWILIO_AUTH_TOKEN']},{OLD_TOKEN}",
    "SHARED_SECRET": f"{SECRETS['SHARED_SECRET']},{OLD_SECRET}",
}
ENVIRONMENT = {
    **SECRETS,
    "SPEECH_ENGINE_ID": "seng_1",
    "TWILIO_ACCOUNT_SID": ACCOUNT_SID,
    "PUBLIC_URL": "https://bridge.test",
}
PLANTED_SECRETS = (*SECRETS.values(), OLD_TOKEN, OLD_SECRET, OPENAI_KEY, OTHER_KEY, METRICS_TOKEN, SECRET_DIGITS)
PLANTED_WORDS = (CALLER[1:], CALLER[-10:], NAME, SAID, DISH, DIGITS)


class Output:
    """All that the process writes, and what it serves to others who are not on the call."""

    def __init__(self):
        self.stream = StringIO()
        self.served = ""

    @property
    def text(self):
        return self.stream.getvalue() + self.served

    def found(self, planted):
        """Which of these are in it, in whichever case, and where."""
        lines = [(line, line.lower()) for line in self.text.splitlines()]
        return {secret: line for secret in planted for line, lower in lines if secret.lower() in lower}


@asynccontextmanager
async def written(settings, *, style, personal, level=logging.DEBUG):
    """What every logger writes meanwhile, libraries included."""
    output, root = Output(), logging.getLogger()
    made = handler(output.stream, style, personal=personal, secrets=secret_values(settings))
    before = {name: logging.getLogger(name).level for name in (None, *logging.root.manager.loggerDict)}
    for name in before:
        logging.getLogger(name).setLevel(level if name is None else logging.NOTSET)
    root.addHandler(made)
    try:
        yield output
    finally:
        root.removeHandler(made)
        for name, was in before.items():
            logging.getLogger(name).setLevel(was)


@tool
async def book(name: str) -> str:
    """Book a table."""
    return f"booked for {name}"


@tool
async def order(dish: str) -> str:
    """Order a dish."""
    raise LookupError(f"no {dish} today")


def model(asked):
    if asked.tool_results:
        return [Say(f"Well, {asked.tool_results[-1]}.")]
    if "table" in asked.text:
        return [Call("book", {"name": NAME})]
    if "dish" in asked.text:
        return [Call("order", {"dish": DISH})]
    if "model" in asked.text:
        return [Fail(500)]
    return [Say("All right.")]


AGENT = Agent(tools=[book, order])


async def brain(turn):
    if "break" in turn.text:
        yield "Hm. "
        raise ValueError(f"can't make sense of {turn.text} from {turn.call.caller}")
    if "number" in turn.text:
        yield "Your number, please."
        await turn.call.collect_digits(9, secret=True)
    else:
        async for piece in AGENT(turn):
            yield piece


async def a_good_call(w):
    call = await w.talking(from_=CALLER)
    for words, answer in (
        (f"a table for {NAME}", f"booked for {NAME}"),
        (f"a dish of {SAID}", "Failed"),
        (f"break it, {SAID}", "Hm."),
        (f"ask the model, {SAID}", ""),
    ):
        answers = len(w.told(facts.TurnAnswered))
        await w.says(call, words)
        await w.tells(facts.TurnAnswered, answers + 1)
        await w.hears(call, answer)
        await asyncio.sleep(5)
    await call.press(DIGITS)
    await w.tells(facts.DigitsPressed)
    await asyncio.sleep(5)
    await w.says(call, "my number")
    await w.hears(call, "Your number, please.")
    await asyncio.sleep(1)
    await call.press(SECRET_DIGITS)
    await w.tells(facts.DigitsPressed, 2)
    await asyncio.sleep(5)
    await call.hang_up()
    await asyncio.sleep(2)
    return call


UNREACHED = (Fault("signed_url", "refuse", status=401, text=f"not for {CALLER}", times=2),)
BROKEN = (
    Fault("engine_socket", "error", after_ms=600, text=f"the voice of {CALLER} is hoarse"),
    Fault("engine_socket", "garble", after_ms=700, text=f'{{"type": "user_transcript", "text": "{SAID}"}}'),
    Fault("engine_socket", "close", after_ms=4000, code=1011, text=f"lost {CALLER}"),
    Fault("engine_socket", "close", after_ms=4000, code=1011, text=f"lost {CALLER}"),
    Fault("media_socket", "garble", after_ms=800, text=f'{{"event": "dtmf", "dtmf": {DIGITS}}}'),
    Fault("twilio_rest", "refuse", status=500, text=f"no call of {CALLER}", times=-1),
)


async def a_bad_call(w, faults):
    for fault in faults:
        w.faults.add(fault)
    call = await w.dial(from_=CALLER)
    await asyncio.sleep(3)
    if call.status == "in-progress":
        await w.says(call, SAID)
        await asyncio.sleep(20)
    if call.status == "in-progress":
        await call.hang_up()
    await asyncio.sleep(2)
    return call


async def strangers(w):
    """Requests that are refused, with all that a stranger may know or guess."""
    form = w.form(From=CALLER, SpeechResult=SAID, Digits=DIGITS)
    base = f"http://127.0.0.1:{w.port}"
    wrong = {"x-api-key": OLD_SECRET + "x", "X-Elevenlabs-Speech-Engine-Authorization": f"eyJhbGciOi.{SAID}.c2ln"}
    async with ClientSession(connector=TCPConnector(force_close=True)) as web:
        for path in ("/incoming-call", f"/incoming-call?Called={CALLER}&word={SAID}", f"/{SAID}/{OLD_TOKEN}"):
            for headers in ({}, {"X-Twilio-Signature": OLD_TOKEN}, {"Authorization": f"Bearer {METRICS_TOKEN}"}):
                async with web.post(base + path, data=form, headers=headers) as response:
                    assert response.status in {403, 404}
        with pytest.raises(WSServerHandshakeError):
            await web.ws_connect(f"{base}/ws", headers=wrong)
    await w.post("/incoming-call", {"From": CALLER, "Digits": DIGITS, "SpeechResult": SAID})
    async with w.stream() as stream:
        await stream.start(f"{SAID}.{OLD_TOKEN}", f"CA{DIGITS}")
        assert await stream.ended() == 1008
    async with w.brain_socket() as socket:
        await socket.send_str(f'{{"type": "user_transcript", "{SAID}": 5}}')
        await socket.send_json({"type": "init", "conversation_id": "conv_of_somebody_else"})
        await socket.receive()


async def everything(world, output_of):
    """Calls, faults and strangers, and what is written and served of them. Gives the TwiML documents, too."""
    async with world(brain=brain, model=model, settings=SETTINGS) as w, output_of(w.settings) as output:
        calls = [await a_good_call(w), await a_bad_call(w, UNREACHED), await a_bad_call(w, BROKEN)]
        await strangers(w)
        async with w._web.get(f"http://127.0.0.1:{w.port}/readyz") as response:
            output.served += await response.text()
        authorization = {"Authorization": f"Bearer {METRICS_TOKEN}"}
        async with w._web.get(f"http://127.0.0.1:{w.port}/metrics", headers=authorization) as response:
            output.served += await response.text()
        assert "ringbridge_calls_total" in output.served
        documents = [
            event.detail["body"] for call in calls for event in call.events if event.kind == "response"
        ]  # what Twilio alone is told: it knows the caller
    return output, "".join(map(str, documents))


@pytest.mark.parametrize("style", ["json", "pretty"])
async def test_nothing_of_a_caller_is_written_and_no_secret(world, style, capfd):
    output, documents = await everything(world, lambda known: written(known, style=style, personal=False))
    output.served += "".join(capfd.readouterr())
    for event in (
        "call began",
        "call ended",
        "a tool failed",
        "the speech engine complains",
        "conversation lost",
        "refused",
    ):
        assert event in output.text
    assert output.found((*PLANTED_WORDS, *PLANTED_SECRETS)) == {}
    assert [secret for secret in PLANTED_SECRETS if secret in documents] == []
    assert SIGNATURE not in output.text


async def test_secrets_are_not_written_even_where_callers_may_be(world, capfd):
    output, _ = await everything(world, lambda known: written(known, style="json", personal=True))
    output.served += "".join(capfd.readouterr())
    assert CALLER in output.text
    assert f"can't make sense of break it, {SAID}" in output.text
    assert output.found(PLANTED_SECRETS) == {}
    assert SIGNATURE not in output.text


async def test_at_info_each_has_a_line_at_its_beginning_and_one_at_its_end(world):
    def at_info(known):
        return written(known, style="json", personal=False, level=logging.INFO)

    output, _ = await everything(world, at_info)
    lines = [json.loads(line) for line in output.stream.getvalue().splitlines()]
    ended = [line for line in lines if line["event"] == "call ended"]
    assert [line["event"] for line in lines].count("call began") == len(ended) == 3
    assert len({line["call_sid"] for line in ended}) == 3
    good, unreached, broken = ended
    assert good["outcome"] == "caller_gone"
    assert good["turns"] >= 4
    assert good["conversation_seconds"] > 20
    assert good["wait_ms_worst"] > 0 <= good["wait_ms_median"]
    assert (unreached["outcome"], unreached["conversation_seconds"]) == ("fault", 0)
    assert broken["faults"] >= 4


class Nothing(BaseModel):
    """Settings without a secret."""


@pytest.mark.parametrize("style", ["json", "pretty"])
@pytest.mark.parametrize("planted", [*PLANTED_WORDS, *PLANTED_SECRETS])
async def test_a_line_with_one_of_them_would_be_found(planted, style):
    async with written(Nothing(), style=style, personal=False) as output:
        get_logger("ringbridge.test").warning("planted", note=f"<{planted}>")
    assert planted in output.found((*PLANTED_WORDS, *PLANTED_SECRETS))


async def test_the_same_line_with_the_field_marked_or_the_secret_known_would_not():
    settings = load_settings(None, {**ENVIRONMENT, **SETTINGS})
    async with written(settings, style="json", personal=False) as output:
        for planted in PLANTED_WORDS:
            get_logger("ringbridge.test").warning("marked", text=f"<{planted}>", caller=planted)
        for planted in secret_values(settings):
            get_logger("ringbridge.test").warning(
                "known", note=f"<{planted}>", url=f"https://x.test/?a={quote(planted)}"
            )
    assert output.found((*PLANTED_WORDS, *secret_values(settings))) == {}


class TestWhoeverWrites:
    """Each kind of record, as JSON."""

    @pytest.fixture
    async def log(self):
        async with written(Nothing(), style="json", personal=False, level=logging.INFO) as output:
            yield lambda: [json.loads(line) for line in output.stream.getvalue().splitlines()]

    async def test_a_librarys_arguments_are_masked_and_its_numbers_are_not(self, log):
        record = logging.LogRecord("openai", logging.INFO, json.__file__, 1, "%s has %d of %r", (NAME, 2, [NAME]), None)
        logging.getLogger("openai").handle(record)
        asyncio.get_running_loop().call_exception_handler(
            {"message": "Failed", "task": NAME, "exception": OSError(NAME)}
        )
        by_library, by_asyncio = log()
        assert by_library["event"] == "(10 characters) has 2 of (list)"
        assert (by_asyncio["event"], by_asyncio["exception"]) == ("Failed", "OSError: (10 characters)")
        assert NAME not in str(log())

    async def test_what_the_developer_writes_himself_is_his_own_matter(self, log):
        logging.getLogger("my.brain").info("a table for %s", NAME, extra={"party": 2})
        (line,) = log()
        assert (line["event"], line["party"], line["logger"]) == (f"a table for {NAME}", 2, "my.brain")

    async def test_a_failure_has_its_type_and_its_lines(self, log):
        try:
            int(NAME)
        except ValueError:
            get_logger("ringbridge.test").exception("failed", call_sid="CA1")
        (line,) = log()
        title, frame = line["exception"].splitlines()
        assert title.startswith("ValueError: (")
        assert frame.startswith(f"  {__file__}:")
        assert (line["level"], line["call_sid"]) == ("error", "CA1")

    async def test_a_line_that_can_not_be_written_is_told_without_its_arguments(self, capfd):
        stream = StringIO()
        record = logging.LogRecord("my.brain", logging.WARNING, __file__, 1, "%d tables", (NAME,), None)
        handler(stream, "json", personal=False, secrets=()).handle(record)
        line = json.loads(stream.getvalue())
        assert (line["event"], line["level"]) == ("a line of my.brain could not be written", "error")
        assert NAME not in "".join(capfd.readouterr())

    async def test_nobody_begins_a_line_of_his_own(self, log):
        get_logger("ringbridge.test").warning("refused", reason="a\n{}\r\x1b[2J")
        assert log()[0]["reason"] == r"a\x0a{}\x0d\x1b[2J"

    async def test_what_a_task_is_bound_to_is_on_each_line_of_it_and_of_no_other(self, log):
        async def reply(sid):
            bind_ids({"call_sid": sid, "conversation_id": "conv_" + sid})
            await asyncio.sleep(0.01)
            get_logger("ringbridge.test").info("ours")
            logging.getLogger("my.brain").info("theirs")

        async with asyncio.TaskGroup() as tasks:
            for sid in ("CA1", "CA2"):
                tasks.create_task(reply(sid))
        get_logger("ringbridge.test").info("nobody's")
        assert [line.get("call_sid") for line in log()] == ["CA1", "CA1", "CA2", "CA2", None]

    async def test_a_log_of_somebody_elses_making_shows_ours_masked(self, log, caplog):
        get_logger("ringbridge.test").warning("call began", caller=CALLER, text=NAME, seconds=2)
        assert caplog.messages == ["call began caller='+1…12' text='(10 characters)' seconds=2"]
        assert caplog.records[0].pathname == __file__


SCRIPT = f"""
import logging
from ringbridge import log
log.set_up(secrets=("{OLD_SECRET}",))
log.set_up("pretty")
log.get_logger("ringbridge.x").info("listening", port=3001)
logging.getLogger("httpx").info("a request")
logging.getLogger("library").warning("a warning of {OLD_SECRET}")
raise ValueError("{NAME}")
"""


def test_a_process_writes_json_to_a_pipe_and_nothing_to_standard_output():
    done = subprocess.run([sys.executable, "-c", SCRIPT], check=False, capture_output=True, text=True, timeout=30)
    first, second, last = map(json.loads, done.stderr.splitlines())
    assert (done.stdout, done.returncode) == ("", 1)
    assert (first["event"], first["port"], first["level"]) == ("listening", 3001, "info")
    assert second["event"] == "a warning of (secret)"
    assert (last["event"], last["level"]) == ("the process ends", "critical")
    assert last["exception"].startswith("ValueError: (10 characters)\n")
