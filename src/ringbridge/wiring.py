"""The one place that picks the implementations."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager

from ringbridge.apis.elevenlabs import open_elevenlabs
from ringbridge.apis.twilio import open_twilio
from ringbridge.brains.agent import Agent
from ringbridge.brains.load import load_brain
from ringbridge.callers.memory import InMemory
from ringbridge.callers.sqlite import open_sqlite_memory
from ringbridge.config import Settings
from ringbridge.facts import Observer
from ringbridge.llm.base import Model
from ringbridge.llm.names import ModelName, parse_keys
from ringbridge.llm.open import open_models
from ringbridge.parts import Parts
from ringbridge.turn import Brain

__all__ = ["open_parts"]


@asynccontextmanager
async def open_parts(
    settings: Settings,
    *,
    brain: Brain | None = None,
    clock: Callable[[], float] = time.time,
    observers: tuple[Observer, ...] = (),
) -> AsyncIterator[Parts]:
    """Everything that the bridge leans on, closed in reverse. `brain` stands in for the one that the settings name."""
    async with AsyncExitStack() as stack:
        engine = await stack.enter_async_context(
            open_elevenlabs(
                api_key=settings.elevenlabs_api_key.get_secret_value(),
                base_url=settings.elevenlabs_base_url,
            )
        )
        phone = await stack.enter_async_context(
            open_twilio(
                account_sid=settings.twilio_account_sid,
                auth_token=settings.twilio_auth_tokens[0],
                base_url=settings.twilio_base_url,
            )
        )
        path = settings.memory_file
        brain = brain or _brain(settings)
        models = await stack.enter_async_context(_models(settings))
        if isinstance(brain, Agent):
            models.warm()
        yield Parts(
            engine=engine,
            phone=phone,
            brain=brain,
            models=models,
            memory=InMemory() if path is None else await stack.enter_async_context(open_sqlite_memory(path)),
            clock=clock,
            observers=observers,
        )


def _brain(settings: Settings) -> Brain:
    return load_brain(settings.brain) if settings.brain else Agent()


def _models(settings: Settings) -> AbstractAsyncContextManager[Model]:
    key = settings.openai_api_key
    return open_models(
        settings.llms or (ModelName("openai", None, settings.openai_model),),
        openai_url=settings.openai_base_url,
        openai_key=key.get_secret_value() if key else None,
        keys=parse_keys(settings.llm_keys.get_secret_value()),
        hedge_after=None if settings.hedge_after is None else settings.hedge_after / 1000,
    )
