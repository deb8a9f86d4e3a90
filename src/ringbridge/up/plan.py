"""What `ringbridge up` is asked for, and what follows from that before anything is done."""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from ringbridge.apis.elevenlabs_engines import ElevenLabsEngines
from ringbridge.apis.twilio_numbers import AccountNumber
from ringbridge.config import Settings, load
from ringbridge.doctor.outside import Outside
from ringbridge.provision.account import wanted_engines
from ringbridge.provision.dotenv import remember
from ringbridge.provision.engine import EngineStep
from ringbridge.provision.journal import Journal
from ringbridge.provision.number import Choose
from ringbridge.provision.outset import Outset
from ringbridge.provision.program import noted
from ringbridge.tunnels.base import Lender, fixed
from ringbridge.tunnels.choice import Kind, choose_tunnel
from ringbridge.tunnels.ngrok import AGENT_URL
from ringbridge.turn import Brain
from ringbridge.up.address import Address

__all__ = ["Plan", "Request", "Surroundings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked for. `settings` go over the environment's, which go over those of `env_file`."""

    env_file: Path
    settings: Mapping[str, str]
    tunnel: Kind | None = None
    domain: str | None = None
    voice: str | None = None
    language: str | None = None
    fallback_url: str | None = None
    takes: bool = False
    restores: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What lies around the process; with the twins, some of it is made up."""

    choose: Choose
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    outside: Outside = field(default_factory=Outside)
    agent_url: str = AGENT_URL
    set_up_log: Callable[[Settings], None] | None = None
    brain: Brain | None = None
    """Stands in for the one that the settings name."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is known before anything is done, and what each step is to come to."""

    request: Request
    around: Surroundings
    outset: Outset

    @classmethod
    def of(cls, request: Request, around: Surroundings) -> "Plan":
        """Raises `SettingsError`."""
        return cls(request, around, Outset.of(request.env_file, {**around.environ, **request.settings}))

    async def lender(self, journal: Journal) -> Lender:
        """PUBLIC_URL as it is; with a tunnel that was asked for, it is the domain to be had there."""
        url, tunnel, domain = self.outset.line.public_url, self.request.tunnel, self.request.domain
        if url is not None and tunnel is None and domain is None:
            return fixed(url)
        if tunnel == "ngrok" and domain is None and url is not None:
            domain = url.host
        return await choose_tunnel(tunnel, domain=domain, note=partial(noted, journal), agent_url=self.around.agent_url)

    def engine_steps(
        self, address: Address, engines: ElevenLabsEngines, journal: Journal | None
    ) -> Iterator[EngineStep]:
        """The default engine's, then those of other languages."""
        wanted = wanted_engines(
            self.outset.line,
            address.url,
            secret=self.outset.secret,
            greeting=self.outset.settings.greeting,
            language=self.request.language,
            voice=self.request.voice,
        )
        for engine_id, engine in wanted:
            yield EngineStep(
                engines,
                engine,
                engine_id,
                lambda made: remember(self.request.env_file, "SPEECH_ENGINE_ID", made),
                journal,
            )

    def settings(self, address: Address, engine_id: str, number: AccountNumber) -> Settings:
        """The bridge's, with all that was pending."""
        known = {
            "PUBLIC_URL": str(address.url),
            "SPEECH_ENGINE_ID": engine_id,
            "TWILIO_PHONE_NUMBER": number.phone_number,
        }
        return load(Settings, self.request.env_file, {**self.outset.environ, **known})
