"""All that `ringbridge up` does, in order, and takes back in reverse."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from ringbridge.apis.elevenlabs_engines import open_elevenlabs_engines
from ringbridge.apis.twilio_numbers import open_twilio_numbers
from ringbridge.provision.account import wanted_number
from ringbridge.provision.journal import open_journal
from ringbridge.provision.number import NumberStep
from ringbridge.provision.steps import carried_out
from ringbridge.public_url import PublicUrl
from ringbridge.screen.calls import CallScreen
from ringbridge.screen.steps import StepScreen
from ringbridge.up.accounts import AccountsStep, undisturbed
from ringbridge.up.address import AddressStep
from ringbridge.up.bridge import BridgeStep
from ringbridge.up.plan import Plan, Request, Surroundings
from ringbridge.wiring import open_parts

__all__ = ["Up", "risen"]


@dataclass(frozen=True, slots=True)
class Up:
    """Everything is up: who calls this number, is answered."""

    phone_number: str
    url: PublicUrl


@asynccontextmanager
async def risen(
    request: Request, around: Surroundings, steps: StepScreen, calls: CallScreen, *, hurry: asyncio.Event
) -> AsyncIterator[Up]:
    """Everything up for as long as the context lasts; `hurry` ends the calls that go on after it.

    Raises `RingbridgeError`: of a step, `steps` has shown it. Whatever had been done by then is undone.
    """
    plan = Plan.of(request, around)
    line, settings = plan.outset.line, plan.outset.settings
    if around.set_up_log is not None:
        around.set_up_log(settings)
    async with AsyncExitStack() as stack:
        journal = stack.enter_context(open_journal(request.env_file.parent))
        lender = await plan.lender(journal)
        kept = journal if request.restores else None
        engines = await stack.enter_async_context(
            open_elevenlabs_engines(api_key=line.elevenlabs_key, base_url=line.elevenlabs_base_url)
        )
        numbers = await stack.enter_async_context(
            open_twilio_numbers(
                account_sid=line.twilio_account_sid,
                auth_token=line.twilio_token,
                base_url=line.twilio_base_url,
            )
        )
        parts = await stack.enter_async_context(open_parts(settings, brain=around.brain, observers=(calls.observe,)))
        desk = AccountsStep(plan, journal, engines, numbers, undisturbed(steps, around.choose))
        number = await stack.enter_async_context(carried_out(desk, steps))
        at = AddressStep(lender, around.outside, settings.host, settings.port, settings.twilio_auth_tokens)
        address = await stack.enter_async_context(carried_out(at, steps))
        engine_ids = [
            await stack.enter_async_context(carried_out(step, steps))
            for step in plan.engine_steps(address, engines, kept)
        ]
        final = plan.settings(address, engine_ids[0], number)
        await stack.enter_async_context(carried_out(BridgeStep(final, parts, address.port, hurry), steps))
        wanted = wanted_number(address.url, fallback_url=request.fallback_url)
        led = NumberStep(numbers, engines, number, wanted, takes=request.takes, journal=kept)
        await stack.enter_async_context(carried_out(led, steps))
        yield Up(number.phone_number, address.url)
