"""A call's line in the hands of whoever answers a turn: what the brain asks of it, within the call's rules."""

import asyncio
import re
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ringbridge.callers.base import CallerMemory
from ringbridge.errors import NotAllowed
from ringbridge.facts import Fact
from ringbridge.live.sounds import Sounds
from ringbridge.live.tasks import Tasks
from ringbridge.llm.base import Model
from ringbridge.plans import CollectDigits, HangUp, Plan, PlaySound, SendDigits, Transfer
from ringbridge.turn import Call, Work

if TYPE_CHECKING:
    from ringbridge.live.replies import BrainSession

__all__ = ["Facilities", "TurnLine"]

_Result = TypeVar("_Result")

_TOO_EARLY = "`Turn.confirmed` is to be awaited first: the caller may not have said this"

_KEYS = re.compile(r"[0-9*#A-Dw]{1,32}")
"""At most 32 keys, as for a call that Twilio places (Twilio, "Call resource", sendDigits)."""

MAX_DIGITS = 32
"""Keys that a brain may ask for at once."""

MAX_TIMEOUT_SECONDS = 120.0
"""How long a brain may wait for the next of them."""


@dataclass(frozen=True, slots=True)
class Facilities:
    """What brains can use on every call. `tasks` owns what is to outlive a turn."""

    memory: CallerMemory
    models: Model
    sounds: Sounds
    tasks: Tasks
    transfer_numbers: Mapping[str, str] = field(repr=False)


class TurnLine:
    """The line as one turn has it: once that is over, nothing more is done for it, and nothing before it is certain."""

    def __init__(
        self, number: int, call: Call, session: "BrainSession", facilities: Facilities, *, confirmed: bool = True
    ) -> None:
        """`number` is the reply's in its session; one that is not `confirmed` answers a guess at the caller's words."""
        self._number = number
        self._caller = call.caller
        self._session = session
        self._facilities = facilities
        self._confirmation = None if confirmed else asyncio.Event()

    def confirm(self) -> None:
        """The caller has said what was guessed: whatever waits for that goes on."""
        if self._confirmation is not None:
            self._confirmation.set()

    async def confirmed(self) -> None:
        """See `Turn.confirmed`."""
        if self._confirmation is not None:
            await self._confirmation.wait()

    @property
    def _is_certain(self) -> bool:
        return self._confirmation is None or self._confirmation.is_set()

    @property
    def models(self) -> Model:
        """The models that the settings name."""
        return self._facilities.models

    @property
    def transfer_names(self) -> tuple[str, ...]:
        """To whom this call can be transferred."""
        return tuple(self._facilities.transfer_numbers)

    async def hang_up(self) -> bool:
        """See `Call.hang_up`."""
        return await self._act(HangUp())

    async def transfer_call(self, name: str) -> bool:
        """See `Call.transfer_call`."""
        number = self._facilities.transfer_numbers.get(name)
        if number is None:
            known = ", ".join(self.transfer_names) or "nobody: TRANSFER_NUMBERS is not set"
            raise NotAllowed(f"calls are transferred by name only, to: {known}")
        return await self._act(Transfer(name, number))

    async def send_digits(self, digits: str) -> bool:
        """See `Call.send_digits`."""
        if not _KEYS.fullmatch(digits):
            raise NotAllowed("digits are 1 to 32 of 0-9, *, #, A-D and w")
        return await self._act(SendDigits(digits))

    async def collect_digits(self, n: int, finish_on: str, timeout: float, *, secret: bool) -> None:  # noqa: ASYNC109
        """See `Call.collect_digits`."""
        if not 1 <= n <= MAX_DIGITS:
            raise NotAllowed(f"1 to {MAX_DIGITS} digits can be gathered")
        if len(finish_on) > 1 or not set(finish_on) <= set("0123456789*#"):
            raise NotAllowed("the gathering is finished by one of 0-9, * and #, or by none")
        if not 1 <= timeout <= MAX_TIMEOUT_SECONDS:
            raise NotAllowed(f"the time for a key is 1 to {MAX_TIMEOUT_SECONDS:g} s")
        await self._act(CollectDigits(n, finish_on, timeout, secret))

    async def play(self, sound: str | Path) -> bool:
        """See `Call.play`."""
        await self.confirmed()
        return await self._act(PlaySound(await self._facilities.sounds.load(sound)))

    async def remember(self, key: str, value: str) -> None:
        """See `Call.remember`."""
        await self.confirmed()
        await self._facilities.memory.remember(self._caller, key, value)

    async def recall(self, key: str) -> str | None:
        """See `Call.recall`."""
        return await self._facilities.memory.recall(self._caller, key)

    async def recall_all(self) -> dict[str, str]:
        """Everything that is kept about this caller."""
        return await self._facilities.memory.recall_all(self._caller)

    async def forget(self) -> None:
        """See `Call.forget`."""
        await self.confirmed()
        await self._facilities.memory.forget(self._caller)

    def start(self, work: Coroutine[Any, Any, _Result], *, name: str) -> Work[_Result]:
        """Run something that is not to end with the turn."""
        assert self._is_certain, _TOO_EARLY
        return self._facilities.tasks.start(work, name=name)

    def note(self, fact: Fact) -> None:
        """Tell whoever listens to this call."""
        assert self._is_certain, _TOO_EARLY
        self._session.noted(self._number, fact)

    async def _act(self, plan: Plan) -> bool:
        await self.confirmed()
        return await self._session.act(self._number, plan)
