"""Twilio, on this machine: its calls, its webhooks, its media streams and its REST API."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from functools import partial
from types import TracebackType
from typing import Any, Self

from aiohttp import ClientSession, DummyCookieJar, TCPConnector, web

from ringbridge.emulator.addresses import AddressBook
from ringbridge.emulator.faults import Faults
from ringbridge.emulator.refusals import Refusal, Refusals
from ringbridge.emulator.speech.base import Voice
from ringbridge.emulator.twilio.account import Account, Reception
from ringbridge.emulator.twilio.exchange import Answer, DialOutcome, Exchange
from ringbridge.emulator.twilio.leg import Hooks, Source
from ringbridge.emulator.twilio.media_socket import MediaSocket
from ringbridge.emulator.twilio.outbound import StartQueue, ring_out
from ringbridge.emulator.twilio.phone import PhoneCall
from ringbridge.emulator.twilio.requests import error_json
from ringbridge.emulator.twilio.rest import rest_app
from ringbridge.emulator.twilio.signing import Fields

__all__ = ["TwilioTwin"]

NO_FIELDS: Fields = {}
DEFAULT_FROM, DEFAULT_TO = "+15550100001", "+15550100002"


class TwilioTwin:
    """One account at Twilio. While entered, its REST API listens on `port` of 127.0.0.1; 0 takes a free one.

    Its knobs, to be turned at any time:

    - `account`: everything that it holds, as REST shows and changes it.
    - `refusals`: REST requests that shall be refused; `refuse` writes them in Twilio's words.
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
        self.account = Account(account_sid, auth_token)
        self.account.add_number(DEFAULT_TO)
        self.refusals = Refusals()
        self._exchange = Exchange(self.account, addresses, clock, faults, voice)
        self.calls: dict[str, PhoneCall] = {}
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
        """The origin of the REST API, in place of https://api.twilio.com and voice. and trunking.twilio.com."""
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

    def refuse(self, method: str, path: str, status: int, code: int, message: str, *, times: int = 1) -> None:
        """Refuse the next `times` (-1: all) REST requests of this method to `path`, where `*` is anything."""
        self.refusals.add(method, path, Refusal(status, error_json(status, code, message)), times=times)

    async def dial(
        self,
        url: str | None = None,
        *,
        from_: str | None = DEFAULT_FROM,
        to: str = DEFAULT_TO,
        fallback_url: str | None = None,
        status_callback: str | None = None,
        fields: Fields = NO_FIELDS,
    ) -> PhoneCall:
        """Call the number `to` of the account. Returns as soon as the call exists.

        Without a `url` it is answered as the number is set up at this moment, and fails where it is on a trunk or the
        account is not active; with one, that and `fallback_url` and `status_callback` count, whatever is set up, and a
        new number becomes the account's.

        `from_` need not be a number; None leaves it out. `fields` are added to every request, or replace what
        Twilio would have said; a list of values repeats a field. Raises `KeyError` for a number, without a `url`, that
        is not the account's.
        """
        if url is None:
            reception = self.account.reception(to)
            hooks = None if reception is None else _hooks(reception)
        else:
            if to not in self.account.numbers:
                self.account.add_number(to)
            hooks = Hooks(Source(url), Source(fallback_url) if fallback_url else None, status_callback)
        nobody = Hooks(Source(""))
        call = PhoneCall(self._exchange, hooks or nobody, from_=from_, to=to, direction="inbound", fields=fields)
        self._own(call, None if hooks else partial(_fail, call))
        return call

    async def _serve(self) -> web.AppRunner:
        app = rest_app(self._exchange, self.calls, self._place, self.refusals)
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


def _hooks(reception: Reception) -> Hooks:
    return Hooks(
        script=Source(reception.voice_url, reception.voice_method),
        fallback=Source(reception.voice_fallback_url, reception.voice_fallback_method)
        if reception.voice_fallback_url
        else None,
        status_callback=reception.status_callback or None,
        status_method=reception.status_callback_method,
    )


async def _fail(call: PhoneCall) -> None:
    call.set_status("failed")
