"""The shared secret, by which ElevenLabs and our own brains are known."""

import hmac

from multidict import CIMultiDictProxy

from ringbridge.split.messages import SECRET_HEADER

__all__ = ["SECRET_HEADER", "has_secret", "only"]


def has_secret(headers: CIMultiDictProxy[str], secrets: tuple[str, ...]) -> bool:
    """Whether one of the secrets came with a request. All are compared, each in constant time."""
    given = _bytes(only(headers, SECRET_HEADER))
    equal = [hmac.compare_digest(given, _bytes(secret)) for secret in secrets]
    return any(equal)


def only(headers: CIMultiDictProxy[str], name: str) -> str:
    """The value of a header. One that comes twice may mean another value to the proxy before us: it counts as none."""
    values = headers.getall(name, [])
    return values[0] if len(values) == 1 else ""


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogateescape")
