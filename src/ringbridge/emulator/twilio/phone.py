"""One phone call: what the person at the telephone can do, and how the call lives and ends."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from ringbridge.emulator.twilio.leg import Document, Leg, Source, Status
from ringbridge.emulator.twilio.records import CallEvent, CallOver, TwilioError
from ringbridge.emulator.twilio.verbs import Script
from ringbridge.emulator.twilio.webhooks import NoAnswer

__all__ = ["PhoneCall"]

DIGIT_GAP_SECONDS = 0.2
"""From one key press to the next."""

DIGITS = frozenset("0123456789*#ABCD")


@dataclass(frozen=True, slots=True)
class _Turn:
    """Why the running script is broken off: another one takes over, or (None) the call ends with `status`."""

    script: Source | Document | None = None
    status: Status = "completed"
    by_caller: bool = False


class PhoneCall(Leg):
    """A call, seen from the telephone at its other end: the caller's, or that of whoever was called.

    Beside what `Leg` tells, `said` and `dialled` are what `<Say>` spoke and `<Dial>` called.
    """

    _turn: _Turn | None = None
    _runner: asyncio.Task[None] | None = None

    @property
    def events(self) -> list[CallEvent]:
        """All that happened, in order; see `CallEvent`."""
        return self.journal.events

    @property
    def errors(self) -> list[TwilioError]:
        """All that Twilio would have logged as errors and warnings, in order."""
        return self.journal.errors

    @property
    def on_event(self) -> list[Callable[[CallEvent], None]]:
        """Called with each event as it happens."""
        return self.journal.listeners

    @property
    def on_heard(self) -> list[Callable[[bytes], None]]:
        """Called with each 20 ms frame, mu-law, when it has played to the caller; silence too."""
        return self.handset.on_heard

    @property
    def sent(self) -> bytearray:
        """What the caller's microphone picked up since the answer: mu-law, 8 bytes a millisecond."""
        return self.handset.sent

    @property
    def heard(self) -> bytearray:
        """What the caller heard, on the same time line as `sent`, and always as long."""
        return self.handset.heard

    async def answered(self) -> None:
        """Wait until the call is answered. Raises `CallOver` when it ends before."""
        await self.until(lambda: self.answered_at is not None)

    async def streaming(self) -> None:
        """Wait until a media stream is up and its `start` is sent. Raises `CallOver` when the call ends before."""
        await self.until(self._is_streaming)

    async def ended(self) -> None:
        """Wait until the call is over, and all that is asked and told at its end has been answered or given up."""
        await self._finished.wait()

    async def speak(self, audio: bytes) -> None:
        """Put mu-law on the microphone, after what is there. Returns when its last 20 ms frame has been sent.

        Spoken from the answer on, whether or not a stream is up. Raises `CallOver` when the call ends before.
        """
        await self.answered()
        spoken = asyncio.Event()

        def over() -> None:
            spoken.set()
            self.changed()

        self.handset.microphone.put(audio)
        self.handset.microphone.mark(over)
        await self.until(spoken.is_set)

    async def press(self, digits: str) -> None:
        """Press keys, 0.2 s apart. Without a stream or a recording they go nowhere. Returns after the last.

        Raises `ValueError` for what is no key, `CallOver` when the call ends before.
        """
        if not DIGITS.issuperset(digits):
            raise ValueError(f"keys are 0-9, *, #, A-D: {digits!r}")
        await self.answered()
        for index, digit in enumerate(digits):
            await asyncio.sleep(DIGIT_GAP_SECONDS if index else 0)
            if self.over:
                raise CallOver(f"the call ended: {self.status}")
            if self.recorder is not None:
                self.recorder.press(digit)
            elif self.stream is not None and self.stream.up:
                self.stream.press(digit)

    async def hang_up(self) -> None:
        """Put the receiver down. Returns when the line is cut: `stop` is sent, the socket closed.

        What Twilio asks and tells after that is awaited by `ended`. On a call that is over it does nothing.
        """
        self._break_off(_Turn(status="completed" if self.answered_at else "canceled", by_caller=True))
        await self._cut.wait()

    async def drop_stream(self) -> None:
        """Break the media connection without `stop`; the caller stays on the line, and Twilio asks `action`.

        Raises `CallOver` when no stream is up.
        """
        if self.stream is None or not self.stream.up:
            raise CallOver("no stream is up")
        self.stream.drop()

    def redirect(self, script: Source | Document) -> bool:
        """Let another document take over at once, as by REST. False when the call is not in progress."""
        return self.status == "in-progress" and self._break_off(_Turn(script))

    def end(self, status: Status) -> bool:
        """End the call, as by REST: `action` is not asked. False when it is over."""
        return self._break_off(_Turn(status=status))

    async def run(self, ringing: Callable[[], Coroutine[Any, Any, None]] | None = None) -> None:
        """Live through the call; whoever awaits this owns it. Cancelled, it ends the stream, and tells nobody.

        `ringing` comes before the first document, and sets the status.
        """
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self.deliver(), name=f"callbacks of {self.sid}")
                audio = tasks.create_task(self._talk(), name=f"handset of {self.sid}")
                await self._scripts(tasks, ringing)
                audio.cancel()
                self._farewell(tasks)
        finally:
            if not self.over:
                self.set_status("completed")
            self._cut.set()
            self._finished.set()

    def _is_streaming(self) -> bool:
        return self.stream is not None and self.stream.up

    def _break_off(self, turn: _Turn) -> bool:
        if self.over:
            return False
        self._turn = turn
        if turn.script is None:
            self.set_status(turn.status)
        if self._runner is not None:
            self._runner.cancel()
        return True

    async def _talk(self) -> None:
        with suppress(CallOver):
            await self.answered()
            await self.handset.run()

    async def _scripts(self, tasks: asyncio.TaskGroup, ringing: Callable[[], Coroutine[Any, Any, None]] | None) -> None:
        """Run scripts until one is through, or the call is ended from outside."""
        following: Source | Document | None = self.hooks.script
        while following is not None and not self.over:
            self._runner = tasks.create_task(self._script(following, ringing), name=f"script of {self.sid}")
            await asyncio.wait([self._runner])
            ringing = None
            following = self._turn.script if self._turn else None
            if following is not None:
                self._turn = self.pending_action = None

    async def _script(self, script: Source | Document, ringing: Callable[[], Coroutine[Any, Any, None]] | None) -> None:
        if ringing is not None:
            await ringing()
        if not self.over:
            await Script(self).run(script)

    def _farewell(self, tasks: asyncio.TaskGroup) -> None:
        if not self.over:
            self.set_status("completed")
        self._cut.set()
        by_caller = self._turn is not None and self._turn.by_caller
        tasks.create_task(self._epilogue(self.pending_action if by_caller else None), name=f"epilogue of {self.sid}")
        self.post_status("completed")
        self.last_post()

    async def _epilogue(self, action: Source | None) -> None:
        if action is not None:
            await self._ask_in_vain(action)
        await self.webhooks.deliver_belated()

    async def _ask_in_vain(self, action: Source) -> None:
        """The caller is gone, but Twilio still tells `action` so; nobody reads the answer."""
        try:
            fields = self.fields(action.fields)
            await self.webhooks.ask(action.url, fields, method=action.method, faulty=True)
        except NoAnswer as failure:
            self.journal.error(failure.code, str(failure))
