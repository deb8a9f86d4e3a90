"""What a telephone number must be like for the bridge, in the names of Twilio's IncomingPhoneNumber.

https://www.twilio.com/docs/phone-numbers/api/incomingphonenumber-resource
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from ringbridge.public_url import PublicUrl
from ringbridge.wanted.differences import Difference, Document, Remark, value_at

__all__ = ["FIELDS", "WantedNumber", "compare", "obstacles", "webhook"]

OVERRIDES: Final = "ct=2000&rt=4000&rc=2&rp=5xx,ct,rt"
"""What a webhook's URL asks of Twilio in its fragment: two seconds to connect, four for the answer, and two retries.

By default Twilio waits for an answer for all the time that it has, 15 s, and retries a failed connection alone
(Twilio, "Webhooks: Connection Overrides"). A webhook of ours that comes again gets the same answer.
"""

FIELDS: Final = (
    "voice_url",
    "voice_method",
    "voice_fallback_url",
    "voice_fallback_method",
    "status_callback",
    "status_callback_method",
    "trunk_sid",
    "voice_application_sid",
)
"""What is read of a number, and may be written to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedNumber:
    """Where Twilio asks and tells about the number's calls, always by POST."""

    voice_url: str
    fallback_url: str
    status_callback: str


def webhook(public_url: PublicUrl, path: str) -> str:
    """The URL of a webhook of ours, with how Twilio is to ask it."""
    return f"{public_url.https(path)}#{OVERRIDES}"


def compare(number: Document, wanted: WantedNumber) -> tuple[Difference, ...]:
    """Where a number is not as wanted; empty when there is nothing to do."""
    values = (wanted.voice_url, "POST", wanted.fallback_url, "POST", wanted.status_callback, "POST", "", "")
    sides = ((name, value_at(number, (name,)) or "", value) for name, value in zip(FIELDS, values, strict=True))
    return tuple(Difference((name,), current, value) for name, current, value in sides if current != value)


def obstacles(number: Document, agent: str | None, wanted: WantedNumber) -> tuple[Remark, ...]:
    """Why a number is somebody else's, it seems: to be overridden only by who says so.

    `agent` is the name of the agent at ElevenLabs that the number was imported to.
    """
    return tuple(_obstacles(number, agent, wanted))


def _obstacles(number: Document, agent: str | None, wanted: WantedNumber) -> Iterator[Remark]:
    mend = "take another number, or say --take"
    if trunk := number.get("trunk_sid"):
        yield Remark(f"its calls go to the SIP trunk {trunk}", mend)
    if application := number.get("voice_application_sid"):
        yield Remark(f"its calls go to the TwiML app {application}", mend)
    # The import itself stays in ElevenLabs' list, also when the number asks us already.
    if agent is not None and number.get("voice_url") != wanted.voice_url:
        yield Remark(f"it was imported to ElevenLabs, where the agent {agent!r} answers it", mend)
