"""REST requests about calls.

https://www.twilio.com/docs/voice/api/call-resource
"""

from collections.abc import Callable
from typing import TypeAlias

from aiohttp import web

from ringbridge.emulator.twilio.account import Account
from ringbridge.emulator.twilio.account_json import API_VERSION
from ringbridge.emulator.twilio.countries import countries_of
from ringbridge.emulator.twilio.dialling import E164
from ringbridge.emulator.twilio.exchange import Exchange
from ringbridge.emulator.twilio.leg import Document, Hooks, Leg, Source
from ringbridge.emulator.twilio.phone import PhoneCall
from ringbridge.emulator.twilio.requests import Form, Refused, method_of, missing, read_form
from ringbridge.emulator.twilio.resource import call_json, calls_json
from ringbridge.emulator.twilio.webhooks import valid_url

__all__ = ["NOT_IN_PROGRESS", "CallRequests", "Place"]

MAX_TWIML_CHARACTERS = 4000
DEFAULT_TIMEOUT_SECONDS = 60
MAX_TIMEOUT_SECONDS = 600

NOT_IN_PROGRESS = 21220
"""https://www.twilio.com/docs/api/errors/21220."""

Place: TypeAlias = Callable[[Hooks, str, str, int], PhoneCall]
"""Puts an outbound call into the queue: hooks, from, to, ring seconds."""


class CallRequests:
    """The handlers. `place` starts a call that a request creates."""

    def __init__(self, exchange: Exchange, calls: dict[str, PhoneCall], place: Place) -> None:
        self._exchange = exchange
        self._calls = calls
        self._place = place

    def routes(self) -> list[web.RouteDef]:
        """What to add to an application."""
        account = f"/{API_VERSION}/Accounts/{self._exchange.account_sid}"
        one = account + "/Calls/{sid}.json"
        return [
            web.post(f"{account}/Calls.json", self.create),
            web.get(f"{account}/Calls.json", self.page),
            web.get(one, self.fetch),
            web.post(one, self.update),
        ]

    async def create(self, request: web.Request) -> web.Response:
        """Answer POST Calls.json: a new call, which waits its turn."""
        form = await read_form(request)
        to, from_ = form.get("To", ""), form.get("From", "")
        if not to:
            raise Refused(400, 21201, "No 'To' number is specified")
        if not E164.fullmatch(to):
            raise Refused(400, 21211, f"The phone number you are attempting to call, {to}, is not valid.")
        _check_permission(self._exchange.account, from_, to)
        call = self._place(_hooks(form), from_, to, _timeout(form))
        return web.json_response(call_json(call), status=201)

    async def page(self, request: web.Request) -> web.Response:
        """Answer GET Calls.json, with the filters To, From and Status; the newest come first."""
        query = request.query
        found: list[Leg] = [
            call
            for call in reversed(self._calls.values())
            if query.get("To", call.to) == call.to
            and query.get("From", call.from_) == call.from_
            and query.get("Status", call.status) == call.status
        ]
        return web.json_response(calls_json(found, self._exchange.account_sid))

    async def fetch(self, request: web.Request) -> web.Response:
        """Answer GET Calls/CA….json."""
        return web.json_response(call_json(self._call(request)))

    async def update(self, request: web.Request) -> web.Response:
        """Answer POST Calls/CA….json: end the call, or let other TwiML take over at once."""
        call = self._call(request)
        form = await read_form(request)
        match form.get("Status"):
            case None:
                done = call.redirect(_script(form))
            case "completed":
                done = call.end("completed" if call.answered_at else "canceled")
            case "canceled":
                done = call.status in {"queued", "initiated", "ringing"} and call.end("canceled")
            case other:
                raise Refused(400, 20001, f"Invalid status {other}")
        if not done:
            raise Refused(400, NOT_IN_PROGRESS, "Call is not in-progress. Cannot redirect.")
        return web.json_response(call_json(call))

    def _call(self, request: web.Request) -> PhoneCall:
        call = self._calls.get(request.match_info["sid"])
        if call is None:
            raise missing(request)
        return call


def _check_permission(account: Account, from_: str, to: str) -> None:
    """What the account may not do: https://www.twilio.com/docs/api/errors/21210, …/21219 and …/21215.

    Of an account that is out of money or closed Twilio says 20005; the status that goes with it is a guess.
    """
    if account.status != "active":
        raise Refused(403, 20005, "Account not active")
    if from_ not in account.numbers and from_ not in account.verified:
        raise Refused(400, 21210, f"The source phone number provided, {from_}, is not yet verified")
    if account.kind == "Trial" and to not in account.verified and to not in account.numbers:
        text = f"The number {to} is unverified. Trial accounts may only make calls to verified numbers."
        raise Refused(400, 21219, text)
    if not countries_of(to) & account.permitted:
        text = f"Account not authorized to call {to}. Perhaps you need to enable some international permissions"
        raise Refused(400, 21215, f"{text}: https://www.twilio.com/console/voice/calls/geo-permissions/low-risk")


def _hooks(form: Form) -> Hooks:
    fallback = form.get("FallbackUrl")
    callback = form.get("StatusCallback")
    if callback and not valid_url(callback, {"http", "https"}):
        raise Refused(400, 21609, f"Invalid 'StatusCallback' URL {callback}")
    return Hooks(
        script=_script(form),
        fallback=Source(fallback, method_of(form, "FallbackMethod")) if fallback else None,
        status_callback=callback,
        status_method=method_of(form, "StatusCallbackMethod"),
        status_events=frozenset(form.getall("StatusCallbackEvent", ["completed"])),
    )


def _timeout(form: Form) -> int:
    given = form.get("Timeout", str(DEFAULT_TIMEOUT_SECONDS))
    if not given.isdecimal() or not 1 <= int(given) <= MAX_TIMEOUT_SECONDS:
        raise Refused(400, 20001, f"Invalid Timeout {given}")
    return int(given)


def _script(form: Form) -> Source | Document:
    """Where both are given, the URL wins."""
    url, twiml = form.get("Url"), form.get("Twiml")
    if url:
        if not valid_url(url, {"http", "https"}):
            raise Refused(400, 21205, f"Url is not a valid URL: {url}")
        return Source(url, method_of(form, "Method"))
    if not twiml:
        raise Refused(400, 21205, "Url parameter is required.")
    if len(twiml) > MAX_TWIML_CHARACTERS:
        raise Refused(400, 21205, f"Twiml is longer than {MAX_TWIML_CHARACTERS} characters")
    return Document(twiml)
