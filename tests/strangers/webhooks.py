"""Strangers who pose as Twilio in a webhook."""

import json
from collections.abc import Iterator
from hashlib import sha256
from xml.etree import ElementTree as ET

from ..integration.raw_house import House, call_token, new_call_sid, noise
from ..integration.raw_http import Message
from ..integration.raw_proofs import ACCOUNT_SID, API_KEY, CALLED, CALLER, HOST, twilio_signature
from .row import WEBHOOKS, Answer, Row, posts, sends, signature
from .row import request as raw

SID = "CA" + "d" * 32
FORM = [
    ("AccountSid", ACCOUNT_SID),
    ("ApiVersion", "2010-04-01"),
    ("CallSid", SID),
    ("CallStatus", "in-progress"),
    ("Direction", "inbound"),
    ("From", CALLER),
    ("To", CALLED),
]
SAFE_VERBS = {"Response", "Say", "Dial", "Number", "Hangup", "Connect", "Stream", "Parameter", "Record", "Redirect"}


def signatures() -> Iterator[Row]:
    for path in WEBHOOKS:
        good = signature(path, FORM)
        forgeries = {
            "empty": [""],
            "rubbish": ["x" * 28],
            "truncated": [good[:-1]],
            "in other letters": [good.swapcase()],
            "doubled": [good, good],
            "right after wrong": ["x" * 28, good],
            "both in one": [f"{good}, {good}"],
            "other token's": [signature(path, FORM, "0" * 32)],
            "API key's": [signature(path, FORM, API_KEY)],
            "over the URL alone": [signature(path)],
            "over http": [twilio_signature(f"http://{HOST}{path}", FORM)],
            "over another host": [twilio_signature(f"https://evil.test{path}", FORM)],
            "over another path": [signature("/elsewhere", FORM)],
        }
        yield Row(f"{path}: signature missing", (403,), posts(path, FORM, signed=False))
        for kind, values in forgeries.items():
            headers = [("X-Twilio-Signature", value) for value in values]
            yield Row(f"{path}: signature {kind}", (403,), posts(path, FORM, signed=False, headers=headers))


def fields() -> Iterator[Row]:
    path = "/incoming-call"
    good = signature(path, FORM)

    def with_good(name: str, form: list[tuple[str, str]], *expected: int) -> Row:
        headers = {"X-Twilio-Signature": good}
        return Row(f"captured signature, {name}", expected or (403,), posts(path, form, signed=False, headers=headers))

    yield with_good("a field less", FORM[1:])
    yield with_good("a field more", [*FORM, ("To", "+14155550199")])
    yield with_good(
        "another call's id", [("CallSid", "CA" + "0" * 32) if name == "CallSid" else (name, v) for name, v in FORM]
    )
    yield with_good("a second call id", [*FORM, ("CallSid", "CA" + "0" * 32)])
    rest = "".join(name + value for name, value in FORM[3:])
    yield with_good("cut so that no call is named", [FORM[0], ("ApiVersion", "2010-04-01CallSid" + SID + rest)], 400)

    nameless = {"no fields": [], "an empty call id": [("CallSid", "")], "no call id": [("From", CALLER)]}
    for name, form in nameless.items():
        for hook in WEBHOOKS:
            yield Row(f"{hook}: signed, {name}", (400,), posts(hook, form))
    for sid in (f"{SID}\n", "CA" + "ß" * 32, f"../{SID[3:]}", f"CA{'%00' * 10}aa", SID * 2):
        yield Row(f"signed, call id {sid!r}", (400,), posts(path, [("CallSid", sid), *FORM[3:]]))
    body = json.dumps({"CallSid": SID, "CallStatus": "ringing"}).encode()
    target = f"{path}?bodySHA256={sha256(body).hexdigest()}"
    yield Row("signed JSON is no form", (400,), posts(target, body=body, content_type="application/json"))


def bodies() -> Iterator[Row]:
    kinds = {
        "binary": ("application/octet-stream", noise(5000), 400),
        "binary form": (None, noise(5000), 400),
        "JSON": ("application/json", b'{"CallSid": "CA1"}', 403),
        "deep JSON": ("application/json", b"[" * 50_000, 403),
        "multipart": ("multipart/form-data; boundary=x", b"--x\r\n\r\nCA1", 400),
        "multipart without boundary": ("multipart/form-data", b"--x", 400),
        "endless parameters": ("application/x-www-form-urlencoded" + "; a=b" * 500, b"a=b", 403),
        "deep form": (None, b"a" + b"[a]" * 10_000 + b"=1", 403),
        "ten thousand fields": (None, b"a&" * 10_000, 400),
        "bad percent-encoding": (None, b"CallSid=%&From=%zz&%=%%%", 403),
        "bad UTF-8": (None, b"CallSid=\xff\xfe&From=%ff%fe", 400),
        "lone surrogate": (None, b"CallSid=%ed%a0%80", 403),
        "NUL": (None, b"CallSid=%00\x00", 403),
        "UTF-16": ("application/x-www-form-urlencoded; charset=utf-16", "CallSid=CA1".encode("utf-16"), 400),
        "XML bomb": ("text/xml", b'<!DOCTYPE a [<!ENTITY b "bb">]><a>&b;</a>', 400),
        "type of rubbish": (";;;/=", b"a=1", 400),
    }
    for name, (content_type, body, status) in kinds.items():
        given = {} if content_type is None else {"content_type": content_type}
        yield Row(f"body: {name}", (status,), posts("/incoming-call", body=body, **given))


def markup() -> Iterator[Row]:
    """XML in what a caller may choose. Twilio has signed it; the document that is answered must not be theirs."""
    attacks = (
        "</Say><Dial>+900123456</Dial>",
        '"><Redirect>https://evil.test/</Redirect>',
        "<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]>&b;",
        "]]><Play>https://evil.test/a.mp3</Play><![CDATA[",
        "\x00\x01\x0b\ufffe",
        "sip:evil@evil.test;<Dial/>",
    )
    for field in ("From", "To", "CallerName", "Digits", "FromCountry", "ToCountry", "DialCallStatus", "RecordingUrl"):
        for number, attack in enumerate(attacks):
            path = WEBHOOKS[number % len(WEBHOOKS)]
            form = [pair for pair in FORM if pair[0] != field and pair[0] != "CallSid"]
            form += [(field, attack), ("CallSid", new_call_sid())]
            yield Row(f"{path}: markup {number + 1} in {field}", (200, 204), posts(path, form), is_ours)


def is_ours(answer: Message) -> None:
    """A well-formed document of our own verbs, or none at all."""
    assert b"evil" not in answer.body
    assert b"900123456" not in answer.body
    if answer.body:
        assert {element.tag for element in ET.fromstring(answer.body).iter()} <= SAFE_VERBS


def replays() -> Iterator[Row]:
    async def of_a_known_call(home: House) -> Answer:
        form = home.form(new_call_sid(), "in-progress")
        first = await home.twilio.post("/incoming-call", form)
        assert call_token(first)
        again = await home.twilio.post("/incoming-call", form, **{"I-Twilio-Idempotency-Token": "another"})
        assert again.body == first.body  # the same token, which works once
        return again

    yield Row("a webhook, replayed as it is", (200,), of_a_known_call)
    for status in ("completed", "busy", "failed", "no-answer", "canceled"):
        for path in WEBHOOKS:
            form = [*FORM[:3], ("CallStatus", status), *FORM[4:]]
            yield Row(f"{path}: replayed when the call was {status}", (200, 204), posts(path, form), is_ours)
    for path in WEBHOOKS[1:]:
        yield Row(f"{path}: about a call that nobody knows", (200, 204), posts(path, FORM), is_ours)
    with_query = signature("/incoming-call?a=1", FORM)
    yield Row(
        "a signature over another query",
        (403,),
        sends(raw("POST", "/incoming-call?a=2", {"X-Twilio-Signature": with_query, "Content-Length": "0"})),
    )
