"""What a call leaves behind: everything that happened on it, and every error that Twilio would have logged."""

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["CallEvent", "CallOver", "Journal", "TwilioError"]

TITLES = {
    11100: "Invalid URL format",
    11200: "HTTP retrieval failure",
    11205: "HTTP connection failure",
    11750: "TwiML response body too large",
    12100: "Document parse failure",
    12102: "Root element must be Response",
    12200: "Schema validation failure",
    12300: "Invalid Content-Type",
    13201: "Dial: Cannot Dial from a Dial Call Segment",
    13214: "Dial: Invalid callerId value",
    13223: "Dial: Invalid phone number format",
    31901: "Stream - WebSocket - Connection Timeout",
    31902: "Stream - WebSocket - Connection Refused",
    31920: "Stream - WebSocket - Handshake Error",
    31921: "Stream - WebSocket - Close Error",
    31922: "Stream - WebSocket - URL Schema Not Supported",
    31923: "Stream - WebSocket - Malformed URL",
    31924: "Stream - WebSocket - Protocol Error",
    31930: "Stream - Media - Messages Read Too Slowly",
    31931: "Stream - Media - Buffer Overflow",
    31950: "Stream - Protocol - Malformed Message",
    31951: "Stream - Protocol - Invalid Message",
}
"""The names of the errors that the twin knows, after Twilio's "Error and Warning Dictionary"."""


@dataclass(frozen=True, slots=True)
class CallEvent:
    """One thing that happened, `at_ms` milliseconds after the call began.

    `kind` and what `detail` holds with it:

    - `status`: `status`
    - `request`: `method`, `url`, `fields` · `response`: the same, and `status`, `body` ·
      `no_response`: the same, and `attempt`, `error`
    - `verb`: `name`, `attributes` of a TwiML verb that is run now
    - `stream_started`: `stream_sid`, `parameters` · `stream_refused`: `stream_sid`, `error` ·
      `stream_ended`: `stream_sid`, `by` (`bridge`, `twilio` or `nobody`, when the connection broke), `code`
    - `mark`, `mark_echoed`: `name` · `clear`: `marks` · `dtmf`: `digit` · `invalid_message`: `code`, `why`
    - `recording_started`: `sid` · `recording_ended`: `sid`, `seconds`, `digits` (the key, `hangup` or nothing)
    - `dial_ended`: `number`, `status`, `seconds` since the answer
    - `fault`: `where`, `fault` (its kind) of one that was asked for and strikes now
    - `error`: `code`, `text`
    """

    at_ms: int
    kind: str
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True)
class TwilioError:
    """One line of Twilio's debugger: the code, and its title with what was wrong."""

    code: int
    text: str


class CallOver(Exception):
    """The call has ended, so what was waited for can't happen any more."""


class Journal:
    """The events and errors of one call, as they happen."""

    def __init__(self) -> None:
        self.events: list[CallEvent] = []
        self.errors: list[TwilioError] = []
        self.listeners: list[Callable[[CallEvent], None]] = []
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()

    def note(self, kind: str, **detail: Any) -> None:
        """Write an event down and tell the listeners."""
        event = CallEvent(round((self._loop.time() - self._began) * 1000), kind, detail)
        self.events.append(event)
        for listener in self.listeners:
            listener(event)

    def error(self, code: int, why: str) -> TwilioError:
        """Write an error down, in the list of errors and as an event."""
        error = TwilioError(code, f"{TITLES[code]}: {why}")
        self.errors.append(error)
        self.note("error", code=code, text=error.text)
        return error
