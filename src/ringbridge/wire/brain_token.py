"""The token by which ElevenLabs shows, in the upgrade of the brain socket, that it is ElevenLabs.

An HS256 JWT in `X-Elevenlabs-Speech-Engine-Authorization`, as the ElevenLabs SDK (2.78) checks it in
`speech_engine/resource.py`. It names no conversation, so whoever gets hold of one may replay it while it lives: it is
one of two proofs, the shared secret being the other.
"""

import hashlib
import re
from functools import lru_cache
from typing import Final

from joserfc import jwt
from joserfc.errors import BadSignatureError, ExpiredTokenError, InvalidClaimError, JoseError, MissingClaimError
from joserfc.jwk import OctKey
from joserfc.jws import JWSRegistry

from ringbridge.errors import BrainTokenRefused

__all__ = ["HEADER", "verify"]

HEADER: Final = "X-Elevenlabs-Speech-Engine-Authorization"

_ISSUER: Final = "https://api.elevenlabs.io/convai/speech-engine"
_SUBJECT: Final = "convai_speech_engine_upstream"
_LEEWAY_SECONDS: Final = 60
_CLAIMS: Final = ("iss", "sub", "exp", "iat")
_HS256: Final = JWSRegistry(algorithms=["HS256"], strict_check_header=False)
_RESIDENCY: Final = re.compile(r"_residency_[a-z0-9]+$")


def verify(value: str | None, api_key: str, now: float) -> None:
    """Check the header's `value` against our API key, at `now` (seconds since the epoch).

    Raises `BrainTokenRefused`, whose text says what is wrong and how to mend it, and quotes neither token nor key.
    """
    if not value:
        raise BrainTokenRefused(
            f"{HEADER} is missing: ElevenLabs sends it with every brain socket, so this was somebody else, "
            "or a proxy of yours has taken it out; BRAIN_AUTH=secret asks for the shared secret alone"
        )
    try:
        claims = jwt.decode(_bare(value), _key(api_key), registry=_HS256).claims
        _rules(now).validate({name: claims[name] for name in _CLAIMS if name in claims})
    except (JoseError, TypeError, ValueError, RecursionError) as error:
        raise BrainTokenRefused(_reason(error)) from None


def _bare(value: str) -> str:
    token = value.strip()
    return token[7:].strip() if token[:7].lower() == "bearer " else token


@lru_cache(maxsize=4)
def _key(api_key: str) -> OctKey:
    # A key of a data residency ("sk_…_residency_in") signs as the key without its ending does.
    base = _RESIDENCY.sub("", api_key.strip())
    return OctKey.import_key(hashlib.sha256(base.encode()).digest())


def _rules(now: float) -> jwt.JWTClaimsRegistry:
    return jwt.JWTClaimsRegistry(
        now=int(now),
        leeway=_LEEWAY_SECONDS,
        iss={"essential": True, "value": _ISSUER},
        sub={"essential": True, "value": _SUBJECT},
        exp={"essential": True},
        iat={"essential": True},
    )


def _reason(error: Exception) -> str:
    match error:
        case BadSignatureError():
            return (
                "the token is signed with another key: ELEVENLABS_API_KEY must be the very key that made the engine, "
                "another key of the same account does not do; set that one, or make the engine anew with this one, "
                "or set BRAIN_AUTH=secret"
            )
        case ExpiredTokenError():
            return "the token has expired: compare this machine's clock with the real time"
        case InvalidClaimError(claim="iat"):
            return "the token comes from the future: compare this machine's clock with the real time"
        case InvalidClaimError() | MissingClaimError():
            return "the token was made for something else than a brain socket: it does not come from a Speech Engine"
        case _:
            return f"{HEADER} holds no HS256 token: it does not come from a Speech Engine"
