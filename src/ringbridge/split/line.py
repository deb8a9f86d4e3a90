"""The line from a brain's service to the bridge, for one conversation: dialled, and dialled again when it is lost."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from secrets import token_urlsafe
from urllib.parse import quote

from ringbridge.apis.dialling import Dialler
from ringbridge.errors import BrokenMessage
from ringbridge.ids import ConversationId
from ringbridge.live.socket import Socket, UpgradeFailed
from ringbridge.live.sockets import connect
from ringbridge.log import get_logger
from ringbridge.split import messages
from ringbridge.split.delivery import Delivery
from ringbridge.split.far_call import FarCall

__all__ = ["Bridge", "Line"]

log = get_logger(__name__)

DIAL_SECONDS = 7.0
"""What dialling the bridge may take: it waits 5 s itself for the engine to tell it of the conversation."""

HEARTBEAT_SECONDS = 4.0
"""A bridge that says nothing for so long is pinged."""

FIRST_PAUSE_SECONDS = 0.1
"""Before a lost line is dialled again. The pause doubles each time."""

MAX_PAUSE_SECONDS = 5.0
"""It grows up to this, until a line has lasted so long."""

_NO_SUCH_CALL = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})


@dataclass(frozen=True, slots=True)
class Bridge:
    """Where the bridge is (`http://host:port`), and the secret that it is shown."""

    url: str
    secret: str = field(repr=False)

    def address(self, conversation_id: ConversationId) -> str:
        """Where the call of that conversation is found."""
        path = messages.CALLS.format(conversation_id=quote(conversation_id, safe=""))
        return "ws" + self.url.removeprefix("http") + path


class Line:
    """Keeps a call joined to its bridge while `keep` runs, which ends when there is no such call (any more)."""

    def __init__(
        self,
        conversation_id: ConversationId,
        bridge: Bridge,
        dialler: Dialler,
        make: Callable[[messages.Found, Delivery], FarCall],
    ) -> None:
        """`make` is given what the bridge tells of the call first."""
        self.found: asyncio.Future[FarCall | None] = asyncio.get_running_loop().create_future()
        """The call, once the bridge has told of it, and `None` where it knows none."""
        self._conversation_id = conversation_id
        self._bridge = bridge
        self._dialler = dialler
        self._make = make
        self._seat = token_urlsafe(16)
        self._delivery = Delivery()
        self._call: FarCall | None = None
        self._is_told = False

    async def keep(self) -> None:
        """Dial until there is no such call. To be cancelled when the brain has no more to do with it."""
        now = asyncio.get_running_loop().time
        pause = FIRST_PAUSE_SECONDS
        try:
            while not self._is_over:
                try:
                    socket = await self._dial()
                except OSError as error:  # time-outs are, too
                    status = error.status if isinstance(error, UpgradeFailed) else None
                    if status in _NO_SUCH_CALL:
                        return
                    self._tell(status, type(error).__name__)
                else:
                    self._is_told = False
                    since = now()
                    await self._serve(socket)
                    pause = FIRST_PAUSE_SECONDS if now() - since > MAX_PAUSE_SECONDS else pause
                if not self._is_over:
                    await asyncio.sleep(pause)
                    pause = min(2 * pause, MAX_PAUSE_SECONDS)
        finally:
            self._end()

    @property
    def _is_over(self) -> bool:
        return self._call is not None and self._call.is_over

    async def _dial(self) -> Socket:
        headers = {
            messages.SECRET_HEADER: self._bridge.secret,
            messages.SEAT_HEADER: self._seat,
            messages.TAKEN_HEADER: str(self._delivery.taken),
        }
        url = self._bridge.address(self._conversation_id)
        return await connect(self._dialler, url, seconds=DIAL_SECONDS, heartbeat=HEARTBEAT_SECONDS, headers=headers)

    async def _serve(self, socket: Socket) -> None:
        try:
            socket.listen(lambda text: self._begin(socket, text))
            await socket.closed()
        finally:
            if self._call is not None:
                self._call.parted()
            await socket.close()

    def _begin(self, socket: Socket, text: bytes) -> None:
        """The bridge says what it has taken; to a brain that is new to it, it then tells of the call."""
        try:
            body = self._delivery.take(text)
            if self._call is None and body is not None:
                self._call = self._make(messages.read_found(body), self._delivery)
                if not self.found.done():  # who looked for it may have given up just now
                    self.found.set_result(self._call)
        except BrokenMessage as error:
            log.error("the bridge is not understood: is it of another version?", problem=str(error))  # noqa: TRY400
            socket.abort()
            return
        if self._call is not None:
            self._call.joined(socket)

    def _tell(self, status: int | None, kind: str) -> None:
        if self._is_told:
            return
        self._is_told = True
        mend = "it must have our SHARED_SECRET" if status == HTTPStatus.UNAUTHORIZED else "is BRIDGE_URL right?"
        problem = f"it answers {status}" if status else kind
        log.warning(
            "the bridge can't be asked for a call, and is dialled again",
            problem=problem,
            mend=mend,
            conversation_id=self._conversation_id,
        )

    def _end(self) -> None:
        if self._call is not None:
            self._call.end()
        if not self.found.done():
            self.found.set_result(None)
