"""A model by OpenAI's Chat Completions, or on any server that speaks the same: Ollama, vLLM, llama.cpp, a gateway.

Source: <https://platform.openai.com/docs/api-reference/chat-streaming>, and the `openai` package 3.52.
"""

import ssl
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from math import isnan
from typing import TYPE_CHECKING

from ringbridge.llm.base import Failure, ModelFailed, Piece, Request
from ringbridge.llm.completions import Answer, messages_of, tool_of

if TYPE_CHECKING:
    import openai

__all__ = ["OpenAIModel"]

CONNECT_SECONDS = 3.0
"""What connecting to a model may take."""

READ_SECONDS = 15.0
"""The longest pause between two pieces of a stream, and before the first. The caller hears nothing meanwhile."""

KEEP_WARM_SECONDS = 120.0
"""An idle connection is kept so long, so that no turn of a call begins with a TLS handshake. The default is 5 s; some
networks forget a connection, without a word, after 4 minutes."""

_MENDS = {
    Failure.REFUSED_KEY: "check its key",
    Failure.RATE_LIMITED: "too many requests, or no credit left",
    Failure.REJECTED: "check the model's name, and that it is fit for chat and tools",
    Failure.TOO_LONG: "the conversation is too long for it",
    Failure.FILTERED: "its content filter does not let it answer",
    Failure.SERVER: "see the status page of its server",
}

_TOO_LONG = (
    *("context_length", "context length", "context window", "context size", "maximum context", "n_ctx"),
    *("maximum model length", "max_model_len", "prompt is too long", "too many tokens", "maximum number of tokens"),
    "reduce the length of the messages",
)
"""How OpenAI, vLLM, Ollama, llama.cpp and the gateways word it."""

_FILTERED = ("content_filter", "content management policy", "content_policy")

LONGEST_REST_SECONDS = 3600.0
"""What a server asks for beyond that is rather a mistake."""


class OpenAIModel:
    """One model on one server. Its client is made once; the connections stay warm between turns and calls."""

    def __init__(self, *, base_url: str, api_key: str, model: str, name: str) -> None:
        """`base_url` ends in `/v1` most of the time; `name` is what the log calls it."""
        self.name = name
        self._base_url = base_url
        self._api_key = api_key
        self._model = model
        self._made: openai.AsyncOpenAI | None = None

    def warm(self) -> None:
        """Load the SDK, which takes half a second, and make the client: to be done before the first call."""
        _ = self._client

    async def stream(self, request: Request) -> AsyncGenerator[Piece, None]:
        """Ask; gives the answer as it is made. Raises `ModelFailed`."""
        import openai  # noqa: PLC0415

        begun = False
        try:
            stream = await self._client.chat.completions.create(
                model=self._model,
                messages=messages_of(request),
                tools=[tool_of(tool) for tool in request.tools] or openai.omit,
                stream=True,
                stream_options={"include_usage": True},
            )
            begun = True
            async with stream:
                answer = Answer(self.name)
                async for chunk in stream:
                    for piece in answer.take(chunk):
                        yield piece
                for piece in answer.end():
                    yield piece
        except openai.APIStatusError as error:
            raise self._refused(error) from None
        except openai.APITimeoutError:
            raise ModelFailed(Failure.SILENT, f"{self.name} was silent for too long") from None
        except openai.APIConnectionError:
            if begun:
                raise ModelFailed(Failure.BROKE_OFF, f"the connection to {self.name} broke") from None
            raise ModelFailed(Failure.UNREACHABLE, f"{self.name} can't be reached: check its address") from None
        except openai.APIError as error:
            failure = _worded(f"{error.code} {error.message}") or Failure.BROKE_OFF
            raise ModelFailed(failure, f"{self.name} broke off its answer with an error") from None
        except ValueError:  # the SDK could not read a chunk
            raise ModelFailed(Failure.BROKE_OFF, f"{self.name} sent broken JSON") from None
        except self._lost as error:  # what the SDK lets through in the midst of a stream
            text = f"the connection to {self.name} broke: {type(error).__name__}"
            raise ModelFailed(Failure.BROKE_OFF, text) from None

    async def close(self) -> None:
        """Close the client's connections."""
        if self._made is not None:
            await self._made.close()

    @property
    def _client(self) -> "openai.AsyncOpenAI":
        if self._made is None:
            self._made = _client(self._base_url, self._api_key)
        return self._made

    @property
    def _lost(self) -> type[Exception]:
        import httpx2  # noqa: PLC0415

        return httpx2.HTTPError

    def _refused(self, error: "openai.APIStatusError") -> ModelFailed:
        failure = _failure(error.status_code, f"{error.code} {error.message}")
        text = f"{self.name} answered {error.status_code}: {_MENDS[failure]}"
        return ModelFailed(failure, text, retry_after=_retry_after(error.response.headers.get("retry-after")))


def _client(base_url: str, api_key: str) -> "openai.AsyncOpenAI":
    import httpx2  # noqa: PLC0415
    import openai  # noqa: PLC0415

    client = openai.AsyncOpenAI(
        api_key=api_key,
        base_url=base_url,
        timeout=openai.Timeout(READ_SECONDS, connect=CONNECT_SECONDS),
        max_retries=0,
        http_client=openai.DefaultAsyncHttpxClient(
            verify=_trusted(), limits=httpx2.Limits(max_connections=1000, keepalive_expiry=KEEP_WARM_SECONDS)
        ),
    )
    _ = client.chat.completions  # its module, too, is loaded now rather than in the first turn
    return client


@cache
def _trusted() -> ssl.SSLContext:
    """The authorities that are trusted: reading them takes 20 ms, so it is done once."""
    import httpx2  # noqa: PLC0415

    return httpx2.create_ssl_context()


def _failure(status: int, text: str) -> Failure:
    match status:
        case 401 | 403:
            return Failure.REFUSED_KEY
        case 402 | 429:  # before the words: "too many tokens" is a matter of their rate here
            return Failure.RATE_LIMITED
        case _:
            return _worded(text) or (Failure.SERVER if status >= 500 else Failure.REJECTED)


def _worded(text: str) -> Failure | None:
    """A failure that servers tell by words rather than by a status."""
    text = text.casefold()
    if any(words in text for words in _TOO_LONG):
        return Failure.TOO_LONG
    return Failure.FILTERED if any(words in text for words in _FILTERED) else None


def _retry_after(header: str | None) -> float | None:
    """Seconds, at most an hour; the header has them as a number or as a date (RFC 9110, 10.2.3)."""
    if header is None:
        return None
    try:
        seconds = float(header)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(header) - datetime.now(UTC)).total_seconds()
        except (ValueError, TypeError):
            return None
    return None if isnan(seconds) else min(max(seconds, 0.0), LONGEST_REST_SECONDS)
