"""Twilio's signature, against the SDK's own computing side."""

import json
from hashlib import sha256

import pytest
from multidict import MultiDict
from twilio.request_validator import RequestValidator

from ringbridge.wire.signatures import Signed, check, diagnose

ORIGIN = "https://bridge.test"
TARGET = "/incoming-call"
TOKEN = "0123456789abcdef0123456789abcdef"
OLD_TOKEN = "fedcba9876543210fedcba9876543210"
FIELDS = MultiDict([("CallSid", "CA1"), ("From", "+15550100"), ("Digits", "2"), ("Digits", "1"), ("CallerName", "Zoë")])


def sign(url, fields=(), token=TOKEN):
    return RequestValidator(token).compute_signature(url, fields)


def signed_as(url, *, origin=ORIGIN, target=TARGET, fields=FIELDS, token=TOKEN, upgrade=False):
    return Signed(origin, target, sign(url, fields, token), fields, upgrade)


def found(signed, *, tokens=(TOKEN,), host=None, forwarded_host=None):
    diagnosis = diagnose(signed, tokens, host=host, forwarded_host=forwarded_host)
    return diagnosis.match, diagnosis.token


def test_what_twilio_signed_is_accepted():
    assert check(signed_as(ORIGIN + TARGET), [TOKEN])


def test_query_is_signed_as_it_came():
    target = "/incoming-call?b=%2f&a=1&empty="
    assert check(signed_as(ORIGIN + target, target=target), [TOKEN])
    assert not check(signed_as(ORIGIN + "/incoming-call?b=%2F&a=1&empty=", target=target), [TOKEN])


def test_every_value_of_a_repeated_field_counts():
    assert not check(signed_as(ORIGIN + TARGET, fields=dict(FIELDS)), [OLD_TOKEN])
    assert not check(Signed(ORIGIN, TARGET, sign(ORIGIN + TARGET, dict(FIELDS)), FIELDS), [TOKEN])


@pytest.mark.parametrize("tokens", [(TOKEN, OLD_TOKEN), (OLD_TOKEN, TOKEN)])
def test_either_token_is_accepted_while_they_are_rotated(tokens):
    assert check(signed_as(ORIGIN + TARGET), tokens)


def test_no_token_accepts_nothing():
    assert not check(signed_as(ORIGIN + TARGET), ())


@pytest.mark.parametrize("port", ["", ":443"])
def test_default_port_may_be_spelled_out(port):
    assert check(signed_as(ORIGIN + port + TARGET), [TOKEN])


@pytest.mark.parametrize("port", ["", ":8443"])
def test_our_own_port_may_be_left_out(port):
    assert check(signed_as(ORIGIN + port + TARGET, origin=ORIGIN + ":8443"), [TOKEN])


@pytest.mark.parametrize(
    "url", ["http://bridge.test", "wss://bridge.test", "https://bridge.test:8443", "https://b.test"]
)
def test_another_url_is_refused(url):
    assert not check(signed_as(url + TARGET), [TOKEN])


@pytest.mark.parametrize("scheme", ["wss", "https"])
@pytest.mark.parametrize("port", ["", ":443"])
def test_upgrade_is_accepted_as_wss_or_https(scheme, port):
    target = "/media-stream"
    url = f"{scheme}://bridge.test{port}{target}"
    assert check(signed_as(url, target=target, fields={}, upgrade=True), [TOKEN])


@pytest.mark.parametrize("port", ["", ":8443"])
def test_upgrade_on_our_own_port(port):
    signed = signed_as(f"wss://bridge.test{port}/m", origin=ORIGIN + ":8443", target="/m", fields={}, upgrade=True)
    assert check(signed, [TOKEN])


@pytest.mark.parametrize("scheme", ["ws", "http"])
def test_upgrade_signed_in_clear_is_refused(scheme):
    signed = signed_as(f"{scheme}://bridge.test/m", target="/m", fields={}, upgrade=True)
    assert not check(signed, [TOKEN])


@pytest.mark.parametrize(
    "target", ["http://bridge.test/incoming-call", "", "*", "incoming-call", "@evil.test/incoming-call", ".evil.test/"]
)
def test_target_that_is_no_path_is_refused_whatever_it_signs(target):
    assert not check(signed_as(ORIGIN + target, target=target), [TOKEN])


def test_bytes_that_are_no_text_are_refused():
    target = b"/incoming-call\xff".decode("utf-8", "surrogateescape")
    signed = Signed(ORIGIN, target, "x" * 28, FIELDS)
    assert not check(signed, [TOKEN])
    assert str(diagnose(signed, [TOKEN], host=None, forwarded_host=None)).isascii()


@pytest.mark.parametrize("signature", ["", "x", "é" * 28, "\udcff" * 28, "A" * 10_000])
def test_rubbish_is_no_signature(signature):
    assert not check(Signed(ORIGIN, TARGET, signature, FIELDS), [TOKEN])


def test_json_body_is_held_to_its_hash():
    body = json.dumps({"CallSid": "CA1"})
    target = f"/incoming-call?bodySHA256={sha256(body.encode()).hexdigest()}"
    signature = sign(ORIGIN + target)
    assert check(Signed(ORIGIN, target, signature, body), [TOKEN])
    assert not check(Signed(ORIGIN, target, signature, body + " "), [TOKEN])


def test_json_body_without_hash_is_refused():
    assert not check(Signed(ORIGIN, TARGET, sign(ORIGIN + TARGET), "{}"), [TOKEN])
    assert not check(Signed(ORIGIN, TARGET + "?bodySHA256", sign(ORIGIN + TARGET), "{}"), [TOKEN])


def test_diagnosis_tells_what_was_checked():
    diagnosis = diagnose(signed_as("http://x"), [TOKEN], host=None, forwarded_host=None)
    assert diagnosis.checked == ("https://bridge.test/incoming-call",)
    assert diagnosis.field_count == 5
    upgrade = diagnose(Signed(ORIGIN, "/m", "", upgrade=True), [TOKEN], host=None, forwarded_host=None)
    assert upgrade.checked == ("wss://bridge.test/m", "https://bridge.test/m")


def test_diagnosis_finds_a_webhook_that_was_entered_as_http():
    assert found(signed_as("http://bridge.test/incoming-call")) == ("http://bridge.test/incoming-call", "current")


@pytest.mark.parametrize("scheme", ["ws", "http"])
def test_diagnosis_finds_a_stream_in_clear(scheme):
    url = f"{scheme}://bridge.test/m"
    assert found(signed_as(url, target="/m", fields={}, upgrade=True)) == (url, "current")


def test_diagnosis_finds_a_port_that_we_have_and_twilio_has_not():
    signed = signed_as("http://bridge.test/incoming-call", origin=ORIGIN + ":8443")
    assert found(signed) == ("http://bridge.test/incoming-call", "current")


def test_diagnosis_finds_a_port_that_twilio_has_and_we_have_not():
    url = "https://bridge.test:8443/incoming-call"
    assert found(signed_as(url), host="bridge.test:8443") == (url, "current")


def test_diagnosis_finds_the_old_name_of_a_tunnel():
    url = "https://old.ngrok.test/incoming-call"
    assert found(signed_as(url), host="old.ngrok.test") == (url, "current")
    assert found(signed_as(url), host="localhost:3001", forwarded_host="old.ngrok.test, inner.test") == (url, "current")
    assert found(signed_as(url), host="localhost:3001") == (None, None)


def test_diagnosis_tells_which_token():
    signed = signed_as("http://bridge.test/incoming-call", token=OLD_TOKEN)
    assert found(signed, tokens=(TOKEN, OLD_TOKEN)) == ("http://bridge.test/incoming-call", "other")
    assert found(signed) == (None, None)


def test_diagnosis_is_one_line_without_values():
    target = "/incoming-call?key=s3cret&name=Ann\u2028"
    signed = signed_as("http://bridge.test" + target, target=target)
    text = str(diagnose(signed, [TOKEN], host=None, forwarded_host=None))
    assert "https://bridge.test/incoming-call?key=...&name=..." in text
    assert "http://bridge.test/incoming-call?key=...&name=..." in text
    assert "5 fields" in text
    assert text.isprintable()
    for secret in ("s3cret", "Ann", "+15550100", "CA1", TOKEN, signed.signature):
        assert secret not in text


def test_diagnosis_of_a_stranger_names_the_token_and_is_short():
    target = "/" + "a\\é\x1b" * 50_000
    text = str(diagnose(Signed(ORIGIN, target, "x"), [TOKEN], host="\x1b" * 9000, forwarded_host="\n"))
    assert "TWILIO_AUTH_TOKEN" in text
    assert len(text) < 1000
    assert text.isprintable()


def test_neither_shows_the_signature_or_the_fields():
    signed = signed_as(ORIGIN + TARGET)
    assert signed.signature not in repr(signed)
    assert "+15550100" not in repr(signed)
