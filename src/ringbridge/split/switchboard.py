"""The calls that a brain's service answers, each found at the bridge by its conversation."""

import asyncio
from functools import partial
from types import TracebackType
from typing import Any, Self

from cachetools import TTLCache

from ringbridge.apis.dialling import Dialler
from ringbridge.errors import NotAllowed
from ringbridge.facts import CallEnded, Observer
from ringbridge.ids import CallSid, ConversationId
from ringbridge.live.tasks import Tasks
from ringbridge.log import get_logger
from ringbridge.split.delivery import Delivery
from ringbridge.split.far_call import FarCall
from ringbridge.split.line import Bridge, Line
from ringbridge.split.messages import Found, Granted, MemoryMethod

__all__ = ["Switchboard"]

log = get_logger(__name__)

FIND_SECONDS = 10.0
"""How long a call is looked for, also where the bridge can't be reached; then it is unknown."""

ATTACH_SECONDS = 1.0
"""A call that was found has its socket of ElevenLabs' at once; otherwise that has gone meanwhile."""

STATE_SECONDS = 300.0
"""The brain's `state` of a call is kept so long for ElevenLabs to dial again, where the call was not heard to end."""

MAX_STATES = 10_000
"""As many are kept; the oldest goes first."""

LEAVE_SECONDS = 3.0
"""What closing ElevenLabs' sockets may take, for another brain to be dialled."""


class Switchboard:
    """An async context manager; leaving it lets go of every call.

    As a `CallerMemory` it asks the bridge, which keeps what is remembered for all brains. That is done on the line of a
    call in progress, and for its caller alone.
    """

    def __init__(self, bridge: Bridge, dialler: Dialler, observers: tuple[Observer, ...] = ()) -> None:
        """`observers` are told when a call has ended, and of nothing else."""
        self.is_draining = False
        """Whether no further conversation should come."""
        self._bridge = bridge
        self._dialler = dialler
        self._observers = observers
        self._tasks = Tasks()
        self._calls: list[FarCall] = []
        self._states = TTLCache[CallSid, dict[str, Any]](
            MAX_STATES, STATE_SECONDS, timer=asyncio.get_running_loop().time
        )
        self._idle = asyncio.Event()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.shut_down()

    def __len__(self) -> int:
        return len(self._calls)

    async def find(self, conversation_id: ConversationId) -> FarCall | None:
        """The call that a conversation belongs to; `None` where the bridge knows none, or can't be reached."""
        line = Line(conversation_id, self._bridge, self._dialler, lambda *told: self._make(keeping, *told))
        keeping = self._tasks.start(line.keep(), name=f"line of {conversation_id}")
        try:
            async with asyncio.timeout(FIND_SECONDS):
                call = await line.found
        except TimeoutError:
            keeping.cancel()
            return None
        except asyncio.CancelledError:
            keeping.cancel()
            raise
        if call is not None:
            asyncio.get_running_loop().call_later(ATTACH_SECONDS, call.leave_unless_attached)
        return call

    async def drain(self, seconds: float, *, hurry: asyncio.Event) -> bool:
        """Go on with the calls in progress for `seconds`, or until `hurry` is set; then leave them to other brains.

        Gives whether none was left.
        """
        self.is_draining = True
        self._look_whether_idle()
        async with Tasks() as waits:
            waiting = [waits.start(event.wait(), name="wait") for event in (self._idle, hurry)]
            await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if not self._calls:
            return True
        log.warning("the calls still in progress are left to other brains", calls=len(self._calls))
        await self.shut_down()
        return False

    async def shut_down(self, _app: object = None) -> None:
        """Leave every call, so that ElevenLabs dials another brain for it. May be called twice."""
        async with Tasks() as leaving:
            for call in tuple(self._calls):
                leaving.start(call.leave(), name=f"leave {call.sid}")
            await leaving.close(grace=LEAVE_SECONDS)
        await self._tasks.close(grace=0)

    # What is remembered of callers

    async def remember(self, caller: str, key: str, value: str) -> None:
        """See `CallerMemory`."""
        await self._wish(caller, "remember", key, value)

    async def recall(self, caller: str, key: str) -> str | None:
        """See `CallerMemory`."""
        return (await self.recall_all(caller)).get(key)

    async def recall_all(self, caller: str) -> dict[str, str]:
        """See `CallerMemory`."""
        return (await self._wish(caller, "recall_all")).entries

    async def forget(self, caller: str) -> int:
        """See `CallerMemory`."""
        return (await self._wish(caller, "forget")).count

    async def _wish(self, caller: str, method: MemoryMethod, key: str = "", value: str = "") -> Granted:
        call = next((call for call in self._calls if call.caller == caller), None)
        if call is None:
            raise NotAllowed("what is remembered of callers can be had during their calls only")
        return await call.wish(method, key, value)

    # Calls come and go

    def _make(self, keeping: asyncio.Task[None], found: Found, delivery: Delivery) -> FarCall:
        call = FarCall(found, self._state(found.sid), delivery=delivery, left=keeping.cancel)
        self._calls.append(call)
        keeping.add_done_callback(partial(self._done, call))
        return call

    def _state(self, sid: CallSid) -> dict[str, Any]:
        """A call's, which an older socket of ElevenLabs' may have, or have had."""
        live = next((call.state for call in self._calls if call.sid == sid), None)
        return self._states.pop(sid, {}) if live is None else live

    def _done(self, call: FarCall, _keeping: object) -> None:
        self._calls.remove(call)
        if call.has_ended:
            for observer in self._observers:
                observer(call.sid, CallEnded(None))
        elif call.state:
            self._states[call.sid] = call.state
        self._look_whether_idle()

    def _look_whether_idle(self) -> None:
        if self.is_draining and not self._calls:
            self._idle.set()
