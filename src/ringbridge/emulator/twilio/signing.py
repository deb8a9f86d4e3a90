"""Twilio's signature, computed by hand: what the bridge must accept, without a line of what it checks with."""

import base64
import hmac
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha1
from typing import TypeAlias

__all__ = ["Fields", "pairs", "signature"]

Fields: TypeAlias = Mapping[str, str | Sequence[str]]
"""The fields of a form. One that is given several times has a list of values."""


def pairs(fields: Fields) -> list[tuple[str, str]]:
    """The fields one by one, in order, repeated ones too."""
    return [(name, value) for name, given in fields.items() for value in ([given] if isinstance(given, str) else given)]


def signature(auth_token: str, url: str, fields: Iterable[tuple[str, str]] = ()) -> str:
    """Sign a request: base64 of the HMAC-SHA1 of the URL and all names and values, sorted.

    https://www.twilio.com/docs/usage/webhooks/webhooks-security. A value that a field has twice counts once, as in
    Twilio's own validators. The fragment of the URL, where Twilio keeps connection settings, is not signed.
    """
    signed = url.partition("#")[0] + "".join(name + value for name, value in sorted(set(fields)))
    return base64.b64encode(hmac.new(auth_token.encode(), signed.encode(), sha1).digest()).decode()
