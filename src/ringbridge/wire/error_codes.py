"""Twilio's codes for what goes wrong with a media stream, in plain words.

Each has a page of its own: <https://www.twilio.com/docs/api/errors>.
"""

import re
from dataclasses import dataclass

__all__ = ["StreamFault", "explain"]


@dataclass(frozen=True, slots=True)
class StreamFault:
    """One code: what it means, and what is behind it most of the time."""

    code: int
    meaning: str
    usual_cause: str

    def __str__(self) -> str:
        return f"{self.code}: {self.meaning}; usually {self.usual_cause}"


_FAULTS = {
    fault.code: fault
    for fault in (
        StreamFault(31901, "our media socket did not answer in time", "the tunnel or the server is down"),
        StreamFault(31902, "our media socket refused the connection", "nothing listens behind the public address"),
        StreamFault(31910, "TLS failed", "a self-signed or incomplete certificate"),
        StreamFault(
            31920,
            "our media socket did not upgrade",
            "a wrong path, our own 403 to its signature, or a query string in the stream's URL",
        ),
        StreamFault(31921, "our side closed the socket", "no incident: so ends every call that we end"),
        StreamFault(31922, "the stream's URL is not wss", "a PUBLIC_URL that is not https"),
        StreamFault(31923, "the stream's URL is malformed", "a PUBLIC_URL that is no host name"),
        StreamFault(
            31924, "the WebSocket protocol was broken", "a proxy that fragments or compresses what passes through it"
        ),
        StreamFault(31930, "we read too slowly, the caller's audio was lost", "a blocked event loop"),
        StreamFault(
            31931, "more than 10 minutes of audio were queued", "replies that were not cleared at an interruption"
        ),
        StreamFault(31950, "a message of ours could not be decoded", "a binary frame"),
        StreamFault(31951, "a message of ours was invalid", "another stream's SID or a surplus field"),
        StreamFault(11200, "Twilio could not fetch a URL", "a webhook that is down or slower than 15 s"),
        StreamFault(11205, "Twilio could not connect to a URL", "a webhook that is down"),
        StreamFault(10004, "the account has too many calls at once", "a trial or unverified account"),
    )
}

_CODE = re.compile(r"(?<![0-9])[0-9]{5}(?![0-9])")


def explain(error: str) -> StreamFault | None:
    """The first known code in a stream's error text; `None` when it names none that we know."""
    return next((_FAULTS[int(code)] for code in _CODE.findall(error) if int(code) in _FAULTS), None)
