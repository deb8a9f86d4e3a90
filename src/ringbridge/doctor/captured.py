"""A request as somebody has captured it: a raw dump, `curl -v`, a curl command, nginx's debug log, or JSON."""

import json
import re
import shlex
from base64 import b64decode
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl

from multidict import CIMultiDict, MultiDict

__all__ = ["Captured", "NotCaptured", "read_captured"]

_LINE: Final = re.compile(r"(GET|POST) (\S+) HTTP/[0-9.]+")
_HEADER: Final = re.compile(r"([A-Za-z0-9-]+):[ \t]*(.*)")
_NGINX: Final = re.compile(r'http (?:request line|header): "(.*)"')
_URL: Final = re.compile(r"https?://([^/?#\s]+)(\S*)")
_FORM: Final = re.compile(r"[A-Za-z0-9_.%+-]+=[^\s]*")

_SENDS: Final = frozenset({"-d", "--data", "--data-raw", "--data-binary", "--data-ascii"})
_OTHERS: Final = ("* ", "< ", "{ ", "} ", "*\n", "<\n")
"""What `curl -v` tells beside the request."""

_TARGETS: Final = ("request_uri", "raw_path", "uri", "path", "url")
_BODIES: Final = ("request_body", "body", "content")


class NotCaptured(ValueError):
    """The text holds no request with a signature. Its text says what is missing, and the mend."""


@dataclass(frozen=True, slots=True)
class Captured:
    """A request. `target` is its path and query, as on the wire; `fields` are its form's."""

    method: str
    target: str
    headers: CIMultiDict[str] = field(repr=False)
    fields: MultiDict[str] = field(repr=False)

    @property
    def is_upgrade(self) -> bool:
        """Whether it opens a WebSocket."""
        return "websocket" in self.headers.get("Upgrade", "").casefold()


def read_captured(text: str) -> Captured:
    """Read whatever of the forms it is. Raises `NotCaptured`."""
    text = text.replace("\r\n", "\n").lstrip("\ufeff")
    for read in (_json, _nginx, _curl, _raw):
        found = read(text)
        if found is not None:
            return found
    raise NotCaptured(
        "no request is in the file: write its first line (POST /incoming-call HTTP/1.1), its headers, an empty line "
        "and its body"
    )


def _request(method: str, target: str, headers: Iterable[tuple[str, str]], body: str) -> Captured:
    bag = CIMultiDict(headers)
    if match := _URL.fullmatch(target):
        bag.setdefault("Host", match[1])
        target = match[2] if match[2].startswith("/") else f"/{match[2]}"
    fields = MultiDict(parse_qsl(body.strip(), keep_blank_values=True))
    return Captured(method, target.partition("#")[0], bag, fields)


def _raw(text: str) -> Captured | None:
    """Of `curl -v`, the lines that it marks with `> `; of a dump, all from the request's line on."""
    is_marked = re.search(r"^> (GET|POST) ", text, re.MULTILINE) is not None
    lines = [*_marked(text)] if is_marked else text.split("\n")
    start = next((number for number, line in enumerate(lines) if _LINE.match(line)), None)
    if start is None:
        return None
    method, target = _LINE.match(lines[start]).groups()  # type: ignore[union-attr]  # it has matched above
    headers, body = [], ""
    for number, line in enumerate(lines[start + 1 :], start=start + 1):
        if match := _HEADER.fullmatch(line.rstrip()):
            headers.append((match[1], match[2]))
        else:
            body = _body(lines[number:])
            break
    return _request(method, target, headers, body)


def _marked(text: str) -> Iterator[str]:
    """Without curl's own lines and marks. What bears no mark may be the body, which curl does not show by itself."""
    for line in text.split("\n"):
        if line.startswith(">"):
            yield line.removeprefix(">").removeprefix(" ")
        elif not f"{line}\n".startswith(_OTHERS):
            yield line


def _body(lines: Iterable[str]) -> str:
    return next((line.strip() for line in lines if _FORM.fullmatch(line.strip())), "")


def _nginx(text: str) -> Captured | None:
    """The lines of `error_log … debug`; it shows no body."""
    told = _NGINX.findall(text)
    first = next((match for line in told if (match := _LINE.match(line))), None)
    if first is None:
        return None
    headers = [(match[1], match[2]) for line in told if (match := _HEADER.fullmatch(line))]
    rest = [line for line in text.split("\n") if not _NGINX.search(line)]
    return _request(first[1], first[2], headers, _body(rest))


def _curl(text: str) -> Captured | None:
    """A command that starts with `curl`, as browsers and inspectors copy one."""
    command = re.search(r"^\s*\$?\s*(curl .*)", text, re.MULTILINE | re.DOTALL)
    if command is None or re.search(r"^> (GET|POST) ", text, re.MULTILINE):
        return None
    try:
        words = shlex.split(command[1].replace("\\\n", " "))
    except ValueError:
        return None
    return _of_words(words)


def _of_words(words: list[str]) -> Captured | None:
    url, headers, sent, method = "", [], [], ""
    for word, after in zip(words, [*words[1:], ""], strict=True):
        if word in {"-H", "--header"} and (match := _HEADER.fullmatch(after)):
            headers.append((match[1], match[2]))
        elif word in _SENDS:
            sent.append(after)
        elif word in {"-X", "--request"}:
            method = after
        elif _URL.fullmatch(word):
            url = word
    if not url:
        return None
    return _request(method or ("POST" if sent else "GET"), url, headers, "&".join(sent))


def _json(text: str) -> Captured | None:
    """One object: of a log with `escape=json`, of an inspector such as ngrok's."""
    start = text.find("{")
    try:
        told, _ = json.JSONDecoder().raw_decode(text[start:]) if start >= 0 else (None, 0)
    except ValueError:
        return None
    if not isinstance(told, dict):
        return None
    inner = told.get("request")
    if isinstance(inner, dict):
        told = inner
    if isinstance(told.get("raw"), str):  # ngrok's: all of it, in base64
        return _raw(_unpacked(told["raw"]))
    line = _LINE.match(str(told.get("request", "")))
    target = line[2] if line else next((str(told[name]) for name in _TARGETS if name in told), "")
    if not target:
        return None
    method = line[1] if line else str(told.get("method") or told.get("request_method") or "POST")
    return _request(method, target, [*_json_headers(told)], _json_body(told))


def _unpacked(raw: str) -> str:
    try:
        return b64decode(raw, validate=True).decode(errors="replace").replace("\r\n", "\n")
    except ValueError:
        return raw


def _json_headers(told: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    headers = told.get("headers")
    for name, value in headers.items() if isinstance(headers, dict) else ():
        yield name, str(value[0] if isinstance(value, list) and value else value)
    for name, value in told.items():  # nginx: $http_x_twilio_signature, $host
        bare = name.removeprefix("http_").replace("_", "-")
        if isinstance(value, str) and (name.startswith("http_") or bare in {"host", "x-twilio-signature"}):
            yield bare, value


def _json_body(told: Mapping[str, Any]) -> str:
    return next((body for name in _BODIES if isinstance(body := told.get(name), str)), "")
