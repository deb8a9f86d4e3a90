"""The signed token with which ElevenLabs presents itself at a speech engine's server.

Made by hand, as the vendor's own check (`elevenlabs.speech_engine.resource`) reads it: HS256, keyed with the SHA-256
digest of the API key that made the engine.
"""

import base64
import hashlib
import hmac
import json
import re
from typing import Any, Final

__all__ = ["LIFETIME_SECONDS", "upstream_token"]

LIFETIME_SECONDS: Final = 300
"""How long a token is good; the vendor's check allows a minute more."""

_ISSUER: Final = "https://api.elevenlabs.io/convai/speech-engine"
_SUBJECT: Final = "convai_speech_engine_upstream"
_RESIDENCY = re.compile(r"_residency_[a-z0-9]+$")


def upstream_token(api_key: str, now: float) -> str:
    """A token signed for `api_key` at `now` (seconds since the epoch), without a `Bearer` before it."""
    claims = {"iss": _ISSUER, "sub": _SUBJECT, "iat": int(now), "exp": int(now) + LIFETIME_SECONDS}
    signed = f"{_part({'alg': 'HS256', 'typ': 'JWT'})}.{_part(claims)}"
    signature = hmac.digest(_signing_key(api_key), signed.encode(), "sha256")
    return f"{signed}.{_base64url(signature)}"


def _signing_key(api_key: str) -> bytes:
    """A key that belongs to a data-residency host signs without its suffix."""
    return hashlib.sha256(_RESIDENCY.sub("", api_key.strip()).encode()).digest()


def _part(content: dict[str, Any]) -> str:
    return _base64url(json.dumps(content, separators=(",", ":")).encode())


def _base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
