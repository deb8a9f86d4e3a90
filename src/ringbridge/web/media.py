"""`GET /media-stream`: Twilio's stream of one call, let in by its signature and its token."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from aiohttp import web

from ringbridge.calls.documents import Party
from ringbridge.calls.ledger import Ledger
from ringbridge.calls.tokens import CallTokens
from ringbridge.errors import BrokenMessage, TokenRefused
from ringbridge.live.call import Call
from ringbridge.live.roster import Roster
from ringbridge.live.socket import POLICY_VIOLATION, Bounds, Closed, Socket
from ringbridge.live.sockets import accept
from ringbridge.log import get_logger
from ringbridge.web.guards import TwilioGuard
from ringbridge.web.lobby import Lobby
from ringbridge.wire import twilio
from ringbridge.wire.twiml import TOKEN_PARAMETER

__all__ = ["MAX_WAITING_STREAMS", "MediaDesk"]

log = get_logger(__name__)

START_SECONDS = 5.0
"""Twilio sends `start` right after the upgrade; who does not is not Twilio."""

MAX_WAITING_STREAMS = 100
"""Sockets that may wait for their `start`; the one that has waited longest makes room."""

MAX_KNOCKS = 16
"""Messages until `start`: Twilio's is the second (Twilio, "Media Streams - WebSocket Messages")."""

BOUNDS = Bounds(message_bytes=256 * 1024)
"""Twilio's messages have some hundred bytes: 20 ms of audio. This holds 24 s of it."""

FORMAT = twilio.MediaFormat(encoding="audio/x-mulaw", sample_rate=8000, channels=1)


@dataclass(frozen=True, slots=True)
class MediaDesk:
    """Takes streams in. Nothing is opened or joined for one before its `start` has been believed."""

    guard: TwilioGuard
    roster: Roster
    ledger: Ledger
    tokens: CallTokens
    clock: Callable[[], float]
    lobby: Lobby

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one stream until its socket ends."""
        self.guard.upgrade(request)
        socket = await accept(request, BOUNDS)
        door = _Door(self, socket)
        closed = Closed(None)
        try:
            socket.listen(door.knock)
            closed = await socket.closed()
        finally:
            door.leave()
            if door.call is not None:
                door.call.detached(socket, closed)
        return socket.response

    def admit(self, start: twilio.Start, socket: Socket) -> Call:
        """Attach a stream to its call. Raises `TokenRefused` or `BrokenMessage` when it must not be."""
        details = start.start
        if details.media_format != FORMAT:
            raise BrokenMessage(f"start: the media format is {details.media_format}, not {FORMAT}")
        entry = self.ledger.entry(details.call_sid)
        if entry is not None and entry.outcome is not None:
            raise TokenRefused("the call has ended")
        token = details.custom_parameters.get(TOKEN_PARAMETER, "")
        self.tokens.redeem(token, details.call_sid, details.account_sid, now=self.clock())
        self.ledger.attach(details.call_sid)
        call = self.roster.arrive(Party(details.call_sid, details.account_sid, caller="", called=""))
        call.attach(socket, details.stream_sid)
        return call


class _Door:
    """Where a socket waits until its `start` has been believed; after that the call itself listens."""

    def __init__(self, desk: MediaDesk, socket: Socket) -> None:
        self.call: Call | None = None
        self._desk = desk
        self._socket = socket
        self._refused = False
        self._knocks = 0
        self._late = asyncio.get_running_loop().call_later(START_SECONDS, self.refuse, "no start came")
        turn_away = partial(self.refuse, "too many streams wait for their start")
        self._leave_lobby = desk.lobby.enter(turn_away, socket.abort)

    def knock(self, text: bytes) -> None:
        if self._refused:
            return
        self._knocks += 1
        if self._knocks > MAX_KNOCKS:
            self.refuse("many messages came, but no start")
            return
        try:
            message = twilio.decode(text)
            if isinstance(message, twilio.Start):
                self.call = self._desk.admit(message, self._socket)
                self.leave()
        except (BrokenMessage, TokenRefused) as error:
            self.refuse(str(error))

    def leave(self) -> None:
        """Wait no longer. May be called twice."""
        self._late.cancel()
        self._leave_lobby()

    def refuse(self, reason: str) -> None:
        """Close the socket, unless the call has taken it over."""
        if self.call is None and not self._refused:
            self._refused = True
            self.leave()
            log.warning("refused a media stream", reason=reason)
            closing = self._socket.close(POLICY_VIOLATION, "refused")
            self._desk.roster.tasks.start(closing, name="close a refused stream")
