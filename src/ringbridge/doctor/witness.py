"""A server of the doctor's own, where no bridge runs: it tells what has arrived of what was sent through the world.

It listens where the bridge would, at paths that nobody else knows.
"""

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final, TypeAlias
from urllib.parse import parse_qsl

from aiohttp import web
from multidict import MultiDict

from ringbridge.live.socket import Closed
from ringbridge.live.sockets import accept
from ringbridge.web.brain import BRAIN
from ringbridge.web.server import serving

__all__ = ["Arrived", "Witness", "open_witness"]

_NAME_BYTES: Final = 16

Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Arrived:
    """One request, as it came: its path and query, its headers by their lower-case names, its form's fields."""

    target: str
    headers: dict[str, str]
    fields: MultiDict[str]


@dataclass(slots=True)
class Witness:
    """What has come so far. `answer` is told to whoever asks at `path`."""

    port: int = 0
    path: str = field(default_factory=lambda: f"/doctor-{secrets.token_urlsafe(_NAME_BYTES)}")
    answer: str = field(default_factory=lambda: secrets.token_urlsafe(_NAME_BYTES))
    webhook: Arrived | None = None
    upgrade: Arrived | None = None
    closed: Closed | None = None
    """How the socket ended that was opened there."""

    async def tell(self, request: web.Request) -> web.Response:
        """A GET at the path: only this process knows the answer."""
        del request
        return web.Response(text=self.answer)

    async def take(self, request: web.Request) -> web.Response:
        """A POST at the path, as Twilio's webhooks are."""
        fields = MultiDict(parse_qsl((await request.read()).decode(errors="replace"), keep_blank_values=True))
        self.webhook = _arrived(request, fields)
        return web.Response(text="<Response/>", content_type="text/xml")

    async def echo(self, request: web.Request) -> web.StreamResponse:
        """A socket below the path, accepted as the bridge accepts them: what is said comes back."""
        self.upgrade = _arrived(request, MultiDict())
        socket = await accept(request)

        def say_back(text: bytes) -> None:
            socket.send(text)

        socket.listen(say_back)
        self.closed = await socket.closed()
        return socket.response


@asynccontextmanager
async def open_witness(*, host: str, port: int, brain: Handler | None = None) -> AsyncIterator[Witness]:
    """A witness at this address; `brain` serves `/ws`. Raises `OSError` when the address is taken."""
    witness = Witness()
    app = web.Application()
    app.router.add_get(witness.path, witness.tell, allow_head=False)
    app.router.add_post(witness.path, witness.take)
    app.router.add_get(f"{witness.path}/socket", witness.echo, allow_head=False)
    if brain is not None:
        app.router.add_get(BRAIN, brain, allow_head=False)
    async with serving(app, host=host, port=port) as listening:
        witness.port = listening
        yield witness


def _arrived(request: web.Request, fields: MultiDict[str]) -> Arrived:
    headers = {name.lower(): value for name, value in request.headers.items()}
    return Arrived(request.raw_path, headers, fields)
