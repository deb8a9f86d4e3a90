"""Requests such as Twilio would send, to ourselves: signed by its own SDK."""

from collections.abc import Mapping
from typing import Final

from multidict import MultiDict
from twilio.request_validator import RequestValidator

__all__ = ["FIELDS", "QUERY", "SIGNATURE", "signed"]

SIGNATURE: Final = "X-Twilio-Signature"

QUERY: Final = "?b=%2F&a=1+1"
"""What a proxy that reads and rewrites a query would not leave so."""

FIELDS: Final = MultiDict(
    [("CallSid", "CA" + "0" * 32), ("CallerName", "Zoë & Söhne"), ("FromCity", ""), ("Part", "1")]
)
"""A form as Twilio sends them: not ASCII alone, and with empty values."""


def signed(token: str, url: str, fields: Mapping[str, str] | None = None) -> dict[str, str]:
    """The header by which a request to `url` is known as Twilio's."""
    return {SIGNATURE: RequestValidator(token).compute_signature(url, MultiDict(fields or {}))}
