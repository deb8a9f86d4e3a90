"""A WebSocket as calls and brains know it: text is handled where it is read, and answered without a task in between.

Waking a task for each message is what a relay of fifty frames a second in each call would pay most for. So the reader's
callback hands every text message to a listener at once, in order, and what is sent is written before `send` returns.
Only opening and closing are awaited.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

from aiohttp import web

from ringbridge.log import get_logger

__all__ = ["POLICY_VIOLATION", "Bounds", "Closed", "Listener", "Socket", "Translation", "UpgradeFailed", "ignore"]

log = get_logger(__name__)

CLOSE_SECONDS: Final = 0.5
"""How long a peer may take to answer our close frame before the connection is cut."""

HEARTBEAT_SECONDS: Final = 20.0
"""Who has dialled us and sends nothing for so long is pinged; one that does not answer half as long is gone."""

MAX_MESSAGE_BYTES: Final = 16 * 1024 * 1024
"""The limit of the ElevenLabs SDK for its conversation socket."""

MAX_UNSENT_BYTES: Final = 1024 * 1024
"""What may wait for a slow peer. Beyond it `Socket.send` refuses, so that one stuck peer can't fill the memory."""

CONTROL_FRAMES_PER_SECOND: Final = 1000
"""Pings, pongs and binary messages that a peer may send, in all. It has use for one in some seconds."""

POLICY_VIOLATION: Final = 1008
"""The close code of RFC 6455, 7.4.1, for a peer that we serve no further."""

NO_CODE: Final = 1005
"""What RFC 6455 (7.1.5) calls the code of a close frame that has none."""

Listener: TypeAlias = Callable[[bytes], None]
"""Takes one text message, undecoded UTF-8. It is called by the reader: it must not block."""

Translation: TypeAlias = Callable[[bytes], bytes | None]
"""What another peer is to be sent for a message; `None` for one that is not simply passed on. It must not raise."""


@dataclass(frozen=True, slots=True)
class Closed:
    """How a socket ended: the close frame's code and reason; `code` is `None` when it ended without such a frame."""

    code: int | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the peer of an accepted socket may send.

    A longer message ends the socket with 1009 before it is read. More text messages in a second than `texts_per_second`
    (`None`: as many as come) end it with 1008.
    """

    message_bytes: int = MAX_MESSAGE_BYTES
    texts_per_second: int | None = None


class UpgradeFailed(ConnectionError):
    """The peer that was dialled made no WebSocket of it; `status` is its HTTP answer's, where there was one."""

    def __init__(self, status: int | None) -> None:
        super().__init__(f"the upgrade was answered with {status}" if status else "the upgrade was not answered")
        self.status = status


class _Meter:
    """Counts what comes within each second, which begins with its first."""

    __slots__ = ("_clock", "_count", "_limit", "_since")

    def __init__(self, limit: int, clock: Callable[[], float]) -> None:
        self._limit = limit
        self._clock = clock
        self._since = float("-inf")
        self._count = 0

    def is_over(self) -> bool:
        """Count one; whether it is one too many."""
        now = self._clock()
        if now - self._since >= 1.0:
            self._since, self._count = now, 0
        self._count += 1
        return self._count > self._limit


class Socket(ABC):
    """One open WebSocket, either side of it.

    Its owner awaits `closed()`, in one task, for as long as the socket lives: that keeps the protocol going and tells
    the end. Text that comes before anybody listens (in the same segment as the upgrade's answer) waits.
    """

    def __init__(self, bounds: Bounds) -> None:
        clock = asyncio.get_running_loop().time
        self._early: list[bytes] = []
        self._listener: Listener = self._early.append
        self._closed = Closed(None)
        self._has_spoken = False
        self._is_flooded = False
        self._controls = _Meter(CONTROL_FRAMES_PER_SECOND, clock)
        self._texts = None if bounds.texts_per_second is None else _Meter(bounds.texts_per_second, clock)

    @property
    def response(self) -> web.StreamResponse:
        """What the handler of an accepted socket must return."""
        raise TypeError("this socket was dialled, not accepted")

    def listen(self, listener: Listener) -> None:
        """Hand every text message to `listener`, in order, first of all those that have come already."""
        self._listener = listener
        early, self._early = self._early, []
        for text in early:
            self._hand_over(text)  # the first may have handed the socket on to another listener

    @abstractmethod
    def carry(self, to: "Socket | None", translation: Translation) -> None:
        """Messages may go to another socket without the listener, as translated, for as long as that takes them.

        The listener gets all others; it has to do the same with those, as a socket need not know this short cut. `None`
        ends it, and so does `listen`.
        """

    def has_spoken(self) -> bool:
        """Whether a text message has come since this was last asked."""
        spoken, self._has_spoken = self._has_spoken, False
        return spoken

    @property
    @abstractmethod
    def unsent(self) -> int:
        """Bytes that wait until a slow peer reads."""

    @abstractmethod
    def send(self, text: bytes) -> bool:
        """Write one text message (UTF-8) at once.

        False when the peer is too slow to be sent more. What is sent to a peer that is gone is lost without a word:
        `closed()` tells.
        """

    @abstractmethod
    async def closed(self) -> Closed:
        """Wait for the end, by whichever side; tell how the peer ended it."""

    @abstractmethod
    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Send a close frame and await its answer, for half a second at most; then the connection is cut."""

    @abstractmethod
    def abort(self) -> None:
        """Cut the connection without a word."""

    @abstractmethod
    def _cut_off(self) -> None:
        """Read nothing more, and end the socket with `POLICY_VIOLATION`."""

    def _hand_over(self, text: bytes) -> None:
        self._has_spoken = True
        try:
            self._listener(text)
        except Exception:
            log.exception("the listener of a socket failed")
            self.abort()

    def _take(self, text: bytes) -> None:
        """A text message has come, at a socket that counts them."""
        if self._texts is not None and self._texts.is_over():
            self._flooded()
        else:
            self._hand_over(text)

    def _counted(self) -> bool:
        """A control frame or a binary message has come: whether it may be answered."""
        if self._controls.is_over():
            self._flooded()
        return not self._is_flooded

    def _flooded(self) -> None:
        """Take nothing more from a peer that sends too much."""
        if not self._is_flooded:
            log.warning("a peer sends more messages than it may, and is cut off")
            self._is_flooded = True
            self._early.clear()
            self._listener = ignore
            self._cut_off()


def ignore(_text: bytes) -> None:
    """Listen to a peer that is nobody's any more, or is being cut off."""
