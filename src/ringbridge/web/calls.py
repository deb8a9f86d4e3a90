"""Twilio's webhooks about a call: it comes in, its stream has ended, a human was dialled, a stream has news."""

import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import assert_never

from aiohttp import web

from ringbridge.calls.ledger import AfterStream, Arrival, Ledger, SameAnswer, after_stream, on_arrival
from ringbridge.calls.tokens import CallTokens
from ringbridge.live.roster import Roster
from ringbridge.phrases import Phrases
from ringbridge.public_url import PublicUrl
from ringbridge.web.guards import TwilioGuard
from ringbridge.wire import twiml
from ringbridge.wire.error_codes import explain
from ringbridge.wire.webhook import CallWebhook, DialEnded, StreamEvent

__all__ = ["CALL_ENDED", "DIAL_ENDED", "FALLBACK", "INCOMING_CALL", "MEDIA_STREAM", "STREAM_STATUS", "CallDesk"]

log = logging.getLogger(__name__)

INCOMING_CALL = "/incoming-call"
CALL_ENDED = "/call-ended"
DIAL_ENDED = "/dial-ended"
STREAM_STATUS = "/stream-status"
FALLBACK = "/fallback"
MEDIA_STREAM = "/media-stream"

NONCE_BYTES = 16
"""128 bits: a token can't be guessed."""


@dataclass(frozen=True, slots=True)
class CallDesk:
    """Answers Twilio's webhooks. `own_numbers` and the called one are never dialled as a fallback."""

    guard: TwilioGuard
    roster: Roster
    ledger: Ledger
    tokens: CallTokens
    public_url: PublicUrl
    fallback_number: str | None
    own_numbers: tuple[str, ...]
    phrases: Phrases
    clock: Callable[[], float]

    async def incoming_call(self, request: web.Request) -> web.Response:
        """`POST /incoming-call`: connect the call to a stream, and make it ready while Twilio reads the answer."""
        webhook = CallWebhook.read(await self.guard.form(request))
        if webhook.is_over:
            return _twiml(twiml.empty())
        match on_arrival(self.ledger.entry(webhook.call_sid)):
            case Arrival.FIRST:
                return self._first_answer(webhook)
            case SameAnswer(twiml=document):
                return _twiml(document)
            case Arrival.SORRY:
                return self._sorry(webhook)
            case Arrival.HANG_UP:
                return _twiml(twiml.hang_up())
            case decision:
                assert_never(decision)

    async def call_ended(self, request: web.Request) -> web.Response:
        """`POST /call-ended`: a stream is over; say what the caller gets now."""
        webhook = CallWebhook.read(await self.guard.form(request))
        call = self.roster.get(webhook.call_sid)
        if webhook.is_over and call is not None:
            call.over()
        match after_stream(self.ledger.entry(webhook.call_sid), webhook.status):
            case AfterStream.REATTACH if call is not None:
                self.ledger.grant_reattachment(webhook.call_sid)
                return _twiml(self._connect(webhook))
            case AfterStream.REATTACH | AfterStream.SORRY:
                return self._sorry(webhook)
            case AfterStream.HANG_UP:
                return _twiml(twiml.hang_up())
            case AfterStream.NOTHING:
                return _twiml(twiml.empty())
            case decision:
                assert_never(decision)

    async def dial_ended(self, request: web.Request) -> web.Response:
        """`POST /dial-ended`: the human took the call, or nobody did; the caller is told and the call ends."""
        ended = DialEnded.read(await self.guard.form(request))
        if ended.call.is_over:
            return _twiml(twiml.empty())
        return _twiml(twiml.hang_up() if ended.answered else twiml.goodbye(self.phrases))

    async def stream_status(self, request: web.Request) -> web.Response:
        """`POST /stream-status`: a stream's news, the one place where its error is told; or a call's status."""
        form = await self.guard.form(request)
        event = StreamEvent.read(form)
        if event.error:
            log.warning("%s: Twilio reports a stream error: %s", event.call_sid, explain(event.error) or event.error)
        call = self.roster.get(event.call_sid)
        if call is not None and not event.event and CallWebhook.read(form).is_over:
            call.over()
        return web.Response(status=204)

    async def fallback(self, request: web.Request) -> web.Response:
        """`POST /fallback`: Twilio could not use our answer; the sorry, from settings alone."""
        webhook = CallWebhook.read(await self.guard.form(request))
        return _twiml(twiml.empty()) if webhook.is_over else self._sorry(webhook)

    def _first_answer(self, webhook: CallWebhook) -> web.Response:
        document = self._connect(webhook)
        self.ledger.answer(webhook.call_sid, document)
        call = self.roster.arrive(webhook.call_sid, caller=webhook.caller, called=webhook.called)
        call.announce(ringing=webhook.is_ringing)
        return _twiml(document)

    def _connect(self, webhook: CallWebhook) -> str:
        token = self.tokens.issue(
            webhook.call_sid,
            webhook.account_sid,
            now=self.clock(),
            nonce=secrets.token_urlsafe(NONCE_BYTES),
        )
        return twiml.connect(
            stream_url=self.public_url.wss(MEDIA_STREAM),
            action=self.public_url.https(CALL_ENDED),
            status_callback=self.public_url.https(STREAM_STATUS),
            token=token,
        )

    def _sorry(self, webhook: CallWebhook) -> web.Response:
        call = self.roster.get(webhook.call_sid)
        if call is not None:
            call.fail("Twilio was given the sorry")
        human = twiml.fallback_for(
            self.fallback_number,
            caller=webhook.caller,
            called=webhook.called,
            own_numbers=self.own_numbers,
            action=self.public_url.https(DIAL_ENDED),
        )
        return _twiml(twiml.sorry(self.phrases, human))


def _twiml(document: str) -> web.Response:
    return web.Response(text=document, content_type="text/xml")
