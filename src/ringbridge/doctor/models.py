"""The models that find the words: whether the key does, and how long the first word takes."""

import time
from contextlib import aclosing
from typing import Final

from ringbridge.config import Settings
from ringbridge.doctor.verdict import Verdict, failure, of_error, ok, warning
from ringbridge.llm.base import ModelFailed, Request, Said
from ringbridge.llm.names import ModelName, parse_keys
from ringbridge.llm.open import open_models

__all__ = ["MODEL", "check_model", "first_word", "models_of"]

MODEL: Final = "model"

SLOW_SECONDS: Final = 1.5
"""After that long a caller wonders; the bridge says "one moment" by default after 1.2 s."""

_QUESTION: Final = Request("You are being tested. Answer with one word.", (Said("user", "Say: ready."),))


def models_of(settings: Settings) -> tuple[ModelName, ...]:
    """Those that the settings name; none where a brain of one's own has no key of ours to use."""
    if settings.llms:
        return settings.llms
    if settings.brain is not None and settings.openai_api_key is None:
        return ()
    return (ModelName("openai", None, settings.openai_model),)


async def check_model(settings: Settings, name: ModelName) -> list[Verdict]:
    """Ask one model for a word. It costs some ten tokens."""
    title = f"{MODEL} {name}"
    key = settings.openai_api_key
    try:
        waited = await first_word(
            name,
            openai_url=settings.openai_base_url,
            openai_key=key.get_secret_value() if key else None,
            keys=parse_keys(settings.llm_keys.get_secret_value()),
        )
    except ModelFailed as error:
        return [of_error(title, error)]
    if waited is None:
        return [failure(title, "it answered without a word", "check the model's name, or take another")]
    return [_verdict(title, waited)]


async def first_word(name: ModelName, *, openai_url: str, openai_key: str | None, keys: dict[str, str]) -> float | None:
    """How many seconds the first word of a model takes; `None` where it says none. Raises `ModelFailed`."""
    async with open_models((name,), openai_url=openai_url, openai_key=openai_key, keys=keys, hedge_after=None) as chain:
        chain.warm()  # loading the SDK is no part of the model's time
        begun = time.perf_counter()
        async with aclosing(chain.stream(_QUESTION)) as pieces:
            async for _ in pieces:
                return time.perf_counter() - begun
    return None


def _verdict(title: str, waited: float) -> Verdict:
    found = f"the key does; the first word took {waited:.2f} s"
    if waited > SLOW_SECONDS:
        return warning(title, found, "a caller waits for it each time: take a faster model, or one nearer by")
    return ok(title, found)
