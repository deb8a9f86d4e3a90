"""The client side of a media socket: dialled, signed and written to as Twilio does it.

Writing is synchronous, so that what is sent from the clock, from a reader and by the caller keeps its order without a
lock. This file alone leans on private names of aiohttp: the connection under its WebSocket.
"""

import asyncio
from typing import Any

from aiohttp import (
    ClientConnectionError,
    ClientError,
    ClientWebSocketResponse,
    ClientWSTimeout,
    WSMsgType,
    WSServerHandshakeError,
)
from yarl import URL

from ringbridge.emulator.twilio.exchange import Exchange
from ringbridge.emulator.twilio.signing import signature

__all__ = ["MediaSocket", "NoSocket", "dial"]

HANDSHAKE_SECONDS = 10.0
CLOSE_SECONDS = 1.0
"""How long the bridge may take to answer our close frame before the connection is cut."""

MAX_UNSENT_BYTES = 32 * 1024
"""What may wait for a bridge that reads too slowly: about two seconds of audio. aiohttp's own mark is twice that."""

MAX_MESSAGE_BYTES = 16 * 1024 * 1024


class NoSocket(Exception):
    """The media socket could not be opened. `code` is Twilio's error."""

    def __init__(self, code: int, why: str) -> None:
        self.code = code
        super().__init__(why)


class MediaSocket(ClientWebSocketResponse):
    """One open media socket."""

    @property
    def _transport(self) -> asyncio.Transport | None:
        return self._conn.transport if self._conn is not None else None

    @property
    def choked(self) -> bool:
        """Whether so much is unsent that nothing should be added."""
        return self._transport is not None and self._transport.get_write_buffer_size() > MAX_UNSENT_BYTES

    def write(self, text: str) -> None:
        """Send one text message at once. On a connection that is gone it does nothing."""
        frame = self.send_frame(text.encode(), WSMsgType.TEXT)
        try:
            frame.send(None)
        except StopIteration:
            return
        except (ClientError, ConnectionError):
            return
        frame.close()  # it is written; what it waits for is room for the next one

    def abort(self) -> None:
        """Cut the connection without a word, and give it back. May be called at any time, and twice."""
        if (transport := self._transport) is not None:
            transport.abort()
        self._response.close()

    async def deaf(self, seconds: float) -> None:
        """Read nothing for so long."""
        if (transport := self._transport) is not None and transport.is_reading():
            transport.pause_reading()
            await asyncio.sleep(seconds)
            if not transport.is_closing():
                transport.resume_reading()

    async def gone(self) -> None:
        """Wait until the connection is lost, whatever still comes over it."""
        protocol = self._conn.protocol if self._conn is not None else None
        lost = protocol.closed if protocol is not None else None
        if lost is not None:
            lost.add_done_callback(asyncio.Future.exception)  # else it would be missed, and logged
            await asyncio.wait([lost])

    async def hang_up(self) -> None:
        """Send a close frame and await the bridge's, for a second at most; then the connection is cut.

        To be called by the task that reads, after its `receive` has been cancelled.
        """
        self._close_code = None  # aiohttp takes a cancelled receive() for a lost connection
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self.close()
        except TimeoutError:
            pass
        finally:
            self.abort()


async def dial(exchange: Exchange, url: str) -> MediaSocket:
    """Open the media socket at a public wss URL, within 10 s. Raises `NoSocket`.

    The upgrade is signed over the URL exactly as it stands in the TwiML, and without fields:
    https://www.twilio.com/docs/voice/media-streams, "Media Streams configuration".
    """
    route = exchange.addresses.route(url)
    headers = {
        **route.headers,
        "User-Agent": "Twilio.TmeWs/1.0",
        "x-twilio-signature": signature(exchange.auth_token, url),
    }
    try:
        async with asyncio.timeout(HANDSHAKE_SECONDS):
            socket: Any = await exchange.session.ws_connect(
                URL(route.url, encoded=True),
                headers=headers,
                timeout=ClientWSTimeout(ws_close=CLOSE_SECONDS),
                max_msg_size=MAX_MESSAGE_BYTES,
                autoping=False,
                autoclose=False,
            )
    except TimeoutError:
        raise NoSocket(31901, f"no answer within {HANDSHAKE_SECONDS:.0f} s") from None
    except WSServerHandshakeError as error:
        raise NoSocket(31920, f"the handshake was answered with {error.status}") from error
    except (ClientConnectionError, OSError) as error:
        raise NoSocket(31902, str(error)) from error
    except ClientError as error:
        raise NoSocket(31920, str(error)) from error
    assert isinstance(socket, MediaSocket)
    return socket
