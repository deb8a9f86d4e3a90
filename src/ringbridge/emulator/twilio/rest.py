"""Twilio's REST API for calls, good enough for its own SDK.

https://www.twilio.com/docs/voice/api/call-resource
"""

import asyncio
import base64
import hmac
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from aiohttp import web
from multidict import MultiDict

from ringbridge.emulator.faults import Fault
from ringbridge.emulator.twilio.dialling import E164
from ringbridge.emulator.twilio.exchange import Exchange
from ringbridge.emulator.twilio.leg import API_VERSION, Document, Hooks, Leg, Source
from ringbridge.emulator.twilio.phone import PhoneCall
from ringbridge.emulator.twilio.resource import call_json, calls_json, error_json
from ringbridge.emulator.twilio.webhooks import Method, valid_url
from ringbridge.emulator.unanswered import outlast

__all__ = ["Place", "rest_app"]

MAX_TWIML_CHARACTERS = 4000
DEFAULT_TIMEOUT_SECONDS = 60
MAX_TIMEOUT_SECONDS = 600

NOT_IN_PROGRESS = 21220
"""https://www.twilio.com/docs/api/errors/21220."""

_USUAL = {
    401: (20003, "Authenticate"),
    403: (20403, "Forbidden"),
    404: (20404, "The requested resource was not found"),
    429: (20429, "Too Many Requests"),
}
"""The code and message of each status: https://www.twilio.com/docs/api/errors."""

Form: TypeAlias = MultiDict[str]

Place: TypeAlias = Callable[[Hooks, str, str, int], PhoneCall]
"""Puts an outbound call into the queue: hooks, from, to, ring seconds."""

Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]


class _Refused(Exception):
    """Answered with an error of Twilio's."""

    def __init__(self, status: int, code: int, message: str) -> None:
        self.status = status
        self.code = code
        super().__init__(message)


def rest_app(exchange: Exchange, calls: dict[str, PhoneCall], place: Place) -> web.Application:
    """The API as an application. `place` starts a call that a request creates."""
    rest = _Rest(exchange, calls, place)
    app = web.Application(middlewares=[rest.guard])
    account = f"/{API_VERSION}/Accounts/{exchange.account_sid}"
    app.router.add_post(f"{account}/Calls.json", rest.create)
    app.router.add_get(f"{account}/Calls.json", rest.page)
    app.router.add_get(account + "/Calls/{sid}.json", rest.fetch)
    app.router.add_post(account + "/Calls/{sid}.json", rest.update)
    return app


class _Rest:
    def __init__(self, exchange: Exchange, calls: dict[str, PhoneCall], place: Place) -> None:
        self._exchange = exchange
        self._calls = calls
        self._place = place

    @web.middleware
    async def guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Faults and the account's credentials come first; what is refused gets Twilio's JSON."""
        try:
            return await self._carry_out(request, handler)
        except _Refused as refusal:
            problem = error_json(refusal.status, refusal.code, str(refusal))
            return web.json_response(problem, status=refusal.status)
        except web.HTTPNotFound:
            missing = f"The requested resource {request.path} was not found"
            return web.json_response(error_json(404, 20404, missing), status=404)
        except web.HTTPMethodNotAllowed:
            return web.json_response(error_json(405, 20004, "Method not allowed"), status=405)

    async def _carry_out(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Where the connection is to drop, this is done all the same, but nobody is told so."""
        drops = await self._strike(request)
        self._authenticate(request)
        answer = await handler(request)
        if drops and request.transport is not None:
            request.transport.abort()
        return answer

    async def create(self, request: web.Request) -> web.Response:
        """Answer POST Calls.json: a new call, which waits its turn."""
        form = await _form(request)
        to, from_ = form.get("To", ""), form.get("From", "")
        if not to:
            raise _Refused(400, 21201, "No 'To' number is specified")
        if not E164.fullmatch(to):
            raise _Refused(400, 21211, f"The phone number you are attempting to call, {to}, is not valid.")
        if from_ not in self._exchange.numbers:
            raise _Refused(400, 21210, f"The source phone number provided, {from_}, is not yet verified")
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
        form = await _form(request)
        match form.get("Status"):
            case None:
                done = call.redirect(_script(form))
            case "completed":
                done = call.end("completed" if call.answered_at else "canceled")
            case "canceled":
                done = call.status in {"queued", "initiated", "ringing"} and call.end("canceled")
            case other:
                raise _Refused(400, 20001, f"Invalid status {other}")
        if not done:
            raise _Refused(400, NOT_IN_PROGRESS, "Call is not in-progress. Cannot redirect.")
        return web.json_response(call_json(call))

    def _call(self, request: web.Request) -> PhoneCall:
        call = self._calls.get(request.match_info["sid"])
        if call is None:
            raise _Refused(404, 20404, f"The requested resource {request.path} was not found")
        return call

    def _authenticate(self, request: web.Request) -> None:
        pair = f"{self._exchange.account_sid}:{self._exchange.auth_token}"
        wanted = b"Basic " + base64.b64encode(pair.encode())
        if not hmac.compare_digest(request.headers.get("Authorization", "").encode(), wanted):
            raise _Refused(401, 20003, "Authenticate")

    async def _strike(self, request: web.Request) -> bool:
        """Carry out the faults that strike this request. Whether its connection is to drop before the answer."""
        drops = False
        for fault in self._exchange.faults.take("twilio_rest"):
            await asyncio.sleep((fault.after_ms + (fault.ms if fault.kind == "delay" else 0)) / 1000)
            if fault.kind in {"refuse", "error"}:
                raise _refusal(fault)
            if fault.kind == "hang":
                await outlast(request)
                raise _Refused(503, 20503, "Nobody is there to be told")
            drops = drops or fault.kind == "drop"
        return drops


def _refusal(fault: Fault) -> _Refused:
    """As Twilio says it, unless the fault says otherwise; the default code of one is for closing sockets."""
    code, text = _USUAL.get(fault.status, (20500, "Internal Server Error"))
    if fault.code == NOT_IN_PROGRESS:
        text = "Call is not in-progress. Cannot redirect."
    return _Refused(fault.status, code if fault.code == 1011 else fault.code, fault.text or text)


async def _form(request: web.Request) -> Form:
    return MultiDict((name, value) for name, value in (await request.post()).items() if isinstance(value, str))


def _hooks(form: Form) -> Hooks:
    fallback = form.get("FallbackUrl")
    callback = form.get("StatusCallback")
    if callback and not valid_url(callback, {"http", "https"}):
        raise _Refused(400, 21609, f"Invalid 'StatusCallback' URL {callback}")
    return Hooks(
        script=_script(form),
        fallback=Source(fallback, _method(form, "FallbackMethod")) if fallback else None,
        status_callback=callback,
        status_method=_method(form, "StatusCallbackMethod"),
        status_events=frozenset(form.getall("StatusCallbackEvent", ["completed"])),
    )


def _timeout(form: Form) -> int:
    given = form.get("Timeout", str(DEFAULT_TIMEOUT_SECONDS))
    if not given.isdecimal() or not 1 <= int(given) <= MAX_TIMEOUT_SECONDS:
        raise _Refused(400, 20001, f"Invalid Timeout {given}")
    return int(given)


def _script(form: Form) -> Source | Document:
    """Where both are given, the URL wins."""
    url, twiml = form.get("Url"), form.get("Twiml")
    if url:
        if not valid_url(url, {"http", "https"}):
            raise _Refused(400, 21205, f"Url is not a valid URL: {url}")
        return Source(url, _method(form, "Method"))
    if not twiml:
        raise _Refused(400, 21205, "Url parameter is required.")
    if len(twiml) > MAX_TWIML_CHARACTERS:
        raise _Refused(400, 21205, f"Twiml is longer than {MAX_TWIML_CHARACTERS} characters")
    return Document(twiml)


def _method(form: Form, name: str) -> Method:
    return "GET" if form.get(name, "POST").upper() == "GET" else "POST"
