"""What `ringbridge up` is asked for, and what follows from that before anything is done."""

import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import model_validator

from ringbridge.apis.elevenlabs_engines import ElevenLabsEngines
from ringbridge.apis.twilio_numbers import AccountNumber
from ringbridge.cli.address import Address
from ringbridge.cli.choosing import choose_number
from ringbridge.config import Settings, describe, load
from ringbridge.doctor.outside import Outside
from ringbridge.provision.account import Account, wanted_engines
from ringbridge.provision.dotenv import remember
from ringbridge.provision.engine import EngineStep
from ringbridge.provision.journal import Journal
from ringbridge.provision.number import Choose
from ringbridge.provision.program import noted
from ringbridge.setting_types import Hint, PublicHost
from ringbridge.tunnels.base import Lender, fixed
from ringbridge.tunnels.choice import Kind, choose_tunnel
from ringbridge.tunnels.ngrok import AGENT_URL
from ringbridge.turn import Brain

__all__ = ["Plan", "Request", "Surroundings"]

_SECRET_BYTES: Final = 32
_PENDING_ENGINE: Final = "seng_pending"
_PENDING_URL: Final = "pending.invalid"
_EXAMPLE_URL: Final = next(row.example for row in describe() if row.name == "PUBLIC_URL")


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

    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    outside: Outside = field(default_factory=Outside)
    agent_url: str = AGENT_URL
    choose: Choose = choose_number
    set_up_log: Callable[[Settings], None] | None = None
    brain: Brain | None = None
    """Stands in for the one that the settings name."""


class _Line(Account):
    """The accounts, and where the world reaches the bridge if that is known."""

    public_url: Annotated[PublicHost | None, Hint("write a host name, or nothing for a tunnel")] = None

    @model_validator(mode="before")
    @classmethod
    def _example_is_no_address(cls, values: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in values.items() if name != "public_url" or value != _EXAMPLE_URL}


@dataclass(frozen=True, slots=True)
class Plan:
    """What is known before anything is done. `preliminary` settings hold placeholders for what is not."""

    request: Request
    around: Surroundings
    environ: Mapping[str, str]
    line: _Line
    secret: str = field(repr=False)
    preliminary: Settings

    @classmethod
    def of(cls, request: Request, around: Surroundings) -> "Plan":
        """Raises `SettingsError`."""
        given = {**around.environ, **request.settings}
        line = load(_Line, request.env_file, given)
        secret = line.secret or secrets.token_urlsafe(_SECRET_BYTES)
        listed = next((engine.engine_id for engine in line.speech_engine_ids), None)
        environ = {
            **given,
            "SPEECH_ENGINE_ID": line.speech_engine_id or listed or _PENDING_ENGINE,
            "PUBLIC_URL": str(line.public_url or _PENDING_URL),
            **({} if line.secret else {"SHARED_SECRET": secret}),
        }
        return cls(request, around, environ, line, secret, load(Settings, request.env_file, environ))

    async def lender(self, journal: Journal) -> Lender:
        """PUBLIC_URL as it is; with a tunnel that was asked for, it is the domain to be had there."""
        url, tunnel, domain = self.line.public_url, self.request.tunnel, self.request.domain
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
            self.line,
            address.url,
            secret=self.secret,
            greeting=self.preliminary.greeting,
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
        return load(Settings, self.request.env_file, {**self.environ, **known})
