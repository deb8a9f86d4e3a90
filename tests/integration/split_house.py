"""Bridge and brains as two services between both twins, and the wire between the two, which can be cut."""

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace

from ringbridge.config import BrainSettings, load
from ringbridge.web.brain_app import SWITCHBOARD, open_brain_app
from ringbridge.web.server import serving
from ringbridge.wiring import open_brain_parts, open_bridge_parts

from .conftest import Bridge

BRAIN_HOST = "brain.test"


class Wire:
    """A TCP port that leads to another, as long as it does."""

    def __init__(self, to):
        self._to = to
        self._writers = set()
        self.is_open = True
        self.connections = 0

    @asynccontextmanager
    async def listening(self):
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()
            self.cut()
            await asyncio.sleep(0.001)

    def cut(self):
        for writer in self._writers:
            writer.transport.abort()

    async def _serve(self, reader, writer):
        self._writers.add(writer)
        try:
            if not self.is_open:
                return
            self.connections += 1
            there, back = await asyncio.open_connection("127.0.0.1", self._to)
            self._writers.add(back)
            async with asyncio.TaskGroup() as ways:
                ways.create_task(_carry(reader, back))
                ways.create_task(_carry(there, writer))
        finally:
            writer.transport.abort()
            self._writers.discard(writer)


async def _carry(reader, writer):
    with suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
    writer.transport.abort()


class SplitBridge(Bridge):
    """A bridge without a brain; `brains` starts a service of brains."""

    wire: Wire
    brain_port: int

    def __init__(self, brain, *, engine=None, **options):
        super().__init__(brain, engine={"ws_url": f"wss://{BRAIN_HOST}/ws", **(engine or {})}, **options)
        self._services = AsyncExitStack()

    async def __aenter__(self):
        await super().__aenter__()
        self.wire = Wire(self.port)
        self._wire_port = await self._services.enter_async_context(self.wire.listening())
        return self

    async def __aexit__(self, *args):
        await self.settled()
        await self._services.aclose()
        await super().__aexit__(*args)

    def _open_parts(self, clips):
        return open_bridge_parts(self.settings, clips=clips, clock=self._clock, observers=self._observers)

    @asynccontextmanager
    async def brains(self, brain=None, observers=(), **settings):
        """A service of brains, to which the engine's `ws_url` leads from now on; gives its switchboard."""
        environ = {**self._environment(), "BRIDGE_URL": f"http://127.0.0.1:{self._wire_port}", **settings}
        environ = {name: value for name, value in environ.items() if not name.startswith("TWILIO_")}
        read = load(BrainSettings, None, environ)
        async with (
            open_brain_parts(read, brain=brain or self._brain, clock=self._clock) as parts,
            open_brain_app(read, replace(parts, observers=observers)) as app,
            serving(app, host="127.0.0.1", port=0) as port,
        ):
            self.addresses.add(BRAIN_HOST, f"http://127.0.0.1:{port}")
            self.brain_port = port
            yield app[SWITCHBOARD]
            await self.settled()

    async def start_brains(self, brain=None, **options):
        """The same for as long as the bridge."""
        return await self._services.enter_async_context(self.brains(brain, **options))
