"""Twilio's signature: whether a request bears it, and, where it does not, what would have made it fit.

The signed text is the URL as Twilio knows it (our number's webhook, or a URL in our TwiML), byte for byte, then each
form field's name and value, sorted by name: <https://www.twilio.com/docs/usage/webhooks/webhooks-security>.
It is computed as by the SDK's own validator, with and without the port, but the form is joined once. For a JSON body,
which none of our webhooks has, the SDK's is asked.
"""

import hmac
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import parse_qsl, urlsplit

from twilio.request_validator import RequestValidator

__all__ = ["Diagnosis", "Signed", "check", "diagnose"]

_DEFAULT_PORTS = {"http": 80, "ws": 80, "https": 443, "wss": 443}
_SHOWN_CHARACTERS = 300


@dataclass(frozen=True, slots=True)
class Signed:
    """What a request claims that Twilio has signed.

    `origin` is our configured public origin (`https://host` or `https://host:port`, no path), never a header's.
    `target` is path and query as they came, undecoded. `fields` are the form's: a multi-dict (one with `getall`), so
    that none of a repeated field's values is lost; the text itself for a JSON body; nothing for a GET.
    `upgrade` marks a WebSocket's opening request: Twilio signs that as the `wss://` URL of the TwiML.
    """

    origin: str
    target: str
    signature: str = field(repr=False)
    fields: Mapping[str, str] | str = field(default_factory=dict, repr=False)
    upgrade: bool = False

    @property
    def urls(self) -> tuple[str, ...]:
        """The URLs that are accepted: one, or for an upgrade two, as no page of Twilio's spells out its scheme."""
        secure = self.origin + self.target
        if not self.upgrade:
            return (secure,)
        return (f"wss://{urlsplit(self.origin).netloc}{self.target}", secure)


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Why a request was refused, for the owner's log: `str()` of it is one line of ASCII, free of personal data.

    `match` is the URL for which the signature would have been right, if one was found among the likely ones, and
    `token` tells with which of our two auth tokens: the first set is `current`. `field_count` is the number of
    fields, repeated ones counted; for a JSON body 0.
    """

    checked: tuple[str, ...]
    field_count: int
    match: str | None
    token: Literal["current", "other"] | None

    def __str__(self) -> str:
        subject = f"signature does not fit {' or '.join(map(_shown, self.checked))} with {self.field_count} fields"
        if self.match is not None:
            return (
                f"{subject}; it would fit {_shown(self.match)} with the {self.token} auth token: "
                "PUBLIC_URL and the URL that Twilio was given must be the same"
            )
        return (
            f"{subject}; nor the likely other URLs, with any auth token set: unless it is a stranger's, "
            "TWILIO_AUTH_TOKEN is not that of the account which owns the call (each subaccount has its own), "
            "or a proxy in front alters path, query or body"
        )


def check(signed: Signed, tokens: Sequence[str]) -> bool:
    """Whether the signature is Twilio's, made with one of our auth tokens (several while they are rotated)."""
    if not signed.target.startswith("/"):  # `GET http://elsewhere/…`: nothing that Twilio would send
        return False
    if isinstance(signed.fields, str):
        return _check_json(signed, signed.fields, tokens)
    text = _joined(signed.fields)
    return any(_fits(token, url + text, signed.signature) for token in tokens for url in _spelled_out(signed))


def diagnose(signed: Signed, tokens: Sequence[str], *, host: str | None, forwarded_host: str | None) -> Diagnosis:
    """Search for the mistake behind a refusal, among the usual ones: scheme, port, host.

    `host` and `forwarded_host` are the headers of that name. They are a client's word, good for a guess only: what
    comes out goes to the log and decides nothing.
    """
    fields = [] if isinstance(signed.fields, str) else list(signed.fields.items())
    text = "" if isinstance(signed.fields, str) else _joined(signed.fields)
    found: tuple[str, Literal["current", "other"]] | None = None
    for url in _candidates(signed, host, forwarded_host):
        for position, token in enumerate(tokens):
            if found is None and _fits(token, url + text, signed.signature):
                found = (url, "other" if position else "current")
    match, token_name = found or (None, None)
    return Diagnosis(checked=signed.urls, field_count=len(fields), match=match, token=token_name)


def _check_json(signed: Signed, body: str, tokens: Sequence[str]) -> bool:
    try:
        if not _has_body_hash(signed.target):
            return False  # the SDK raises at that
        urls = list(_spelled_out(signed))
        return any(RequestValidator(token).validate(url, body, signed.signature) for token in tokens for url in urls)
    except ValueError:  # no URL, or bytes that are no UTF-8: nothing that Twilio would sign
        return False


def _spelled_out(signed: Signed) -> Iterator[str]:
    """The accepted URLs, each as it is and with its port left out or, where it has none, spelled out."""
    for url in signed.urls:
        yield url
        scheme, _, rest = url.partition("://")
        name, port = _split_port(rest[: len(rest) - len(signed.target)])
        yield f"{scheme}://{name}{'' if port else f':{_DEFAULT_PORTS[scheme]}'}{signed.target}"


def _has_body_hash(target: str) -> bool:
    return any(name == "bodySHA256" for name, _ in parse_qsl(urlsplit(target).query))


def _joined(fields: Mapping[str, str]) -> str:
    """The fields as they stand in the signed text, once for all candidates: a form can be long."""
    return "".join(name + value for name, value in sorted(set(fields.items())))


def _fits(token: str, text: str, signature: str) -> bool:
    try:
        computed = b64encode(hmac.digest(token.encode(), text.encode(), "sha1"))
        return hmac.compare_digest(computed, signature.encode())
    except UnicodeEncodeError:
        return False


def _candidates(signed: Signed, host: str | None, forwarded_host: str | None) -> Iterator[str]:
    authorities = [urlsplit(signed.origin).netloc]
    authorities += [text.split(",")[0].strip() for text in (host, forwarded_host) if text]
    schemes = ("wss", "https", "ws", "http") if signed.upgrade else ("https", "http")
    for authority in dict.fromkeys(authorities):
        name, port = _split_port(authority)
        for scheme in schemes:
            for suffix in dict.fromkeys((port, "", f":{_DEFAULT_PORTS[scheme]}")):
                yield f"{scheme}://{name}{suffix}{signed.target}"


def _split_port(authority: str) -> tuple[str, str]:
    name, colon, port = authority.rpartition(":")
    return (name, colon + port) if colon and port.isdecimal() else (authority, "")


def _shown(url: str) -> str:
    """A URL for the log: its query's values may be anybody's data, so only their names are told."""
    path, question, query = url.partition("?")
    names = "&".join(part[: part.find("=") + 1] + "..." for part in query.split("&")) if question else ""
    text = f"{path}{question}{names}".encode("unicode_escape").decode()
    return text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "..."
