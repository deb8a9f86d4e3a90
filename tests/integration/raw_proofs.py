"""What the vendors sign, computed by hand, and the names and secrets of an account with both of them."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

HOST = "calls.example.com"
ACCOUNT_SID = "AC" + "5e" * 16
AUTH_TOKEN = "9f8e7d6c5b4a39281706f5e4d3c2b1a0"
API_KEY = "sk_hand_written_0123456789"
SHARED_SECRET = "a-secret-shared-by-hand"
ENGINE_ID = "seng_by_hand"
CALLER, CALLED = "+14155550177", "+14155550188"

Fields: TypeAlias = Iterable[tuple[str, str]]


def twilio_signature(url: str, fields: Fields = (), token: str = AUTH_TOKEN) -> str:
    """Twilio, "Webhooks Security": HMAC-SHA1 over the URL and each field's name and value, sorted by name."""
    text = url + "".join(name + value for name, value in sorted(set(fields)))
    return base64.b64encode(hmac.digest(token.encode(), text.encode(), "sha1")).decode()


def engine_token(now: float, *, key: str = API_KEY, **changes: Any) -> str:
    """The JWT with which ElevenLabs dials a brain, signed with the digest of the API key."""
    claims = {
        "iss": "https://api.elevenlabs.io/convai/speech-engine",
        "sub": "convai_speech_engine_upstream",
        "iat": int(now),
        "exp": int(now) + 300,
        **changes,
    }
    signed = f"{_base64url({'typ': 'JWT', 'alg': 'HS256'})}.{_base64url(claims)}"
    return f"{signed}.{_base64url(hmac.digest(hashlib.sha256(key.encode()).digest(), signed.encode(), 'sha256'))}"


def unsigned(token: str) -> str:
    """The same claims under the algorithm `none`, which some libraries take for a signature."""
    _, claims, _ = token.split(".")
    return f"{_base64url({'typ': 'JWT', 'alg': 'none'})}.{claims}."


def _base64url(value: Mapping[str, object] | bytes) -> str:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
