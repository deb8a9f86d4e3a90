"""The fixture `phone`: phone your own brain in a test, through the real bridge, without an account.

    from brain import reply

    @pytest.fixture
    def brain():
        return reply

    async def test_the_caller_hears_an_answer(phone):
        call = await phone.dial()
        await call.say("a table for two please")
        assert "a table for two" in await call.heard()

Sockets are real, time is not: the test's event loop jumps to the next timer when there is nothing to do. It needs no
other plugin; with pytest-asyncio, in whatever mode, async fixtures share the loop.
"""

import asyncio
import inspect
from collections.abc import Callable, Generator, Mapping
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import pytest

if TYPE_CHECKING:
    from ringbridge.emulator.caller import Caller
    from ringbridge.emulator.faults import Faults
    from ringbridge.turn import Brain

__all__ = ["Phone", "brain", "phone"]

_SETTLED_SECONDS: Final = 0.001
"""On the virtual clock, which does not pass before all that was sent has arrived."""

_DOWN_SECONDS: Final = 60.0
"""More than twins and bridge take to close, on the same clock."""

LoopFactories: TypeAlias = Mapping[str, Callable[[], asyncio.AbstractEventLoop]]


class Phone:
    """A phone line to one brain. It is set up by the first call.

    `before_the_loop_ends` is told then what is to be called for its end.
    """

    def __init__(self, brain: "Brain", before_the_loop_ends: Callable[[Callable[[], None]], None]) -> None:
        from ringbridge.emulator.speech.base import Speech  # noqa: PLC0415
        from ringbridge.emulator.speech.exact import ExactEars, ExactVoice  # noqa: PLC0415 - not for every test run
        from ringbridge.emulator.world import World  # noqa: PLC0415
        from ringbridge.live.tasks import Tasks  # noqa: PLC0415

        voice = ExactVoice()
        self._speech = Speech(voice, voice, ExactEars())
        self.world: World = World(brain, self._speech, clock=_wall)
        self._tasks = Tasks()
        self._stack = AsyncExitStack()
        self._before_the_loop_ends = before_the_loop_ends
        self._ready: asyncio.Future[None] | None = None
        self._done = asyncio.Event()

    @property
    def faults(self) -> "Faults":
        """What shall go wrong: `phone.faults.add(Fault("engine_socket", "drop", after_ms=3000))`."""
        return self.world.faults

    async def dial(self, **call: Any) -> "Caller":
        """Call the brain: the caller, with the receiver at the ear. `call` may hold `from_` and `fields`."""
        from ringbridge.emulator.caller import Caller  # noqa: PLC0415

        if self._ready is None:
            loop = asyncio.get_running_loop()
            self._ready = loop.create_future()
            self._before_the_loop_ends(lambda: self._put_down(loop))
            self._tasks.start(self._live(self._ready), name="phone line")
        await self._ready
        caller = Caller(await self.world.dial(**call), self._speech)
        return await self._stack.enter_async_context(caller)

    async def _live(self, ready: "asyncio.Future[None]") -> None:
        try:
            await self._stack.enter_async_context(self.world)
        except BaseException as error:
            ready.set_exception(error)
            raise
        async with self._stack:
            ready.set_result(None)
            await self._done.wait()
            # Python 3.11 loses a connection that comes while its server is closed: none is on its way after this.
            await asyncio.sleep(_SETTLED_SECONDS)

    def _put_down(self, loop: asyncio.AbstractEventLoop) -> None:
        """Take the line down while its event loop is there to do it. Calls that are still up are cut off."""
        self._done.set()
        loop.run_until_complete(self._tasks.close(grace=_DOWN_SECONDS))


def _wall() -> float:
    from ringbridge.emulator.clock import VirtualTimeLoop  # noqa: PLC0415

    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualTimeLoop), "a test that uses `phone` must run on the loop that it brings along"
    return loop.wall()


@pytest.fixture
def brain() -> "Brain":
    """The brain that `phone` reaches: to be overridden by a fixture of the same name."""
    pytest.fail("`phone` needs a brain: define a fixture named `brain` that returns your reply function", pytrace=False)


@pytest.fixture
def phone(brain: "Brain", request: pytest.FixtureRequest) -> Phone:
    """A phone line to the brain that the fixture `brain` gives."""
    # What is added last is called first: so before the event loop goes, and after each fixture that has made a call.
    return Phone(brain, request.node.addfinalizer)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run an async test that uses `phone` where no other plugin does."""
    if "phone" not in pyfuncitem.fixturenames or not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in inspect.signature(pyfuncitem.obj).parameters}
    runner = asyncio.Runner(loop_factory=_virtual_time_loop)
    pyfuncitem.addfinalizer(runner.close)
    runner.run(pyfuncitem.obj(**arguments))
    return True


@pytest.hookimpl(wrapper=True, optionalhook=True)
def pytest_asyncio_loop_factories(item: pytest.Item) -> "Generator[None, LoopFactories | None, LoopFactories]":
    """The loop on which pytest-asyncio runs a test: ours for one that uses `phone`, otherwise whatever it would be."""
    factories = yield
    if "phone" in getattr(item, "fixturenames", ()):
        return {"virtual": _virtual_time_loop}
    return factories or {"asyncio": asyncio.new_event_loop}


def _virtual_time_loop() -> asyncio.AbstractEventLoop:
    from ringbridge.emulator.clock import VirtualTimeLoop  # noqa: PLC0415

    return VirtualTimeLoop()
