"""The one place that picks who speaks to which model."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from ringbridge.llm.base import Model
from ringbridge.llm.chain import Chain
from ringbridge.llm.names import ModelName, key_for
from ringbridge.llm.openai import OpenAIModel

__all__ = ["open_models"]


@asynccontextmanager
async def open_models(
    names: Sequence[ModelName],
    *,
    openai_url: str,
    openai_key: str | None,
    keys: dict[str, str],
    hedge_after: float | None,
) -> AsyncIterator[Chain]:
    """The models of those names, which stand in for each other; closed with the context.

    `openai_url` is where names without a server of their own lead. `hedge_after` is in seconds.
    """
    models = [_open(name, openai_url=openai_url, openai_key=openai_key, keys=keys) for name in names]
    chain = Chain(models, hedge_after=hedge_after)
    try:
        yield chain
    finally:
        await chain.close()


def _open(name: ModelName, *, openai_url: str, openai_key: str | None, keys: dict[str, str]) -> Model:
    base_url = name.base_url or openai_url
    key = key_for(base_url, openai_url=openai_url, openai_key=openai_key, keys=keys)
    return OpenAIModel(base_url=base_url, api_key=key, model=name.model, name=str(name))
