"""The Twilio account: whether the credentials are its own, whether it lives, its money, whom it may call."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Final

import phonenumbers

from ringbridge.apis.twilio_account import TwilioAccount, open_twilio_account
from ringbridge.doctor.verdict import Verdict, failure, ok, parted, warning
from ringbridge.errors import VendorError

__all__ = ["check_twilio"]

ACCOUNT: Final = "Twilio account"
BALANCE: Final = "Twilio balance"
OUTBOUND: Final = "Twilio outbound calls"

LOW: Final = Decimal(5)
"""Of whatever currency: less is gone in a day of calls."""

_CONSOLE: Final = "see the Twilio console"


async def check_twilio(*, account_sid: str, auth_token: str, base_url: str, dialled: Iterable[str]) -> list[Verdict]:
    """Ask the vendor; `dialled` are the numbers in E.164 that the bridge may call. Raises `VendorError`."""
    async with open_twilio_account(account_sid=account_sid, auth_token=auth_token, base_url=base_url) as account:
        whose = await account.whose()  # with credentials that don't do, nothing else needs to be asked
        if whose.status != "active":
            return [failure(ACCOUNT, f"{whose.name!r} is {whose.status}", f"{_CONSOLE} for why, or write to Twilio")]
        return [
            _kind(whose.name, is_trial=whose.is_trial),
            await _balance(account),
            await _outbound(account, dialled),
        ]


def _kind(name: str, *, is_trial: bool) -> Verdict:
    if is_trial:
        found = f"{name!r} is on trial: callers hear Twilio's announcement first, and only verified numbers are dialled"
        return warning(ACCOUNT, found, "upgrade it in the Twilio console before real callers come")
    return ok(ACCOUNT, f"{name!r} is active")


async def _balance(account: TwilioAccount) -> Verdict:
    try:
        balance = await account.balance()
    except VendorError as error:
        if error.status is None:
            raise
        return warning(BALANCE, parted(str(error))[0], "a subaccount has no balance of its own: see the main account's")
    found = f"{balance.amount} {balance.currency}"
    if balance.amount <= 0:
        return failure(BALANCE, found, "add money in the Twilio console, or let it recharge by itself")
    if balance.amount < LOW:
        return warning(BALANCE, found, "add money in the Twilio console, or let it recharge by itself")
    return ok(BALANCE, found)


async def _outbound(account: TwilioAccount, dialled: Iterable[str]) -> Verdict:
    countries = sorted({country for number in dialled if (country := _country(number)) is not None})
    if not countries:
        return ok(OUTBOUND, "no setting names anybody whom the bridge would call")
    try:
        refused = [country for country in countries if not await account.may_call(country)]
    except VendorError as error:
        if error.status is None:
            raise
        return warning(OUTBOUND, parted(str(error))[0], f"{_CONSOLE}: Voice, Settings, Geo permissions")
    if refused:
        found = f"calls to {', '.join(refused)} are not permitted"
        return failure(OUTBOUND, found, "tick the country in the Twilio console: Voice, Settings, Geo permissions")
    return ok(OUTBOUND, f"{', '.join(countries)} may be called")


def _country(number: str) -> str | None:
    return phonenumbers.region_code_for_number(phonenumbers.parse(number))
