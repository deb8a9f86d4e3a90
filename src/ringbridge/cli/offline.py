"""`ringbridge up --offline`: accounts, tunnel and telephone played on this machine, and everything else as it is."""

import asyncio
import socket
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from aiohttp.abc import AbstractResolver, ResolveResult

from ringbridge.brains import demo
from ringbridge.cli.choosing import choose_number
from ringbridge.cli.models import model_settings
from ringbridge.cli.speech import load_speech
from ringbridge.config import Settings
from ringbridge.doctor.outside import Outside
from ringbridge.emulator.addresses import AddressBook
from ringbridge.emulator.caller import Caller
from ringbridge.emulator.certificate import Certificate, made_up
from ringbridge.emulator.elevenlabs.twin import ElevenLabsTwin
from ringbridge.emulator.faults import Faults
from ringbridge.emulator.openai.characters import booking_desk
from ringbridge.emulator.openai.twin import OpenAITwin
from ringbridge.emulator.play import Report, play
from ringbridge.emulator.scenario import Say, Scenario
from ringbridge.emulator.speech.base import Speech
from ringbridge.emulator.speech.exact import ExactEars
from ringbridge.emulator.tunnels.edge import Edge
from ringbridge.emulator.tunnels.ngrok import NGROK, NgrokAgent
from ringbridge.emulator.twilio.twin import TwilioTwin
from ringbridge.emulator.wiretap import Wiretap
from ringbridge.emulator.world import ACCOUNT_SID, OWN_NUMBER, SECRETS
from ringbridge.screen.calls import CallScreen
from ringbridge.screen.steps import StepScreen
from ringbridge.up.plan import Request, Surroundings
from ringbridge.up.run import up

__all__ = ["DOMAIN", "Offline", "open_offline", "up_offline"]

DOMAIN: Final = "desk.ngrok.app"
ENGINE_ID: Final = "seng_desk"

_DEMO: Final = Scenario(
    steps=(
        Say("I'd like to book a table for two, please."),
        Say("Wait, make it a table for four.", barge_in_ms=5000),
        Say("Thank you, goodbye."),
    ),
    end="agent",
)
"""A tool that takes its time, a barge-in, and a goodbye after which the agent hangs up."""

_ANY: Final = Scenario(steps=(Say("Hello, what can you do for me?"), Say("Thank you, goodbye.")))
"""For a brain of which nothing is known."""


@dataclass(frozen=True, slots=True)
class Offline:
    """Both accounts, the tunnel, the settings that lead to them, and what lies around a bridge there."""

    twilio: TwilioTwin
    elevenlabs: ElevenLabsTwin
    agent: NgrokAgent
    edge: Edge
    certificate: Certificate
    speech: Speech
    settings: Mapping[str, str]
    around: Surroundings

    def snapshots(self) -> tuple[bytes, bytes]:
        """All that the accounts hold: to be compared, before and after."""
        return self.twilio.account.snapshot(), self.elevenlabs.snapshot()

    async def call(self, scenario: Scenario) -> Report:
        """Somebody dials the number, as it is set up at that moment, and talks."""
        phone = await self.twilio.dial(to=OWN_NUMBER)
        wiretap = Wiretap(phone, self.elevenlabs.conversations)
        async with Caller(phone, self.speech) as caller:
            try:
                return await play(scenario, caller, wiretap, sounds={}, exact=isinstance(self.speech.ears, ExactEars))
            finally:
                await phone.hang_up()  # a caller who is called off would keep the bridge up


@asynccontextmanager
async def open_offline(speech: Speech, *, clock: Callable[[], float] = time.time) -> AsyncIterator[Offline]:
    """Accounts with an engine and a number that lead elsewhere, and an ngrok agent that has a domain."""
    addresses = AddressBook()
    certificate = made_up(DOMAIN)
    common: dict[str, Any] = {"addresses": addresses, "clock": clock, "faults": Faults(), "voice": speech.voice}
    async with AsyncExitStack() as stack:
        elevenlabs = await stack.enter_async_context(
            ElevenLabsTwin(api_key=SECRETS["ELEVENLABS_API_KEY"], ears=speech.ears, **common)
        )
        twilio = await stack.enter_async_context(
            TwilioTwin(account_sid=ACCOUNT_SID, auth_token=SECRETS["TWILIO_AUTH_TOKEN"], **common)
        )
        edge = await stack.enter_async_context(Edge(NGROK, addresses, tls=certificate.server))
        agent = await stack.enter_async_context(NgrokAgent(edge, reserved=[DOMAIN]))
        twilio.account.add_number(OWN_NUMBER, voice_url="https://demo.twilio.com/welcome/voice/")
        elevenlabs.add_engine(
            ENGINE_ID, ws_url="wss://old.example.com/ws", allow_first_message=True, request_headers={}
        )
        settings = {
            **SECRETS,
            "ELEVENLABS_BASE_URL": elevenlabs.base_url,
            "SPEECH_ENGINE_ID": ENGINE_ID,
            "TWILIO_ACCOUNT_SID": ACCOUNT_SID,
            "TWILIO_PHONE_NUMBER": OWN_NUMBER,
            "TWILIO_BASE_URL": twilio.rest_url,
            "PORT": "0",
        }
        outside = Outside(certificate.client(), lambda: _Here(edge.tls_port))
        around = Surroundings(choose=choose_number, environ={}, outside=outside, agent_url=agent.api_url)
        yield Offline(twilio, elevenlabs, agent, edge, certificate, speech, settings, around)


async def up_offline(
    request: Request,
    speech: str,
    steps: StepScreen,
    calls: CallScreen,
    set_up_log: Callable[[Settings], None],
) -> int:
    """Be up between twins until a signal comes, with one call at the beginning; gives the exit code."""
    loaded, notice = await asyncio.to_thread(load_speech, speech)
    if notice:
        calls.notice(notice)
    brain = request.settings.get("BRAIN")
    async with open_offline(loaded) as offline, AsyncExitStack() as stack:
        model = model_settings() if brain else {}
        if not model:
            twin = await stack.enter_async_context(OpenAITwin(booking_desk))
            model = {"OPENAI_API_KEY": "sk-twin", "OPENAI_BASE_URL": twin.base_url}
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="ringbridge-"))
        before = offline.snapshots()

        async def call() -> None:
            report = await offline.call(_ANY if brain else _DEMO)
            for problem in report.problems:
                calls.notice(problem, "red")

        code = await up(
            replace(
                request,
                env_file=Path(folder) / ".env",
                settings={**offline.settings, **model, **request.settings},
                tunnel=None,
                domain=request.domain or DOMAIN,
            ),
            replace(offline.around, brain=None if brain else demo.reply, set_up_log=set_up_log),
            steps,
            calls,
            meanwhile=call,
        )
        if request.restores:
            same = offline.snapshots() == before
            calls.notice(f"The accounts are {'as they were, byte by byte' if same else 'not as they were'}.", "bold")
    return code


class _Here(AbstractResolver):
    """Resolves every name to one port of this machine."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The same for all. `port` is what the world would dial."""
        del port
        return [ResolveResult(hostname=host, host="127.0.0.1", port=self._port, family=family, proto=0, flags=0)]

    async def close(self) -> None:
        """Nothing is kept."""
