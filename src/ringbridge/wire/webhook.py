"""What Twilio tells in its webhooks, each a form: <https://www.twilio.com/docs/voice/twiml#request-parameters>."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ringbridge.errors import BrokenMessage
from ringbridge.ids import AccountSid, CallSid, StreamSid

__all__ = ["TERMINAL_STATUSES", "CallWebhook", "DialEnded", "StreamEvent", "VoicemailEnded", "is_e164"]

TERMINAL_STATUSES = frozenset({"completed", "busy", "failed", "no-answer", "canceled"})
"""The values of CallStatus after which there is nobody left on the line."""

_E164 = re.compile(r"\+[1-9][0-9]{1,14}")
_ANSWERED = frozenset({"completed", "answered"})


@dataclass(frozen=True, slots=True)
class CallWebhook:
    """A request about a call: the first one, or one that asks what comes next.

    `caller` is the human and `called` the number of ours, whoever rang whom. Either may be anything: E.164,
    `anonymous`, `client:…`, `sip:…`, empty.
    """

    call_sid: CallSid
    account_sid: AccountSid
    caller: str
    called: str
    status: str
    direction: str
    caller_country: str
    """Where Twilio thinks that the human is from, as an ISO 3166 code; empty when it does not know."""

    @classmethod
    def read(cls, form: Mapping[str, str]) -> "CallWebhook":
        """Read the form of /incoming-call, /call-ended or /fallback. Raises `BrokenMessage` without CallSid."""
        direction = form.get("Direction", "")
        theirs, ours = form.get("From", ""), form.get("To", "")
        if direction.startswith("outbound"):
            theirs, ours = ours, theirs
        return cls(
            call_sid=CallSid(_needed(form, "CallSid")),
            account_sid=AccountSid(form.get("AccountSid", "")),
            caller=theirs,
            called=ours,
            status=form.get("CallStatus", ""),
            direction=direction,
            caller_country=form.get("ToCountry" if direction.startswith("outbound") else "FromCountry", ""),
        )

    @property
    def is_ringing(self) -> bool:
        """Whether the call is only now coming in."""
        return self.status == "ringing"

    @property
    def is_over(self) -> bool:
        """Whether nobody is left on the line."""
        return self.status in TERMINAL_STATUSES


@dataclass(frozen=True, slots=True)
class DialEnded:
    """The end of a `<Dial>`: whether the human took the call. The call itself is as `call` tells.

    <https://www.twilio.com/docs/voice/twiml/dial#dialcallstatus-values>
    """

    call: CallWebhook
    answered: bool

    @classmethod
    def read(cls, form: Mapping[str, str]) -> "DialEnded":
        """Read the form of /dial-ended. Raises `BrokenMessage` without CallSid."""
        bridged = form.get("DialBridged") != "false"  # it is, where a human declined after hearing the whisper
        return cls(call=CallWebhook.read(form), answered=bridged and form.get("DialCallStatus") in _ANSWERED)


@dataclass(frozen=True, slots=True)
class VoicemailEnded:
    """A message was recorded: Twilio keeps it under `recording_sid`; it lasts `seconds`.

    <https://www.twilio.com/docs/voice/twiml/record#attributes-action>
    """

    call: CallWebhook
    recording_sid: str
    seconds: int

    @classmethod
    def read(cls, form: Mapping[str, str]) -> "VoicemailEnded":
        """Read the form of /voicemail-ended. Raises `BrokenMessage` without CallSid."""
        seconds = form.get("RecordingDuration", "")
        return cls(
            call=CallWebhook.read(form),
            recording_sid=form.get("RecordingSid", ""),
            seconds=int(seconds) if seconds.isascii() and seconds.isdigit() and len(seconds) < 7 else 0,
        )


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """What happened to a media stream: `stream-started`, `stream-stopped` or `stream-error` with its text."""

    call_sid: CallSid
    stream_sid: StreamSid
    event: str
    error: str

    @classmethod
    def read(cls, form: Mapping[str, str]) -> "StreamEvent":
        """Read the form of /stream-status. Raises `BrokenMessage` without CallSid."""
        return cls(
            call_sid=CallSid(_needed(form, "CallSid")),
            stream_sid=StreamSid(form.get("StreamSid", "")),
            event=form.get("StreamEvent", ""),
            error=form.get("StreamError", ""),
        )


def is_e164(text: str) -> bool:
    """Whether this has a phone number's form, as an international one is written: `+` and 2 to 15 digits."""
    return _E164.fullmatch(text) is not None


def _needed(form: Mapping[str, str], name: str) -> str:
    value = form.get(name, "")
    if not value:
        raise BrokenMessage(f"{name} is missing")
    return value
