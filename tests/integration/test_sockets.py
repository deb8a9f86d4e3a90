"""What our sockets bear: many of them at once, and peers that do not read."""

import asyncio
import contextlib
from contextlib import AsyncExitStack

from aiohttp import ClientError, ClientSession, web

from ringbridge import facts
from ringbridge.apis.dialling import open_dialler
from ringbridge.emulator.faults import Fault
from ringbridge.facts import Outcome
from ringbridge.live.socket import MAX_UNSENT_BYTES
from ringbridge.live.sockets import accept, connect


class Server:
    """Accepts sockets as we do, and holds them."""

    def __init__(self):
        self.sockets = []

    async def __aenter__(self):
        app = web.Application()
        app.router.add_get("/", self._hold)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"ws://127.0.0.1:{self._runner.addresses[0][1]}/"
        return self

    async def __aexit__(self, *error):
        for socket in self.sockets:
            socket.abort()
        await self._runner.cleanup()

    async def _hold(self, request):
        socket = await accept(request)
        self.sockets.append(socket)
        await socket.closed()
        return socket.response


async def test_more_conversations_than_a_connection_pool_holds():
    async with Server() as server, open_dialler() as session, AsyncExitStack() as stack:
        for _ in range(130):
            socket = await connect(session, server.url, seconds=1.0, heartbeat=20.0)
            stack.push_async_callback(socket.close)
        assert len(server.sockets) == 130


async def test_a_peer_that_pings_and_never_reads_is_cut_off():
    async with Server() as server, ClientSession() as session, session.ws_connect(server.url) as ws:
        transport = ws._response.connection.transport
        transport.pause_reading()
        (socket,) = server.sockets
        with contextlib.suppress(ClientError, ConnectionError):
            for _ in range(200_000):
                await ws.ping(b"x" * 125)
                if socket._transport.underlying_transport.is_closing():
                    break
        ws._response.close()
        assert socket._transport.underlying_transport.is_closing()
        assert socket.unsent <= 2 * MAX_UNSENT_BYTES


async def test_a_stop_from_a_stream_that_was_replaced_ends_nothing(world):
    async with world() as w:
        sid = "CA" + "3" * 32
        first = await w.post("/incoming-call", w.form(sid))
        async with w.stream() as old:
            await old.start(first.token, sid)
            await w.tells(facts.StreamAttached)
            second = await w.post("/call-ended", w.form(sid, "in-progress"))
            async with w.stream() as new:
                new.sid = "MZ" + "8" * 32
                await new.start(second.token, sid)
                await old.send(event="dtmf", streamSid=old.sid, dtmf={"track": "inbound_track", "digit": "7"})
                await old.send(event="stop", streamSid=old.sid, sequenceNumber="9", stop={"callSid": sid})
                await w.tells(facts.StreamAttached, 2)
                await asyncio.sleep(5)
                assert w.told(facts.CallEnded) == []
                assert w.told(facts.DigitsPressed) == []
                await new.send(event="stop", streamSid=new.sid, sequenceNumber="9", stop={"callSid": sid})
                assert await w.tells(facts.CallEnded) == facts.CallEnded(Outcome.CALLER_GONE)


async def test_a_brain_of_an_older_conversation_replaces_nobody(world):
    async with world() as w:
        call = await w.talking()
        old = w.conversation.id
        w.faults.add(Fault("webhook", "delay", ms=2000))
        await call.drop_stream()
        await w.tells(facts.StreamLost)
        await w.engine_closes(1011)
        await w.tells(facts.ConversationOpened, 2)
        async with w.brain_socket() as stale:
            await stale.send_json({"type": "init", "conversation_id": old})
            assert (await stale.receive()).data == 1008
        await w.tells(facts.StreamAttached, 2)
        await w.says(call, "still there")
        await w.hears(call, "You said: still there.")
