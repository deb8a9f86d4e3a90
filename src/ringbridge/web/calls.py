"""Twilio's webhooks about a call: it comes in, its stream has ended, a human was dialled, a stream has news."""

import asyncio
from dataclasses import dataclass
from typing import Literal, assert_never

from aiohttp import web

from ringbridge.calls.admission import Counts, Why
from ringbridge.calls.documents import Documents, Party
from ringbridge.calls.languages import EngineChoice, choose_engine
from ringbridge.calls.ledger import AfterStream, Arrival, Ledger, SameAnswer, after_stream, on_arrival
from ringbridge.facts import CallRefused, Outcome, VoicemailLeft
from ringbridge.ids import CallSid
from ringbridge.live.roster import Roster
from ringbridge.log import get_logger
from ringbridge.phrases import Phrases, for_language
from ringbridge.web.gate import Gate
from ringbridge.web.guards import TwilioGuard, signature_of
from ringbridge.wire import twiml
from ringbridge.wire.error_codes import explain
from ringbridge.wire.webhook import CallWebhook, DialEnded, StreamEvent, VoicemailEnded

__all__ = ["FALLBACK", "INCOMING_CALL", "CallDesk"]

log = get_logger(__name__)

TURN_SECONDS = 1.0
"""So long a new call rings on while we are leaving, for a proxy to notice that we are."""

INCOMING_CALL = "/incoming-call"
FALLBACK = "/fallback"


@dataclass(frozen=True, slots=True)
class CallDesk:
    """Answers Twilio's webhooks. `engines` are those of other languages than the `default` one's.

    `refused` says what a caller gets whose call is not taken: the reason, a human, or the busy tone.
    """

    guard: TwilioGuard
    roster: Roster
    ledger: Ledger
    documents: Documents
    engines: tuple[EngineChoice, ...]
    default: EngineChoice
    gate: Gate
    refused: Literal["say", "dial", "busy"]

    async def incoming_call(self, request: web.Request) -> web.Response:
        """`POST /incoming-call`: connect the call to a stream, and make it ready while Twilio reads the answer."""
        webhook = CallWebhook.read(await self.guard.form(request))
        known = self.ledger.call_of(signature_of(request), webhook.call_sid)
        if known != webhook.call_sid:
            log.warning("refused", route="POST /incoming-call", diagnosis="the signature is another call's")
            raise web.HTTPForbidden(text="")
        if webhook.is_over:
            return _twiml(twiml.empty())
        is_new = self._arrival(webhook) is Arrival.FIRST
        counts = await self.gate.ask(webhook) if is_new else Counts()
        # Meanwhile the same webhook may have come again and been answered, or we have begun to leave.
        match self._arrival(webhook):
            case Arrival.FIRST:
                return self._let_in(webhook, counts)
            case Arrival.ELSEWHERE:
                self.ledger.turn_away(webhook.call_sid)
                await asyncio.sleep(TURN_SECONDS)
                return _twiml(twiml.once_more(INCOMING_CALL))
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
                call.announce(ringing=False)  # its new token counts from now
                return _twiml(self.documents.connect(_party(webhook)))
            case AfterStream.REATTACH | AfterStream.SORRY:
                return self._sorry(webhook)
            case AfterStream.HANG_UP:
                return _twiml(twiml.hang_up())
            case AfterStream.NOTHING:
                return _twiml(twiml.empty())
            case decision:
                assert_never(decision)

    async def dial_ended(self, request: web.Request) -> web.Response:
        """`POST /dial-ended`: a human took the call, or nobody did.

        A caller whom the brain has put through comes back to it; after a sorry, goodbye is said and the call ends.
        """
        ended = DialEnded.read(await self.guard.form(request))
        call = self.roster.get(ended.call.call_sid)
        transferred = call is not None and call.is_transferring
        if call is not None and transferred and (ended.answered or not ended.call.is_over):
            call.dial_ended(taken=ended.answered)
        elif call is not None and ended.call.is_over:
            call.over()
        if ended.call.is_over:
            return _twiml(twiml.empty())
        if transferred and not ended.answered:
            return _twiml(self.documents.connect(_party(ended.call)))
        return _twiml(twiml.hang_up() if ended.answered else self.documents.goodbye(self._phrases(ended.call)))

    async def voicemail_ended(self, request: web.Request) -> web.Response:
        """`POST /voicemail-ended`: the caller has left a message; thank them, and hang up."""
        ended = VoicemailEnded.read(await self.guard.form(request))
        self.roster.tell(ended.call.call_sid, VoicemailLeft(ended.recording_sid, ended.seconds))
        if ended.call.is_over:
            return _twiml(twiml.empty())
        phrases = self._phrases(ended.call)
        return _twiml(twiml.say_and_hang_up(phrases.message_kept, phrases))

    async def whisper(self, request: web.Request) -> web.Response:
        """`POST /whisper`: a human takes a transferred call; what they hear before the caller does."""
        form = await self.guard.form(request)
        # The human's leg is a call of its own; the caller's is its parent.
        call = self.roster.get(CallSid(form.get("ParentCallSid", "")))
        phrases = self._phrases(CallWebhook.read(form)) if call is None else call.talk.phrases
        return _twiml(self.documents.whisper(phrases))

    async def stream_status(self, request: web.Request) -> web.Response:
        """`POST /stream-status`: a stream's news, the one place where its error is told; or a call's status."""
        form = await self.guard.form(request)
        event = StreamEvent.read(form)
        if event.error:
            problem = explain(event.error) or event.error
            log.warning("Twilio reports a stream error", call_sid=event.call_sid, complaint=problem)
        if not event.event and CallWebhook.read(form).is_over:
            call = self.roster.get(event.call_sid)
            if call is not None:
                call.over()
            elif self.ledger.entry(event.call_sid) is None:  # its own webhook may still be on the way
                self.ledger.record(event.call_sid, Outcome.CALLER_GONE)
        return web.Response(status=204)

    async def fallback(self, request: web.Request) -> web.Response:
        """`POST /fallback`: Twilio could not use our answer; the sorry, from settings alone."""
        webhook = CallWebhook.read(await self.guard.form(request))
        return _twiml(twiml.empty()) if webhook.is_over else self._sorry(webhook)

    def _arrival(self, webhook: CallWebhook) -> Arrival | SameAnswer:
        return on_arrival(self.ledger.entry(webhook.call_sid), draining=self.roster.is_draining)

    def _let_in(self, webhook: CallWebhook, counts: Counts) -> web.Response:
        why = self.gate.decide(webhook, counts)
        return self._first_answer(webhook) if why is None else self._refuse(webhook, why)

    def _refuse(self, webhook: CallWebhook, why: Why) -> web.Response:
        document = self._refusal(webhook, why)
        self.ledger.answer(webhook.call_sid, document)
        self.roster.tell(webhook.call_sid, CallRefused(why.value))
        return _twiml(document)

    def _refusal(self, webhook: CallWebhook, why: Why) -> str:
        if self.refused == "busy" and webhook.is_ringing:  # a call that is answered can't be busy any more
            return twiml.reject()
        human = self.documents.put_through(_party(webhook)) if self.refused == "dial" else None
        phrases = self._phrases(webhook)
        return human or twiml.say_and_hang_up(why.sentence(phrases), phrases)

    def _first_answer(self, webhook: CallWebhook) -> web.Response:
        party = _party(webhook)
        document = self.documents.connect(party)
        self.ledger.answer(webhook.call_sid, document)
        call = self.roster.arrive(party, self._choice(webhook))
        call.announce(ringing=webhook.is_ringing)
        return _twiml(document)

    def _sorry(self, webhook: CallWebhook) -> web.Response:
        call = self.roster.get(webhook.call_sid)
        if call is not None:
            call.fail("Twilio was given the sorry", apologised=True)
        entry = self.ledger.entry(webhook.call_sid)
        apologised = entry is not None and entry.apologised
        return _twiml(self.documents.sorry(_party(webhook), self._phrases(webhook), apologised=apologised))

    def _choice(self, webhook: CallWebhook) -> EngineChoice:
        return choose_engine(
            self.engines,
            default=self.default,
            called=webhook.called,
            caller=webhook.caller,
            caller_country=webhook.caller_country,
        )

    def _phrases(self, webhook: CallWebhook) -> Phrases:
        return for_language(self._choice(webhook).language)


def _party(webhook: CallWebhook) -> Party:
    return Party(webhook.call_sid, webhook.account_sid, webhook.caller, webhook.called)


def _twiml(document: str) -> web.Response:
    return web.Response(text=document, content_type="text/xml")
