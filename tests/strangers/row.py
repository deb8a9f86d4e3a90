"""One request of a stranger, what it must be answered with, and what it may set off: nothing."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from ..integration.raw_house import House
from ..integration.raw_http import Message, ask, head
from ..integration.raw_proofs import AUTH_TOKEN, HOST, Fields, twilio_signature
from ..integration.raw_twilio import FORM_TYPE, form_body
from ..integration.raw_websocket import RawSocket

WEBHOOKS = (
    "/incoming-call",
    "/call-ended",
    "/dial-ended",
    "/whisper",
    "/stream-status",
    "/fallback",
    "/voicemail-ended",
)
MEDIA, BRAIN = "/media-stream", "/ws"

Headers: TypeAlias = Mapping[str, str] | Iterable[tuple[str, str]]
Answer: TypeAlias = Message | int | None
"""A response, or how a socket ended: its close code, `None` where it was cut without one."""

Send: TypeAlias = Callable[[House], Awaitable[Answer]]


@dataclass(frozen=True)
class Row:
    """`expected` are the statuses or close codes that will do. `check` looks at a response's body."""

    name: str
    expected: tuple[int | None, ...]
    send: Send
    check: Callable[[Message], None] | None = None


def status_of(answer: Answer) -> int | None:
    return answer.status if isinstance(answer, Message) else answer


def request(method: str, target: str, headers: Headers = (), body: bytes = b"") -> bytes:
    """The bytes of a request. Its connection is closed after the answer."""
    pairs = list(headers.items() if isinstance(headers, Mapping) else headers)
    return head(f"{method} {target} HTTP/1.1", [("Host", HOST), ("Connection", "close"), *pairs]) + body


def sends(*pieces: bytes) -> Send:
    """Bytes as they are."""

    async def send(home: House) -> Answer:
        return await ask(home.port, *pieces)

    return send


def posts(
    path: str,
    fields: Fields = (),
    *,
    body: bytes | None = None,
    content_type: str = FORM_TYPE,
    signed: bool = True,
    headers: Headers = (),
) -> Send:
    """A form, or any body, with the signature that Twilio would put on these fields."""
    fields = list(fields)
    body = form_body(fields) if body is None else body
    pairs = list(headers.items() if isinstance(headers, Mapping) else headers)
    if signed:
        pairs.append(("X-Twilio-Signature", signature(path, fields)))
    framing = [("Content-Type", content_type), ("Content-Length", str(len(body)))]
    return sends(request("POST", path, [*framing, *pairs], body))


def signature(path: str, fields: Fields = (), token: str = AUTH_TOKEN) -> str:
    return twilio_signature(f"https://{HOST}{path}", fields, token)


async def opened(socket: RawSocket | Message) -> RawSocket:
    """A socket that was let in."""
    assert isinstance(socket, RawSocket), socket
    return socket
