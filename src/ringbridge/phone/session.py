"""One page at the telephone, from the opening of its socket to the end of it."""

import asyncio
from typing import TYPE_CHECKING, Final, assert_never

from aiohttp import WSMessage, WSMsgType, web

from ringbridge.audio.mulaw import FRAME_BYTES
from ringbridge.log import get_logger
from ringbridge.phone.line import Line
from ringbridge.phone.messages import Call, HangUp, Mangled, Press, ToPage, read, write

if TYPE_CHECKING:
    from ringbridge.phone.call import PageCall

__all__ = ["Session"]

log = get_logger(__name__)

SEND_SECONDS: Final = 5.0
"""How long the page may take nothing of what is sent."""

UNSENT_MESSAGES: Final = 500
"""10 s of audio: a page that is so far behind, is gone."""


class Session:
    """Carries out what the page asks for, and tells it what happens. A page that goes ends its call."""

    def __init__(self, socket: web.WebSocketResponse, line: Line) -> None:
        """`socket` is open."""
        self._socket = socket
        self._line = line
        self._call: PageCall | None = None
        self._unsent: asyncio.Queue[ToPage | bytes] = asyncio.Queue(UNSENT_MESSAGES)
        self._stalled = asyncio.Event()

    async def run(self) -> None:
        """Serve the page until its socket ends, by whomever."""
        try:
            async with asyncio.TaskGroup() as tasks:
                writing = tasks.create_task(self._write(), name="to the page")
                await self._read()
                writing.cancel()
        finally:
            await self._line.hang_up()

    def tell(self, message: ToPage | bytes) -> None:
        """Have the page told something: a message, or 20 ms of audio. Never waits."""
        try:
            self._unsent.put_nowait(message)
        except asyncio.QueueFull:
            self._stalled.set()

    async def _read(self) -> None:
        async for message in self._socket:
            try:
                await self._take(message)
            except Mangled as error:
                log.warning("the phone's page was refused", problem=str(error))
                await self._socket.close(code=1003, message=b"not understood")

    async def _take(self, message: WSMessage) -> None:
        if message.type is WSMsgType.BINARY:
            self._hear(message.data)
        elif message.type is WSMsgType.TEXT:
            await self._obey(message.data)

    def _hear(self, frame: bytes) -> None:
        if len(frame) != FRAME_BYTES:
            raise Mangled(f"audio comes {FRAME_BYTES} bytes at a time, and this was {len(frame)}")
        if self._call is not None:
            self._call.hear(frame)

    async def _obey(self, text: str) -> None:
        match read(text):
            case Call():
                if self._call is None or self._call.over:
                    self._call = await self._line.dial(self.tell)
            case Press(digit):
                if self._call is not None:
                    await self._call.press(digit)
            case HangUp():
                if self._call is not None:
                    await self._call.hang_up()
            case message:
                assert_never(message)

    async def _write(self) -> None:
        try:
            while not self._stalled.is_set():
                message = await self._unsent.get()
                async with asyncio.timeout(SEND_SECONDS):
                    if isinstance(message, bytes):
                        await self._socket.send_bytes(message)
                    else:
                        await self._socket.send_str(write(message))
        except (TimeoutError, ConnectionError):
            pass  # the reader below sees the end of the socket
        await self._socket.close(code=1008, message=b"too slow", drain=False)
