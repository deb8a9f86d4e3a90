"""Call tokens: the proof that a media stream belongs to a call whose webhook Twilio signed.

The signature of the stream's opening request covers a constant URL, so whoever has seen one can replay it for ever.
The token, which travels in the TwiML's `<Parameter>`, is bound to one call, lasts 90 s, and works once.
It is signed rather than remembered, so any process with the same secret can check it; which ones are spent is known
to the process that took them. Nobody else reads it, so it is no JSON web token, which takes nearly five times as long.
"""

import hashlib
from collections.abc import Sequence
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from itsdangerous import BadSignature, Signer

from ringbridge.errors import TokenRefused
from ringbridge.ids import AccountSid, CallSid

__all__ = ["LIFE_SECONDS", "CallTokens"]

LIFE_SECONDS = 90
"""How long a call token is good: Twilio opens the stream as soon as it has read the document."""

MAX_SPENT = 100_000
"""Spent tokens that are remembered until they expire; the oldest goes first."""

_BETWEEN: Final = ":"
"""Stands between the parts: no SID has one, nor has a nonce."""


class CallTokens:
    """Issues and redeems call tokens. `secrets` is SHARED_SECRET: the first one signs, all of them are accepted."""

    def __init__(self, secrets: Sequence[str]) -> None:
        keys = [_key(secret) for secret in reversed(secrets)]  # the last one signs, there
        self._signer = Signer(keys, key_derivation="none", digest_method=hashlib.sha256)
        self._spent: dict[str, float] = {}  # nonce -> when it may be forgotten, in rising order

    def issue(self, call_sid: CallSid, account_sid: AccountSid, *, now: float, nonce: str) -> str:
        """Make a token for one stream of this call.

        `now` is in seconds since the epoch, `nonce` fresh random text of at least 128 bits, without a colon. With
        Twilio's SIDs of 34 characters and a nonce of 22 the token has under 150; a `<Parameter>` may hold 500 with its
        name.
        """
        parts = (nonce, str(int(now) + LIFE_SECONDS), call_sid, account_sid)
        return self._signer.sign(_BETWEEN.join(parts)).decode()

    def redeem(self, token: str, call_sid: CallSid, account_sid: AccountSid, *, now: float) -> None:
        """Take a token from the stream of this call; it is spent afterwards.

        Raises `TokenRefused` if it is forged, stale, another call's or spent; such an attempt spends nothing.
        """
        try:
            nonce, until, *whose = self._signer.unsign(token).decode().split(_BETWEEN)
        except (BadSignature, UnicodeEncodeError):  # of neither secret, or no text that could be sent
            raise TokenRefused("the call token is forged") from None
        if int(until) <= now:
            raise TokenRefused("the call token is stale")
        if whose != [call_sid, account_sid]:
            raise TokenRefused("the call token is another call's")
        self._forget(now)
        if nonce in self._spent:
            raise TokenRefused("the call token is spent")
        self._spent[nonce] = now + LIFE_SECONDS

    def _forget(self, now: float) -> None:
        while self._spent:
            oldest = next(iter(self._spent))
            if self._spent[oldest] > now and len(self._spent) < MAX_SPENT:
                return
            del self._spent[oldest]


def _key(secret: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"call-token").derive(secret.encode())
