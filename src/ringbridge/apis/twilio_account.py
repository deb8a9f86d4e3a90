"""An account at Twilio: its kind, its money, and whom it may call, through the SDK."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ringbridge.apis.twilio_sdk import asked, open_client
from ringbridge.errors import VendorError

if TYPE_CHECKING:
    from twilio.rest import Client

__all__ = ["Balance", "TwilioAccount", "Whose", "open_twilio_account"]


@dataclass(frozen=True, slots=True)
class Whose:
    """The account's `name`; `status` is active, suspended or closed."""

    name: str
    status: str
    is_trial: bool


@dataclass(frozen=True, slots=True)
class Balance:
    """What is left to spend, in the account's currency."""

    amount: Decimal
    currency: str


class TwilioAccount:
    """What is asked before there are calls."""

    def __init__(self, client: "Client") -> None:
        self._client = client

    async def whose(self) -> Whose:
        """The account itself. Raises `VendorError`, with status 401 for a token that is not its own."""
        account = await asked("tell of the account", self._client.api.account.fetch_async())
        return Whose(str(account.friendly_name), str(account.status), account.type == "Trial")

    async def balance(self) -> Balance:
        """Its money. Raises `VendorError`: a subaccount has none of its own."""
        found = await asked("tell the balance", self._client.api.account.balance.fetch_async())
        try:
            return Balance(Decimal(str(found.balance)), str(found.currency))
        except InvalidOperation:
            raise VendorError("Twilio's answer when asked to tell the balance can't be read") from None

    async def may_call(self, country: str) -> bool:
        """Whether ordinary numbers of a country (ISO 3166, two letters) may be called. Raises `VendorError`."""
        countries = self._client.voice.v1.dialing_permissions.countries
        found = await asked("tell a country's permissions", countries(country).fetch_async())
        return bool(found.low_risk_numbers_enabled)


@asynccontextmanager
async def open_twilio_account(*, account_sid: str, auth_token: str, base_url: str) -> AsyncIterator[TwilioAccount]:
    """An account for as long as the context lasts."""
    async with open_client(account_sid=account_sid, auth_token=auth_token, base_url=base_url) as client:
        client.voice.base_url = _voice(base_url)
        yield TwilioAccount(client)


def _voice(base_url: str) -> str:
    """Where permissions are asked for: at a host of their own, unless it is a twin's."""
    parts = urlsplit(base_url)
    host = parts.netloc
    if host.endswith(".twilio.com") and host.startswith("api."):
        host = f"voice.{host.removeprefix('api.')}"
    return f"{parts.scheme}://{host}"
