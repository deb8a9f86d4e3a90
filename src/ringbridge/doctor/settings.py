"""The settings: each is there where it is needed, and well-formed; and the brain that they name is one."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final

from ringbridge.brains.load import load_brain
from ringbridge.config import FromEnvironment, Settings, load_settings
from ringbridge.doctor.verdict import Verdict, failure, of_error, ok, parted, warning
from ringbridge.errors import BrainNotFound, SettingsError
from ringbridge.setting_types import AccountSidText, Hint, OneOrTwo, PublicHost, both

__all__ = ["BRAIN", "SETTINGS", "Signer", "check_brain", "check_env_file", "check_settings"]

SETTINGS: Final = "settings"
BRAIN: Final = "brain"

_OTHERS: Final = 0o077

_FOUND: Final = {
    "PUBLIC_URL": "borrows an address",
    "SHARED_SECRET": "makes one",
    "SPEECH_ENGINE_ID": "makes an engine",
}
"""What `serve` needs to be told, and `up` does not."""


class Signer(FromEnvironment):
    """What Twilio's signature goes by."""

    twilio_account_sid: Annotated[AccountSidText, Hint("copy the Account SID from the Twilio console", "AC" + "x" * 32)]
    twilio_auth_token: Annotated[
        OneOrTwo, Hint("copy the Auth Token from the Twilio console", "your-twilio-auth-token")
    ]
    public_url: Annotated[
        PublicHost, Hint("write the host name that your tunnel or proxy shows to the world", "your-name.ngrok.app")
    ]

    @property
    def tokens(self) -> tuple[str, ...]:
        """The one in use and, during a rotation, the one before it."""
        return both(self.twilio_auth_token)


def check_settings(env_file: Path, environ: Mapping[str, str]) -> tuple[Settings | None, list[Verdict]]:
    """All of them, if they do, and the verdicts: one for each that does not."""
    try:
        settings = load_settings(env_file, environ)
    except SettingsError as error:
        return None, [*_no_file(env_file), *(_problem(problem) for problem in error.problems)]
    source = f"the environment and {env_file}" if env_file.is_file() else f"the environment ({env_file} is not there)"
    return settings, [ok(SETTINGS, f"all are there and well-formed, from {source}")]


def check_env_file(env_file: Path) -> list[Verdict]:
    """Whether the secrets in it are its owner's alone; says nothing where there is no file."""
    if sys.platform == "win32" or not env_file.is_file() or not env_file.stat().st_mode & _OTHERS:
        return []
    return [warning(str(env_file), "others on this machine may read its secrets", f"chmod 600 {env_file}")]


def check_brain(settings: Settings) -> list[Verdict]:
    """Load it, as `serve` would."""
    if settings.brain is None:
        return [ok(BRAIN, "the one inside, which asks a model")]
    try:
        load_brain(settings.brain)
    except BrainNotFound as error:
        return [of_error(BRAIN, error)]
    return [ok(BRAIN, settings.brain)]


def _no_file(env_file: Path) -> list[Verdict]:
    if env_file.is_file():
        return []
    what = "is a folder" if env_file.is_dir() else "is not there"
    return [warning(str(env_file), what, "`ringbridge init` writes one; --env-file names another")]


def _problem(problem: str) -> Verdict:
    name, _, text = problem.partition(": ")
    found, mend = parted(text)
    by_itself = f"; or run `ringbridge up`, which {_FOUND[name]}" if name in _FOUND else ""
    return failure(name, found, (mend or "see the README's table of settings") + by_itself)
