"""On the wall's clock: a virtual loop is never late."""

import asyncio
import json
import logging
import threading
import time
from io import StringIO

import pytest
import uvloop

from ringbridge.telemetry import loop as module
from ringbridge.telemetry.loop import watched_loop
from ringbridge.telemetry.writing import handler


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(module, "TICK_SECONDS", 0.02)
    monkeypatch.setattr(module, "BLOCKED_SECONDS", 0.1)
    monkeypatch.setattr(module, "_LOOK_SECONDS", 0.01)


@pytest.fixture
def lines():
    stream, logger = StringIO(), logging.getLogger("ringbridge.telemetry.loop")
    made = handler(stream, "json", personal=False, secrets=())
    logger.addHandler(made)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    logger.removeHandler(made)


def run(scene, factory):
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(scene())


def block(seconds):
    time.sleep(seconds)


BLOCK_LINE = block.__code__.co_firstlineno + 1


@pytest.mark.parametrize("factory", [asyncio.SelectorEventLoop, uvloop.new_event_loop])
def test_who_blocks_the_loop_is_named_once_with_the_line(factory, lines):
    lags = []

    async def scene():
        async with watched_loop(lags.append):
            await asyncio.sleep(0.05)
            block(0.3)
            await asyncio.sleep(0.1)

    run(scene, factory)
    (line,) = lines()
    assert line["at"] == f"{__file__}:{BLOCK_LINE}"
    assert 0.2 <= line["seconds"] <= 1
    assert line["ended"] is True
    assert max(lags) > 0.2
    assert min(lags) < 0.1


def test_a_callback_of_a_library_is_told_with_the_line_that_called_it(lines):
    async def scene():
        async with watched_loop(lambda _: None):
            await asyncio.sleep(0.05)
            asyncio.get_running_loop().call_soon(lambda: threading.Event().wait(0.3))
            await asyncio.sleep(0.1)

    run(scene, asyncio.SelectorEventLoop)
    (line,) = lines()
    assert line["at"].startswith(f"{__file__}:")


def test_one_that_does_not_end_is_told_meanwhile(lines, monkeypatch):
    monkeypatch.setattr(module, "STUCK_SECONDS", 0.15)

    async def scene():
        async with watched_loop(lambda _: None):
            block(0.4)
            told = lines()
            await asyncio.sleep(0.1)
            return told

    told = run(scene, asyncio.SelectorEventLoop)
    assert [line["ended"] for line in told] == [False]
    assert len(lines()) == 1


def test_a_loop_that_turns_is_not_told_of_and_the_thread_ends(lines):
    async def scene():
        before = threading.active_count()
        async with watched_loop(lambda _: None):
            assert threading.active_count() == before + 1
            await asyncio.sleep(0.15)
        assert threading.active_count() == before

    run(scene, asyncio.SelectorEventLoop)
    assert lines() == []


def test_it_ends_with_its_context_whatever_happens_there(lines):
    async def scene():
        before = threading.active_count()
        with pytest.raises(ValueError, match="inside"):
            async with watched_loop(lambda _: None):
                raise ValueError("inside")
        assert threading.active_count() == before

    run(scene, asyncio.SelectorEventLoop)
