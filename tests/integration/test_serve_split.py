"""`serve --only bridge` and `serve --only brain` as an operator runs them: each a process, and one is killed."""

import signal
import time
from contextlib import asynccontextmanager

import pytest

from .raw_house import House, answer_of, connections, environment, noise
from .raw_twilio import Twilio
from .test_serve import Served, around, folder, running, write_settings

__all__ = ["around", "folder"]

pytestmark = pytest.mark.true_time

FOR_BRAINS = ("ELEVENLABS_API_KEY", "SHARED_SECRET", "PUBLIC_URL", "BRAIN", "PORT")


@asynccontextmanager
async def serving(folder, around, only, **environ):
    """A running service, and the house around it."""
    elevenlabs, rest = around
    async with running(folder, "-m", "ringbridge", "serve", "--only", only, **environ) as process:
        served = Served(process)
        port = await served.listening()
        async with connections("127.0.0.1", port) as connect:
            yield served, House(port, Twilio(connect), rest, elevenlabs, time.time)


async def test_a_call_outlives_the_process_of_its_brain(folder, around):
    settings = environment(*around, PORT="0")
    async with serving(folder, around, "bridge") as (bridge, home):
        write_settings(folder, {name: settings[name] for name in FOR_BRAINS})
        place = {"BRIDGE_URL": f"http://127.0.0.1:{home.port}"}
        call = await home.place_call()
        await call.carries(noise(1600))
        async with serving(folder, around, "brain", **place) as (killed, first):
            await first.is_healthy()
            socket = await first.brain(call.conversation.id)
            assert await answer_of(socket, "hello", event_id=1) == "You said hello."
            killed._process.send_signal(signal.SIGKILL)
            await socket.ended()
        async with serving(folder, around, "brain", **place) as (brain, second):
            socket = await second.brain(call.conversation.id)
            assert await answer_of(socket, "again", event_id=2) == "You said again."
            assert await second.calls_in_progress() == 1
            await call.hang_up()
            assert await socket.ended() == 1000
            assert (await brain.end())[0] == 0
        assert (await bridge.end())[0] == 0
    assert bridge.said.count('"outcome": "caller_gone"') == 1
    assert "the socket to a brain is lost" in bridge.said
