"""The one name under which the outside world reaches us."""

import re
from dataclasses import dataclass
from typing import Self

__all__ = ["PublicUrl"]

_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")
_MEND = "write the name alone, like calls.example.com"


@dataclass(frozen=True, slots=True)
class PublicUrl:
    """A public host, spoken to over TLS only.

    `host` is lower-case, with its port only when that is not 443: what a client puts into its `Host` header. Every
    URL that we hand to Twilio is made here, so that the text Twilio signs and the text we check are the same.
    """

    host: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `host`, `host:port`, `https://host/` or `wss://host`.

        Raises ValueError with what is wrong and its mend, for anything that Twilio could not call.
        """
        scheme, _, rest = text.strip().rpartition("://")
        if scheme.lower() not in ("", "https", "wss"):
            raise ValueError(f"{scheme}:// is not encrypted, and Twilio wants TLS; write https:// or no scheme at all")
        authority, _, path = rest.partition("/")
        if "@" in authority:
            raise ValueError(f"has a user name or password, which has no place here; {_MEND}")
        if path or "?" in authority or "#" in authority:
            raise ValueError(f"has a path, but the routes live at the root of a host; {_MEND}")
        name, port = _name(authority), _port(authority)
        return cls(name if port == 443 else f"{name}:{port}")

    def https(self, path: str) -> str:
        """The URL of `path` (which begins with `/`) for a request."""
        return f"https://{self.host}{path}"

    def wss(self, path: str) -> str:
        """The URL of `path` (which begins with `/`) for a WebSocket."""
        return f"wss://{self.host}{path}"

    def __str__(self) -> str:
        """As it is best written: `https://host`."""
        return self.https("")


def _name(authority: str) -> str:
    name = authority.partition(":")[0].lower()
    if "[" in authority or name.rpartition(".")[2].isdigit():
        # The vendor's validator splits host and port at the first colon, which IPv6 can't survive; and no
        # certificate is to be had for either kind.
        raise ValueError("is an IP address, for which Twilio finds no certificate; use a host name")
    if "_" in name:
        # https://www.twilio.com/docs/voice/api/call-resource: no underscore in a callback's host name.
        raise ValueError("has an underscore in its host name, which Twilio refuses; use another name")
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in name.split(".")):
        raise ValueError(f"is not a host name; {_MEND}")
    if "." not in name or name.endswith(".localhost"):
        raise ValueError("is a name that only this machine knows; use the name your tunnel or proxy shows to the world")
    return name


def _port(authority: str) -> int:
    _, colon, text = authority.partition(":")
    if not colon:
        return 443
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
        raise ValueError(f"has a port that is not between 1 and 65535; {_MEND}")
    return int(text)
