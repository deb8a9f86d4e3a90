"""What a refused token tells the owner. Who is let in is compared with the SDK in tests/properties."""

import base64
import hashlib
import hmac
import json

import pytest

from ringbridge.errors import BrainTokenRefused
from ringbridge.wire.brain_token import verify

NOW = 1_800_000_000
API_KEY = "sk_0123456789abcdef"
CLAIMS = {
    "iss": "https://api.elevenlabs.io/convai/speech-engine",
    "sub": "convai_speech_engine_upstream",
    "iat": NOW - 1,
    "exp": NOW + 300,
}


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def token(key=API_KEY, header=None, **claims):
    payload = {name: value for name, value in (CLAIMS | claims).items() if value is not None}
    message = ".".join(b64(json.dumps(part).encode()) for part in (header or {"alg": "HS256"}, payload))
    return f"{message}.{b64(hmac.digest(hashlib.sha256(key.encode()).digest(), message.encode(), 'sha256'))}"


def refusal(value, now=NOW):
    with pytest.raises(BrainTokenRefused) as refused:
        verify(value, API_KEY, now)
    return str(refused.value)


def test_a_good_token():
    verify(token(), API_KEY, NOW)
    verify(f"  BEARER {token()} ", f" {API_KEY}_residency_in\n", NOW + 0.9)


def test_leeway_is_a_minute():
    verify(token(), API_KEY, NOW + 300 + 59)
    verify(token(), API_KEY, NOW - 1 - 60)


def test_another_key_is_told_with_its_mend():
    text = refusal(token("sk_another_key"))
    assert "made the engine" in text
    assert "BRAIN_AUTH=secret" in text
    assert "sk_" not in text


@pytest.mark.parametrize("value", [None, ""])
def test_no_token(value):
    assert "X-Elevenlabs-Speech-Engine-Authorization is missing" in refusal(value)


@pytest.mark.parametrize("value", ["Bearer", "a.b.c", "..", "\udcff.x.y", "x" * 8000, "[" * 8000])
def test_rubbish(value):
    assert "holds no HS256 token" in refusal(value)


def test_times_point_to_the_clock():
    assert "expired" in refusal(token(), NOW + 300 + 61)
    assert "future" in refusal(token(), NOW - 1 - 61)
    assert "clock" in refusal(token(), NOW - 1 - 61)


@pytest.mark.parametrize(
    "claims",
    [{"iss": "https://evil.example"}, {"sub": "other"}, {"iss": None}, {"sub": None}, {"exp": None}, {"iat": None}],
)
def test_made_for_something_else(claims):
    assert "made for something else" in refusal(token(**claims))


def test_a_header_of_a_later_time_does_no_harm():
    verify(token(header={"alg": "HS256", "kid": "2027", "x": 1}), API_KEY, NOW)


def test_claims_of_a_later_time_do_no_harm():
    verify(token(aud=7, jti=7, conversation_id="conv_1"), API_KEY, NOW)
