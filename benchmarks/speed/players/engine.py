"""Plays ElevenLabs at full load: signed URLs and look-ups, conversations, and the lines to their brains.

python -m benchmarks.speed.players.engine CERTIFICATE
"""

import asyncio
import ssl
import sys
from pathlib import Path
from typing import Any, Final

from aiohttp import WSMsgType, web
from benchmarks.speed.players.audio import Tally
from benchmarks.speed.players.brain import BrainDoor, BrainLine, Brains
from benchmarks.speed.players.clock import Metronome, now_us
from benchmarks.speed.players.conversation import EVENT_MS, Conversation, Floor, greeting, metadata
from benchmarks.speed.players.desk import pay_attention, percentiles, played, tallied
from benchmarks.speed.players.lookup import speech_engine
from picows import WSUpgradeRequest, ws_create_server

CONVERSATION: Final = "/v1/convai/conversation"
ORDERS: Final = ("where", "manners", "brains", "begin", "end", "quiet", "speak", "heard")
LOOK_UP: Final = "/v1/speech-engine/{engine_id}"


class Engine:
    """The vendor. Its public methods are what it can be ordered to do."""

    def __init__(self, brains: Brains) -> None:
        self._floor = Floor(Metronome(EVENT_MS), brains)
        self._brains = brains
        self._ports: dict[str, int] = {}
        self._bases: dict[str, str] = {}
        self._url_seconds = self._upgrade_seconds = 0.0

    async def listen(self, certificate: Path) -> None:
        """Open for ws and wss: REST on one port, conversations on another."""
        for scheme, http, tls in (("ws", "http", None), ("wss", "https", _tls(certificate))):
            server = await ws_create_server(self._upgraded, "127.0.0.1", 0, ssl=tls)
            self._ports[scheme] = server.sockets[0].getsockname()[1]
            application = web.Application()
            application.router.add_get(f"{CONVERSATION}/get-signed-url", self._signed_url)
            application.router.add_get(CONVERSATION, self._held)
            application.router.add_get(LOOK_UP, self._look_up)
            runner = web.AppRunner(application, access_log=None)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
            self._bases[scheme] = f"{http}://127.0.0.1:{runner.addresses[0][1]}"

    async def where(self) -> dict[str, str]:
        """Give the base URL for each scheme of a conversation."""
        return self._bases

    async def manners(
        self,
        *,
        url_seconds: float = 0,
        upgrade_seconds: float = 0,
        greets: bool = False,
        scores: bool = False,
        brain: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Take so long for a signed URL and for an upgrade; speak first; tell how likely it is that someone speaks.

        `brain` is the door of the brain that is to be dialled for each conversation, if any.
        """
        self._url_seconds, self._upgrade_seconds = url_seconds, upgrade_seconds
        self._floor.greets, self._floor.scores = greets, scores
        self._brains.door = None if brain is None else BrainDoor(**brain)
        return {}

    async def brains(self) -> dict[str, Any]:
        """Give how many brains have let us in so far, and why others have not."""
        return {"reached": self._brains.reached, "problems": self._brains.problems[:3]}

    async def begin(self) -> dict[str, Any]:
        """Count from now on."""
        self._floor.tally = Tally()
        for conversation in self._floor.conversations:
            conversation.ear.count_in(self._floor.tally)
        del self._floor.clock.lateness[:]
        del self._brains.waits[:]
        return {}

    async def end(self) -> dict[str, Any]:
        """Give what was counted."""
        return tallied(self._floor.tally, self._floor.clock.lateness) | {"brain_ms": percentiles(self._brains.waits)}

    async def quiet(self) -> dict[str, Any]:
        """Be silent; gives how many frames were sent to each call."""
        self._floor.silent = True
        return {"sent": {c.ear.call: c.mouth.sent for c in self._floor.conversations if c.ear.call is not None}}

    async def speak(self) -> dict[str, Any]:
        """Go on."""
        self._floor.silent = False
        return {}

    async def heard(self) -> dict[str, Any]:
        """Give the number of the last frame that was heard of each call."""
        return {"heard": {c.ear.call: c.ear.heard for c in self._floor.conversations if c.ear.call is not None}}

    def _upgraded(self, request: WSUpgradeRequest) -> Conversation:
        return Conversation(self._floor)

    async def _signed_url(self, request: web.Request) -> web.Response:
        await asyncio.sleep(self._url_seconds)
        scheme = "wss" if request.secure else "ws"
        port = request.url.port if self._upgrade_seconds else self._ports[scheme]
        query = f"agent_id={request.query['agent_id']}&conversation_signature=cvtkn_{now_us():032d}"
        return web.json_response({"signed_url": f"{scheme}://127.0.0.1:{port}{CONVERSATION}?{query}"})

    async def _held(self, request: web.Request) -> web.WebSocketResponse:
        """A conversation that takes long to open, and is but a greeting."""
        await asyncio.sleep(self._upgrade_seconds)
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        brain: BrainLine | None = None
        async for message in socket:
            if message.type is WSMsgType.TEXT and '"conversation_initiation_client_data"' in message.data:
                conversation_id = f"conv_{now_us():028d}"
                brain = self._brains.dial(conversation_id)
                await socket.send_str(metadata(conversation_id).decode())
                await socket.send_str(greeting().decode())
        if brain is not None:
            brain.end()
        return socket

    async def _look_up(self, request: web.Request) -> web.Response:
        return web.Response(body=speech_engine(request.match_info["engine_id"]), content_type="application/json")


def _tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    return context


async def _play() -> None:
    async with asyncio.TaskGroup() as dialling:
        engine = Engine(Brains(dialling))
        await engine.listen(Path(sys.argv[1]))
        await pay_attention(engine, ORDERS)


if __name__ == "__main__":
    played(_play())
