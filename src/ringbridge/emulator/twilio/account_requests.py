"""REST requests about the account: itself, its money, its numbers and its TwiML apps, on api.twilio.com."""

import re

from aiohttp import web

from ringbridge.emulator.twilio.account import Account, Application, OwnNumber
from ringbridge.emulator.twilio.account_json import (
    API_VERSION,
    account_json,
    application_json,
    balance_json,
    number_json,
)
from ringbridge.emulator.twilio.exchange import Exchange
from ringbridge.emulator.twilio.pages import uri_page
from ringbridge.emulator.twilio.reconfigure import reconfigure
from ringbridge.emulator.twilio.requests import missing, read_form

__all__ = ["AccountRequests"]


class AccountRequests:
    """The handlers. They ask the account anew each time."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def routes(self) -> list[web.RouteDef]:
        """What to add to an application."""
        account = f"/{API_VERSION}/Accounts/{self._account.sid}"
        number = account + "/IncomingPhoneNumbers/{sid}.json"
        return [
            web.get(f"{account}.json", self._whole),
            web.get(f"{account}/Balance.json", self._balance),
            web.get(f"{account}/IncomingPhoneNumbers.json", self._numbers),
            web.get(number, self._number),
            web.post(number, self._update),
            web.get(f"{account}/Applications.json", self._applications),
            web.get(account + "/Applications/{sid}.json", self._application),
        ]

    @property
    def _account(self) -> Account:
        return self._exchange.account

    async def _whole(self, _: web.Request) -> web.Response:
        return web.json_response(account_json(self._account))

    async def _balance(self, _: web.Request) -> web.Response:
        return web.json_response(balance_json(self._account))

    async def _numbers(self, request: web.Request) -> web.Response:
        """With the filters PhoneNumber (a part of it, with `*` for any digit) and FriendlyName."""
        digits = re.compile(re.escape(request.query.get("PhoneNumber", "")).replace(r"\*", "[0-9]"))
        name = request.query.get("FriendlyName")
        found = [
            own
            for own in self._account.numbers.values()
            if digits.search(own.phone_number) and name in {None, own.friendly_name}
        ]
        return uri_page(request, "incoming_phone_numbers", found, self._show_number)

    async def _number(self, request: web.Request) -> web.Response:
        return web.json_response(self._show_number(self._own(request)))

    async def _update(self, request: web.Request) -> web.Response:
        own = self._own(request)
        reconfigure(self._account, own, await read_form(request), self._exchange.clock())
        return web.json_response(self._show_number(own))

    async def _applications(self, request: web.Request) -> web.Response:
        name = request.query.get("FriendlyName")
        found = [made for made in self._account.applications.values() if name in {None, made.friendly_name}]
        return uri_page(request, "applications", found, self._show_application)

    async def _application(self, request: web.Request) -> web.Response:
        made = self._account.applications.get(request.match_info["sid"])
        if made is None:
            raise missing(request)
        return web.json_response(self._show_application(made))

    def _own(self, request: web.Request) -> OwnNumber:
        own = self._account.number(request.match_info["sid"])
        if own is None:
            raise missing(request)
        return own

    def _show_number(self, own: OwnNumber) -> dict[str, object]:
        return number_json(self._account, own)

    def _show_application(self, made: Application) -> dict[str, object]:
        return application_json(self._account, made)
