"""What ElevenLabs speaks for us before there are calls, through its SDK."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager, contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, cast

import httpx

from ringbridge.apis.elevenlabs import MENDS, SECONDS, refusal
from ringbridge.audio.mulaw import RATE
from ringbridge.errors import VendorError

if TYPE_CHECKING:
    from elevenlabs.client import AsyncElevenLabs

__all__ = ["ElevenLabsSpeech", "open_elevenlabs_speech"]

SPEECH_SECONDS = 30.0
"""What speaking a sentence may take: nobody waits for it on the phone."""

_MODEL: Final = "eleven_flash_v2_5"
"""Speaks all our languages; `eleven_flash_v2`, which engines may have, speaks English only (ElevenLabs, "Models")."""

_SPEECH_MENDS: Final[Mapping[int | None, str]] = {
    **MENDS,
    HTTPStatus.FORBIDDEN: "the API key needs the permission for text to speech",
    HTTPStatus.NOT_FOUND: "check the voice's id, and that the key is of the same workspace",
    HTTPStatus.UNPROCESSABLE_ENTITY: "check the voice's id",
    HTTPStatus.TOO_MANY_REQUESTS: "the plan allows no more requests at once; try again",
}


class ElevenLabsSpeech:
    """The requests that `ringbridge clips` makes."""

    def __init__(self, client: "AsyncElevenLabs") -> None:
        self._client = client

    async def voice_of(self, engine_id: str) -> str | None:
        """The id of the voice that an engine speaks with, where one was chosen. Raises `VendorError`."""
        with _explained("speech engine", MENDS, SECONDS):
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
                    model_id=_MODEL,
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


@asynccontextmanager
async def open_elevenlabs_speech(*, api_key: str, base_url: str) -> AsyncIterator[ElevenLabsSpeech]:
    """ElevenLabs' speech for as long as the context lasts."""
    from elevenlabs.client import AsyncElevenLabs  # noqa: PLC0415 - heavy

    async with httpx.AsyncClient(timeout=SECONDS) as http:
        yield ElevenLabsSpeech(AsyncElevenLabs(api_key=api_key, base_url=base_url, httpx_client=http))


@contextmanager
def _explained(what: str, mends: Mapping[int | None, str], seconds: float) -> Iterator[None]:
    """Makes a `VendorError` of whatever the SDK raises when it is asked for `what`."""
    from elevenlabs.core.api_error import ApiError  # noqa: PLC0415 - heavy, loaded by open_elevenlabs_speech()

    try:
        yield
    except ApiError as error:
        raise refusal(what, error.status_code, error.body, mends) from None
    except TimeoutError:
        raise VendorError(f"ElevenLabs gave no {what} within {seconds:g} s") from None
    except httpx.HTTPError as error:
        raise VendorError(f"ElevenLabs can't be reached for a {what}: {type(error).__name__}") from None
    except (AttributeError, TypeError, ValueError):  # the SDK hands on, unchecked, whatever the answer holds
        raise VendorError(f"ElevenLabs' answer holds no {what}") from None
