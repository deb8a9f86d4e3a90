"""Twilio's REST API, through its SDK."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from aiohttp import ClientError

from ringbridge.apis.base import NOT_IN_PROGRESS
from ringbridge.errors import VendorError
from ringbridge.ids import CallSid
from ringbridge.wire.webhook import TERMINAL_STATUSES

if TYPE_CHECKING:
    from twilio.rest import Client

__all__ = ["Twilio", "open_twilio"]

SECONDS = 3.0
"""What a request may take: the SDK's own client sets no limit."""


class Twilio:
    """The requests that we make."""

    def __init__(self, client: "Client") -> None:
        self._client = client

    async def hang_up(self, call_sid: CallSid) -> None:
        """End a call. One that has ended already is no error. Raises `VendorError`."""
        try:
            await self._update(call_sid, "end a call", status="completed")
        except VendorError as error:
            if error.code != NOT_IN_PROGRESS:
                raise

    async def is_over(self, call_sid: CallSid) -> bool:
        """Whether a call has ended; one that Twilio does not know has. Raises `VendorError`."""
        try:
            call = await self._ask("tell of a call", self._client.calls(call_sid).fetch_async())
        except VendorError as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise
            return True
        return call.status in TERMINAL_STATUSES

    async def redirect(self, call_sid: CallSid, twiml: str) -> None:
        """Have Twilio carry out another document. Raises `VendorError`."""
        await self._update(call_sid, "redirect a call", twiml=twiml)

    async def _update(self, call_sid: CallSid, what: str, **change: str) -> None:
        await self._ask(what, self._client.calls(call_sid).update_async(**change))

    async def _ask(self, what: str, request: Awaitable[Any]) -> Any:
        from twilio.base.exceptions import TwilioRestException  # noqa: PLC0415 - loaded by open_twilio()

        try:
            async with asyncio.timeout(SECONDS):
                return await request
        except TwilioRestException as error:
            text = f"Twilio refused to {what} with {error.status}, error {error.code}"
            raise VendorError(text, status=error.status, code=error.code) from None
        except TimeoutError:
            raise VendorError(f"Twilio did not {what} within {SECONDS:g} s") from None
        except ClientError as error:
            raise VendorError(f"Twilio can't be reached to {what}: {type(error).__name__}") from None
        except (AttributeError, TypeError, ValueError):  # what the SDK makes of a body that is no call's
            raise VendorError(f"Twilio's answer when asked to {what} can't be read") from None


@asynccontextmanager
async def open_twilio(*, account_sid: str, auth_token: str, base_url: str) -> AsyncIterator[Twilio]:
    """Twilio's API for as long as the context lasts; its connections are kept warm."""
    from twilio.http.async_http_client import AsyncTwilioHttpClient  # noqa: PLC0415 - heavy
    from twilio.rest import Client  # noqa: PLC0415 - heavy

    async with AsyncTwilioHttpClient() as http:
        client = Client(account_sid, auth_token, http_client=http)
        client.api.base_url = base_url
        client.edge = client.region = None  # read from the environment, they would change the host behind our back
        yield Twilio(client)
