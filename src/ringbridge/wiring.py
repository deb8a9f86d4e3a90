"""The one place that picks the implementations."""

import asyncio
import logging
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from ringbridge import log
from ringbridge.apis.elevenlabs import open_elevenlabs
from ringbridge.apis.twilio import open_twilio
from ringbridge.brains.agent import Agent
from ringbridge.brains.load import load_brain
from ringbridge.callers.memory import InMemory
from ringbridge.callers.sqlite import open_sqlite_memory
from ringbridge.config import Settings
from ringbridge.elsewhere.brain import open_brain
from ringbridge.elsewhere.messages import Hello
from ringbridge.facts import Observer
from ringbridge.live.clips import read_clips
from ringbridge.llm.base import Model
from ringbridge.llm.names import ModelName, parse_keys
from ringbridge.llm.open import open_models
from ringbridge.parts import BrainParts, Parts
from ringbridge.relay.clips import Clips
from ringbridge.shared.base import Usage
from ringbridge.shared.usage import open_usage
from ringbridge.telemetry.lines import Lines
from ringbridge.telemetry.prometheus import PrometheusMetrics
from ringbridge.telemetry.secrets import secret_values
from ringbridge.turn import Brain

__all__ = ["open_brain_parts", "open_bridge_parts", "open_parts"]


@asynccontextmanager
async def open_parts(
    settings: Settings,
    *,
    brain: Brain | None = None,
    clips: Callable[[str], Clips] | None = None,
    clock: Callable[[], float] = time.time,
    observers: tuple[Observer, ...] = (),
) -> AsyncIterator[Parts]:
    """Everything that bridge and brain in one process lean on, closed in reverse.

    `brain` and `clips` stand in for those that the settings name; a brain that is handed over stays in this process.
    Raises `SettingsError` for clips that can't be read, and `BrainNotFound`.
    """
    async with (
        _open_words(settings, brain) as words,
        open_bridge_parts(settings, clips=clips, clock=clock, observers=(*words.observers, *observers)) as parts,
    ):
        yield replace(parts, brain=words.brain, models=words.models)


@asynccontextmanager
async def open_bridge_parts(
    settings: Settings,
    *,
    clips: Callable[[str], Clips] | None = None,
    clock: Callable[[], float] = time.time,
    observers: tuple[Observer, ...] = (),
) -> AsyncIterator[Parts]:
    """Everything that a bridge leans on whose brains are a service of their own. Raises `SettingsError`."""
    async with AsyncExitStack() as stack:
        engine = await stack.enter_async_context(
            open_elevenlabs(
                api_key=settings.elevenlabs_api_keys[0],
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
        loops_time = asyncio.get_running_loop().time
        metrics = PrometheusMetrics(loops_time)
        yield Parts(
            engine=engine,
            phone=phone,
            brain=None,
            models=None,
            usage=await stack.enter_async_context(_usage(settings, clock)),
            clips=clips or _clips(settings),
            memory=InMemory() if path is None else await stack.enter_async_context(open_sqlite_memory(path)),
            clock=clock,
            metrics=metrics,
            observers=(Lines(loops_time), metrics, *observers),
        )


@asynccontextmanager
async def open_brain_parts(
    settings: Settings, *, brain: Brain | None = None, clock: Callable[[], float] = time.time
) -> AsyncIterator[BrainParts]:
    """Everything that brains lean on which are a service of their own. `brain` as above; raises `BrainNotFound`."""
    async with _open_words(settings, brain) as words:
        yield BrainParts(
            brain=words.brain,
            models=words.models,
            clock=clock,
            metrics=PrometheusMetrics(asyncio.get_running_loop().time),
            observers=words.observers,
        )


@dataclass(frozen=True, slots=True)
class _Words:
    brain: Brain
    models: Model
    observers: tuple[Observer, ...]


@asynccontextmanager
async def _open_words(settings: Settings, brain: Brain | None) -> AsyncIterator[_Words]:
    """Who finds the words, and who of that has to hear of calls."""
    async with AsyncExitStack() as stack:
        observers: tuple[Observer, ...] = ()
        if brain is None and settings.brain_processes:
            elsewhere = await stack.enter_async_context(open_brain(_hello(settings), settings.brain_processes))
            brain, observers = elsewhere, (elsewhere.observe,)
        brain = brain or _brain(settings)
        models = await stack.enter_async_context(_models(settings)())
        if isinstance(brain, Agent):
            models.warm()
        yield _Words(brain, models, observers)


def _brain(settings: Settings) -> Brain:
    return load_brain(settings.brain) if settings.brain else Agent()


def _hello(settings: Settings) -> Hello:
    """What processes of brains are told. Where our log leads nowhere, so does theirs."""
    log_set_up = partial(
        log.set_up, settings.log_format, personal=settings.log_personal, secrets=secret_values(settings)
    )
    is_written = any(not isinstance(handler, logging.NullHandler) for handler in logging.getLogger().handlers)
    return Hello(settings.brain, tuple(sys.path), log_set_up if is_written else None, _models(settings))


def _usage(settings: Settings, clock: Callable[[], float]) -> AbstractAsyncContextManager[Usage]:
    url, zone = settings.redis_url, settings.zone
    return open_usage(
        url=None if url is None else url.get_secret_value(),
        now=lambda: datetime.fromtimestamp(clock(), zone),
        secret=settings.shared_secrets[-1],
    )


def _clips(settings: Settings) -> Callable[[str], Clips]:
    languages = (engine.language for engine in (settings.default_engine, *settings.speech_engine_ids))
    return read_clips(settings.clips, languages=languages).for_language


def _models(settings: Settings) -> Callable[[], AbstractAsyncContextManager[Model]]:
    key = settings.openai_api_key
    return partial(
        open_models,
        settings.llms or (ModelName("openai", None, settings.openai_model),),
        openai_url=settings.openai_base_url,
        openai_key=key.get_secret_value() if key else None,
        keys=parse_keys(settings.llm_keys.get_secret_value()),
        hedge_after=None if settings.hedge_after is None else settings.hedge_after / 1000,
    )
