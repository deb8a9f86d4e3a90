"""A webhook that was refused, captured in whichever form: what it was signed for."""

import base64
import json
from urllib.parse import urlencode

import pytest
from multidict import MultiDict
from twilio.request_validator import RequestValidator

from ringbridge.doctor.captured import NotCaptured, read_captured
from ringbridge.doctor.refused import explain
from ringbridge.public_url import PublicUrl

TOKEN, OLDER = "0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"
ACCOUNT = "AC" + "1" * 32
FORM = {"AccountSid": ACCOUNT, "CallSid": "CA" + "2" * 32, "CallerName": "Zoë & Söhne", "FromCity": ""}
BODY = urlencode(FORM)
OURS = PublicUrl("bridge.test")


def sign(url, form=FORM, token=TOKEN):
    return RequestValidator(token).compute_signature(url, MultiDict(form))


def dump(signed, *, target="/incoming-call", body=BODY, form=FORM, token=TOKEN, method="POST", **headers):
    """A request as it came over the wire, signed for the URL `signed`."""
    headers = {"Host": "bridge.test", "X-Twilio-Signature": sign(signed, form, token), **headers}
    lines = [f"{method} {target} HTTP/1.1", *(f"{name.replace('_', '-')}: {text}" for name, text in headers.items())]
    return "\r\n".join([*lines, "", body])


def verdict(text, *, ours=OURS):
    found = explain(read_captured(text), ours, (TOKEN, OLDER), ACCOUNT)
    told = found.found + found.mend
    assert not any(secret in told for secret in (TOKEN, OLDER, "Zoë", "CA222", sign("https://bridge.test/")))
    return found


def test_one_that_would_be_taken():
    found = verdict(dump("https://bridge.test/incoming-call"))

    assert found.outcome == "ok"
    assert found.found.startswith("signed for https://bridge.test/incoming-call with the auth token in use")


def test_the_older_token():
    assert "the older of the two" in verdict(dump("https://bridge.test/incoming-call", token=OLDER)).found


@pytest.mark.parametrize(
    ("signed", "headers"),
    [
        ("http://bridge.test/incoming-call", {}),
        ("https://bridge.test:8443/incoming-call", {"X_Forwarded_Port": "8443"}),
        ("https://old.example.com/incoming-call", {"Host": "old.example.com"}),
        ("https://old.example.com/incoming-call", {"X_Forwarded_Host": "old.example.com, 10.0.0.1"}),
        ("https://old.example.com/incoming-call", {"Forwarded": 'for=1.2.3.4;host="old.example.com";proto=https'}),
        ("https://10.0.0.7:3001/incoming-call", {"Host": "10.0.0.7:3001"}),
    ],
)
def test_another_address(signed, headers):
    found = verdict(dump(signed, **headers))

    assert found.outcome == "failure"
    assert f"signed for {signed} with the auth token in use" in found.found
    assert "the bridge checks https://bridge.test/incoming-call" in found.found
    assert "ringbridge setup --apply" in found.mend


def test_the_default_port_is_no_difference():
    assert verdict(dump("https://bridge.test:443/incoming-call")).outcome == "ok"


@pytest.mark.parametrize(
    ("signed", "arrived", "told"),
    [
        ("/incoming-call", "/incoming-call/", "/incoming-call"),
        ("/incoming-call/", "/incoming-call", "/incoming-call/"),
        ("/incoming-call", "/incoming-call?tenant=secret", "/incoming-call"),
    ],
)
def test_an_altered_path(signed, arrived, told):
    found = verdict(dump(f"https://bridge.test{signed}", target=arrived))

    assert f"signed for https://bridge.test{told} with" in found.found
    assert "arrived" in found.found
    assert "secret" not in found.found
    assert "the path and the query" in found.mend


def test_a_prefix_that_was_cut_off():
    text = dump("https://bridge.test/voice/incoming-call", X_Forwarded_Prefix="/voice/")

    assert "signed for https://bridge.test/voice/incoming-call" in verdict(text).found


def test_a_form_that_was_not_signed():
    assert "it was added on the way" in verdict(dump("https://bridge.test/incoming-call", form={})).found


def test_a_get_that_became_a_post():
    signed = "https://bridge.test/incoming-call?CallStatus=ringing"
    text = dump(signed, form={}, body="CallStatus=ringing")

    assert "it was a GET" in verdict(text).found


def test_an_upgrade():
    signed = "wss://bridge.test/media-stream"
    text = dump(signed, target="/media-stream", form={}, body="", method="GET", Upgrade="websocket")

    assert verdict(text).outcome == "ok"
    text = dump(
        signed.replace("bridge", "old"), target="/media-stream", form={}, body="", method="GET", Host="old.test"
    )
    assert "signed for wss://old.test/media-stream" in verdict(text).found


def test_a_query_is_signed_too():
    found = verdict(dump("https://bridge.test/incoming-call?tenant=secret", target="/incoming-call?tenant=secret"))

    assert found.outcome == "ok"
    assert "?tenant=…" in found.found


def test_another_account():
    body = urlencode(FORM | {"AccountSid": "AC" + "9" * 32})
    found = verdict(dump("https://bridge.test/incoming-call", body=body, token="f" * 32))

    assert "another account, AC…9999" in found.found
    assert (
        "which is none of Twilio's" in verdict(dump("https://x.test/", body="AccountSid=AC;rm", token="f" * 32)).found
    )


def test_nothing_fits():
    assert "check TWILIO_AUTH_TOKEN" in verdict(dump("https://bridge.test/incoming-call", token="f" * 32)).mend
    assert "its body is not in the file" in verdict(dump("https://bridge.test/incoming-call", body="")).found


# The forms in which a request is captured

SIGNED = "https://bridge.test/incoming-call"


def curl_v():
    head = dump(SIGNED, body="").strip().split("\r\n")
    sent = "\n".join(f"> {line}" for line in head)
    return (
        f"* Connected to bridge.test (203.0.113.7) port 443\n{sent}\n>\n}} [412 bytes data]\n{BODY}\n"
        "< HTTP/1.1 403 Forbidden\n< Content-Length: 0\n<\n* Connection #0 left intact\n"
    )


def curl_command():
    return (
        f"$ curl -X POST '{SIGNED}' \\\n  -H 'X-Twilio-Signature: {sign(SIGNED)}' \\\n"
        f"  -H 'Content-Type: application/x-www-form-urlencoded' --data-raw '{BODY}' --compressed\n"
    )


def nginx_debug():
    at = "2026/01/01 12:00:00 [debug] 7#7: *1 "
    head = dump(SIGNED, body="").strip().split("\r\n")
    lines = [f'{at}http request line: "{head[0]}"', *(f'{at}http header: "{line}"' for line in head[1:])]
    return "\n".join([*lines, f"{at}http header done", BODY, ""])


def nginx_json():
    return json.dumps(
        {
            "time": "2026-01-01T12:00:00Z",
            "request": "POST /incoming-call HTTP/1.1",
            "host": "bridge.test",
            "http_x_twilio_signature": sign(SIGNED),
            "request_body": BODY,
            "status": 403,
        }
    )


def inspector():
    headers = {"Host": ["bridge.test"], "X-Twilio-Signature": [sign(SIGNED)]}
    return json.dumps({"request": {"method": "POST", "uri": "/incoming-call", "headers": headers, "body": BODY}})


def ngrok():
    raw = base64.b64encode(dump(SIGNED).encode()).decode()
    return json.dumps({"uri": "/api/requests/http/1", "request": {"method": "POST", "uri": "/x", "raw": raw}})


@pytest.mark.parametrize("form", [curl_v, curl_command, nginx_debug, nginx_json, inspector, ngrok])
def test_forms(form):
    assert verdict(form()).outcome == "ok"


def test_words_before_a_dump():
    assert (
        verdict("The proxy got this:\n\n" + dump(SIGNED).replace("\r\n", "\n") + "\n\nand said 403.\n").outcome == "ok"
    )


@pytest.mark.parametrize("text", ["", "hello", "{}", '{"a": 1', "curl 'unclosed", "POST /", "X-Twilio-Signature: abc"])
def test_what_is_no_request(text):
    with pytest.raises(NotCaptured, match="no request is in the file"):
        read_captured(text)


def test_a_request_without_a_signature():
    captured = read_captured("POST /incoming-call HTTP/1.1\nHost: bridge.test\n\nA=1")

    with pytest.raises(NotCaptured, match="0 headers X-Twilio-Signature"):
        explain(captured, OURS, (TOKEN,), ACCOUNT)
