"""Where `ringbridge simulate` calls: a bridge that it starts between both twins, or one that runs already."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Final

import click

from ringbridge.brains import demo
from ringbridge.brains.load import load_brain
from ringbridge.calls import documents
from ringbridge.cli.models import model_settings
from ringbridge.config import FromEnvironment, load
from ringbridge.emulator.addresses import AddressBook
from ringbridge.emulator.elevenlabs.engine import DEFAULT_CLIENT_EVENTS
from ringbridge.emulator.elevenlabs.twin import ElevenLabsTwin
from ringbridge.emulator.faults import Fault, Faults
from ringbridge.emulator.openai.characters import booking_desk
from ringbridge.emulator.speech.base import Speech
from ringbridge.emulator.twilio.phone import PhoneCall
from ringbridge.emulator.twilio.twin import TwilioTwin
from ringbridge.emulator.world import OWN_NUMBER, World
from ringbridge.errors import SettingsError
from ringbridge.facts import Observer
from ringbridge.public_url import PublicUrl
from ringbridge.setting_types import AccountSidText, Hint, OneOrTwo, PhoneNumber, PublicHost, both
from ringbridge.web import calls

__all__ = ["Place", "own_bridge", "running_bridge"]

_TWILIO_FAULTS: Final = frozenset({"webhook", "media_socket", "twilio_rest"})


@dataclass(frozen=True, slots=True)
class Place:
    """A number that can be dialled, at the Twilio that it is at; and the engine behind it, where that is ours, too."""

    dial: Callable[[], Awaitable[PhoneCall]]
    twilio: TwilioTwin
    elevenlabs: ElevenLabsTwin | None = None


class _Number(FromEnvironment):
    """What Twilio would know of the number whose bridge runs."""

    twilio_account_sid: Annotated[AccountSidText, Hint("write the same as for the bridge")]
    twilio_auth_token: Annotated[OneOrTwo, Hint("write the same as for the bridge")]
    twilio_phone_number: PhoneNumber | None = None
    public_url: PublicHost | None = None


@asynccontextmanager
async def own_bridge(
    brain: str | None, speech: Speech, faults: tuple[Fault, ...], observer: Observer
) -> AsyncIterator[Place]:
    """Start everything; `observer` is told what happens on each call. Raises `BrainNotFound`.

    Without a `brain` it is the demonstration's. Where the settings name no model, the demonstration's is asked.
    """
    reply = load_brain(brain) if brain else demo.reply
    settings = model_settings() if brain else {}
    async with World(
        reply,
        speech,
        model=None if settings else booking_desk,
        settings=settings,
        engine={"client_events": DEFAULT_CLIENT_EVENTS | {"vad_score"}},
        faults=faults,
        observers=(observer,),
    ) as world:
        yield Place(world.dial, world.twilio, world.elevenlabs)


@asynccontextmanager
async def running_bridge(
    url: str, speech: Speech, faults: tuple[Fault, ...], rest_port: int = 0
) -> AsyncIterator[Place]:
    """Start Twilio's twin alone, for the bridge at `url`; its API is at `rest_port`, or (0) at any that is free.

    The bridge knows itself by PUBLIC_URL; a plain `http` address is dialled in its place. An `https` one is what the
    world would dial, and so is signed itself. Raises `SettingsError`, and click's own error for what is no address, for
    a port that is taken and for faults that could not strike.
    """
    elsewhere = [fault.where for fault in faults if fault.where not in _TWILIO_FAULTS]
    if elsewhere:
        raise click.UsageError(f"a fault of the {elsewhere[0]} needs a twin of ElevenLabs; leave out --url")
    number = load(_Number, Path(".env"))
    addresses = AddressBook()
    try:
        public = PublicUrl.parse(url) if url.startswith("https:") else number.public_url
        if public is None:
            raise SettingsError(["PUBLIC_URL: is not set; write the same as for the bridge"])
        if not url.startswith("https:"):
            addresses.add(public.host.partition(":")[0], url.rstrip("/"))
    except ValueError as error:
        raise click.UsageError(f"--url {url}: {error}") from error
    twin = TwilioTwin(
        account_sid=number.twilio_account_sid,
        auth_token=both(number.twilio_auth_token)[0],
        addresses=addresses,
        clock=time.time,
        faults=Faults(faults),
        voice=speech.voice,
        port=rest_port,
    )
    async with AsyncExitStack() as stack:
        try:
            twilio = await stack.enter_async_context(twin)
        except OSError as error:
            raise click.ClickException(f"--rest-port {rest_port}: {error.strerror}") from error
        dial = partial(
            twilio.dial,
            public.https(calls.INCOMING_CALL),
            fallback_url=public.https(calls.FALLBACK),
            status_callback=public.https(documents.STREAM_STATUS),
            to=number.twilio_phone_number or OWN_NUMBER,
        )
        yield Place(dial, twilio)
