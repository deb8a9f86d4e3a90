"""Signatures that open a conversation: fifteen minutes each, and once only when a conversation id was asked for.

https://elevenlabs.io/docs/agents-platform/customization/authentication
"""

import secrets
from dataclasses import dataclass
from typing import Final

__all__ = ["LIFETIME_SECONDS", "SignatureRefused", "Signatures"]

LIFETIME_SECONDS: Final = 15 * 60
"""A signature must be used within this time. The conversation that it opened outlives it."""


class SignatureRefused(Exception):
    """A signature is unknown, another engine's, too old or spent. The text says which."""


@dataclass(slots=True)
class _Issued:
    engine_id: str
    until: float
    single_use: bool
    spent: bool = False


class Signatures:
    """Those that were handed out and are still good. `now` is in seconds since the epoch."""

    def __init__(self) -> None:
        self._issued: dict[str, _Issued] = {}

    def issue(self, engine_id: str, now: float, *, single_use: bool) -> str:
        """A new signature for one engine."""
        # An expired one is kept for a while, so that whoever comes late with it is told so.
        stale = now - LIFETIME_SECONDS
        self._issued = {name: issued for name, issued in self._issued.items() if issued.until > stale}
        signature = f"cvtkn_{secrets.token_hex(16)}"
        self._issued[signature] = _Issued(engine_id, now + LIFETIME_SECONDS, single_use)
        return signature

    def redeem(self, signature: str, engine_id: str, now: float) -> None:
        """Use a signature to open a conversation. Raises `SignatureRefused`."""
        issued = self._issued.get(signature)
        if issued is None or issued.engine_id != engine_id:
            raise SignatureRefused("this signature was not issued for this agent")
        if issued.until <= now:
            raise SignatureRefused("this signature has expired")
        if issued.spent:
            raise SignatureRefused("this signature has been used")
        issued.spent = issued.single_use
