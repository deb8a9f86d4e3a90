"""The page and its socket, on a port of this machine."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from importlib.resources import files
from typing import Final

from aiohttp import WSCloseCode, web

from ringbridge.phone.gate import PROTOCOL, Gate, is_own_host, is_own_page
from ringbridge.phone.line import Line
from ringbridge.phone.messages import Ready
from ringbridge.phone.session import Session
from ringbridge.web.guards import guard_errors, hide_server
from ringbridge.web.server import serving

__all__ = ["open_phone"]

HOST: Final = "127.0.0.1"

TICKET_BYTES: Final = 16
"""128 bits: a ticket can't be guessed."""

HEARTBEAT_SECONDS: Final = 10.0
"""A browser that is gone without a word is noticed in half as long again."""

CLOSE_SECONDS: Final = 2.0
"""How long a page may take to answer our close frame."""

MAX_MESSAGE_BYTES: Final = 1024
"""A page that sends more at once is sent away with 1009."""

_PAGE: Final = {
    "/": ("index.html", "text/html"),
    "/phone.css": ("phone.css", "text/css"),
    "/phone.js": ("phone.js", "text/javascript"),
    "/audio.js": ("audio.js", "text/javascript"),
    "/mulaw.js": ("mulaw.js", "text/javascript"),
    "/transcript.js": ("transcript.js", "text/javascript"),
    "/worklet.js": ("worklet.js", "text/javascript"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
}

_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


@asynccontextmanager
async def open_phone(line: Line, *, brain: str, port: int) -> AsyncIterator[str]:
    """Serve the page while the context lasts, on 127.0.0.1 and nowhere else; gives the link, which is good once.

    `brain` is shown as who answers; `port` 0 takes any that is free. Raises `OSError` when it can't be had.
    """
    desk = _Desk(line, brain)
    app = web.Application(middlewares=[guard_errors, _own_host_only])
    app.on_response_prepare.extend((hide_server, _protect))
    app.on_shutdown.append(desk.shut_down)
    app.add_routes([web.get(path, _file(name, kind)) for path, (name, kind) in _PAGE.items()])
    app.router.add_get("/line", desk.socket)
    async with serving(app, host=HOST, port=port) as taken:
        yield f"http://{HOST}:{taken}/#{desk.gate.ticket}"


class _Desk:
    """Lets one page at a time to the telephone: the newest."""

    def __init__(self, line: Line, brain: str) -> None:
        self.gate = Gate(lambda: secrets.token_urlsafe(TICKET_BYTES))
        self._line = line
        self._brain = brain
        self._socket: web.WebSocketResponse | None = None
        self._seat = asyncio.Lock()

    async def socket(self, request: web.Request) -> web.StreamResponse:
        """Open the page's socket. 403 unless it is our page that asks, with a ticket that is good."""
        protocols = [name.strip() for name in request.headers.get("Sec-WebSocket-Protocol", "").split(",")]
        if not is_own_page(request.headers.get("Origin"), request.headers.get("Host")):
            raise web.HTTPForbidden(text="This telephone is for its own page.")
        if PROTOCOL not in protocols or not self.gate.redeem(protocols):
            raise web.HTTPForbidden(text="This ticket is not good, or not any more.")
        socket = web.WebSocketResponse(
            protocols=(PROTOCOL,),
            heartbeat=HEARTBEAT_SECONDS,
            timeout=CLOSE_SECONDS,
            max_msg_size=MAX_MESSAGE_BYTES,
            compress=False,
        )
        await socket.prepare(request)
        older, self._socket = self._socket, socket
        if older is not None:
            await older.close(code=WSCloseCode.POLICY_VIOLATION, message=b"another page is open")
        async with self._seat:
            session = Session(socket, self._line)
            session.tell(Ready(self._brain, self.gate.ticket))
            await session.run()
        return socket

    async def shut_down(self, _app: web.Application) -> None:
        """Send the page away."""
        if self._socket is not None:
            await self._socket.close(code=WSCloseCode.GOING_AWAY, message=b"the command has ended")


def _file(name: str, kind: str) -> Callable[[web.Request], Awaitable[web.Response]]:
    body = (files("ringbridge.phone") / "page" / name).read_bytes()

    async def handler(_request: web.Request) -> web.Response:
        return web.Response(body=body, content_type=kind, charset="utf-8")

    return handler


@web.middleware
async def _own_host_only(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    port = request.transport.get_extra_info("sockname")[1] if request.transport else 0
    named = request.headers.get("Host")
    if not is_own_host(named, port) or request.host != named:  # the first line may name another
        raise web.HTTPForbidden(text=f"This telephone answers to http://{HOST}:{port}/ only.")
    return await handler(request)


async def _protect(request: web.Request, response: web.StreamResponse) -> None:
    """Nothing but our own files and our own socket; no frame around us, and no string that becomes code."""
    response.headers.update(_HEADERS)
    response.headers["Content-Security-Policy"] = (
        f"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src ws://{request.host}; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
    )
