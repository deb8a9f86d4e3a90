"""REST requests to Twilio's other hosts: voice.twilio.com for permissions, trunking.twilio.com for trunks.

Their paths don't collide with those of api.twilio.com, so one port answers for all three.
"""

from aiohttp import web

from ringbridge.emulator.twilio.account import Account, OwnNumber, Trunk
from ringbridge.emulator.twilio.account_json import country_json, trunk_json, trunk_number_json
from ringbridge.emulator.twilio.countries import COUNTRIES, Country
from ringbridge.emulator.twilio.exchange import Exchange
from ringbridge.emulator.twilio.pages import meta_page
from ringbridge.emulator.twilio.requests import missing, read_form

__all__ = ["ProductRequests"]


class ProductRequests:
    """The handlers."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def routes(self) -> list[web.RouteDef]:
        """What to add to an application."""
        countries = "/v1/DialingPermissions/Countries"
        numbers = "/v1/Trunks/{trunk}/PhoneNumbers"
        return [
            web.get(countries, self._countries),
            web.get(countries + "/{iso_code}", self._country),
            web.get("/v1/Trunks", self._trunks),
            web.get("/v1/Trunks/{trunk}", self._trunk),
            web.get(numbers, self._numbers),
            web.post(numbers, self._put_on),
            web.get(numbers + "/{sid}", self._number),
            web.delete(numbers + "/{sid}", self._take_off),
        ]

    @property
    def _account(self) -> Account:
        return self._exchange.account

    async def _countries(self, request: web.Request) -> web.Response:
        """With the filters IsoCode, CountryCode and LowRiskNumbersEnabled."""
        query = request.query
        found = [
            country
            for country in COUNTRIES.values()
            if query.get("IsoCode", country.iso_code).upper() == country.iso_code
            and ("CountryCode" not in query or f"+{query['CountryCode'].strip(' +')}" in country.country_codes)
            and query.get("LowRiskNumbersEnabled", "").lower()
            in {"", str(country.iso_code in self._account.permitted).lower()}
        ]
        return meta_page(request, "content", found, lambda one: self._show_country(request, one))

    async def _country(self, request: web.Request) -> web.Response:
        country = COUNTRIES.get(request.match_info["iso_code"].upper())
        if country is None:
            raise missing(request)
        return web.json_response(self._show_country(request, country))

    async def _trunks(self, request: web.Request) -> web.Response:
        found = [*self._account.trunks.values()]
        return meta_page(request, "trunks", found, lambda one: trunk_json(self._account, one, _origin(request)))

    async def _trunk(self, request: web.Request) -> web.Response:
        return web.json_response(trunk_json(self._account, self._asked(request), _origin(request)))

    async def _numbers(self, request: web.Request) -> web.Response:
        trunk = self._asked(request)
        found = [own for own in self._account.numbers.values() if own.trunk_sid == trunk.sid]
        return meta_page(request, "phone_numbers", found, lambda one: self._show_number(request, one))

    async def _number(self, request: web.Request) -> web.Response:
        return web.json_response(self._show_number(request, self._on_trunk(request)))

    async def _put_on(self, request: web.Request) -> web.Response:
        trunk = self._asked(request)
        own = self._account.number((await read_form(request)).get("PhoneNumberSid", ""))
        if own is None:
            raise missing(request)
        own.trunk_sid, own.voice_application_sid = trunk.sid, ""
        own.updated = self._exchange.clock()
        return web.json_response(self._show_number(request, own), status=201)

    async def _take_off(self, request: web.Request) -> web.Response:
        own = self._on_trunk(request)
        own.trunk_sid, own.updated = "", self._exchange.clock()
        return web.Response(status=204)

    def _asked(self, request: web.Request) -> Trunk:
        trunk = self._account.trunks.get(request.match_info["trunk"])
        if trunk is None:
            raise missing(request)
        return trunk

    def _on_trunk(self, request: web.Request) -> OwnNumber:
        trunk, own = self._asked(request), self._account.number(request.match_info["sid"])
        if own is None or own.trunk_sid != trunk.sid:
            raise missing(request)
        return own

    def _show_country(self, request: web.Request, country: Country) -> dict[str, object]:
        return country_json(self._account, country, _origin(request))

    def _show_number(self, request: web.Request, own: OwnNumber) -> dict[str, object]:
        return trunk_number_json(self._account, own, _origin(request))


def _origin(request: web.Request) -> str:
    return str(request.url.origin())
