import base64
import hashlib
import hmac

import pytest
from itsdangerous import Signer

from ringbridge.calls import tokens
from ringbridge.calls.tokens import LIFE_SECONDS, CallTokens
from ringbridge.errors import TokenRefused

NOW = 1_800_000_000.75
CALL = "CA" + "0" * 32
ACCOUNT = "AC" + "0" * 32
SECRET = "a secret of enough characters"
OLD_SECRET = "the one that was set before it"


@pytest.fixture
def ours():
    return CallTokens([SECRET])


def issue(by, *, call=CALL, account=ACCOUNT, now=NOW, nonce="nonce-of-22-characters"):
    return by.issue(call, account, now=now, nonce=nonce)


def test_token_is_good_for_its_call(ours):
    ours.redeem(issue(ours), CALL, ACCOUNT, now=NOW + 1)


def test_token_fits_into_a_parameter(ours):
    assert len("token" + issue(ours, nonce="n" * 43)) < 500
    assert len(issue(ours)) < 150


def test_token_works_once(ours):
    token = issue(ours)
    ours.redeem(token, CALL, ACCOUNT, now=NOW)
    with pytest.raises(TokenRefused, match="spent"):
        ours.redeem(token, CALL, ACCOUNT, now=NOW + LIFE_SECONDS - 2)


def test_each_token_of_a_call_works(ours):
    first, second = issue(ours, nonce="1"), issue(ours, nonce="2")
    ours.redeem(second, CALL, ACCOUNT, now=NOW)
    ours.redeem(first, CALL, ACCOUNT, now=NOW)


def test_token_lasts_90_seconds(ours):
    token = issue(ours, now=1000)
    with pytest.raises(TokenRefused, match="stale"):
        ours.redeem(token, CALL, ACCOUNT, now=1090)
    ours.redeem(token, CALL, ACCOUNT, now=1089.9)


@pytest.mark.parametrize(("call", "account"), [("CA" + "1" * 32, ACCOUNT), (CALL, "AC" + "1" * 32), ("", "")])
def test_another_calls_token_is_refused_and_stays_good(ours, call, account):
    token = issue(ours)
    with pytest.raises(TokenRefused, match="another call's"):
        ours.redeem(token, call, account, now=NOW)
    ours.redeem(token, CALL, ACCOUNT, now=NOW)


def test_tokens_are_checked_by_any_process_with_the_secret(ours):
    CallTokens([SECRET]).redeem(issue(ours), CALL, ACCOUNT, now=NOW)


def test_first_secret_signs_and_all_are_accepted():
    rotating = CallTokens([SECRET, OLD_SECRET])
    rotating.redeem(issue(CallTokens([OLD_SECRET]), nonce="old"), CALL, ACCOUNT, now=NOW)
    CallTokens([SECRET]).redeem(issue(rotating), CALL, ACCOUNT, now=NOW)
    with pytest.raises(TokenRefused, match="forged"):
        CallTokens([OLD_SECRET]).redeem(issue(rotating), CALL, ACCOUNT, now=NOW)


def test_key_is_derived_for_this_purpose_alone(ours):
    # HKDF by the book: RFC 5869, sections 2.2 and 2.3
    pseudorandom = hmac.digest(b"\0" * 32, SECRET.encode(), "sha256")
    key = hmac.digest(pseudorandom, b"call-token\x01", "sha256")
    said, _, signature = issue(ours).rpartition(".")
    assert b64(hmac.digest(key, said.encode(), "sha256")) == signature


def b64(value):
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


SAID = f"n:{int(NOW) + 90}:{CALL}:{ACCOUNT}"


@pytest.mark.parametrize(
    "forged",
    [
        "",
        "x",
        ".",
        "..",
        "é.é.é",
        "\udcff",
        SAID,
        f"{SAID}.",
        f"{SAID}.x",
        f"{SAID}.{b64(bytes(32))}",
        f"{SAID}.{b64(hashlib.sha256(SAID.encode()).digest())}",
        Signer(SECRET, key_derivation="none", digest_method=hashlib.sha256).sign(SAID).decode(),
        Signer(SECRET).sign(SAID).decode(),
        f"{'A' * 100_000}.A",
    ],
)
def test_forged_token_is_refused(ours, forged):
    with pytest.raises(TokenRefused, match="forged"):
        ours.redeem(forged, CALL, ACCOUNT, now=NOW)


def test_any_changed_character_is_refused(ours):
    token = issue(ours)
    for where in range(len(token)):
        other = "A" if token[where] != "A" else "B"
        changed = token[:where] + other + token[where + 1 :]
        if (
            base64.urlsafe_b64decode(changed.rpartition(".")[2] + "=")
            == base64.urlsafe_b64decode(token.rpartition(".")[2] + "=")
            and where == len(token) - 1
        ):
            continue  # two of the last character's bits mean nothing
        with pytest.raises(TokenRefused):
            ours.redeem(changed, CALL, ACCOUNT, now=NOW)


def test_refusal_does_not_repeat_the_token(ours):
    with pytest.raises(TokenRefused) as caught:
        ours.redeem(issue(CallTokens([OLD_SECRET])), CALL, ACCOUNT, now=NOW)
    assert "." not in str(caught.value)
    assert SECRET not in repr(ours)


def test_spent_tokens_are_forgotten_once_they_are_stale(ours):
    for second in range(0, 10 * LIFE_SECONDS, 10):
        ours.redeem(issue(ours, now=NOW + second, nonce=str(second)), CALL, ACCOUNT, now=NOW + second)
    assert len(ours._spent) == LIFE_SECONDS / 10


def test_spent_tokens_are_bounded(ours, monkeypatch):
    monkeypatch.setattr(tokens, "MAX_SPENT", 3)
    for number in range(5):
        ours.redeem(issue(ours, nonce=str(number)), CALL, ACCOUNT, now=NOW)
    assert list(ours._spent) == ["2", "3", "4"]
