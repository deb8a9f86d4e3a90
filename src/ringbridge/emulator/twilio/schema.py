"""What TwiML may hold: verbs, nesting, attributes and their values, as documented.

https://www.twilio.com/docs/voice/twiml and the page of each verb.
"""

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

__all__ = ["check"]

MAX_PARAMETER_CHARACTERS = 500
"""Name and value of a `<Parameter>` together must be shorter: https://www.twilio.com/docs/voice/twiml/stream."""

_Rule: TypeAlias = Callable[[str], bool]


def _anything(_value: str) -> bool:
    return True


def _one_of(*values: str) -> _Rule:
    return lambda value: value in values


def _number(lowest: int, highest: int) -> _Rule:
    return lambda value: re.fullmatch(r"[0-9]{1,9}", value) is not None and lowest <= int(value) <= highest


def _keys(value: str) -> bool:
    return re.fullmatch(r"[0-9*#A-DwW]+", value) is not None


def _events(value: str) -> bool:
    return {"initiated", "ringing", "answered", "completed"}.issuperset(value.split())


def _digits(value: str) -> bool:
    return re.fullmatch(r"[0-9*#]*", value) is not None


def _recording_events(value: str) -> bool:
    return {"in-progress", "completed", "absent"}.issuperset(value.split())


_METHOD = _one_of("GET", "POST")
_BOOLEAN = _one_of("true", "false")
_CALLBACK = {"statusCallback": _anything, "statusCallbackMethod": _METHOD}


@dataclass(frozen=True, slots=True)
class _Element:
    """What one kind of element may hold. `text`: whether it must, may or can't have text of its own."""

    attributes: dict[str, _Rule] = field(default_factory=dict)
    children: frozenset[str] = frozenset()
    needed: frozenset[str] = frozenset()
    text: bool = False


_SSML = frozenset({"break", "emphasis", "lang", "p", "phoneme", "prosody", "s", "say-as", "sub", "w"})

_DIAL = {
    "action": _anything,
    "answerOnBridge": _BOOLEAN,
    "callerId": _anything,
    "hangupOnStar": _BOOLEAN,
    "method": _METHOD,
    "record": _anything,
    "recordingStatusCallback": _anything,
    "recordingStatusCallbackEvent": _anything,
    "recordingStatusCallbackMethod": _METHOD,
    "recordingTrack": _one_of("inbound", "outbound", "both"),
    "referMethod": _METHOD,
    "referUrl": _anything,
    "ringTone": _anything,
    "sequential": _BOOLEAN,
    "timeLimit": _number(1, 86400),
    "timeout": _number(1, 600),
    "trim": _one_of("trim-silence", "do-not-trim"),
}

_ELEMENTS = {
    "Response": _Element(
        children=frozenset({"Connect", "Dial", "Hangup", "Pause", "Play", "Record", "Redirect", "Reject", "Say"})
    ),
    "Connect": _Element({"action": _anything, "method": _METHOD}, frozenset({"Stream"})),
    "Stream": _Element(
        {
            "url": _anything,
            "name": _anything,
            "track": _one_of("inbound_track"),  # the only one that a bidirectional stream has
            "connectorName": _anything,
            **_CALLBACK,
        },
        frozenset({"Parameter"}),
        frozenset({"url"}),
    ),
    "Parameter": _Element({"name": _anything, "value": _anything}, needed=frozenset({"name", "value"})),
    "Say": _Element({"voice": _anything, "language": _anything, "loop": _number(0, 1000)}, _SSML, text=True),
    "Play": _Element({"loop": _number(0, 1000), "digits": _keys}, text=True),
    "Dial": _Element(_DIAL, frozenset({"Number"}), text=True),
    "Number": _Element(
        {"url": _anything, "method": _METHOD, "sendDigits": _anything, "byoc": _anything}
        | {"statusCallbackEvent": _events, **_CALLBACK},
        text=True,
    ),
    "Hangup": _Element(),
    "Redirect": _Element({"method": _METHOD}, text=True),
    "Record": _Element(
        {
            "action": _anything,
            "method": _METHOD,
            "timeout": _number(1, 600),
            "finishOnKey": _digits,
            "maxLength": _number(2, 14400),
            "playBeep": _BOOLEAN,
            "trim": _one_of("trim-silence", "do-not-trim"),
            "recordingStatusCallback": _anything,
            "recordingStatusCallbackMethod": _METHOD,
            "recordingStatusCallbackEvent": _recording_events,
            "transcribe": _BOOLEAN,
            "transcribeCallback": _anything,
        }
    ),
    "Pause": _Element({"length": _number(0, 14400)}),
    "Reject": _Element({"reason": _one_of("rejected", "busy")}),
}


def check(element: ET.Element) -> str | None:
    """Tell the first thing that Twilio would object to in this element, or in those within it."""
    known = _ELEMENTS[element.tag]
    if problem := _check_attributes(element, known) or _check_content(element, known):
        return problem
    for child in element:
        if child.tag not in known.children:
            return f"<{child.tag}> is not allowed in <{element.tag}>, or not known to the twin"
        if child.tag not in _SSML and (problem := check(child)):
            return problem
    return None


def _check_attributes(element: ET.Element, known: _Element) -> str | None:
    for name, value in element.attrib.items():
        if name not in known.attributes:
            return f"<{element.tag}> has no attribute {name!r}"
        if not known.attributes[name](value):
            return f"<{element.tag} {name}={value!r}> is out of range"
    if missing := known.needed - element.attrib.keys():
        return f"<{element.tag}> needs {', '.join(sorted(missing))}"
    return None


def _check_content(element: ET.Element, known: _Element) -> str | None:
    strays = [element.text if not known.text else None, *(child.tail for child in element)]
    if element.tag != "Say" and any(stray and stray.strip() for stray in strays):
        return f"there is text in <{element.tag}> where none is allowed"
    match element.tag:
        case "Connect" if len(element) != 1:
            return "<Connect> needs one <Stream>"
        case "Dial" if len(element) > 1:
            return "the twin dials one <Number> at a time"
        case "Dial" if len(element) == 1 and (element.text or "").strip():
            return "<Dial> has a number and a <Number>"
        case "Play" if "digits" in element.attrib:
            return None
        case "Play" | "Redirect" | "Number" if not (element.text or "").strip():
            return f"<{element.tag}> is empty"
        case "Dial" if not len(element) and not (element.text or "").strip():
            return "<Dial> is empty"
        case "Parameter" if len("".join(element.attrib.values())) >= MAX_PARAMETER_CHARACTERS:
            return f"<Parameter> has {MAX_PARAMETER_CHARACTERS} characters or more"
        case _:
            return None
