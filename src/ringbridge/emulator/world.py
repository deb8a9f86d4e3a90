"""Both twins and a real bridge between them, on free ports of this machine.

The bridge is the product itself, with the vendors' SDKs: it gets settings like anybody's, whose base URLs lead to the
twins. `https://bridge.test` is its public address; the twins' address book leads there as a tunnel would.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import fields
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from ringbridge.audio.sound import cut
from ringbridge.callers.base import CallerMemory
from ringbridge.calls import documents
from ringbridge.config import Settings, load_settings
from ringbridge.emulator.addresses import AddressBook
from ringbridge.emulator.elevenlabs.engine import Engine
from ringbridge.emulator.elevenlabs.twin import ElevenLabsTwin
from ringbridge.emulator.faults import Fault, Faults
from ringbridge.emulator.openai.script import Answer
from ringbridge.emulator.openai.twin import OpenAITwin
from ringbridge.emulator.speech.base import Speech
from ringbridge.emulator.twilio.phone import PhoneCall
from ringbridge.emulator.twilio.twin import TwilioTwin
from ringbridge.facts import Observer
from ringbridge.parts import Parts
from ringbridge.phrases import ENGLISH
from ringbridge.relay.clips import Clips
from ringbridge.turn import Brain
from ringbridge.web import calls
from ringbridge.web.app import BRAIN, open_app
from ringbridge.web.server import serving
from ringbridge.wiring import open_parts

__all__ = ["ENGINE_ID", "PUBLIC_HOST", "World"]

PUBLIC_HOST = "bridge.test"
ENGINE_ID = "seng_twin"

ACCOUNT_SID = "AC" + "7" * 32
OWN_NUMBER = "+15550100002"
SECRETS = {
    "ELEVENLABS_API_KEY": "sk_twin_0123456789abcdef",
    "SHARED_SECRET": "twin-secret-0123456789abcdef",
    "TWILIO_AUTH_TOKEN": "twin-auth-token-0123456789abcdef",
}


class World:
    """A whole phone system. An async context manager; leaving it ends every call and gives everything back."""

    twilio: TwilioTwin
    elevenlabs: ElevenLabsTwin
    openai: OpenAITwin
    """There only where `model` was given."""
    memory: CallerMemory
    """What the bridge keeps of callers."""
    engine: Engine
    settings: Settings
    app: web.Application
    port: int

    def __init__(
        self,
        brain: Brain | None,
        speech: Speech,
        *,
        settings: Mapping[str, str] | None = None,
        engine: Mapping[str, Any] | None = None,
        model: Answer | None = None,
        faults: Iterable[Fault] = (),
        clock: Callable[[], float] = time.time,
        observers: tuple[Observer, ...] = (),
    ) -> None:
        """`settings` go over those that lead to the twins, `engine` over the engine's own.

        `brain` finds the words; `None` leaves that to the settings. `model` plays the language model that an agent
        asks, at OPENAI_BASE_URL. `clock` is the twins' and the bridge's alike.
        """
        self.faults = Faults(faults)
        self.addresses = AddressBook()
        self._brain = brain
        self._model = model
        self._speech = speech
        self._overrides = dict(settings or {})
        self._engine_overrides = dict(engine or {})
        self._clock = clock
        self._observers = observers
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            self.elevenlabs = await stack.enter_async_context(
                ElevenLabsTwin(
                    api_key=SECRETS["ELEVENLABS_API_KEY"],
                    voice=self._speech.voice,
                    ears=self._speech.ears,
                    addresses=self.addresses,
                    clock=self._clock,
                    faults=self.faults,
                )
            )
            self.twilio = await stack.enter_async_context(
                TwilioTwin(
                    account_sid=ACCOUNT_SID,
                    auth_token=SECRETS["TWILIO_AUTH_TOKEN"],
                    addresses=self.addresses,
                    clock=self._clock,
                    faults=self.faults,
                    voice=self._speech.voice,
                )
            )
            if self._model is not None:
                self.openai = await stack.enter_async_context(OpenAITwin(self._model))
            self.settings = load_settings(None, self._environment())
            parts = await stack.enter_async_context(self._open_parts(await _spoken_by(self._speech)))
            self.memory = parts.memory
            app = await stack.enter_async_context(open_app(self.settings, parts))
            self.app = app
            self.port = await stack.enter_async_context(serving(app, host="127.0.0.1", port=0))
            self.addresses.add(PUBLIC_HOST, f"http://127.0.0.1:{self.port}")
            self.twilio.account.add_number(OWN_NUMBER, **self._webhooks())
            self.engine = self.elevenlabs.add_engine(
                self.settings.speech_engine_id,
                **{
                    "ws_url": self.settings.public_url.wss(BRAIN),
                    "request_headers": {"x-api-key": self.settings.shared_secrets[0]},
                    "allow_first_message": True,
                    **self._engine_overrides,
                },
            )
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def dial(self, **call: Any) -> PhoneCall:
        """Somebody dials our number, which is set up as the README says. `call` goes to `TwilioTwin.dial`."""
        webhooks = self._webhooks()
        return await self.twilio.dial(
            webhooks["voice_url"],
            **{
                "to": OWN_NUMBER,
                "fallback_url": webhooks["voice_fallback_url"],
                "status_callback": webhooks["status_callback"],
                **call,
            },
        )

    def _webhooks(self) -> dict[str, str]:
        """As Twilio names the settings of a number."""
        public_url = self.settings.public_url
        return {
            "voice_url": public_url.https(calls.INCOMING_CALL),
            "voice_fallback_url": public_url.https(calls.FALLBACK),
            "status_callback": public_url.https(documents.STREAM_STATUS),
        }

    def _open_parts(self, clips: Callable[[str], Clips]) -> AbstractAsyncContextManager[Parts]:
        return open_parts(self.settings, brain=self._brain, clips=clips, clock=self._clock, observers=self._observers)

    def _environment(self) -> dict[str, str]:
        return {
            **SECRETS,
            "ELEVENLABS_BASE_URL": self.elevenlabs.base_url,
            "SPEECH_ENGINE_ID": ENGINE_ID,
            "TWILIO_ACCOUNT_SID": ACCOUNT_SID,
            "TWILIO_PHONE_NUMBER": OWN_NUMBER,
            "TWILIO_BASE_URL": self.twilio.rest_url,
            "PUBLIC_URL": f"https://{PUBLIC_HOST}",
            "OPENAI_API_KEY": "sk-twin",
            **({"OPENAI_BASE_URL": self.openai.base_url} if self._model is not None else {}),
            **self._overrides,
        }


async def _spoken_by(speech: Speech) -> Callable[[str], Clips]:
    """The bridge's own voice in the speech of this world, so that its ears understand it."""
    spoken = {}
    for name in (field.name for field in fields(Clips)):
        spoken[name] = cut(b"".join([piece async for piece in speech.voice.say(getattr(ENGLISH, name))]))
    clips = Clips(**spoken)
    return lambda _language: clips
