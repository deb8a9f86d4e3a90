"""ElevenLabs' REST API, through its SDK."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import httpx
from yarl import URL

from ringbridge.errors import VendorError

if TYPE_CHECKING:
    from elevenlabs.client import AsyncElevenLabs

__all__ = ["ElevenLabs", "is_covered", "open_elevenlabs"]

VENDOR_DOMAIN = ".elevenlabs.io"
"""The API's own host, and those of its regions, end so; a signed URL may lead to another of them."""

SECONDS = 4.0
"""What a request may take: the caller is waiting."""

_MENDS: dict[int | None, str] = {
    HTTPStatus.UNAUTHORIZED: "check ELEVENLABS_API_KEY and the account's quota",
    HTTPStatus.FORBIDDEN: "the API key needs the permission for conversational AI",
    HTTPStatus.NOT_FOUND: "check SPEECH_ENGINE_ID, and that the key is of the same workspace",
    HTTPStatus.TOO_MANY_REQUESTS: "all conversations of the plan are in use",
}


class ElevenLabs:
    """The requests that we make."""

    def __init__(self, client: "AsyncElevenLabs", base_url: URL) -> None:
        self._client = client
        self._base_url = base_url

    async def signed_url(self, engine_id: str) -> str:
        """Where one conversation with this engine may be opened, once.

        The single-use form is asked for: without `include_conversation_id` the URL would open any number for 15 minutes
        (ElevenLabs, "Agent authentication"). Raises `VendorError`, also for a URL that leads to some other host.
        """
        from elevenlabs.core.api_error import ApiError  # noqa: PLC0415 - heavy, loaded by open_elevenlabs()

        try:
            async with asyncio.timeout(SECONDS):
                answer = await self._client.conversational_ai.conversations.get_signed_url(
                    agent_id=engine_id,
                    include_conversation_id=True,
                    request_options={"max_retries": 0},
                )
            signed_url: str = answer.signed_url
            url = URL(signed_url)
        except ApiError as error:
            raise _refused(error.status_code, error.body) from None
        except TimeoutError:
            raise VendorError(f"ElevenLabs gave no signed URL within {SECONDS:g} s") from None
        except httpx.HTTPError as error:
            raise VendorError(f"ElevenLabs can't be reached for a signed URL: {type(error).__name__}") from None
        except (AttributeError, TypeError, ValueError):  # the SDK hands on, unchecked, whatever the answer holds
            raise VendorError("ElevenLabs' answer holds no signed URL") from None
        if not is_covered(url, self._base_url):
            raise VendorError(f"the signed URL leads to {url.scheme}://{url.host}, not where ELEVENLABS_BASE_URL does")
        return signed_url


def is_covered(signed_url: URL, base_url: URL) -> bool:
    """Whether a signed URL leads to where `base_url` does: for the vendor's, anywhere in its domain over TLS.

    Anything else could be sent our caller's voice by whoever stands between.
    """
    host = signed_url.host or ""
    if (base_url.host or "").endswith(VENDOR_DOMAIN):
        return signed_url.scheme == "wss" and host.endswith(VENDOR_DOMAIN)
    return signed_url.scheme in {"ws", "wss"} and host == base_url.host


@asynccontextmanager
async def open_elevenlabs(*, api_key: str, base_url: str) -> AsyncIterator[ElevenLabs]:
    """ElevenLabs' API for as long as the context lasts; its connections are kept warm."""
    from elevenlabs.client import AsyncElevenLabs  # noqa: PLC0415 - heavy

    async with httpx.AsyncClient(timeout=SECONDS, verify=_trusted()) as http:
        client = AsyncElevenLabs(api_key=api_key, base_url=base_url, httpx_client=http)
        _ = client.conversational_ai.conversations  # the SDK imports it at first use: 100 ms that no caller should wait
        yield ElevenLabs(client, URL(base_url))


@cache
def _trusted() -> ssl.SSLContext:
    """The authorities that are trusted: reading them takes 20 ms, so it is done once."""
    return httpx.create_ssl_context()


def _refused(status: int | None, body: Any) -> VendorError:
    detail = body.get("detail") if isinstance(body, dict) else None
    name = detail.get("status") if isinstance(detail, dict) else None
    mend = _MENDS.get(status)
    text = f"ElevenLabs refused a signed URL with {status}{f' {name}' if name else ''}{f': {mend}' if mend else ''}"
    return VendorError(text, status=status)
