import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, SecretStr

from ringbridge.telemetry.secrets import Scrub, secret_values

SECRET = 'sk_Zür/ich+1 "7"\\'


@pytest.mark.parametrize(
    "spelled",
    [
        SECRET,
        quote(SECRET),
        quote(SECRET, safe=""),
        quote(SECRET, safe="").lower(),
        quote_plus(SECRET),
        json.dumps(SECRET)[1:-1],
        json.dumps(SECRET, ensure_ascii=False)[1:-1],
        repr(SECRET)[1:-1],
    ],
)
def test_a_secret_goes_however_it_is_spelled(spelled):
    assert Scrub((SECRET,))(f"GET /?key={spelled}&x=1") == "GET /?key=(secret)&x=1"


def test_of_two_the_longer_goes_whole():
    assert Scrub(("secret", "secret-of-two"))("a secret-of-two, a secret") == "a (secret), a (secret)"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            "wss://api.elevenlabs.io/v1/convai?agent_id=a&conversation_signature=cvtkn_01&b=2",
            "wss://api.elevenlabs.io/v1/convai?agent_id=a&conversation_signature=(secret)&b=2",
        ),
        ("redis://user:pass@host:6379/0", "redis://(secret)@host:6379/0"),
        ("{'Authorization': 'Basic QUM3Nzc6dG9rZW4='}", "{'Authorization': 'Basic (secret)'}"),
        ("authorization: bearer sk-abcdefgh", "authorization: bearer (secret)"),
        ("token eyJhbGciOi.eyJpc3Mi.c2ln-x", "token (secret)"),
        ("https://bridge.test/incoming-call", "https://bridge.test/incoming-call"),
        ("mail me@example.com at https://x.test/a", "mail me@example.com at https://x.test/a"),
    ],
)
def test_what_looks_like_one_goes_though_nobody_told_of_it(text, shown):
    assert Scrub()(text) == shown


def test_a_word_of_three_letters_is_no_secret():
    assert Scrub(("the",))("the call") == "the call"


@given(st.text(min_size=4), st.text(), st.text())
def test_no_secret_is_left_in_any_text_nor_in_its_json(secret, before, after):
    text = Scrub((secret,))(json.dumps(before + secret + after))
    # What stands in its place may be the secret's own letters.
    assert json.dumps(secret)[1:-1] not in text.replace("(secret)", "") or secret in "(secret)"


def test_every_secret_of_the_settings_is_known_part_by_part():
    class Two(BaseModel):
        token: SecretStr = SecretStr("new-token, old-token")
        keys: SecretStr = SecretStr("host=key-of-host,other:8000=key-of-other")
        none: SecretStr | None = None
        name: str = "name"

    secrets = set(secret_values(Two()))
    assert {"new-token", "old-token", "key-of-host", "key-of-other"} <= secrets
    assert "name" not in secrets
