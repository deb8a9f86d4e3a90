"""One leg of a call: who talks to whom, what has become of it, and what it is made of."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias
from urllib.parse import quote

from ringbridge.emulator.twilio.account import Method, new_sid
from ringbridge.emulator.twilio.callbacks import Courier
from ringbridge.emulator.twilio.exchange import Exchange
from ringbridge.emulator.twilio.handset import Handset
from ringbridge.emulator.twilio.records import CallOver, Journal
from ringbridge.emulator.twilio.signing import Fields
from ringbridge.emulator.twilio.webhooks import Webhooks

if TYPE_CHECKING:
    from ringbridge.emulator.twilio.recording import Recorder, Recording
    from ringbridge.emulator.twilio.stream import MediaStream

__all__ = ["ENDED", "Dialled", "Document", "Hooks", "Leg", "Source", "Status"]

API_VERSION = "2010-04-01"

Status: TypeAlias = Literal[
    "queued", "initiated", "ringing", "in-progress", "completed", "busy", "failed", "no-answer", "canceled"
]

ENDED: frozenset[Status] = frozenset({"completed", "busy", "failed", "no-answer", "canceled"})


@dataclass(frozen=True, slots=True)
class Source:
    """A URL that Twilio asks for TwiML, with fields that go along with those of the call."""

    url: str
    method: Method = "POST"
    fields: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Document:
    """TwiML that was handed over, and need not be asked for."""

    twiml: str


@dataclass(frozen=True, slots=True)
class Hooks:
    """What is to be asked and told about a call: the settings of a number, or of a REST request."""

    script: Source | Document
    fallback: Source | None = None
    status_callback: str | None = None
    status_method: Method = "POST"
    status_events: frozenset[str] = frozenset({"completed"})


@dataclass(slots=True)
class Dialled:
    """One `<Dial>` that was carried out: the number, the verb's attributes as written, and what came of it so far."""

    number: str
    attributes: dict[str, str]
    sid: str = field(default_factory=lambda: new_sid("CA"))
    """The CallSid of the leg to whoever was dialled."""
    whispered: list[str] = field(default_factory=list)
    """What the human heard who answered, before the caller did: words, and URLs of sounds."""
    status: Status = "canceled"
    """As `action` is told it; until somebody has answered or will not any more, it is what a hang-up makes of it."""
    bridged: bool = False
    """Whether the two have been joined."""
    seconds: float = 0.0
    """From the answer to the end."""

    def fields(self) -> dict[str, str]:
        """What `action` is told: https://www.twilio.com/docs/voice/twiml/dial, "action"."""
        told = {
            "DialCallSid": self.sid,
            "DialCallStatus": self.status,
            "DialBridged": "true" if self.bridged else "false",
        }
        return told | ({"DialCallDuration": str(round(self.seconds))} if self.status == "completed" else {})


class Leg:
    """The facts of one call and its equipment. `PhoneCall` gives it its life."""

    def __init__(
        self, exchange: Exchange, hooks: Hooks, *, from_: str | None, to: str, direction: str, fields: Fields
    ) -> None:
        self.sid = new_sid("CA")
        self.from_ = from_
        self.to = to
        self.direction = direction
        self.status: Status = "ringing" if direction == "inbound" else "queued"
        self.journal = Journal()
        self.handset = Handset()
        self.webhooks = Webhooks(exchange, self.journal)
        self.stream: MediaStream | None = None
        self.said: list[str] = []
        self.digits_heard = ""
        """Keys that were pressed towards the caller."""
        self.dialled: list[Dialled] = []
        self.hooks = hooks
        self.exchange = exchange
        self.created = exchange.now()
        self.answered_at: float | None = None
        self.ended_at: float | None = None
        self.queue_ms = 0
        self.pending_action: Source | None = None
        """What Twilio asks, too, when the caller hangs up now."""
        self.recorder: Recorder | None = None
        """What takes down the caller's words now, and ends at a key."""
        self.recordings: list[Recording] = []
        """The messages that the caller has left, in order."""
        self.stream_courier, self.dial_courier, self.recording_courier, self._status_courier = (
            Courier(self.webhooks, self.journal, exchange.faults) for _ in range(4)
        )
        self._status_sequence = 0
        self._given = fields
        self._changed = asyncio.Event()
        self._cut = asyncio.Event()
        self._finished = asyncio.Event()

    @property
    def over(self) -> bool:
        """Whether the call has ended, one way or another."""
        return self.status in ENDED

    def fields(self, more: Fields | None = None) -> Fields:
        """What Twilio tells in each request for TwiML.

        https://www.twilio.com/docs/voice/twiml, "Request parameters".
        """
        fields = _facts(self.from_, self.to) | {
            "CallSid": self.sid,
            "AccountSid": self.exchange.account_sid,
            "CallStatus": self.status,
            "Direction": self.direction,
        }
        if self.direction == "inbound" and self.status == "ringing":
            fields["CallToken"] = quote(f'{{"parentCallInfoToken":"{self.sid}"}}')
            if fields.get("From", "").startswith("+1"):
                fields["StirVerstat"] = "TN-Validation-Passed-A"
        return {**fields, **self._given, **(more or {})}

    def fields_of_dialled(self, dialled: Dialled, shown: str | None, status: Status) -> dict[str, str]:
        """The same about the leg to whoever is dialled, who is shown the number `shown`.

        The call itself is told as ParentCallSid: https://www.twilio.com/docs/voice/twiml, "Request parameters".
        """
        return _facts(shown, dialled.number) | {
            "CallSid": dialled.sid,
            "ParentCallSid": self.sid,
            "AccountSid": self.exchange.account_sid,
            "CallStatus": status,
            "Direction": "outbound-dial",
        }

    def set_status(self, status: Status) -> None:
        """The call goes on to another status; whoever waits for one is woken."""
        self.status = status
        if status in ENDED:
            self.ended_at = self.exchange.clock()
        self.journal.note("status", status=status)
        self.changed()

    def answer(self) -> None:
        """The call is answered, if it has not been: from here on the caller hears and is heard."""
        if self.answered_at is None:
            self.answered_at = self.exchange.clock()
            self.set_status("in-progress")
            self.post_status("answered")

    def post_status(self, event: str) -> None:
        """Tell the status callback, where it wants to know of `event`.

        https://www.twilio.com/docs/voice/api/call-resource, "statusCallback".
        """
        url = self.hooks.status_callback
        if url is None or event not in self.hooks.status_events:
            return
        more = {
            "SequenceNumber": str(self._status_sequence),
            "Timestamp": self.exchange.rfc2822(),
            "CallbackSource": "call-progress-events",
        }
        if self.over:
            more |= {"CallDuration": str(self.seconds), "Duration": str(-(-self.seconds // 60))}
            more["SipResponseCode"] = _SIP_CODES[self.status]
        self._status_sequence += 1
        self._status_courier.post(url, self.fields(more), self.hooks.status_method)

    @property
    def seconds(self) -> int:
        """How long the call has been answered, or was."""
        if self.answered_at is None:
            return 0
        return round((self.ended_at or self.exchange.clock()) - self.answered_at)

    def changed(self) -> None:
        """Wake whoever waits for something about this call."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until something is so about this call. Raises `CallOver` when the call ends first."""
        while not holds():
            if self.over:
                raise CallOver(f"the call ended: {self.status}")
            await self._changed.wait()

    async def deliver(self) -> None:
        """Post the callbacks until the call is over and all of them are told."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.stream_courier.run())
            tasks.create_task(self.dial_courier.run())
            tasks.create_task(self.recording_courier.run())
            tasks.create_task(self._status_courier.run())

    def last_post(self) -> None:
        """No callback follows those posted so far."""
        self.stream_courier.close()
        self.dial_courier.close()
        self.recording_courier.close()
        self._status_courier.close()


_SIP_CODES = {"completed": "200", "busy": "486", "no-answer": "480", "canceled": "487", "failed": "404"}


def _facts(from_: str | None, to: str) -> dict[str, str]:
    """Who calls whom, and where the numbers are as far as Twilio knows.

    The fields of a place may be empty, and are so for whoever is not a number.
    """
    places = {"To": to, "Called": to, "ApiVersion": API_VERSION}
    if from_ is not None:
        places |= {"From": from_, "Caller": from_}
    for names, number in ((("From", "Caller"), from_ or ""), (("To", "Called"), to)):
        country = "US" if number.startswith("+1") else ""
        for name in names:
            places |= {f"{name}City": "", f"{name}State": "", f"{name}Zip": "", f"{name}Country": country}
    return places
