"""Signals, on every loop that there is."""

import asyncio
import signal

import pytest

from ringbridge.loops import loop_factory, on_signals, run


class WindowsLoop(asyncio.SelectorEventLoop):
    """As Windows has it, in this: signals are nothing to it."""

    def add_signal_handler(self, sig, callback, *args):
        raise NotImplementedError


@pytest.fixture
def undisturbed():
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


@pytest.mark.parametrize("factory", [loop_factory(), asyncio.SelectorEventLoop, WindowsLoop])
def test_each_signal_is_told_each_time(factory, undisturbed):
    async def story():
        told = asyncio.Queue()
        on_signals(lambda: told.put_nowait("end"), "SIGHUP", "SIGNOWHERE")
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
            signal.raise_signal(number)
            async with asyncio.timeout(5):
                await told.get()
        assert told.empty()

    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(story())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_command_is_cancelled_even_where_it_was_started_with_signals_ignored(number, undisturbed):
    done = []

    async def takes_back():
        asyncio.get_running_loop().call_soon(signal.raise_signal, number)
        async with asyncio.timeout(5):
            try:
                await asyncio.Event().wait()
            finally:
                done.append("taken back")

    signal.signal(number, signal.SIG_IGN)
    with pytest.raises(KeyboardInterrupt):
        run(takes_back())
    assert done == ["taken back"]
