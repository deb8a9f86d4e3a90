"""The one place that picks the implementations."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

from ringbridge.apis.elevenlabs import open_elevenlabs
from ringbridge.apis.twilio import open_twilio
from ringbridge.brains.load import load_brain
from ringbridge.config import Settings
from ringbridge.facts import Observer
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
                engine_id=settings.speech_engine_id,
            )
        )
        phone = await stack.enter_async_context(
            open_twilio(
                account_sid=settings.twilio_account_sid,
                auth_token=settings.twilio_auth_tokens[0],
                base_url=settings.twilio_base_url,
            )
        )
        yield Parts(
            engine=engine,
            phone=phone,
            brain=brain or _brain(settings, stack),
            clock=clock,
            observers=observers,
        )


def _brain(settings: Settings, stack: AsyncExitStack) -> Brain:
    if settings.brain:
        return load_brain(settings.brain)
    from ringbridge.brains.openai import openai_brain  # noqa: PLC0415 - heavy

    assert settings.openai_api_key is not None
    brain = openai_brain(
        api_key=settings.openai_api_key.get_secret_value(),
        base_url=settings.openai_base_url,
        model=settings.openai_model,
    )
    stack.push_async_callback(brain.close)
    return brain
