"""ElevenLabs' SDK, as we use it where no caller waits: how it is opened, and what its refusals mean."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import asynccontextmanager
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, TypeVar

import httpx

from ringbridge.apis.elevenlabs import MENDS, refusal
from ringbridge.errors import VendorError

if TYPE_CHECKING:
    from elevenlabs.client import AsyncElevenLabs
    from elevenlabs.core import RequestOptions

__all__ = ["ONCE", "asked", "open_sdk"]

SECONDS = 10.0
"""What a request may take."""

ONCE: Final["RequestOptions"] = {"max_retries": 0}
"""The SDK would try again by itself; creating is not to be done twice."""

_NETWORK: Final = "see to the network, and ELEVENLABS_BASE_URL"

_Answer = TypeVar("_Answer")


async def asked(what: str, request: Awaitable[_Answer], *, needs: str) -> _Answer:
    """The answer to a request for `what`, which a key may make that has the permission `needs`.

    Raises `VendorError` with a mend, for whatever the SDK raises.
    """
    from elevenlabs.core.api_error import ApiError  # noqa: PLC0415 - heavy, loaded by open_sdk()

    try:
        async with asyncio.timeout(SECONDS):
            return await request
    except ApiError as error:
        raise refusal(what, error.status_code, error.body, _mends(error.status_code, error.body, needs)) from None
    except TimeoutError:
        raise VendorError(f"ElevenLabs gave no {what} within {SECONDS:g} s; try again") from None
    except httpx.HTTPError as error:
        raise VendorError(f"ElevenLabs can't be reached for a {what}: {type(error).__name__}; {_NETWORK}") from None
    except (AttributeError, TypeError, ValueError):  # the SDK hands on, unchecked, whatever the answer holds
        raise VendorError(f"ElevenLabs' answer holds no {what}; check ELEVENLABS_BASE_URL") from None


@asynccontextmanager
async def open_sdk(*, api_key: str, base_url: str) -> AsyncIterator["AsyncElevenLabs"]:
    """The SDK's client for as long as the context lasts."""
    from elevenlabs.client import AsyncElevenLabs  # noqa: PLC0415 - heavy

    async with httpx.AsyncClient(timeout=SECONDS, verify=_trusted()) as http:
        yield AsyncElevenLabs(api_key=api_key, base_url=base_url, httpx_client=http)


@cache
def _trusted() -> ssl.SSLContext:
    """Made once: reading the certificates takes longer than a request."""
    return httpx.create_ssl_context()


def _mends(status: int | None, body: Any, needs: str) -> Mapping[int | None, str]:
    permission = f"give the API key the permission {needs}, in ElevenLabs under Developers, API keys"
    mends = {**MENDS, HTTPStatus.FORBIDDEN: permission}
    if status is not None and status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        mends[status] = "try again, and see https://status.elevenlabs.io"
    detail = body.get("detail") if isinstance(body, dict) else None
    if isinstance(detail, dict) and detail.get("status") == "missing_permissions":
        mends[HTTPStatus.UNAUTHORIZED] = permission
    if isinstance(detail, list) and (fields := _fields(detail)):
        mends[HTTPStatus.UNPROCESSABLE_ENTITY] = f"it does not like {fields}"
    return mends


def _fields(problems: list[Any]) -> str:
    """The fields that were refused. Never what they held."""
    paths = [problem["loc"] for problem in problems if isinstance(problem, dict) and _is_path(problem.get("loc"))]
    return ", ".join(".".join(map(str, path[1:])) for path in paths)


def _is_path(value: object) -> bool:
    return isinstance(value, list) and len(value) > 1
