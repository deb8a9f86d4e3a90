"""Every secret is changed in three restarts (old; new and old; new), and no call notices."""

import pytest

from ..integration.raw_house import House, RawCall, house, new_call_sid, noise
from ..integration.raw_http import Message
from ..integration.raw_proofs import API_KEY, AUTH_TOKEN, HOST, SHARED_SECRET, engine_token, twilio_signature
from ..integration.raw_websocket import RawSocket

NEW_SECRET = "another-secret-shared-by-hand"
NEW_TOKEN = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
NEW_KEY = "sk_made_by_hand_9876543210"

TOKEN_HEADER = "X-Elevenlabs-Speech-Engine-Authorization"

BOTH = {"SHARED_SECRET": f"{NEW_SECRET},{SHARED_SECRET}", "TWILIO_AUTH_TOKEN": f"{NEW_TOKEN},{AUTH_TOKEN}"}
NEW = {"SHARED_SECRET": NEW_SECRET, "TWILIO_AUTH_TOKEN": NEW_TOKEN}


async def answered(sid: str, **settings: str) -> str:
    """The token of a call that a process with these settings has answered, and which then stopped."""
    async with house(**settings) as home:
        return await announced(home, sid)


async def announced(home: House, sid: str, token: str | None = None) -> str:
    token = token or _first(home)
    fields = home.form(sid, "in-progress")
    signature = twilio_signature(f"https://{HOST}/incoming-call", fields, token)
    answer = await home.twilio.post("/incoming-call", fields, signature=signature)
    assert answer.status == 200, answer
    return answer.body.decode().partition('name="token" value="')[2].partition('"')[0]


def _first(home: House) -> str:
    return home.twilio.token


async def begun(home: House, sid: str, call_token: str, auth_token: str) -> RawCall:
    """A stream with that call token, whose upgrade is signed with that auth token."""
    stream = await home.stream(sid, signature=twilio_signature(f"wss://{HOST}/media-stream", token=auth_token))
    stream.begin(call_token)
    return RawCall(sid, stream, await home.elevenlabs.conversation())


@pytest.mark.parametrize("auth_token", [AUTH_TOKEN, NEW_TOKEN], ids=["Twilio's old", "Twilio's new"])
@pytest.mark.parametrize("secret", [SHARED_SECRET, NEW_SECRET], ids=["the engine's old", "the engine's new"])
async def test_while_both_count_a_call_that_the_old_process_answered_goes_on(auth_token, secret):
    sid = new_call_sid()
    call_token = await answered(sid)
    async with house(**BOTH) as home:
        call = await begun(home, sid, call_token, auth_token)
        await call.carries(noise(1600))
        brain = await home.dial_brain(**{"x-api-key": secret})
        assert isinstance(brain, RawSocket)
        brain.send(type="init", conversation_id=call.conversation.id)
        brain.send(type="ping")
        assert await brain.until("type", "pong")
        await call.hang_up()


@pytest.mark.parametrize("auth_token", [AUTH_TOKEN, NEW_TOKEN], ids=["Twilio's old", "Twilio's new"])
async def test_a_call_that_was_answered_while_both_count_goes_on_when_only_the_new_does(auth_token):
    sid = new_call_sid()
    async with house(**BOTH) as home:
        call_token = await announced(home, sid, auth_token)
    async with house(**NEW) as home:
        call = await begun(home, sid, call_token, NEW_TOKEN)
        await call.carries(noise(1600))
        await call.hang_up()


async def test_afterwards_nothing_old_counts():
    sid = new_call_sid()
    call_token = await answered(sid)
    async with house(**NEW) as home:
        assert (await home.twilio.post("/incoming-call", home.form(sid))).status == 403
        assert (await home.twilio.upgrade()).status == 403
        stream = await home.stream(sid, signature=twilio_signature(f"wss://{HOST}/media-stream", token=NEW_TOKEN))
        stream.begin(call_token)
        assert await stream.socket.ended() == 1008
        refused = await home.dial_brain()
        assert isinstance(refused, Message)
        assert refused.status == 401


@pytest.mark.parametrize(
    ("keys", "accepted"),
    [
        (API_KEY, {API_KEY}),
        (f"{API_KEY},{NEW_KEY}", {API_KEY, NEW_KEY}),
        (f"{NEW_KEY},{API_KEY}", {API_KEY, NEW_KEY}),
        (NEW_KEY, {NEW_KEY}),
    ],
    ids=["old", "old and new", "new and old", "new"],
)
async def test_the_engine_may_sign_with_either_api_key_while_both_count(keys, accepted):
    async with house(ELEVENLABS_API_KEY=keys) as home:
        if keys.startswith(API_KEY):
            await home.carries_a_call()
        for key in (API_KEY, NEW_KEY, "sk_of_nobody"):
            answer = await home.dial_brain(**{TOKEN_HEADER: engine_token(home.clock(), key=key)})
            assert isinstance(answer, RawSocket) is (key in accepted)
