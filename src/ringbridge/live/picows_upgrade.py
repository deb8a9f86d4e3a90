"""Upgrades to picows' sockets: those that we accept, and those that we ask for.

picows accepts sockets on a port of its own only. Ours is aiohttp's, with all its requests and guards; so an upgrade
that was let in is handed over: the connection's protocol is changed for picows', which is told of the handshake. That,
and no more, leans on a name that picows does not promise to keep: `WSProtocol`. Where it is not what it was, `accept`
raises `Unsupported` before anything is touched.
"""

import logging
import socket as sockets
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, Final

from aiohttp import hdrs, web
from picows import WSAutoPingStrategy, WSError, WSHandshakeError, WSListener, ws_connect

from ringbridge.live.picows_socket import PicowsSocket
from ringbridge.live.socket import HEARTBEAT_SECONDS, Bounds, Socket, UpgradeFailed

__all__ = ["Unsupported", "accept", "connect"]

READ_BUFFER_BYTES: Final = 2048
"""What a socket reads into at first, and the least that picows takes. It doubles by need and stays so: a caller's
messages have 300 bytes, an agent's 2200."""


class _Silent(logging.LoggerAdapter[logging.Logger]):
    def isEnabledFor(self, level: int) -> bool:  # noqa: N802 - the library's name
        return False

    def log(self, *_said: object, **_particulars: object) -> None:
        return


_SILENT: Final = _Silent(logging.getLogger("ringbridge.picows"))
"""picows would tell of each connection, and of each mistake of a stranger's. Of a plain logger it makes a copy for each
socket, which has to learn anew at which levels it says nothing."""

_UPGRADE: Final = web.WebSocketResponse(compress=False)
"""Knows a handshake; it is never sent."""


class Unsupported(Exception):
    """Picows, in this release, can't be handed a connection in the way that we know."""


def accept(request: web.Request, bounds: Bounds) -> Socket:
    """Take over an upgrade that aiohttp has read.

    Raises aiohttp's `HTTPBadRequest` when it is no WebSocket handshake, or its peer is gone, and `Unsupported`.
    """
    transport = request.transport
    if not _UPGRADE.can_prepare(request) or transport is None or transport.is_closing():
        raise web.HTTPBadRequest(text="")
    http = request.protocol
    socket = PicowsSocket(bounds, HEARTBEAT_SECONDS, lost=lambda: http.connection_lost(None))
    protocol = _protocol(socket, bounds)
    transport.pause_reading()  # uvloop looks at its protocol's kind when it begins to read
    transport.set_protocol(protocol)
    protocol.connection_made(transport)
    _feed(protocol, _handshake(request) + http._message_tail)  # noqa: SLF001 - what came with the request
    if not socket.is_open:  # picows is stricter about the key, and has answered
        transport.set_protocol(http)
        raise web.HTTPBadRequest(text="")
    transport.resume_reading()
    return socket


def _protocol(socket: PicowsSocket, bounds: Bounds) -> Any:
    try:
        from picows.picows import WSProtocol  # type: ignore[attr-defined]  # noqa: PLC0415 - it may not be there one day

        return WSProtocol(
            None,
            None,
            False,  # noqa: FBT003 - no client's
            lambda _request: socket.ear,
            _SILENT,
            True,  # noqa: FBT003 - a listener that raises ends it
            None,
            False,  # noqa: FBT003 - pings are ours
            0,
            0,
            WSAutoPingStrategy.PING_WHEN_IDLE,
            False,  # noqa: FBT003 - and pongs
            bounds.message_bytes,
            None,
            READ_BUFFER_BYTES,
        )
    except (ImportError, TypeError) as error:
        raise Unsupported(str(error)) from None


def _handshake(request: web.Request) -> bytes:
    """The request as picows reads it; aiohttp has found nothing wrong with it."""
    key = request.headers[hdrs.SEC_WEBSOCKET_KEY]
    return (
        "GET / HTTP/1.1\r\nHost: ringbridge\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key.strip()}\r\n\r\n"
    ).encode()


def _feed(protocol: Any, data: bytes) -> None:
    while data:
        buffer = protocol.get_buffer(-1)
        size = min(len(buffer), len(data))
        buffer[:size] = data[:size]
        data = data[size:]
        protocol.buffer_updated(size)


async def connect(
    url: str,
    *,
    dial: Callable[[str, int], Awaitable[sockets.socket]],
    tls: Any,
    heartbeat: float,
    headers: Mapping[str, str] | None = None,
) -> Socket:
    """Open a WebSocket to `url` over a connection that `dial` makes to a host and port, with these `headers` more.

    Raises `UpgradeFailed` or `OSError`.
    """
    dialled: list[sockets.socket] = []
    made: list[PicowsSocket] = []

    async def open_tcp(parsed: Any) -> sockets.socket:
        dialled.append(await dial(parsed.host, parsed.port))
        return dialled[0]

    def make() -> WSListener:
        made.append(PicowsSocket(Bounds(), heartbeat))
        return made[0].ear

    try:
        await ws_connect(
            make,
            url,
            ssl_context=tls,
            websocket_handshake_timeout=None,
            logger_name=_SILENT,
            enable_auto_pong=False,
            max_frame_size=Bounds().message_bytes,
            extra_headers=headers,
            max_redirects=0,
            read_buffer_init_size=READ_BUFFER_BYTES,
            socket_factory=open_tcp,
        )
    except WSHandshakeError as error:
        raise UpgradeFailed(None if error.response is None else error.response.status) from None
    except WSError:
        raise UpgradeFailed(None) from None
    except BaseException:
        for opened in dialled:
            with suppress(OSError):
                opened.shutdown(sockets.SHUT_RDWR)  # whoever waits for it learns that it is over
        raise
    if not made:  # the connection was lost before the answer
        raise UpgradeFailed(None)
    return made[0]
