"""The calls in progress: found by CallSid from the webhook on, and by conversation id from the engine's metadata on."""

import asyncio
from dataclasses import replace
from types import TracebackType
from typing import Self

from ringbridge.calls.documents import Party
from ringbridge.calls.languages import EngineChoice
from ringbridge.facts import ConversationGivenBack, ConversationOpened, Fact, GreetingRefused, hears
from ringbridge.ids import CallSid, ConversationId
from ringbridge.live.call import Call, Services
from ringbridge.live.tasks import Tasks
from ringbridge.log import get_logger

__all__ = ["Roster"]

log = get_logger(__name__)

BRAIN_WAIT_SECONDS = 5.0
"""The brain's socket may come before the engine has told us the conversation's id: it is given so long to do so."""

GOODBYE_SECONDS = 10.0
"""What saying goodbye may take, with the clip, its marks and Twilio's answer to our hanging up."""


class Roster:
    """Owns every call, from its first mention until all of it is given back.

    An async context manager: leaving it ends the calls.
    """

    def __init__(self, services: Services, *, greeting: str | None, default: EngineChoice) -> None:
        """`greeting` is each conversation's first message; `None` leaves that to the engine, which is `default`."""
        self._services = replace(services, audience=services.audience.after(self._observe))
        self._greeting = greeting
        self._default = default
        self._calls: dict[CallSid, Call] = {}
        self._conversations: dict[ConversationId, Call] = {}
        self._newest: dict[CallSid, ConversationId] = {}
        self._awaited: dict[ConversationId, set[asyncio.Future[Call]]] = {}
        self._idle = asyncio.Event()
        self.is_draining = False
        """Whether no new call is taken."""
        self.tasks = Tasks()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.shut_down()

    async def shut_down(self, _app: object = None) -> None:
        """End every call. May be called twice."""
        await self.tasks.close(grace=0)

    def __len__(self) -> int:
        return len(self._calls)

    @property
    def unsent(self) -> int:
        """Bytes that wait in the calls' sockets until a slow peer reads."""
        return sum(call.unsent for call in self._calls.values())

    def get(self, sid: CallSid) -> Call | None:
        """The call in progress of that name."""
        return self._calls.get(sid)

    def arrive(self, party: Party, choice: EngineChoice | None = None) -> Call:
        """The call of that party, which begins now unless it is in progress already.

        `choice` is the engine that takes it, if it is not the default one.
        """
        if party.call_sid in self._calls:
            return self._calls[party.call_sid]
        call = Call(party, choice=choice or self._default, greeting=self._greeting, services=self._services)
        self._calls[call.sid] = call
        self.tasks.start(self._live(call), name=f"call {call.sid}")
        return call

    def tell(self, sid: CallSid, fact: Fact) -> None:
        """Tell a fact of a call that need not be in progress."""
        self._services.audience.tell(sid, fact)

    async def drain(self, seconds: float, *, hurry: asyncio.Event) -> bool:
        """Take no new calls, and let those in progress end by themselves for `seconds`, or until `hurry` is set.

        Who is left then hears a goodbye. Gives whether nobody was.
        """
        self.is_draining = True
        self._look_whether_idle()
        if await _any_of(self._idle, hurry, seconds=seconds) and self._idle.is_set():
            return True
        log.warning("the calls still in progress are said goodbye to", calls=len(self.live_calls))
        for call in self.live_calls:
            call.leave("the process stops")
        await _any_of(self._idle, seconds=GOODBYE_SECONDS)
        return False

    @property
    def held(self) -> int:
        """How many calls have, or are to have, a stream or a conversation."""
        return len(self.live_calls)

    @property
    def live_calls(self) -> list[Call]:
        """The calls that have, or are to have, a stream or a conversation."""
        return [call for call in self._calls.values() if call.is_held]

    def _look_whether_idle(self) -> None:
        if self.is_draining and not self.live_calls:
            self._idle.set()

    async def find(self, conversation_id: ConversationId) -> Call | None:
        """The call that a conversation belongs to; waits a few seconds for it, then `None`."""
        if conversation_id in self._conversations:
            return self._conversations[conversation_id]
        found: asyncio.Future[Call] = asyncio.get_running_loop().create_future()
        waiting = self._awaited.setdefault(conversation_id, set())
        waiting.add(found)
        try:
            async with asyncio.timeout(BRAIN_WAIT_SECONDS):
                return await found
        except TimeoutError:
            return None
        finally:
            waiting.discard(found)
            if not waiting:
                self._awaited.pop(conversation_id, None)

    async def _live(self, call: Call) -> None:
        try:
            await call.run()
        finally:
            del self._calls[call.sid]
            self._forget_conversation(call)
            self._look_whether_idle()

    def _forget_conversation(self, call: Call) -> None:
        conversation_id = self._newest.pop(call.sid, None)
        if conversation_id is not None and self._conversations.get(conversation_id) is call:
            del self._conversations[conversation_id]

    @hears(ConversationOpened, ConversationGivenBack, GreetingRefused)
    def _observe(self, sid: CallSid, fact: Fact) -> None:
        match fact:
            case ConversationOpened(conversation_id=conversation_id):
                call = self._calls[sid]
                self._forget_conversation(call)  # the brain of an older one must not replace the newer's
                self._conversations[conversation_id] = call
                self._newest[sid] = conversation_id
                for found in self._awaited.pop(conversation_id, ()):
                    if not found.done():
                        found.set_result(call)
            case ConversationGivenBack():
                self._look_whether_idle()
            case GreetingRefused():
                self._greeting = None
                log.warning(
                    "the speech engine does not allow GREETING: allow the override first_message when the engine is"
                    " created, or set GREETING= to nothing; calls go on with the engine's own greeting"
                )
            case _:
                pass


async def _any_of(*events: asyncio.Event, seconds: float) -> bool:
    """Wait until one of the events is set; gives whether one was within `seconds`."""
    async with Tasks() as tasks:
        waiting = [tasks.start(event.wait(), name="wait") for event in events]
        done, _ = await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        return bool(done)
