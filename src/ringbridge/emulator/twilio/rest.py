"""Twilio's REST API, good enough for its own SDK: who may ask, what is refused, and where the rest is answered.

https://www.twilio.com/docs/usage/requests-to-twilio
"""

import asyncio
import base64
import hmac
from collections.abc import Awaitable, Callable
from email.utils import format_datetime
from typing import TypeAlias

from aiohttp import web

from ringbridge.emulator.faults import Fault
from ringbridge.emulator.refusals import Refusals
from ringbridge.emulator.twilio.account_requests import AccountRequests
from ringbridge.emulator.twilio.call_requests import NOT_IN_PROGRESS, CallRequests, Place
from ringbridge.emulator.twilio.exchange import Exchange
from ringbridge.emulator.twilio.phone import PhoneCall
from ringbridge.emulator.twilio.product_requests import ProductRequests
from ringbridge.emulator.twilio.requests import Refused, error_json, missing
from ringbridge.emulator.unanswered import outlast

__all__ = ["rest_app"]

_USUAL = {
    401: (20003, "Authenticate"),
    403: (20403, "Forbidden"),
    404: (20404, "The requested resource was not found"),
    429: (20429, "Too Many Requests"),
}
"""The code and message of each status: https://www.twilio.com/docs/api/errors."""

Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]


def rest_app(exchange: Exchange, calls: dict[str, PhoneCall], place: Place, refusals: Refusals) -> web.Application:
    """The API as an application. `place` starts a call that a request creates, `refusals` strike before all else."""
    guard = _Guard(exchange, refusals)
    app = web.Application(middlewares=[guard.guard])
    app.on_response_prepare.append(guard.date)
    for part in (CallRequests(exchange, calls, place), AccountRequests(exchange), ProductRequests(exchange)):
        app.add_routes(part.routes())
    return app


class _Guard:
    def __init__(self, exchange: Exchange, refusals: Refusals) -> None:
        self._exchange = exchange
        self._refusals = refusals

    async def date(self, _: web.Request, response: web.StreamResponse) -> None:
        """Tell the twin's own clock, as who sets theirs by it expects."""
        response.headers["Date"] = format_datetime(self._exchange.now(), usegmt=True)

    @web.middleware
    async def guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Faults and the account's credentials come first; what is refused gets Twilio's JSON."""
        try:
            return await self._carry_out(request, handler)
        except Refused as refusal:
            problem = error_json(refusal.status, refusal.code, str(refusal))
            return web.json_response(problem, status=refusal.status)
        except web.HTTPNotFound:
            return web.json_response(error_json(404, 20404, str(missing(request))), status=404)
        except web.HTTPMethodNotAllowed:
            return web.json_response(error_json(405, 20004, "Method not allowed"), status=405)

    async def _carry_out(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Where the connection is to drop, this is done all the same, but nobody is told so."""
        drops = await self._strike(request)
        if refusal := self._refusals.take(request.method, request.path):
            await asyncio.sleep(refusal.seconds)
            return web.json_response(dict(refusal.body), status=refusal.status)
        self._authenticate(request)
        answer = await handler(request)
        if drops and request.transport is not None:
            request.transport.abort()
        return answer

    def _authenticate(self, request: web.Request) -> None:
        pair = f"{self._exchange.account_sid}:{self._exchange.auth_token}"
        wanted = b"Basic " + base64.b64encode(pair.encode())
        if not hmac.compare_digest(request.headers.get("Authorization", "").encode(), wanted):
            raise Refused(401, 20003, "Authenticate")

    async def _strike(self, request: web.Request) -> bool:
        """Carry out the faults that strike this request. Whether its connection is to drop before the answer."""
        drops = False
        for fault in self._exchange.faults.take("twilio_rest"):
            await asyncio.sleep((fault.after_ms + (fault.ms if fault.kind == "delay" else 0)) / 1000)
            if fault.kind in {"refuse", "error"}:
                raise _refusal(fault)
            if fault.kind == "hang":
                await outlast(request)
                raise Refused(503, 20503, "Nobody is there to be told")
            drops = drops or fault.kind == "drop"
        return drops


def _refusal(fault: Fault) -> Refused:
    """As Twilio says it, unless the fault says otherwise; the default code of one is for closing sockets."""
    code, text = _USUAL.get(fault.status, (20500, "Internal Server Error"))
    if fault.code == NOT_IN_PROGRESS:
        text = "Call is not in-progress. Cannot redirect."
    return Refused(fault.status, code if fault.code == 1011 else fault.code, fault.text or text)
