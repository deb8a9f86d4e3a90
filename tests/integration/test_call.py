"""`ringbridge call`: the number phones somebody, who talks with the bridge that is up."""

import asyncio
import re

import pytest
from click.testing import CliRunner

from ringbridge import facts
from ringbridge.cli.call import Outbound, ring
from ringbridge.cli.main import cli
from ringbridge.config import describe, load
from ringbridge.emulator.twilio.exchange import Answer
from ringbridge.emulator.world import ACCOUNT_SID, OWN_NUMBER, PUBLIC_HOST, SECRETS
from ringbridge.provision.failures import NotProvided

ME = "+15550100009"


def environ(world, **more):
    return {
        **{row.name: None for row in describe()},
        "TWILIO_ACCOUNT_SID": ACCOUNT_SID,
        "TWILIO_AUTH_TOKEN": SECRETS["TWILIO_AUTH_TOKEN"],
        "TWILIO_PHONE_NUMBER": OWN_NUMBER,
        "TWILIO_BASE_URL": world.twilio.rest_url,
        "ALLOWED_NUMBERS": f"+15550100008, {ME}",
        **more,
    }


async def run(world, number=ME, **more):
    """The command, which is over before the call rings: it has a loop, and so a clock, of its own."""
    return await asyncio.to_thread(CliRunner().invoke, cli, ["call", number], env=environ(world, **more))


async def ringing(world):
    """What the command does, on the bridge's clock."""
    await ring(load(Outbound, None, environ(world)), ME)


@pytest.fixture
async def bridge(world, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    async with world() as bridge:
        own = bridge.twilio.account.numbers[OWN_NUMBER]
        own.voice_url += "#ct=2000&rt=4000&rc=2&rp=5xx,ct,rt"
        yield bridge


async def test_whoever_is_phoned_talks_with_the_bridge_and_is_its_caller(bridge, capsys):
    await ringing(bridge)
    assert capsys.readouterr().out == (f"{ME} rings.\n{ME} has taken the call, and talks with the bridge.\n")
    (phone,) = bridge.twilio.calls.values()
    assert (phone.direction, phone.from_, phone.to) == ("outbound-api", OWN_NUMBER, ME)
    began = await bridge.tells(facts.CallBegan)
    assert (began.caller, began.called) == (ME, OWN_NUMBER)
    bridge._follow(phone)
    await bridge.hears(phone, "Hello.")
    await bridge.says(phone, "one")
    await bridge.hears(phone, "You said: one.")
    await phone.hang_up()


@pytest.mark.parametrize(
    ("number", "given", "words"),
    [
        ("+15550100007", {}, f"set ALLOWED_NUMBERS=+15550100008,{ME},+15550100007"),
        (ME, {"ALLOWED_NUMBERS": None}, f"{ME} is not to be called; set ALLOWED_NUMBERS={ME}"),
        (ME, {"ALLOWED_NUMBERS": "5550100009"}, "has an entry, no. 1, that is not a phone number in E.164"),
        ("5550100009", {}, "it is not a phone number in E.164; write it with +"),
        (ME, {"TWILIO_PHONE_NUMBER": None}, "TWILIO_PHONE_NUMBER: is not set"),
        (ME, {"TWILIO_PHONE_NUMBER": "+15550100077"}, "is not a number of the Twilio account"),
    ],
)
async def test_whom_it_does_not_call(bridge, number, given, words):
    done = await run(bridge, number, **given)
    assert done.exit_code != 0
    assert words in " ".join(done.stderr.split())
    assert bridge.twilio.calls == {}


async def test_a_number_that_leads_to_no_bridge(bridge):
    bridge.twilio.account.numbers[OWN_NUMBER].voice_url = f"https://{PUBLIC_HOST}/voice"
    done = await run(bridge)
    assert (done.exit_code, "start `ringbridge up` first" in done.stderr) == (1, True)
    assert bridge.twilio.calls == {}


@pytest.mark.parametrize(
    ("outcome", "words"), [("busy", f"{ME} is busy"), ("no-answer", f"{ME} was not answered; try again later")]
)
async def test_nobody_takes_it(bridge, capsys, outcome, words):
    bridge.twilio.answers[ME] = Answer(outcome=outcome)
    with pytest.raises(NotProvided, match=re.escape(words)):
        await ringing(bridge)
    assert f"{ME} rings." in capsys.readouterr().out


async def test_what_twilio_refuses_has_its_mend(bridge):
    bridge.twilio.account.kind = "Trial"
    done = await run(bridge)
    assert (done.exit_code, "verify the number in the Twilio console" in done.stderr) == (1, True), done.output
    bridge.twilio.refuse("POST", "*/Calls.json", 429, 20429, "Too Many Requests")
    done = await run(bridge)
    assert (done.exit_code, "wait a minute" in done.stderr) == (1, True), done.output


async def test_a_call_that_waits_too_long_is_called_off(bridge, monkeypatch):
    monkeypatch.setattr("ringbridge.cli.call.FOLLOW_SECONDS", 10.0)
    bridge.twilio.answers[ME] = Answer(outcome="no-answer")
    with pytest.raises(NotProvided, match="was not taken in 10 s"):
        await ringing(bridge)
    assert [phone.status for phone in bridge.twilio.calls.values()] == ["canceled"]


async def test_ctrl_c_calls_it_off(bridge):
    bridge.twilio.answers[ME] = Answer(outcome="no-answer")
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(ringing(bridge))
        await asyncio.sleep(5)
        task.cancel()
    assert [phone.status for phone in bridge.twilio.calls.values()] == ["canceled"]
