"""The telephone numbers of an account at Twilio, and where their calls go, through its SDK."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ringbridge.apis.twilio_sdk import asked, open_client
from ringbridge.errors import VendorError
from ringbridge.wanted.number import FIELDS

if TYPE_CHECKING:
    from twilio.rest import Client

__all__ = ["AccountNumber", "TwilioNumbers", "open_twilio_numbers"]


@dataclass(frozen=True, slots=True)
class AccountNumber:
    """A number of the account: its name at Twilio, itself in E.164, whether it can be called, and what it is set to.

    `settings` has each of `wanted.number.FIELDS`, as text; empty where it is not set.
    """

    sid: str
    phone_number: str
    friendly_name: str
    takes_calls: bool
    settings: Mapping[str, str]


class TwilioNumbers:
    """What is asked before there are calls."""

    def __init__(self, client: "Client") -> None:
        self._client = client

    async def every(self) -> list[AccountNumber]:
        """All numbers of the account, those that can't be called among them. Raises `VendorError`."""
        return await self._listed()

    async def find(self, phone_number: str) -> AccountNumber | None:
        """The number that is this in E.164, if it is of the account. Raises `VendorError`."""
        # Twilio gives all numbers of which this is a part.
        found = await self._listed(phone_number=phone_number)
        return next((number for number in found if number.phone_number == phone_number), None)

    async def read(self, sid: str) -> AccountNumber:
        """A number by its name, as it is now. Raises `VendorError`, with status 404 where there is none."""
        return _read(await asked("tell of a number", self._client.incoming_phone_numbers(sid).fetch_async()))

    async def update(self, sid: str, settings: Mapping[str, str]) -> AccountNumber:
        """Set some of the `wanted.number.FIELDS`; gives the number as it is then. Raises `VendorError`."""
        request = self._client.incoming_phone_numbers(sid).update_async(**settings)
        return _read(await asked("set up a number", request))

    async def _listed(self, **filters: str) -> list[AccountNumber]:
        request = self._client.incoming_phone_numbers.list_async(**filters)
        return [_read(number) for number in await asked("list the account's numbers", request)]


@asynccontextmanager
async def open_twilio_numbers(*, account_sid: str, auth_token: str, base_url: str) -> AsyncIterator[TwilioNumbers]:
    """The account's numbers for as long as the context lasts."""
    async with open_client(account_sid=account_sid, auth_token=auth_token, base_url=base_url) as client:
        yield TwilioNumbers(client)


def _read(number: Any) -> AccountNumber:
    if not isinstance(number.sid, str) or not isinstance(number.phone_number, str):
        raise VendorError("Twilio's answer holds no number; check TWILIO_BASE_URL")
    return AccountNumber(
        sid=number.sid,
        phone_number=number.phone_number,
        friendly_name=number.friendly_name or "",
        takes_calls=bool((number.capabilities or {}).get("voice")),
        settings={name: getattr(number, name) or "" for name in FIELDS},
    )
