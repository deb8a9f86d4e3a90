"""Call tokens: the proof that a media stream belongs to a call whose webhook Twilio signed.

The signature of the stream's opening request covers a constant URL, so whoever has seen one can replay it for ever.
The token, which travels in the TwiML's `<Parameter>`, is bound to one call, lasts 90 s, and works once.
It is signed rather than remembered, so any process with the same secret can check it; which ones are spent is known
to the process that took them.
"""

from collections.abc import Sequence

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey
from joserfc.jws import JWSRegistry

from ringbridge.errors import TokenRefused
from ringbridge.ids import AccountSid, CallSid

__all__ = ["LIFE_SECONDS", "CallTokens"]

LIFE_SECONDS = 90
"""How long a call token is good: Twilio opens the stream as soon as it has read the document."""

MAX_SPENT = 100_000
"""Spent tokens that are remembered until they expire; the oldest goes first."""

_ALGORITHM = "HS256"
_REGISTRY = JWSRegistry(algorithms=[_ALGORITHM])


class CallTokens:
    """Issues and redeems call tokens. `secrets` is SHARED_SECRET: the first one signs, all of them are accepted."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._keys = [_key(secret) for secret in secrets]
        self._spent: dict[str, float] = {}  # nonce -> when it may be forgotten, in rising order

    def issue(self, call_sid: CallSid, account_sid: AccountSid, *, now: float, nonce: str) -> str:
        """Make a token for one stream of this call.

        `now` is in seconds since the epoch, `nonce` fresh random text of at least 128 bits. With Twilio's SIDs of 34
        characters and a nonce of 22 the token has under 300; a `<Parameter>` may hold 500 with its name.
        """
        claims: jwt.Claims = {"sub": call_sid, "aud": account_sid, "jti": nonce, "exp": int(now) + LIFE_SECONDS}
        return jwt.encode({"alg": _ALGORITHM}, claims, self._keys[0], registry=_REGISTRY)

    def redeem(self, token: str, call_sid: CallSid, account_sid: AccountSid, *, now: float) -> None:
        """Take a token from the stream of this call; it is spent afterwards.

        Raises `TokenRefused` if it is forged, stale, another call's or spent; such an attempt spends nothing.
        """
        claims = self._claims(token)
        if claims["exp"] <= now:
            raise TokenRefused("the call token is stale")
        if (claims["sub"], claims["aud"]) != (call_sid, account_sid):
            raise TokenRefused("the call token is another call's")
        self._forget(now)
        if claims["jti"] in self._spent:
            raise TokenRefused("the call token is spent")
        self._spent[claims["jti"]] = now + LIFE_SECONDS

    def _claims(self, token: str) -> jwt.Claims:
        for key in self._keys:
            try:
                return jwt.decode(token, key, registry=_REGISTRY).claims
            except (JoseError, TypeError, ValueError, RecursionError):  # the other secret's, or no token at all
                continue
        raise TokenRefused("the call token is forged")

    def _forget(self, now: float) -> None:
        while self._spent:
            oldest = next(iter(self._spent))
            if self._spent[oldest] > now and len(self._spent) < MAX_SPENT:
                return
            del self._spent[oldest]


def _key(secret: str) -> OctKey:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"call-token").derive(secret.encode())
    return OctKey.import_key(derived)
