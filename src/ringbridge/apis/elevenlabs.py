"""ElevenLabs' REST API, through its SDK."""

import asyncio
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager, contextmanager
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, cast

import httpx
from yarl import URL

from ringbridge.audio.mulaw import RATE
from ringbridge.errors import VendorError

if TYPE_CHECKING:
    from elevenlabs.client import AsyncElevenLabs

__all__ = ["ElevenLabs", "is_covered", "open_elevenlabs"]

VENDOR_DOMAIN = ".elevenlabs.io"
"""The API's own host, and those of its regions, end so; a signed URL may lead to another of them."""

SECONDS = 4.0
"""What a request may take: the caller is waiting."""

SPEECH_SECONDS = 30.0
"""What speaking a sentence may take: nobody waits for it on the phone."""

_SPEECH_MODEL: Final = "eleven_flash_v2_5"
"""Speaks all our languages; `eleven_flash_v2`, which engines may have, speaks English only (ElevenLabs, "Models")."""

_MENDS: Final[Mapping[int | None, str]] = {
    HTTPStatus.UNAUTHORIZED: "check ELEVENLABS_API_KEY and the account's quota",
    HTTPStatus.FORBIDDEN: "the API key needs the permission for conversational AI",
    HTTPStatus.NOT_FOUND: "check SPEECH_ENGINE_ID, and that the key is of the same workspace",
    HTTPStatus.TOO_MANY_REQUESTS: "all conversations of the plan are in use",
}
_SPEECH_MENDS: Final[Mapping[int | None, str]] = {
    **_MENDS,
    HTTPStatus.FORBIDDEN: "the API key needs the permission for text to speech",
    HTTPStatus.NOT_FOUND: "check the voice's id, and that the key is of the same workspace",
    HTTPStatus.UNPROCESSABLE_ENTITY: "check the voice's id",
    HTTPStatus.TOO_MANY_REQUESTS: "the plan allows no more requests at once; try again",
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
        with _explained("signed URL", _MENDS, SECONDS):
            async with asyncio.timeout(SECONDS):
                answer = await self._client.conversational_ai.conversations.get_signed_url(
                    agent_id=engine_id,
                    include_conversation_id=True,
                    request_options={"max_retries": 0},
                )
            signed_url: str = answer.signed_url
            url = URL(signed_url)
        if not is_covered(url, self._base_url):
            raise VendorError(f"the signed URL leads to {url.scheme}://{url.host}, not where ELEVENLABS_BASE_URL does")
        return signed_url

    async def voice_of(self, engine_id: str) -> str | None:
        """The id of the voice that an engine speaks with, where one was chosen. Raises `VendorError`."""
        with _explained("speech engine", _MENDS, SECONDS):
            async with asyncio.timeout(SECONDS):
                engine = await self._client.speech_engine.get(engine_id, request_options={"max_retries": 0})
            return engine.config.tts.voice_id if engine.config else None

    async def speak(self, text: str, *, voice_id: str, language: str, max_bytes: int) -> bytes:
        """A text in this voice, as headerless mu-law at 8 kHz. `language` is an ISO 639 code.

        Raises `VendorError`, also for a sound that is empty or has more than `max_bytes`.
        """
        audio = bytearray()
        with _explained("spoken sentence", _SPEECH_MENDS, SPEECH_SECONDS):
            async with asyncio.timeout(SPEECH_SECONDS):
                # Not awaited: the SDK's method is an asynchronous generator.
                pieces = self._client.text_to_speech.convert(
                    voice_id,
                    text=text,
                    model_id=_SPEECH_MODEL,
                    language_code=language,
                    output_format="ulaw_8000",
                    request_options={"max_retries": 0},
                )
                async with aclosing(cast("AsyncGenerator[bytes, None]", pieces)):
                    async for piece in pieces:
                        audio += piece
                        if len(audio) > max_bytes:
                            raise VendorError(f"ElevenLabs speaks a sentence for longer than {max_bytes / RATE:g} s")
        if not audio:
            raise VendorError("ElevenLabs' answer holds no sound; try another voice")
        return bytes(audio)


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


@contextmanager
def _explained(what: str, mends: Mapping[int | None, str], seconds: float) -> Iterator[None]:
    """Makes a `VendorError` of whatever the SDK raises when it is asked for `what`."""
    from elevenlabs.core.api_error import ApiError  # noqa: PLC0415 - heavy, loaded by open_elevenlabs()

    try:
        yield
    except ApiError as error:
        raise _refused(what, mends, error.status_code, error.body) from None
    except TimeoutError:
        raise VendorError(f"ElevenLabs gave no {what} within {seconds:g} s") from None
    except httpx.HTTPError as error:
        raise VendorError(f"ElevenLabs can't be reached for a {what}: {type(error).__name__}") from None
    except (AttributeError, TypeError, ValueError):  # the SDK hands on, unchecked, whatever the answer holds
        raise VendorError(f"ElevenLabs' answer holds no {what}") from None


def _refused(what: str, mends: Mapping[int | None, str], status: int | None, body: Any) -> VendorError:
    detail = body.get("detail") if isinstance(body, dict) else None
    name = detail.get("status") if isinstance(detail, dict) else None
    mend = mends.get(status)
    text = f"ElevenLabs refused a {what} with {status}{f' {name}' if name else ''}{f': {mend}' if mend else ''}"
    return VendorError(text, status=status)
