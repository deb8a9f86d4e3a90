"""Twilio, on this machine: its calls, its webhooks, its media streams and its REST API for calls."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from functools import partial
from types import TracebackType
from typing import Any, Self

from aiohttp import ClientSession, DummyCookieJar, TCPConnector, web

from ringbridge.emulator.addresses import AddressBook
from ringbridge.emulator.faults import Faults
from ringbridge.emulator.speech.base import Voice
from ringbridge.emulator.twilio.exchange import Answer, DialOutcome, Exchange
from ringbridge.emulator.twilio.leg import Hooks, Source
from ringbridge.emulator.twilio.media_socket import MediaSocket
from ringbridge.emulator.twilio.outbound import StartQueue, ring_out
from ringbridge.emulator.twilio.phone import PhoneCall
from ringbridge.emulator.twilio.rest import rest_app
from ringbridge.emulator.twilio.signing import Fields

__all__ = ["TwilioTwin"]

NO_FIELDS: Fields = {}
DEFAULT_FROM, DEFAULT_TO = "+15550100001", "+15550100002"


class TwilioTwin:
    """One account at Twilio. While entered, its REST API listens on `port` of 127.0.0.1; 0 takes a free one.

    Its knobs, to be turned at any time:

    - `numbers`: the account's own. A number that is dialled with `dial` belongs to them.
    - `answers`: how those behave who are called by REST; by default they answer after a second.
    - `dial_outcomes`: what comes of `<Dial>`, for each number: `completed`, `busy`, `failed`, or (the default)
      `no-answer`; `talk_seconds`: how long somebody talks who took it; by default five seconds.
    """

    def __init__(
        self,
        *,
        account_sid: str,
        auth_token: str,
        addresses: AddressBook,
        clock: Callable[[], float],
        faults: Faults,
        voice: Voice | None = None,
        calls_per_second: float = 1.0,
        port: int = 0,
    ) -> None:
        self._exchange = Exchange(account_sid, auth_token, addresses, clock, faults, voice)
        self.calls: dict[str, PhoneCall] = {}
        self.numbers: set[str] = self._exchange.numbers
        self.numbers.add(DEFAULT_TO)
        self.answers: dict[str, Answer] = self._exchange.answers
        self.dial_outcomes: dict[str, DialOutcome] = self._exchange.dial_outcomes
        self.talk_seconds: dict[str, float] = self._exchange.talk_seconds
        self._queue = StartQueue(calls_per_second)
        self._stack = AsyncExitStack()
        self._running: set[asyncio.Task[None]] = set()
        self._port = port
        self._rest_url = ""

    @property
    def rest_url(self) -> str:
        """The origin of the REST API, in place of https://api.twilio.com."""
        return self._rest_url

    async def __aenter__(self) -> Self:
        """Serve. Raises `OSError` when the port is taken."""
        runner = await self._serve()
        async with AsyncExitStack() as stack:
            # A connection for each request: one that the bridge has just closed must not look like a fault of it.
            self._exchange.session = await stack.enter_async_context(
                ClientSession(
                    connector=TCPConnector(limit=0, force_close=True),
                    cookie_jar=DummyCookieJar(),
                    ws_response_class=MediaSocket,
                )
            )
            self._tasks = await stack.enter_async_context(asyncio.TaskGroup())
            stack.push_async_callback(runner.cleanup)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for task in self._running:
            task.cancel()
        await self._stack.__aexit__(kind, error, trace)

    async def dial(
        self,
        url: str,
        *,
        from_: str | None = DEFAULT_FROM,
        to: str = DEFAULT_TO,
        fallback_url: str | None = None,
        status_callback: str | None = None,
        fields: Fields = NO_FIELDS,
    ) -> PhoneCall:
        """Call the number `to`, whose webhook is `url`. Returns as soon as the call exists.

        `from_` need not be a number; None leaves it out. `fields` are added to every request, or replace what
        Twilio would have said; a list of values repeats a field.
        """
        self.numbers.add(to)
        call = PhoneCall(
            self._exchange,
            Hooks(
                script=Source(url),
                fallback=Source(fallback_url) if fallback_url else None,
                status_callback=status_callback,
            ),
            from_=from_,
            to=to,
            direction="inbound",
            fields=fields,
        )
        self._own(call, None)
        return call

    async def _serve(self) -> web.AppRunner:
        app = rest_app(self._exchange, self.calls, self._place)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", self._port).start()
        except OSError:
            await runner.cleanup()
            raise
        host, port = runner.addresses[0]
        self._rest_url = f"http://{host}:{port}"
        return runner

    def _place(self, hooks: Hooks, from_: str, to: str, timeout: int) -> PhoneCall:
        call = PhoneCall(self._exchange, hooks, from_=from_, to=to, direction="outbound-api", fields=NO_FIELDS)
        self._own(call, partial(ring_out, call, self._queue, timeout))
        return call

    def _own(self, call: PhoneCall, ringing: Callable[[], Coroutine[Any, Any, None]] | None) -> None:
        self.calls[call.sid] = call
        task = self._tasks.create_task(call.run(ringing), name=f"call {call.sid}")
        self._running.add(task)
        task.add_done_callback(self._running.discard)
