import base64
import json
import time

import pytest
from elevenlabs.speech_engine.resource import verify_speech_engine_jwt

from ringbridge.emulator.elevenlabs.jwt import LIFETIME_SECONDS, upstream_token

LEEWAY = 60


def test_the_vendors_own_check_accepts_it():
    claims = verify_speech_engine_jwt(f"Bearer {upstream_token('sk_1', time.time())}", "sk_1")
    assert claims["exp"] - claims["iat"] == LIFETIME_SECONDS


@pytest.mark.parametrize("made_with", [" sk_1 \n", "sk_1_residency_in", "sk_1"])
def test_only_the_base_of_a_key_signs(made_with):
    assert verify_speech_engine_jwt(upstream_token(made_with, time.time()), "sk_1")


def test_another_key_is_refused():
    with pytest.raises(ValueError, match="signature mismatch"):
        verify_speech_engine_jwt(upstream_token("sk_1", time.time()), "sk_2")


@pytest.mark.parametrize(
    ("age", "problem"), [(LIFETIME_SECONDS + LEEWAY + 5, "expired"), (-LEEWAY - 5, "in the future")]
)
def test_it_is_good_for_its_lifetime(age, problem):
    with pytest.raises(ValueError, match=problem):
        verify_speech_engine_jwt(upstream_token("sk_1", time.time() - age), "sk_1")


def test_its_header_names_the_algorithm():
    header = upstream_token("sk_1", 0).split(".")[0]
    assert json.loads(base64.urlsafe_b64decode(header + "==")) == {"alg": "HS256", "typ": "JWT"}
