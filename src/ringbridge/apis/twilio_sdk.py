"""Twilio's SDK, as we use it where no caller waits: how it is opened, and what its refusals mean."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import msgspec
from aiohttp import ClientError

from ringbridge.errors import VendorError

if TYPE_CHECKING:
    from twilio.rest import Client

__all__ = ["asked", "open_client"]

SECONDS = 10.0
"""What a request may take: the SDK's own client sets no limit."""

MENDS: Final[Mapping[int | None, str]] = {
    HTTPStatus.UNAUTHORIZED: "check TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN",
    HTTPStatus.FORBIDDEN: "see in the Twilio console whether the account is active",
    HTTPStatus.NOT_FOUND: "check TWILIO_ACCOUNT_SID and TWILIO_PHONE_NUMBER",
    HTTPStatus.TOO_MANY_REQUESTS: "wait a minute, and try again",
}
"""What to do about a refusal."""

_CODES: Final[Mapping[int | None, str]] = {
    21402: "check PUBLIC_URL and --fallback-url",
    21405: "check PUBLIC_URL and --fallback-url",
}
"""The same, where Twilio's own code says more: an URL that is none, or none that the world could know."""


class _Problem(msgspec.Struct):
    code: int | None = None


async def asked(what: str, request: Awaitable[Any]) -> Any:
    """The answer to a request to do `what`. Raises `VendorError` with a mend, for whatever the SDK raises."""
    from twilio.base.exceptions import TwilioException, TwilioRestException  # noqa: PLC0415 - loaded by open_client()

    try:
        async with asyncio.timeout(SECONDS):
            return await request
    except TwilioRestException as error:
        raise _refusal(what, error.status, error.code) from None
    except TwilioException as error:  # a page of a list, whose response it holds
        response = error.args[-1]
        raise _refusal(what, getattr(response, "status_code", None), _code(getattr(response, "text", ""))) from None
    except TimeoutError:
        raise VendorError(f"Twilio did not {what} within {SECONDS:g} s; try again") from None
    except ClientError as error:
        raise VendorError(
            f"Twilio can't be reached to {what}: {type(error).__name__}; see to the network, and TWILIO_BASE_URL"
        ) from None
    except (AttributeError, KeyError, TypeError, ValueError):  # what the SDK makes of a body that is something else
        raise VendorError(f"Twilio's answer when asked to {what} can't be read; check TWILIO_BASE_URL") from None


def _refusal(what: str, status: int | None, code: int | None) -> VendorError:
    code = None if code == status else code  # the SDK makes one up where there is none
    mend = _CODES.get(code) or MENDS.get(status) or _mend(status, code)
    number = "" if code is None else f", error {code}"
    return VendorError(f"Twilio refused to {what} with {status}{number}; {mend}", status=status, code=code)


def _mend(status: int | None, code: int | None) -> str:
    if status is not None and status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return "try again, and see https://status.twilio.com"
    return "check TWILIO_BASE_URL" if code is None else f"see https://www.twilio.com/docs/api/errors/{code}"


def _code(body: str) -> int | None:
    """Twilio's own code of an error, by its JSON."""
    try:
        return msgspec.json.decode(body, type=_Problem).code
    except (msgspec.DecodeError, RecursionError):
        return None


@asynccontextmanager
async def open_client(*, account_sid: str, auth_token: str, base_url: str) -> AsyncIterator["Client"]:
    """The SDK's client for as long as the context lasts."""
    from twilio.http.async_http_client import AsyncTwilioHttpClient  # noqa: PLC0415 - heavy
    from twilio.rest import Client  # noqa: PLC0415 - heavy

    async with AsyncTwilioHttpClient() as http:
        client = Client(account_sid, auth_token, http_client=http)
        client.api.base_url = base_url
        client.edge = client.region = None  # read from the environment, they would change the host behind our back
        yield client
