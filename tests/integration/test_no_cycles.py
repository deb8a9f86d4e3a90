"""What belongs to a call goes when it is over: the garbage collector has nothing to look for."""

import gc
import weakref

import pytest
from tests.integration.conftest import Bridge

from ringbridge.ids import CallSid
from ringbridge.web.app import ROSTER


@pytest.fixture
def no_collector():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.parametrize("who", ["caller", "brain"])
async def test_a_call_that_is_over_is_gone_at_once(who, no_collector):
    async with Bridge() as bridge:
        phone = await bridge.talking()
        await bridge.says(phone, "Good morning.")
        await bridge.hears(phone, "You said: Good morning.")
        call = bridge.app[ROSTER].get(CallSid(phone.sid))
        held = [call, call.talk, call._relay, call._stream, call._engine, call._brain]
        parts = [(type(part).__name__, weakref.ref(part)) for part in held]
        del call, held

        await (phone.hang_up() if who == "caller" else bridge.hangs_up(phone))
        await bridge.is_given_back(since=bridge.now + 30, within=1)

        assert [name for name, part in parts if part() is not None] == []
