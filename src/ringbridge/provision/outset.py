"""What is known before anything is found or made: the accounts, and the bridge's settings with room for the rest."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import model_validator

from ringbridge.config import Settings, describe, load
from ringbridge.provision.account import Account, new_secret
from ringbridge.public_url import PublicUrl
from ringbridge.setting_types import Hint, PublicHost

__all__ = ["PENDING_URL", "Line", "Outset"]

_PENDING_ENGINE: Final = "seng_pending"
PENDING_URL: Final = PublicUrl.parse("pending.invalid")
_EXAMPLE_URL: Final = next(row.example for row in describe() if row.name == "PUBLIC_URL")


class Line(Account):
    """The accounts, and where the world reaches the bridge if that is known."""

    public_url: Annotated[PublicHost | None, Hint("write a host name, or nothing for a tunnel")] = None

    @model_validator(mode="before")
    @classmethod
    def _example_is_no_address(cls, values: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in values.items() if name != "public_url" or value != _EXAMPLE_URL}


@dataclass(frozen=True, slots=True)
class Outset:
    """`environ` makes up for what `line` does not say: `settings`, which are loaded of it, hold placeholders there."""

    line: Line
    secret: str = field(repr=False)
    environ: Mapping[str, str] = field(repr=False)
    settings: Settings

    @classmethod
    def of(cls, env_file: Path, environ: Mapping[str, str]) -> "Outset":
        """Of what is set; `environ` goes over `env_file`. Raises `SettingsError`."""
        line = load(Line, env_file, environ)
        secret = line.secret or new_secret()
        listed = next((engine.engine_id for engine in line.speech_engine_ids), None)
        environ = {
            **environ,
            "SPEECH_ENGINE_ID": line.speech_engine_id or listed or _PENDING_ENGINE,
            "PUBLIC_URL": str(line.public_url or PENDING_URL),
            **({} if line.secret else {"SHARED_SECRET": secret}),
        }
        return cls(line, secret, environ, load(Settings, env_file, environ))
