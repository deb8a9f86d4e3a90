"""How models are named in the settings, and which key goes where."""

from dataclasses import dataclass
from urllib.parse import urlsplit

__all__ = ["PROVIDERS", "ModelName", "key_for", "parse_keys", "parse_names"]

PROVIDERS = ("openai",)
"""`openai` is anything that speaks Chat Completions."""


@dataclass(frozen=True, slots=True)
class ModelName:
    """One model: whose protocol it speaks, where (`None`: where OPENAI_BASE_URL says), and its name there."""

    provider: str
    base_url: str | None
    model: str

    def __str__(self) -> str:
        host = "" if self.base_url is None else f"@{urlsplit(self.base_url).netloc}"
        return f"{self.provider}{host}:{self.model}"


def parse_names(text: str) -> tuple[ModelName, ...]:
    """Read `openai:MODEL, openai@http://host/v1:MODEL`. A model's name may have colons and slashes.

    Raises `ValueError`, whose text says what is wrong, and the mend.
    """
    return tuple(_name(part.strip()) for part in text.split(","))


def parse_keys(text: str) -> dict[str, str]:
    """Read `host=key, host:port=key`. Raises `ValueError`, whose text holds no key."""
    keys = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        host, equals, key = (word.strip() for word in part.partition("="))
        if not (host and equals and key) or "/" in host:
            raise ValueError("has an entry that is not host=key; write it like llm.example.com=the-key")
        keys[host.casefold()] = key
    return keys


def key_for(base_url: str, *, openai_url: str, openai_key: str | None, keys: dict[str, str]) -> str:
    """The key for a server: OpenAI's for where OPENAI_BASE_URL leads, another's from LLM_KEYS, otherwise "none".

    A key is never shown to a host for which it was not meant.
    """
    host = urlsplit(base_url).netloc.casefold()
    if host in keys:
        return keys[host]
    return openai_key if openai_key and _origin(base_url) == _origin(openai_url) else "none"


def _name(part: str) -> ModelName:
    mend = "write openai:MODEL, or openai@https://host/v1:MODEL"
    provider, colon, rest = part.partition(":")
    if "@" not in provider:
        if not colon or not rest:
            raise ValueError(f"has an entry that names no model; {mend}")
        return ModelName(_provider(provider, mend), None, rest)
    provider, _, address = part.partition("@")
    scheme, slashes, place = address.partition("://")
    if scheme not in ("http", "https") or not slashes:
        raise ValueError(f"has a server that is not a URL; {mend}")
    # The port's colon comes before the path, the model's after it: without a path the last one is the model's.
    path = place.find("/")
    split = place.find(":", path) if path >= 0 and place.find(":", path) >= 0 else place.rfind(":")
    model = place[split + 1 :]
    is_port = not split > path >= 0 and model.partition("/")[0].isdecimal()
    if split <= 0 or not model or is_port or "]" in model:  # the last is a colon of an IPv6 address
        raise ValueError(f"has a server without a model; {mend}")
    url = f"{scheme}://{place[:split]}"
    if not _has_host(url) or "@" in place[:split]:
        raise ValueError(f"has a server that is not a URL; {mend}")
    return ModelName(_provider(provider, mend), url.rstrip("/"), model)


def _has_host(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:  # brackets or a port that are none
        return False


def _provider(name: str, mend: str) -> str:
    if name not in PROVIDERS:
        raise ValueError(f"has a provider other than {', '.join(PROVIDERS)}; {mend}")
    return name


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.casefold()
