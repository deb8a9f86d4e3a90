"""Calls that an account at Twilio places, through its SDK."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from ringbridge.apis.twilio_sdk import asked, open_client
from ringbridge.errors import VendorError

if TYPE_CHECKING:
    from twilio.rest import Client

__all__ = ["TwilioCalls", "open_twilio_calls"]

_MENDS: Final = {
    20005: "see in the Twilio console why the account is not active",
    21210: "check TWILIO_PHONE_NUMBER, which must be the account's",
    21211: "check the number that is to be called",
    21215: "allow its country in the Twilio console under Voice, Settings, Geo permissions",
    21217: "check the number that is to be called",
    21219: "verify the number in the Twilio console, or upgrade the trial account",
}
"""What to do about the reasons for which Twilio places no call (Twilio, "Error and Warning Dictionary")."""


class TwilioCalls:
    """What is asked for one call of ours."""

    def __init__(self, client: "Client") -> None:
        self._client = client

    async def place(self, *, to: str, from_: str, reception: Mapping[str, str], ring_seconds: int) -> str:
        """Call `to`; gives the call's sid. Asked once and never again, as each time somebody's telephone would ring.

        `reception` is how the number `from_` is set up, in the names of an IncomingPhoneNumber: whoever takes the call
        talks with whom they would get when they called it. Raises `VendorError`.
        """
        hooks = {
            "url": reception["voice_url"],
            "method": reception["voice_method"],
            "fallback_url": reception["voice_fallback_url"],
            "fallback_method": reception["voice_fallback_method"],
            "status_callback": reception["status_callback"],
            "status_callback_method": reception["status_callback_method"],
        }
        given = {name: value for name, value in hooks.items() if value}
        request = self._client.calls.create_async(to=to, from_=from_, timeout=ring_seconds, **given)
        try:
            call = await asked("place a call", request)
        except VendorError as error:
            if error.code not in _MENDS:
                raise
            text = f"Twilio refused to place a call with {error.status}, error {error.code}; {_MENDS[error.code]}"
            raise VendorError(text, status=error.status, code=error.code) from None
        return str(call.sid)

    async def status(self, sid: str) -> str:
        """How far a call is: one of Twilio's values of CallStatus. Raises `VendorError`."""
        call = await asked("tell of a call", self._client.calls(sid).fetch_async())
        return str(call.status)

    async def end(self, sid: str) -> None:
        """Hang up, or ring no more. Raises `VendorError`."""
        await asked("end a call", self._client.calls(sid).update_async(status="completed"))


@asynccontextmanager
async def open_twilio_calls(*, account_sid: str, auth_token: str, base_url: str) -> AsyncIterator[TwilioCalls]:
    """The account's calls for as long as the context lasts."""
    async with open_client(account_sid=account_sid, auth_token=auth_token, base_url=base_url) as client:
        yield TwilioCalls(client)
