"""What was found or made once is remembered in `.env`."""

import re
from pathlib import Path

from dotenv import set_key

from ringbridge.provision.failures import NotProvided

__all__ = ["remember"]

_PLAIN = re.compile(r"[\w+.:/@-]+", re.ASCII)
"""What needs no quotes; where Docker reads the file, they would become part of the value."""


def remember(env_file: Path, name: str, value: str) -> None:
    """Set one name in `.env` and leave everything else in it as it is; only its owner may read it from then on.

    Raises `NotProvided`, whose text never holds the value.
    """
    try:
        env_file.touch(mode=0o600)
        env_file.chmod(0o600)
        plain = _PLAIN.fullmatch(value) is not None
        set_key(env_file, name, value, quote_mode="never" if plain else "always", follow_symlinks=True)
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text in UTF-8"
        raise NotProvided(f"{env_file} can't be written: {reason}", f"set {name} yourself") from None
