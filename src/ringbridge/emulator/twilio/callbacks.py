"""Callbacks that tell what happened, posted one after another beside the call, which never waits for them."""

import asyncio
from dataclasses import dataclass

from ringbridge.emulator.faults import Faults
from ringbridge.emulator.twilio.account import Method
from ringbridge.emulator.twilio.records import Journal
from ringbridge.emulator.twilio.signing import Fields
from ringbridge.emulator.twilio.webhooks import NoAnswer, Webhooks

__all__ = ["Courier"]


@dataclass(frozen=True, slots=True)
class _Callback:
    url: str
    fields: Fields
    method: Method


class Courier:
    """Delivers the callbacks of one kind for one call, in order."""

    def __init__(self, webhooks: Webhooks, journal: Journal, faults: Faults) -> None:
        self._webhooks = webhooks
        self._journal = journal
        self._faults = faults
        self._waiting: asyncio.Queue[_Callback | None] = asyncio.Queue()

    def post(self, url: str, fields: Fields, method: Method) -> None:
        """Have a callback delivered after those before it."""
        self._waiting.put_nowait(_Callback(url, fields, method))

    def close(self) -> None:
        """Let `run` end once everything posted so far has been delivered, or has failed."""
        self._waiting.put_nowait(None)

    async def run(self) -> None:
        """Deliver until closed. What can't be delivered is an error of the call, and is not tried again."""
        overtaken: _Callback | None = None
        while (callback := await self._waiting.get()) is not None:
            if overtaken is None and self._is_overtaken():
                overtaken = callback
                continue
            await self._deliver(callback)
            if overtaken is not None:
                await self._deliver(overtaken)
                overtaken = None
        if overtaken is not None:
            await self._deliver(overtaken)

    def _is_overtaken(self) -> bool:
        """Whether a fault lets the next callback arrive before this one."""
        faults = self._faults.take("callback")
        for fault in faults:
            self._journal.note("fault", where=fault.where, fault=fault.kind)
        return bool(faults)

    async def _deliver(self, callback: _Callback) -> None:
        try:
            await self._webhooks.ask(callback.url, callback.fields, method=callback.method)
        except NoAnswer as failure:
            self._journal.error(failure.code, str(failure))
