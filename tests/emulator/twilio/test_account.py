"""What an account holds, read and changed by Twilio's own SDK."""

import asyncio
from contextlib import contextmanager
from email.utils import parsedate_to_datetime

import aiohttp
import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.rest import Client

ACCOUNT = "AC" + "0" * 32
TOKEN = "0123456789abcdef0123456789abcdef"
NUMBER = "+15550100002"
OURS = "https://bridge.test/incoming-call#rc=2&rp=5xx,ct,rt"


def pointed_at(twin, http, token=TOKEN):
    client = Client(ACCOUNT, token, http_client=http)
    for domain in (client.api, client.voice, client.trunking):
        domain.base_url = twin.rest_url
    return client


@pytest.fixture
async def client(stage):
    async with AsyncTwilioHttpClient() as http:
        yield pointed_at(stage.twin, http)


@contextmanager
def refused(status, code, text=""):
    with pytest.raises(TwilioRestException, match=text) as caught:
        yield
    assert (caught.value.status, caught.value.code) == (status, code)


async def test_the_account_and_its_balance(stage, client):
    account = await client.api.accounts(ACCOUNT).fetch_async()
    assert (account.sid, account.type, account.status) == (ACCOUNT, "Full", "active")
    stage.twin.account.kind, stage.twin.account.status, stage.twin.account.balance = "Trial", "suspended", "-0.04"
    account = await client.api.accounts(ACCOUNT).fetch_async()
    assert (account.type, account.status) == ("Trial", "suspended")
    balance = await client.api.accounts(ACCOUNT).balance.fetch_async()
    assert (balance.balance, balance.currency) == ("-0.04", "USD")


async def test_a_wrong_token_is_refused_everywhere(stage):
    async with AsyncTwilioHttpClient() as http:
        client = pointed_at(stage.twin, http, "f" * 32)
        for request in (
            client.api.accounts(ACCOUNT).fetch_async(),
            client.incoming_phone_numbers.page_async(),
            client.voice.v1.dialing_permissions.countries("US").fetch_async(),
            client.trunking.v1.trunks("TK" + "0" * 32).fetch_async(),
        ):
            with pytest.raises(Exception, match=r"Authenticate|Unable to fetch page"):
                await request
        with refused(401, 20003, "Authenticate"):
            await client.api.accounts(ACCOUNT).balance.fetch_async()


async def test_numbers_come_page_by_page(stage, client):
    for last in range(10, 17):
        stage.twin.account.add_number(f"+155501000{last}", voice=last != 12)
    found = await client.incoming_phone_numbers.list_async(page_size=3)
    assert [own.phone_number for own in found] == [NUMBER, *(f"+155501000{last}" for last in range(10, 17))]
    assert [own.capabilities["voice"] for own in found].count(False) == 1
    page = await client.incoming_phone_numbers.page_async(page_size=5)
    assert page.previous_page_url is None
    following = await page.next_page_async()
    assert [own.phone_number[-2:] for own in following] == ["14", "15", "16"]
    assert following.next_page_url is None
    assert "Page=0" in following.previous_page_url
    with pytest.raises(Exception, match="Unable to fetch page"):
        await client.incoming_phone_numbers.page_async(page_number="x")


@pytest.mark.parametrize(("asked", "count"), [(NUMBER, 1), ("0100", 2), ("+1555010000*", 2), ("+49", 0)])
async def test_numbers_are_found_by_a_part(stage, client, asked, count):
    stage.twin.account.add_number("+15550100003")
    assert len(await client.incoming_phone_numbers.list_async(phone_number=asked)) == count


async def test_a_number_is_set_up_and_put_back_byte_by_byte(stage, client):
    account = stage.twin.account
    own = account.add_number(NUMBER, voice_url="https://demo.example.com/old", voice_method="GET", friendly_name="Desk")
    before = account.snapshot()
    resource = client.incoming_phone_numbers(own.sid)
    was = await resource.fetch_async()
    changed = await resource.update_async(
        voice_url=OURS,
        voice_method="POST",
        voice_fallback_url="https://bridge.test/fallback",
        status_callback="https://bridge.test/status",
    )
    assert (changed.voice_url, changed.voice_method, changed.friendly_name) == (OURS, "POST", "Desk")
    assert changed.date_updated > was.date_updated
    assert account.snapshot() != before
    assert OURS.encode() in account.snapshot()
    assert TOKEN.encode() not in account.snapshot()
    await resource.update_async(
        voice_url=was.voice_url,
        voice_method=was.voice_method,
        voice_fallback_url=was.voice_fallback_url,
        voice_fallback_method=was.voice_fallback_method,
        status_callback=was.status_callback,
        status_callback_method=was.status_callback_method,
    )
    assert account.snapshot() == before


@pytest.mark.parametrize(
    ("change", "code", "text"),
    [
        ({"voice_url": "http://localhost:3001/incoming-call"}, 21402, "VoiceUrl is not a valid URL: http://localhost"),
        ({"voice_url": "https://under_score.example.com/"}, 21402, "VoiceUrl"),
        ({"voice_url": "incoming-call"}, 21402, "VoiceUrl"),
        ({"status_callback": "wss://bridge.test/"}, 21402, "StatusCallback"),
        ({"voice_method": "PUT"}, 21403, "VoiceMethod"),
        ({"voice_fallback_url": "https://bridge.test/fallback"}, 21405, "Cannot set VoiceFallbackUrl"),
        ({"trunk_sid": "TK" + "1" * 32}, 20001, "TrunkSid"),
        ({"voice_application_sid": "AP" + "1" * 32}, 20001, "VoiceApplicationSid"),
    ],
)
async def test_a_bad_update_changes_nothing(stage, client, change, code, text):
    account = stage.twin.account
    before = account.snapshot()
    with refused(400, code, text):
        await client.incoming_phone_numbers(account.numbers[NUMBER].sid).update_async(friendly_name="New", **change)
    assert account.snapshot() == before


async def test_what_is_not_there(client):
    for request in (
        client.incoming_phone_numbers("PN" + "1" * 32).fetch_async(),
        client.applications("AP" + "1" * 32).fetch_async(),
        client.trunking.v1.trunks("TK" + "1" * 32).fetch_async(),
        client.voice.v1.dialing_permissions.countries("XX").fetch_async(),
    ):
        with refused(404, 20404, "The requested resource /"):
            await request


async def test_a_trunk_and_an_application_exclude_each_other(stage, client):
    account = stage.twin.account
    trunk, made = account.add_trunk(friendly_name="Office"), account.add_application(friendly_name="Menu")
    own = account.add_number(NUMBER, trunk_sid=trunk.sid)
    resource = client.incoming_phone_numbers(own.sid)
    assert (await resource.fetch_async()).trunk_sid == trunk.sid
    assert (await client.trunking.v1.trunks(trunk.sid).fetch_async()).friendly_name == "Office"
    numbers = client.trunking.v1.trunks(trunk.sid).phone_numbers
    assert [one.phone_number for one in await numbers.list_async()] == [NUMBER]
    changed = await resource.update_async(voice_application_sid=made.sid)
    assert (changed.trunk_sid, changed.voice_application_sid) == (None, made.sid)
    assert (await client.applications(made.sid).fetch_async()).friendly_name == "Menu"
    assert [one.sid for one in await client.applications.list_async(friendly_name="Menu")] == [made.sid]
    assert await numbers.list_async() == []
    assert (await numbers.create_async(phone_number_sid=own.sid)).trunk_sid == trunk.sid
    assert (await resource.fetch_async()).voice_application_sid == ""
    assert await numbers(own.sid).delete_async()
    assert (await resource.update_async(voice_application_sid="")).voice_application_sid == ""
    assert own.trunk_sid == ""


async def test_trunks_come_page_by_page(stage, client):
    for name in "abc":
        stage.twin.account.add_trunk(friendly_name=name)
    assert [trunk.friendly_name for trunk in await client.trunking.v1.trunks.list_async(page_size=2)] == [*"abc"]


async def test_geographic_permissions(stage, client):
    countries = client.voice.v1.dialing_permissions.countries
    at_home, abroad = await countries("US").fetch_async(), await countries("GB").fetch_async()
    assert (at_home.country_codes, at_home.low_risk_numbers_enabled) == (["+1"], True)
    assert (abroad.name, abroad.low_risk_numbers_enabled) == ("United Kingdom", False)
    assert [one.iso_code for one in await countries.list_async(country_code="1")] == ["CA", "US"]
    assert [one.iso_code for one in await countries.list_async(low_risk_numbers_enabled=True)] == ["CA", "US"]
    call = {"from_": NUMBER, "twiml": "<Response/>"}
    with refused(400, 21215, r"Account not authorized to call \+442079460000"):
        await client.calls.create_async(to="+442079460000", **call)
    stage.twin.account.permitted.add("GB")
    assert (await client.calls.create_async(to="+442079460000", **call)).status == "queued"


async def test_a_trial_account_calls_verified_numbers_only(stage, client):
    stage.twin.account.kind = "Trial"
    call = {"to": "+15550100042", "from_": NUMBER, "twiml": "<Response/>"}
    with refused(400, 21219, "Trial accounts may only make calls to verified numbers"):
        await client.calls.create_async(**call)
    stage.twin.account.verified.add("+15550100042")
    assert await client.calls.create_async(**call)
    stage.twin.account.status = "suspended"
    with refused(403, 20005, "Account not active"):
        await client.calls.create_async(**call)


async def test_one_request_can_be_refused_among_others(stage, client):
    own = stage.twin.account.numbers[NUMBER]
    stage.twin.refuse("POST", "*/IncomingPhoneNumbers/*", 429, 20429, "Too Many Requests")
    resource = client.incoming_phone_numbers(own.sid)
    assert await resource.fetch_async()
    with refused(429, 20429, "Too Many Requests"):
        await resource.update_async(voice_url=OURS)
    assert own.voice_url == ""
    assert (await resource.update_async(voice_url=OURS)).voice_url == OURS


async def test_the_date_is_the_twins_own(stage):
    async with aiohttp.ClientSession() as session, session.get(stage.twin.rest_url) as response:
        assert response.status == 401
        told = parsedate_to_datetime(response.headers["Date"]).timestamp()
    assert told == pytest.approx(asyncio.get_running_loop().wall(), abs=1.5)
