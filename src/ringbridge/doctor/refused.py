"""Why a webhook was refused: for which URL, and with which of our tokens, its signature would be right."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from multidict import MultiDict

from ringbridge.doctor.captured import Captured, NotCaptured
from ringbridge.doctor.verdict import Verdict, failure, ok
from ringbridge.public_url import PublicUrl
from ringbridge.wire.signatures import Signed, check

__all__ = ["REQUEST", "explain"]

REQUEST: Final = "request"

_HOSTS: Final = ("Host", "X-Forwarded-Host", "X-Original-Host", "X-Forwarded-Server")
_FORWARDED: Final = re.compile(r'host="?([^;,"\s]+)', re.IGNORECASE)
_AUTHORITY: Final = re.compile(r"[A-Za-z0-9.-]+(:[0-9]{1,5})?")


@dataclass(frozen=True, slots=True)
class _Guess:
    """One thing that Twilio may have signed. `altered` tells how the request differs from it, beside its URL."""

    origin: str
    target: str
    fields: MultiDict[str]
    altered: str = ""

    @property
    def url(self) -> str:
        return self.origin + self.target


def explain(captured: Captured, public_url: PublicUrl, tokens: Sequence[str], account_sid: str) -> Verdict:
    """Say what the request was signed for; `tokens` are ours, the one in use first.

    Raises `NotCaptured` where it bears no signature. What comes out holds no token, no signature and no field's value.
    """
    signatures = captured.headers.getall("X-Twilio-Signature", [])
    if len(signatures) != 1:
        raise NotCaptured(
            f"the request has {len(signatures)} headers X-Twilio-Signature: it is not Twilio's, or a proxy has lost it"
        )
    for guess in _guesses(captured, public_url):
        for place, token in enumerate(tokens):
            for upgrade in {captured.is_upgrade, False}:
                signed = Signed(guess.origin, guess.target, signatures[0].strip(), guess.fields, upgrade=upgrade)
                if check(signed, [token]):
                    return _found(captured, guess, public_url, is_current=place == 0)
    return _unknown(captured, public_url, account_sid)


def _guesses(captured: Captured, public_url: PublicUrl) -> Iterator[_Guess]:
    """The likeliest first: what the bridge would check, then other addresses, then what a proxy alters."""
    origins = [*_origins(captured, public_url)]
    for target in _targets(captured):
        for origin in origins:
            yield _Guess(origin, target, captured.fields)
    bare = captured.target.partition("?")[0]
    for origin in origins:
        yield _Guess(origin, captured.target, MultiDict(), "its form was not signed: it was added on the way")
        query = "&".join(f"{name}={value}" for name, value in captured.fields.items())
        if query:
            yield _Guess(origin, f"{bare}?{query}", MultiDict(), "it was a GET, and became a POST on the way")


def _origins(captured: Captured, public_url: PublicUrl) -> Iterator[str]:
    authorities = [public_url.host, *(captured.headers.get(name, "").split(",")[0].strip() for name in _HOSTS)]
    authorities += _FORWARDED.findall(captured.headers.get("Forwarded", ""))
    port = captured.headers.get("X-Forwarded-Port", "").split(",")[0].strip()
    known = [name for name in dict.fromkeys(authorities) if _AUTHORITY.fullmatch(name)]
    bare = [name.partition(":")[0] for name in known]
    with_port = [f"{name}:{port}" for name in bare if port.isdecimal()]
    for authority in dict.fromkeys([*known, *bare, *with_port]):
        # With and without the scheme's own port is `check`'s affair.
        for scheme in ("https", "http", "wss", "ws"):
            yield f"{scheme}://{authority}"


def _targets(captured: Captured) -> Iterator[str]:
    path, question, query = captured.target.partition("?")
    other = path.rstrip("/") or "/" if path.endswith("/") and path != "/" else f"{path}/"
    prefix = captured.headers.get("X-Forwarded-Prefix", "").rstrip("/")
    paths = dict.fromkeys([path, other, *([prefix + path] if prefix else [])])
    for candidate in paths:
        yield f"{candidate}{question}{query}"
        if query:
            yield candidate


def _found(captured: Captured, guess: _Guess, public_url: PublicUrl, *, is_current: bool) -> Verdict:
    token = "the auth token in use" if is_current else "the older of the two auth tokens"
    signed = f"signed for {_shown(guess.url)} with {token}"
    checked = {public_url.https(captured.target), public_url.wss(captured.target)}
    if guess.altered:
        mend = "have the proxy hand on method, path, query and body as they come, and redirect nothing"
        return failure(REQUEST, f"{signed}, but {guess.altered}", mend)
    if guess.url in checked:
        return ok(REQUEST, f"{signed}: the bridge takes it, with these settings")
    if guess.target != captured.target:
        found = f"{signed}, but {_shown(captured.target)} arrived"
        return failure(REQUEST, found, "have the proxy hand on the path and the query as they come")
    mend = f"set the number's webhook to {public_url}…, as `ringbridge setup --apply` does, or PUBLIC_URL to the other"
    return failure(REQUEST, f"{signed}, but the bridge checks {_shown(public_url.https(captured.target))}", mend)


def _unknown(captured: Captured, public_url: PublicUrl, account_sid: str) -> Verdict:
    sender = captured.fields.get("AccountSid")
    if sender is not None and sender != account_sid:
        found = f"it comes from another account, {_masked(sender)}, which signs with a token of its own"
        return failure(REQUEST, found, "set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN to those of that account")
    found = f"its signature fits none of the likely URLs ({_shown(public_url.https(captured.target))} and others)"
    if captured.method == "POST" and not captured.fields:
        return failure(REQUEST, f"{found}, and its body is not in the file", "capture it anew, with its body")
    mend = "check TWILIO_AUTH_TOKEN, and that the body in the file is as it came; else it is a stranger's"
    return failure(REQUEST, f"{found} with any token that is set", mend)


def _masked(sid: str) -> str:
    return f"{sid[:2]}…{sid[-4:]}" if re.fullmatch(r"AC[0-9a-fA-F]{32}", sid) else "which is none of Twilio's"


def _shown(url: str) -> str:
    """Without the query's values, which may be anybody's data."""
    path, question, query = url.partition("?")
    names = "&".join(f"{part.partition('=')[0]}=…" for part in query.split("&")) if question else ""
    return f"{path}{question}{names}"
