"""What a setting's text may look like: one check for each kind, whose message says what is wrong; its mend."""

import re
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import phonenumbers
from opening_hours import validate
from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

from ringbridge.calls.admission import Callers, parse_callers
from ringbridge.calls.languages import EngineChoice, parse_engines
from ringbridge.llm.names import ModelName, parse_keys, parse_names
from ringbridge.public_url import PublicUrl

__all__ = [
    "MS",
    "NEW_SECRET",
    "AccountSidText",
    "BrainName",
    "CallerList",
    "Delay",
    "EngineId",
    "Engines",
    "FallbackNumber",
    "Hint",
    "HoursText",
    "ModelKeys",
    "Models",
    "Numbers",
    "OnOff",
    "OneOrTwo",
    "Origin",
    "PhoneNumber",
    "PublicHost",
    "RedisUrl",
    "Strong",
    "TimeZone",
    "TransferNumbers",
    "Url",
    "both",
]

NEW_SECRET = "make one with: python -c 'import secrets; print(secrets.token_hex())'"  # noqa: S105 - no secret itself


MS = "write a number of ms, up to 60000, or off"


@dataclass(frozen=True, slots=True)
class Hint:
    """What its type does not tell of a setting: the mend, the example's value (which is refused), what goes without."""

    mend: str
    example: str = ""
    otherwise: str = "none"


def both(secret: SecretStr) -> tuple[str, ...]:
    """The one or two values of a comma-separated secret, the newest first."""
    return tuple(part.strip() for part in secret.get_secret_value().split(","))


def _e164(text: str) -> str:
    number = re.sub(r"[ ().-]", "", text)
    mend = "write it with + and the country's code, like +14155550123"
    if not re.fullmatch(r"\+[1-9][0-9]{6,14}", number):
        raise ValueError(f"is not a phone number in E.164; {mend}")
    try:
        possible = phonenumbers.is_possible_number(phonenumbers.parse(number))
    except phonenumbers.NumberParseException:
        possible = False
    if not possible:
        raise ValueError(f"is too long, too short or of no country; {mend}")
    return number


def _http_url(text: str) -> str:
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        parts, host = urlsplit(""), None
    if parts.scheme not in ("http", "https") or not host:
        raise ValueError("is not a URL; begin it with https:// (or http:// for a server of your own)")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError("holds more than a server's address; take out user name, query and fragment")
    return text.rstrip("/")


def _origin(text: str) -> str:
    url = _http_url(text)
    if urlsplit(url).path:
        raise ValueError("has a path; write the scheme and host alone")
    return url


def _public_url(value: object) -> object:
    return PublicUrl.parse(value) if isinstance(value, str) else value


def _on_or_off(value: object) -> object:
    return {"on": True, "off": False}.get(value.lower()) if isinstance(value, str) else value


def _one_or_two(secret: SecretStr) -> SecretStr:
    if len(both(secret)) > 2 or not all(both(secret)):
        raise ValueError("holds more than two values or an empty one; separate the new and the old by one comma")
    return secret


def _strong(secret: SecretStr) -> SecretStr:
    if not all(re.fullmatch(r"[!-~]{16,}", part) for part in both(secret)):
        # ElevenLabs sends it back in a header, where other characters do not survive.
        raise ValueError(f"is shorter than 16 characters or has other than ASCII ones; {NEW_SECRET}")
    return secret


def _account_sid(text: str) -> str:
    if not re.fullmatch(r"AC[0-9a-fA-F]{32}", text):
        raise ValueError("is not AC and 32 hexadecimal digits; copy the Account SID (no API key's) from Twilio")
    return text


def _engine_id(text: str) -> str:
    if text.startswith("agent_"):
        raise ValueError("is an agent's; copy the id of a speech engine, which begins with seng_")
    return text


def _brain(text: str) -> str:
    module, _, function = text.rpartition(":")
    if not module or not function.isidentifier():
        raise ValueError("names no function; write module:function or path/file.py:function")
    return text


def _delay(value: object) -> object:
    return None if isinstance(value, str) and value.lower() == "off" else value


def _engines(value: object) -> object:
    return parse_engines(value) if isinstance(value, str) else value


def _models(value: object) -> object:
    return parse_names(value) if isinstance(value, str) else value


def _model_keys(secret: SecretStr) -> SecretStr:
    parse_keys(secret.get_secret_value())
    return secret


def _callers(value: object) -> object:
    return parse_callers(value) if isinstance(value, str) else value


def _numbers(value: object) -> object:
    if not isinstance(value, str):
        return value
    numbers = []
    for position, part in enumerate(value.split(","), 1):
        try:
            numbers.append(_e164(part))
        except ValueError as error:
            raise ValueError(f"has an entry, no. {position}, that {error}") from None
    return tuple(numbers)


def _redis_url(secret: SecretStr) -> SecretStr:
    try:
        parts = urlsplit(secret.get_secret_value())
        host, _ = parts.hostname, parts.port
    except ValueError:
        parts, host = urlsplit(""), None
    if parts.scheme not in ("redis", "rediss") or not host:
        raise ValueError("is not the URL of a Redis; write it like redis://host:6379/0 (rediss:// for TLS)")
    return secret


def _hours(text: str) -> str:
    if not validate(text):
        raise ValueError("is not understood; write it like Mo-Fr 09:00-17:30; Sa 10:00-14:00")
    return text


def _time_zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("is no time zone; write one like Europe/Berlin or America/New_York") from None
    return text


def _transfer_numbers(value: object) -> object:
    if not isinstance(value, str):
        return value
    numbers: dict[str, str] = {}
    for part in value.split(","):
        name, colon, number = (word.strip() for word in part.rpartition(":"))
        if not colon or not re.fullmatch(r"[A-Za-z0-9_-]{1,40}", name):
            raise ValueError("has an entry that is not name:number; write it like sales:+14155550124")
        if name in numbers:
            raise ValueError(f"has the name {name} twice; give each number a name of its own")
        try:
            numbers[name] = _e164(number)
        except ValueError as error:
            raise ValueError(f"has a number under {name} that {error}") from None
    return tuple(numbers.items())


PhoneNumber = Annotated[str, AfterValidator(_e164)]
"""A number in E.164. Made-up ones pass, as long as they have a possible length."""

FallbackNumber = Annotated[PhoneNumber | None, Hint("write a number that a human answers", "+14155550123")]
Url = Annotated[str, AfterValidator(_http_url)]
Origin = Annotated[str, AfterValidator(_origin)]
PublicHost = Annotated[PublicUrl, BeforeValidator(_public_url)]
OneOrTwo = Annotated[SecretStr, AfterValidator(_one_or_two)]
Strong = Annotated[OneOrTwo, AfterValidator(_strong)]
AccountSidText = Annotated[str, AfterValidator(_account_sid)]
EngineId = Annotated[str, AfterValidator(_engine_id)]
BrainName = Annotated[str, AfterValidator(_brain)]
OnOff = Annotated[bool, BeforeValidator(_on_or_off)]
Delay = Annotated[Annotated[int, Field(ge=0, le=60_000)] | None, BeforeValidator(_delay), Hint(MS, otherwise="off")]
"""Milliseconds, or `None` for never, which is written `off`."""

CallerList = Annotated[Callers | None, BeforeValidator(_callers)]
RedisUrl = Annotated[SecretStr, AfterValidator(_redis_url)]
HoursText = Annotated[str, AfterValidator(_hours)]
TimeZone = Annotated[str, AfterValidator(_time_zone)]
Engines = Annotated[tuple[EngineChoice, ...], BeforeValidator(_engines), Hint("write language:engine")]
Models = Annotated[tuple[ModelName, ...], BeforeValidator(_models), Hint("write openai:MODEL or openai@URL:MODEL")]
ModelKeys = Annotated[SecretStr, AfterValidator(_model_keys), Hint("write host=key")]
Numbers = Annotated[tuple[str, ...], BeforeValidator(_numbers), Hint("write numbers like +14155550123")]
"""Several in E.164."""

TransferNumbers = Annotated[tuple[tuple[str, str], ...], BeforeValidator(_transfer_numbers), Hint("write name:number")]
"""Pairs of a name and its number in E.164."""
