"""The settings by which engine and number are provided, and what is wanted of both by them."""

import secrets
from typing import Annotated, Any, Final

from pydantic import Field, model_validator

from ringbridge.calls.documents import STREAM_STATUS
from ringbridge.config import FromEnvironment, Settings, describe
from ringbridge.provision.failures import NotProvided
from ringbridge.public_url import PublicUrl
from ringbridge.setting_types import (
    NEW_SECRET,
    AccountSidText,
    EngineId,
    Engines,
    Hint,
    OneOrTwo,
    Origin,
    PhoneNumber,
    Strong,
    both,
)
from ringbridge.wanted.engine import WantedEngine
from ringbridge.wanted.number import WantedNumber, webhook
from ringbridge.web.app import BRAIN
from ringbridge.web.calls import FALLBACK, INCOMING_CALL

__all__ = ["Account", "new_secret", "wanted_engines", "wanted_number"]

_SECRET_BYTES: Final = 32

_MADE: Final = {
    row.name.lower(): row.example for row in describe() if row.name in {"SPEECH_ENGINE_ID", "SHARED_SECRET"}
}
"""What is made where it is missing; the example, which `ringbridge init` writes, counts as missing."""


def _default(name: str) -> Any:
    return Settings.model_fields[name].default


class Account(FromEnvironment):
    """What is known of both accounts, also while there is no engine and no bridge. Read with `config.load`."""

    elevenlabs_api_key: Annotated[
        OneOrTwo, Hint("make a key in ElevenLabs under Developers, API keys", "your-elevenlabs-api-key")
    ]
    elevenlabs_base_url: Origin = _default("elevenlabs_base_url")
    speech_engine_id: Annotated[EngineId | None, Hint("copy the id of your speech engine, or leave it out")] = None
    speech_engine_ids: Engines = ()
    shared_secret: Annotated[Strong | None, Hint(NEW_SECRET)] = None
    twilio_account_sid: Annotated[AccountSidText, Hint("copy the Account SID from the Twilio console", "AC" + "x" * 32)]
    twilio_auth_token: Annotated[
        OneOrTwo, Hint("copy the Auth Token from the Twilio console", "your-twilio-auth-token")
    ]
    twilio_phone_number: Annotated[PhoneNumber | None, Hint("write your Twilio number")] = None
    twilio_base_url: Origin = _default("twilio_base_url")
    greeting: str = _default("greeting")
    max_call_seconds: Annotated[int, Hint("write a number of seconds, from 1 to 14400")] = Field(
        default=_default("max_call_seconds"), ge=1, le=14_400
    )

    @model_validator(mode="before")
    @classmethod
    def _example_is_unset(cls, values: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in values.items() if name not in _MADE or value != _MADE[name]}

    @property
    def elevenlabs_key(self) -> str:
        """The key in use."""
        return both(self.elevenlabs_api_key)[0]

    @property
    def twilio_token(self) -> str:
        """The token in use."""
        return both(self.twilio_auth_token)[0]

    @property
    def secret(self) -> str | None:
        """The shared secret in use, if there is one."""
        return None if self.shared_secret is None else both(self.shared_secret)[0]


def new_secret() -> str:
    """A SHARED_SECRET where there is none; it can't be guessed."""
    return secrets.token_urlsafe(_SECRET_BYTES)


def wanted_engines(
    account: Account,
    public_url: PublicUrl,
    *,
    secret: str,
    greeting: str,
    language: str | None = None,
    voice: str | None = None,
) -> list[tuple[str | None, WantedEngine]]:
    """Each engine's id and what it should be like; the default one first, whose id is `None` while there is none.

    `language` and `voice` are the default engine's. Raises `NotProvided` where SPEECH_ENGINE_IDS says the language.
    """
    listed = {engine.engine_id: engine.language for engine in account.speech_engine_ids}
    if listed and language is not None:
        raise NotProvided("SPEECH_ENGINE_IDS says which language each engine speaks", "leave out --language")
    default = account.speech_engine_id or next(iter(listed), None)
    ids = [default, *(engine_id for engine_id in listed if engine_id != default)]

    def wanted(engine_id: str | None) -> WantedEngine:
        return WantedEngine(
            ws_url=public_url.wss(BRAIN),
            secret=secret,
            max_call_seconds=account.max_call_seconds,
            greets=bool(greeting),
            language=listed.get(engine_id or "", language),
            voice_id=voice if engine_id == default else None,
        )

    return [(engine_id, wanted(engine_id)) for engine_id in ids]


def wanted_number(public_url: PublicUrl, *, fallback_url: str | None = None) -> WantedNumber:
    """What the number should be like; `fallback_url` stands in for ours."""
    return WantedNumber(
        voice_url=webhook(public_url, INCOMING_CALL),
        fallback_url=fallback_url or public_url.https(FALLBACK),
        status_callback=public_url.https(STREAM_STATUS),
    )
