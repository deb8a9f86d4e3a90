"""TwiML, read as strictly as Twilio: a verb, attribute, value or nesting that is not documented is an error.

https://www.twilio.com/docs/voice/twiml. Only the verbs that the twin can carry out are known.
"""

import xml.etree.ElementTree as ET
from dataclasses import dataclass
from typing import Literal, TypeAlias

from ringbridge.emulator.twilio.account import Method
from ringbridge.emulator.twilio.schema import check

__all__ = [
    "Callee",
    "Connect",
    "Dial",
    "Hangup",
    "Pause",
    "Play",
    "Record",
    "Redirect",
    "Reject",
    "Say",
    "Stream",
    "TwimlError",
    "Verb",
    "read_document",
]

XML_TYPES = {"text/xml", "application/xml", "text/html"}
"""What Twilio reads as TwiML: https://www.twilio.com/docs/voice/twiml, "MIME types"."""


class TwimlError(Exception):
    """A document that can't be carried out. `code` is Twilio's error."""

    def __init__(self, code: int, why: str) -> None:
        self.code = code
        super().__init__(why)


@dataclass(frozen=True, slots=True)
class Stream:
    """A media stream. The URLs are as written."""

    url: str
    name: str | None
    status_callback: str | None
    status_callback_method: Method
    parameters: dict[str, str]


@dataclass(frozen=True, slots=True)
class Connect:
    """A bidirectional stream; `action` is asked when it has ended."""

    stream: Stream
    action: str | None
    method: Method


@dataclass(frozen=True, slots=True)
class Say:
    """Text to be spoken, `loop` times."""

    text: str
    voice: str | None
    language: str | None
    loop: int


@dataclass(frozen=True, slots=True)
class Play:
    """Keys to be pressed towards the caller, or an audio file to be played, `loop` times; with both, in this order."""

    url: str
    loop: int
    digits: str = ""


@dataclass(frozen=True, slots=True)
class Callee:
    """Who is dialled. `whisper` is asked for what they hear before the caller does; the URLs are as written."""

    number: str
    whisper: str | None
    whisper_method: Method
    status_callback: str | None
    status_callback_method: Method
    status_callback_events: frozenset[str]


@dataclass(frozen=True, slots=True)
class Dial:
    """Somebody else to be called; `attributes` are all as written."""

    callee: Callee
    caller_id: str | None
    timeout: int
    time_limit: int
    action: str | None
    method: Method
    attributes: dict[str, str]


@dataclass(frozen=True, slots=True)
class Hangup:
    """The end of the call."""


@dataclass(frozen=True, slots=True)
class Redirect:
    """Goes on with another document."""

    url: str
    method: Method


@dataclass(frozen=True, slots=True)
class Pause:
    """Silence."""

    seconds: int


@dataclass(frozen=True, slots=True)
class Reject:
    """Ends the call without answering it."""

    reason: Literal["rejected", "busy"]


@dataclass(frozen=True, slots=True)
class Record:
    """A message to be recorded: until `timeout` s of silence or one of `keys`, for `max_length` s at most.

    The URLs are as written; without `action` the document's own is asked again.
    """

    action: str | None
    method: Method
    timeout: int
    max_length: int
    keys: str
    beep: bool
    status_callback: str | None
    status_callback_method: Method
    status_callback_events: frozenset[str]


Verb: TypeAlias = Connect | Say | Play | Dial | Hangup | Redirect | Pause | Reject | Record


def read_document(body: bytes, content_type: str) -> list[Verb]:
    """Read what a webhook answered. Raises `TwimlError`."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind not in XML_TYPES and not kind.endswith("+xml"):
        raise TwimlError(12300, f"{content_type!r} is not XML")
    if b"<!DOCTYPE" in body:
        raise TwimlError(12100, "a document type is not allowed")
    try:
        root = ET.fromstring(body)  # noqa: S314 - without a document type there are no entities to expand
    except (ET.ParseError, ValueError, LookupError) as error:
        raise TwimlError(12100, str(error)) from None
    if root.tag != "Response":
        raise TwimlError(12102, f"the root is <{root.tag}>")
    if problem := check(root):
        raise TwimlError(12200, problem)
    return [_verb(element) for element in root]


def _verb(element: ET.Element) -> Verb:
    given = element.attrib
    match element.tag:
        case "Connect":
            return Connect(_stream(element[0]), given.get("action"), _method(given.get("method")))
        case "Say":
            text = " ".join("".join(element.itertext()).split())
            return Say(text, given.get("voice"), given.get("language"), int(given.get("loop", 1)))
        case "Play":
            return Play(_text(element), int(given.get("loop", 1)), given.get("digits", ""))
        case "Dial":
            return _dial(element)
        case "Redirect":
            return Redirect(_text(element), _method(given.get("method")))
        case "Pause":
            return Pause(int(given.get("length", 1)))
        case "Record":
            return _record(element)
        case "Reject":
            return Reject("busy" if given.get("reason") == "busy" else "rejected")
        case _:
            return Hangup()


def _stream(element: ET.Element) -> Stream:
    return Stream(
        url=element.attrib["url"],
        name=element.get("name"),
        status_callback=element.get("statusCallback"),
        status_callback_method=_method(element.get("statusCallbackMethod")),
        parameters={parameter.attrib["name"]: parameter.attrib["value"] for parameter in element},
    )


def _dial(element: ET.Element) -> Dial:
    return Dial(
        callee=_callee(element[0] if len(element) else element),
        caller_id=element.get("callerId"),
        timeout=int(element.get("timeout", 30)),
        time_limit=int(element.get("timeLimit", 14400)),
        action=element.get("action"),
        method=_method(element.get("method")),
        attributes=dict(element.attrib),
    )


def _record(element: ET.Element) -> Record:
    """With the defaults of https://www.twilio.com/docs/voice/twiml/record. Silence is never trimmed here."""
    return Record(
        action=element.get("action"),
        method=_method(element.get("method")),
        timeout=int(element.get("timeout", 5)),
        max_length=int(element.get("maxLength", 3600)),
        keys=element.get("finishOnKey", "1234567890*#"),
        beep=element.get("playBeep") != "false",
        status_callback=element.get("recordingStatusCallback"),
        status_callback_method=_method(element.get("recordingStatusCallbackMethod")),
        status_callback_events=frozenset(element.get("recordingStatusCallbackEvent", "completed").split()),
    )


def _callee(element: ET.Element) -> Callee:
    """From a `<Number>`, or from a `<Dial>` that has its number as text; only the former has attributes for it."""
    given = element.attrib if element.tag == "Number" else {}
    return Callee(
        number=_text(element),
        whisper=given.get("url"),
        whisper_method=_method(given.get("method")),
        status_callback=given.get("statusCallback"),
        status_callback_method=_method(given.get("statusCallbackMethod")),
        status_callback_events=frozenset(given.get("statusCallbackEvent", "completed").split()),
    )


def _text(element: ET.Element) -> str:
    return (element.text or "").strip()


def _method(given: str | None) -> Method:
    return "GET" if given == "GET" else "POST"
