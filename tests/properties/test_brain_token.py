"""Our check of the engine's token against the SDK's own, over many tokens."""

import base64
import hashlib
import hmac
import json
import time
from unittest import mock

from elevenlabs.speech_engine.resource import verify_speech_engine_jwt
from hypothesis import assume, event, given
from hypothesis import strategies as st

from ringbridge.errors import BrainTokenRefused
from ringbridge.wire.brain_token import verify

NOW = 1_800_000_000
ISSUER = "https://api.elevenlabs.io/convai/speech-engine"
SUBJECT = "convai_speech_engine_upstream"
MISSING = object()

keys = st.sampled_from(
    ["sk_ours"] * 5 + ["sk_ours_residency_in", "sk_ours_residency_eu ", " sk_ours", "sk_other", "sk_OURS"]
)
times = st.one_of(
    st.integers(NOW - 200, NOW + 200),
    st.floats(NOW - 200, NOW + 200),
    st.sampled_from([MISSING, None, "1900000000", [], {}]),
)
claims = st.fixed_dictionaries(
    {
        "iss": st.sampled_from([ISSUER] * 6 + [ISSUER + "/", "", None, MISSING, [ISSUER], 7]),
        "sub": st.sampled_from([SUBJECT] * 6 + ["convai", "", None, MISSING, [SUBJECT]]),
        "iat": st.just(NOW) | st.integers(NOW - 100, NOW) | times,
        "exp": st.just(NOW + 300) | st.integers(NOW, NOW + 100) | times,
    },
    optional={"aud": st.just(7), "nbf": st.just(NOW + 1000), "jti": st.just(["x"])},
)
prefixes = st.sampled_from(["", "Bearer ", "bearer ", "BEARER  ", " bEaReR "] * 3 + ["Bearer", "Token "])


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def sign(header, payload, key):
    base = key.strip().split("_residency_")[0]
    message = f"{b64(json.dumps(header).encode())}.{b64(json.dumps(payload).encode())}"
    signature = hmac.new(hashlib.sha256(base.encode()).digest(), message.encode(), hashlib.sha256).digest()
    return f"{message}.{b64(signature)}"


def ours(value, key, now=NOW):
    try:
        verify(value, key, now)
    except BrainTokenRefused:
        return False
    return True


def theirs(value, key, now=NOW):
    with mock.patch.object(time, "time", return_value=now):
        try:
            verify_speech_engine_jwt(value, key)
        except (ValueError, AttributeError):  # the latter where the payload is no object
            return False
    return True


@given(claims, keys, keys, prefixes)
def test_signed_tokens(claims, signer, key, prefix):
    claims = {name: value for name, value in claims.items() if value is not MISSING}
    # In the very second that ends the leeway the SDK still takes a token; RFC 7519, 4.1.4 ("on or after") does not.
    assume(not isinstance(claims.get("exp"), (int, float)) or claims["exp"] != NOW - 60)
    value = prefix + sign({"alg": "HS256", "typ": "JWT"}, claims, signer)
    event("let in" if theirs(value, key) else "refused")
    assert ours(value, key) == theirs(value, key)


@given(st.integers(-100, 400), st.floats(-1, 1))
def test_at_any_time(seconds, fraction):
    value = sign({"alg": "HS256"}, {"iss": ISSUER, "sub": SUBJECT, "iat": NOW, "exp": NOW + 300}, "sk_ours")
    now = NOW + seconds + fraction
    assume(int(now) != NOW + 360)
    assert ours(value, "sk_ours", now) == theirs(value, "sk_ours", now)


GOOD = sign({"alg": "HS256"}, {"iss": ISSUER, "sub": SUBJECT, "iat": NOW, "exp": NOW + 300}, "sk_ours")


@given(st.integers(0, len(GOOD) - 1), st.text(max_size=3), st.integers(0, 3))
def test_what_we_let_in_the_sdk_lets_in_too(at, put, taken):
    """Not the other way round: it decodes base64 with rubbish in between, and never reads the header."""
    value = GOOD[:at] + put + GOOD[at + taken :]
    assert not ours(value, "sk_ours") or theirs(value, "sk_ours")


@given(st.text(max_size=60) | st.builds("{}.{}.{}".format, st.text(), st.text(), st.text()))
def test_rubbish_is_refused_and_nothing_worse(value):
    assert not ours(value, "sk_ours")


@given(st.sampled_from(["none", "None", "HS512", "RS256", "", None, 7, ["HS256"]]) | st.none())
def test_on_purpose_unlike_the_sdk_the_header_must_say_hs256(alg):
    """The SDK never reads `alg`, as it knows but one. joserfc does, and a token that claims another is a forgery's."""
    value = sign({"alg": alg}, {"iss": ISSUER, "sub": SUBJECT, "iat": NOW, "exp": NOW + 300}, "sk_ours")
    assert theirs(value, "sk_ours")
    assert not ours(value, "sk_ours")
