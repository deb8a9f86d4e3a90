"""One reply of a brain, from the question to the last word, or to the moment when the brain lets go of it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import PurePath
from traceback import extract_tb

from ringbridge.brain.events import (
    ReplyAsked,
    ReplyBegan,
    ReplyCancelled,
    ReplyEnded,
    ReplyEvent,
    ReplyFailed,
    ReplySaid,
)
from ringbridge.errors import RingbridgeError
from ringbridge.log import get_logger

__all__ = ["Reply", "cause_of"]

log = get_logger(__name__)

CANCEL_SECONDS = 2.0
"""How long a brain may take to let go of a cancelled reply before the next one begins without it."""

PIECES_AT_ONCE = 4
"""A model's tokens that came in one packet are the first words together: they don't wait for other calls' turns."""


class Reply:
    """One run of a brain, in a task of its owner's group.

    It tells its owner when the brain is asked, when the first piece is there, each piece, all in the loop step in which
    it happens, and one end: said all, failed, or cancelled. By the time it tells an end the brain's generator is
    closed, unless that took longer than 2 s.
    """

    def __init__(
        self,
        number: int,
        pieces: Callable[[], AsyncIterator[object]],
        *,
        tell: Callable[[ReplyEvent], None],
        tasks: asyncio.TaskGroup,
        name: str,
    ) -> None:
        """`pieces` begins the brain's generator; `name` stands in the log."""
        self._number = number
        self._tell = tell
        self._name = name
        self._giving_up: asyncio.TimerHandle | None = None
        self._task = tasks.create_task(self._run(pieces), name=name)
        self._task.add_done_callback(self._done)

    def cancel(self) -> None:
        """Have the brain let go of it."""
        self._task.cancel()
        self._giving_up = asyncio.get_running_loop().call_later(CANCEL_SECONDS, self._give_up)

    def _give_up(self) -> None:
        # The task stays in its owner's group, which ends only after it.
        log.warning(
            "the brain has not let go of its cancelled reply, and the caller is answered without waiting for it: a"
            " brain must not catch asyncio.CancelledError and go on",
            reply=self._name,
            seconds=CANCEL_SECONDS,
        )
        self._tell(ReplyCancelled(self._number))

    def _done(self, task: asyncio.Task[None]) -> None:
        if self._giving_up is not None:
            self._giving_up.cancel()
        if task.cancelled():
            self._tell(ReplyCancelled(self._number))

    async def _run(self, pieces: Callable[[], AsyncIterator[object]]) -> None:
        self._tell(ReplyAsked(self._number))
        try:
            await self._speak(pieces())
        except Exception as error:  # whatever a brain does wrong, its caller gets an answer
            log.debug("the failure in full", reply=self._name, exc_info=error)
            self._tell(ReplyFailed(self._number, cause_of(error)))
        else:
            self._tell(ReplyEnded(self._number))

    async def _speak(self, pieces: AsyncIterator[object]) -> None:
        began = False
        unpaused = 0
        try:
            async for piece in pieces:
                if self._task.cancelling():
                    raise asyncio.CancelledError  # the brain caught the first one, and goes on talking
                if not isinstance(piece, str):
                    raise TypeError(f"a brain yields str, not {type(piece).__name__}")
                if piece and not began:
                    began = True
                    self._tell(ReplyBegan(self._number))
                self._tell(ReplySaid(self._number, _whole(piece)))
                unpaused = (unpaused + 1) % PIECES_AT_ONCE
                if not unpaused:
                    await asyncio.sleep(0)  # a brain that yields without ever waiting must not hold up other calls
        finally:
            if (close := getattr(pieces, "aclose", None)) is not None:
                await close()


def _whole(text: str) -> str:
    """Text that can be sent: half an emoji, which a JSON escape lets through, can't."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def cause_of(error: BaseException) -> str:
    """What to log of a brain's or a tool's failure: its text may hold the caller's words, unless it is one of ours."""
    if isinstance(error, RingbridgeError):
        return str(error)
    frames = [frame for frame in extract_tb(error.__traceback__) if frame.filename != __file__]
    if not frames:
        return f"{type(error).__name__}: {error}" if isinstance(error, TypeError) else type(error).__name__
    return f"{type(error).__name__} in {frames[0].name} ({PurePath(frames[0].filename).name}:{frames[0].lineno})"
