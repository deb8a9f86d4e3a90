"""The OpenAI brain, with the real SDK, against a small server that speaks Chat Completions."""

import asyncio
import json
import socket
import time
from contextlib import aclosing, asynccontextmanager

import pytest
from aiohttp import web

from ringbridge.brains.openai import INSTRUCTIONS, openai_brain
from ringbridge.errors import VendorError
from ringbridge.turn import Call, Message, Turn

TURN = Turn(
    (Message("agent", "Hello."), Message("agent", ""), Message("user", "A table, please.")),
    Call("CA1", "+15550100", "+15550101", "conv_1"),
)


def chunk(text, **delta):
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "delta": {"content": text, **delta}, "finish_reason": None}],
    }


class Server:
    """Answers with `chunks`; pauses after the first until `go` is set; notes what was asked, and by whom."""

    def __init__(self):
        self.chunks = [chunk("Gladly. "), chunk("For two?")]
        self.statuses = []
        self.go = asyncio.Event()
        self.asked = []
        self.peers = set()
        self.finished = []
        self.url = ""

    async def completions(self, request):
        self.asked.append((request.headers["Authorization"], await request.json()))
        self.peers.add(request.transport.get_extra_info("peername"))
        if self.statuses and (status := self.statuses.pop(0)) != 200:
            error = {"error": {"message": "Incorrect key sk_secret", "code": "x"}}
            return web.json_response(error, status=status)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        try:
            for number, data in enumerate(self.chunks):
                if number == 1:
                    await self.go.wait()
                await response.write(f"data: {json.dumps(data)}\n\n".encode())
            await response.write(b"data: [DONE]\n\n")
        except asyncio.CancelledError:
            self.finished.append("the client hung up")
            raise
        self.finished.append("all said")
        return response


@asynccontextmanager
async def served():
    server = Server()
    app = web.Application()
    app.router.add_post("/v1/chat/completions", server.completions)
    runner = web.AppRunner(app, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    try:
        yield server
    finally:
        await runner.cleanup()


@asynccontextmanager
async def brain_at(url):
    brain = openai_brain(api_key="sk_secret", base_url=url, model="small")
    try:
        yield brain
    finally:
        await brain.close()


async def said(brain):
    return [piece async for piece in brain(TURN)]


async def test_pieces_come_as_they_are_made():
    async with served() as server, brain_at(server.url) as brain:
        async with aclosing(brain(TURN)) as pieces:
            assert await anext(pieces) == "Gladly. "
            assert server.finished == []
            server.go.set()
            assert await anext(pieces) == "For two?"
            assert [piece async for piece in pieces] == []
        assert server.finished == ["all said"]


async def test_what_is_asked():
    async with served() as server, brain_at(server.url) as brain:
        server.go.set()
        await said(brain)
    ((authorization, body),) = server.asked
    assert authorization == "Bearer sk_secret"
    assert body["model"] == "small"
    assert body["stream"] is True
    assert body["messages"] == [
        {"role": "system", "content": INSTRUCTIONS},
        {"role": "assistant", "content": "Hello."},
        {"role": "user", "content": "A table, please."},
    ]


async def test_what_a_compatible_server_may_send_besides():
    async with served() as server, brain_at(server.url) as brain:
        usage = chunk("") | {"choices": [], "usage": None}
        server.chunks = [chunk(None, role="assistant"), chunk(""), chunk("Yes", reasoning_content="hm"), usage]
        server.go.set()
        assert await said(brain) == ["Yes"]


async def test_cancelling_closes_the_request():
    async with served() as server, brain_at(server.url) as brain:
        first = asyncio.Event()

        async def listen():
            async with aclosing(brain(TURN)) as pieces:
                async for _ in pieces:
                    first.set()

        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(listen())
            await first.wait()
            task.cancel()
        assert task.cancelled()
        async with asyncio.timeout(5):
            while not server.finished:
                await asyncio.sleep(0.01)
        assert server.finished == ["the client hung up"]
        server.go.set()
        assert await said(brain) == ["Gladly. ", "For two?"]


async def test_leaving_off_closes_the_request():
    async with served() as server, brain_at(server.url) as brain:
        async with aclosing(brain(TURN)) as pieces:
            assert await anext(pieces) == "Gladly. "
        async with asyncio.timeout(5):
            while not server.finished:
                await asyncio.sleep(0.01)
        assert server.finished == ["the client hung up"]


async def test_the_connection_stays_warm_between_turns(monkeypatch):
    async with served() as server, brain_at(server.url) as brain:
        server.go.set()
        await said(brain)
        true_time = time.monotonic
        monkeypatch.setattr(time, "monotonic", lambda: true_time() + 60)  # by which httpx judges a connection's age
        await said(brain)
        assert len(server.peers) == 1


async def test_one_hiccup_is_forgiven():
    async with served() as server, brain_at(server.url) as brain:
        server.go.set()
        server.statuses = [503, 200]
        assert await said(brain) == ["Gladly. ", "For two?"]


@pytest.mark.parametrize(
    ("status", "mend"),
    [
        (400, "OPENAI_MODEL"),
        (401, "check OPENAI_API_KEY"),
        (403, "may not use OPENAI_MODEL"),
        (404, "check OPENAI_MODEL and OPENAI_BASE_URL"),
        (429, "no credit left"),
        (500, "status page"),
    ],
)
async def test_a_refusal_is_told_with_its_mend_and_without_the_servers_words(status, mend):
    async with served() as server, brain_at(server.url) as brain:
        server.statuses = [status, status]
        with pytest.raises(VendorError, match=mend) as refused:
            await said(brain)
        assert refused.value.status == status
        assert "sk_secret" not in str(refused.value)
        assert refused.value.__suppress_context__


async def test_a_server_that_falls_silent():
    async with served() as server, brain_at(server.url) as brain:
        began = asyncio.get_running_loop().time()
        with pytest.raises(VendorError, match="silent for too long"):
            await said(brain)
        assert asyncio.get_running_loop().time() - began == pytest.approx(15, abs=0.1)


async def test_a_stream_that_ends_in_an_error():
    async with served() as server, brain_at(server.url) as brain:
        server.chunks = [chunk("Well, "), {"error": {"message": "sk_secret"}}]
        server.go.set()
        with pytest.raises(VendorError, match="broke off its answer"):
            await said(brain)


async def test_nobody_there():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        async with brain_at(f"http://127.0.0.1:{free.getsockname()[1]}/v1") as brain:
            with pytest.raises(VendorError, match="can't be reached"):
                await said(brain)
