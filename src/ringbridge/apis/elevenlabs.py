"""ElevenLabs' REST API, as far as a call needs it: one request, by what dials the conversation's socket, too.

The SDK would take five times the processor's time for it, in each call.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Final

import msgspec
from aiohttp import ClientError, ClientResponseError, ClientSession, ClientTimeout
from yarl import URL

from ringbridge.apis.dialling import open_session
from ringbridge.errors import VendorError

__all__ = ["MENDS", "ElevenLabs", "is_covered", "open_elevenlabs", "refusal"]

VENDOR_DOMAIN = ".elevenlabs.io"
"""The API's own host, and those of its regions, end so; a signed URL may lead to another of them."""

SECONDS = 4.0
"""What a request may take: the caller is waiting."""

MENDS: Final[Mapping[int | None, str]] = {
    HTTPStatus.UNAUTHORIZED: "check ELEVENLABS_API_KEY and the account's quota",
    HTTPStatus.FORBIDDEN: "the API key needs the permission for conversational AI",
    HTTPStatus.NOT_FOUND: "check SPEECH_ENGINE_ID, and that the key is of the same workspace",
    HTTPStatus.TOO_MANY_REQUESTS: "all conversations of the plan are in use",
}
"""What to do about a refusal."""

_SIGNED_URL: Final = "/v1/convai/conversation/get-signed-url"


class _SignedUrl(msgspec.Struct):
    signed_url: str


class ElevenLabs:
    """The requests that we make."""

    def __init__(self, session: ClientSession, base_url: URL) -> None:
        """`session` bears the key and the deadline."""
        self._session = session
        self._base_url = base_url
        self._address = base_url.join(URL(_SIGNED_URL))
        self._addresses: dict[str, URL] = {}

    async def signed_url(self, engine_id: str) -> str:
        """Where one conversation with this engine may be opened, once.

        The single-use form is asked for: without `include_conversation_id` the URL would open any number for 15 minutes
        (ElevenLabs, "Agent authentication"). Raises `VendorError`, also for a URL that leads to some other host.
        """
        try:
            async with self._session.get(self._address_for(engine_id)) as response:
                body = await response.read()
        except TimeoutError:
            raise VendorError(f"ElevenLabs gave no signed URL within {SECONDS:g} s") from None
        except ClientResponseError as error:
            raise _refused(error.status, b"") from None
        except (ClientError, OSError) as error:
            raise VendorError(f"ElevenLabs can't be reached for a signed URL: {type(error).__name__}") from None
        if response.status != HTTPStatus.OK:
            raise _refused(response.status, body)
        return self._checked(body)

    def _address_for(self, engine_id: str) -> URL:
        if engine_id not in self._addresses:
            query = {"agent_id": engine_id, "include_conversation_id": "true"}
            self._addresses[engine_id] = self._address.with_query(query)
        return self._addresses[engine_id]

    def _checked(self, body: bytes) -> str:
        try:
            signed_url = msgspec.json.decode(body, type=_SignedUrl).signed_url
            url = URL(signed_url)
        except (msgspec.DecodeError, ValueError, RecursionError):
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
    headers = {"xi-api-key": api_key}
    async with open_session(headers=headers, timeout=ClientTimeout(total=SECONDS)) as session:
        yield ElevenLabs(session, URL(base_url))


def refusal(what: str, status: int | None, body: object, mends: Mapping[int | None, str]) -> VendorError:
    """The error for an answer that refuses `what`: with the vendor's name for it, and the mend for that status."""
    detail = body.get("detail") if isinstance(body, dict) else None
    name = detail.get("status") if isinstance(detail, dict) else None
    mend = mends.get(status)
    text = f"ElevenLabs refused a {what} with {status}{f' {name}' if name else ''}{f': {mend}' if mend else ''}"
    return VendorError(text, status=status)


def _refused(status: int, body: bytes) -> VendorError:
    try:
        told = msgspec.json.decode(body)
    except (msgspec.DecodeError, ValueError, RecursionError):
        told = None
    return refusal("signed URL", status, told, MENDS)
