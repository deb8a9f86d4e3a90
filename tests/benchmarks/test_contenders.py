"""What keeps the comparison of `benchmarks/speed` honest: every contender really does the job that it is timed at."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import aiohttp
import pytest
from benchmarks.speed.contenders import CONTENDERS, Contender

from .players import ACCOUNT_SID, API_KEY, AUTH_TOKEN, PUBLIC_HOST, SECRET, Caller, Engine

pytestmark = pytest.mark.true_time

PROGRAMS = [contender for contender in CONTENDERS if contender.name != "guide-uvloop"]
"""That one is the guide's over again, on another event loop, and takes a second to start."""

CALLS = 3
PATIENCE_SECONDS = 20

UNCHANGED = bytes(range(256))
DECODED = UNCHANGED.replace(b"\x7f", b"\xff")
"""µ-law that was decoded and encoded again: of its two zeros one is left."""


@pytest.mark.parametrize("contender", PROGRAMS, ids=lambda contender: contender.name)
async def test_carries_each_frame_whole_in_order_and_once_to_the_right_call(contender: Contender):
    if reason := contender.missing():
        pytest.skip(reason)
    if not contender.prepared():
        pytest.skip("not prepared")
    async with Engine().serving() as engine, running(contender, engine.url) as base:
        if contender.has_brain:
            engine.brain = f"{base}/ws"
            await is_closed_to_strangers(engine.brain)
        callers = [Caller(base, number) for number in range(CALLS)]
        await call(engine, callers)
    way = DECODED if contender.name == "pipecat" else UNCHANGED
    talks = {bytes(talk.heard): talk for talk in engine.talks}
    assert len(talks) == CALLS
    for caller in callers:
        talk = talks[b"".join(caller.talk.said).translate(way)]
        assert caller.talk.heard == b"".join(talk.said).translate(way)
        assert talk.first == "conversation_initiation_client_data"
        assert talk.pongs == list(range(10, len(talk.said) + 1, 10))
    if contender.has_brain:
        for number, talk in enumerate(engine.talks, 1):
            assert "".join(piece["content"] for piece in talk.answer).strip() == f"You said: question {number}."
            assert {(piece["type"], piece["event_id"]) for piece in talk.answer} == {("agent_response", number)}


async def is_closed_to_strangers(brain: str) -> None:
    async with aiohttp.ClientSession() as http:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await http.ws_connect(brain, headers={"x-api-key": "a stranger's"})
    assert refused.value.status in {401, 403}


async def call(engine: Engine, callers: list[Caller]) -> None:
    """All at once; when everybody has heard everything, the engine clears what is still to be played."""
    async with asyncio.timeout(PATIENCE_SECONDS), asyncio.TaskGroup() as tasks:
        for caller in callers:
            tasks.create_task(caller.play())
        for caller in callers:
            await caller.talk.full.wait()
        for talk in engine.talks:
            await talk.full.wait()
        await engine.interrupt()


@asynccontextmanager
async def running(contender: Contender, engine_url: str) -> AsyncIterator[str]:
    """The contender in a process of its own; gives its base URL once its port accepts."""
    port = free_port()
    settings = {
        "PORT": str(port),
        "PUBLIC_URL": f"https://{PUBLIC_HOST}",
        "TWILIO_ACCOUNT_SID": ACCOUNT_SID,
        "TWILIO_AUTH_TOKEN": AUTH_TOKEN,
        "ELEVENLABS_API_KEY": API_KEY,
        "ELEVENLABS_BASE_URL": engine_url,
        "SPEECH_ENGINE_ID": "seng_benchmark",
        "SHARED_SECRET": SECRET,
    }
    process = await asyncio.create_subprocess_exec(*contender.command(port), env=contender.environ(settings))
    try:
        await accepts(process, port)
        yield f"http://127.0.0.1:{port}"
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def accepts(process: asyncio.subprocess.Process, port: int) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            assert process.returncode is None, "it ended before it listened"
            with suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                return
            await asyncio.sleep(0.02)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
