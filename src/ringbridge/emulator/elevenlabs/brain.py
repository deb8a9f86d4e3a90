"""The brain socket of one conversation: the twin dials the engine's `ws_url`, presents itself, and asks for replies.

https://elevenlabs.io/docs/agents-platform/customization/llm/speech-engine
"""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from aiohttp import ClientError, ClientSession, ClientWSTimeout, WSServerHandshakeError
from yarl import URL

from ringbridge.emulator.addresses import AddressBook
from ringbridge.emulator.elevenlabs.brain_strikes import begins, presented_as, strike
from ringbridge.emulator.elevenlabs.diary import EventKind
from ringbridge.emulator.elevenlabs.jwt import upstream_token
from ringbridge.emulator.elevenlabs.messages import Message
from ringbridge.emulator.elevenlabs.peer import CLOSE_SECONDS, MAX_MESSAGE_BYTES, Peer
from ringbridge.emulator.faults import Fault, Faults

__all__ = ["Answer", "Brain", "BrainAddress", "Mind"]

DIAL_SECONDS: Final = 5.0
REDIAL_SECONDS: Final = 0.5
PING_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class Answer:
    """A piece of a reply, as the brain sent it."""

    event_id: int
    content: str
    is_final: bool


@dataclass(frozen=True, slots=True)
class BrainAddress:
    """Where the brain is and how to get in: public URL, the owner's headers, the API key that signs the token."""

    url: str
    headers: dict[str, str]
    api_key: str


class Mind(Protocol):
    """Who listens to the brain."""

    def answered(self, message: Message, answer: Answer) -> None:
        """A valid `agent_response` has come."""
        ...

    def reached(self) -> None:
        """The brain is connected and knows the conversation."""
        ...

    def note(self, kind: EventKind, detail: str = "") -> None:
        """Something to write down."""
        ...


class Brain:
    """Dials when told to, once more when that failed or the socket dropped, and then no more.

    Where a fault makes it dial a second time while the first socket lives, it speaks over the newest.
    """

    def __init__(
        self,
        conversation_id: str,
        mind: Mind,
        *,
        session: ClientSession,
        addresses: AddressBook,
        clock: Callable[[], float],
        faults: Faults,
    ) -> None:
        self._conversation_id = conversation_id
        self._mind = mind
        self._session = session
        self._addresses = addresses
        self._clock = clock
        self._faults = faults
        self._peers: list[Peer] = []
        self._redial_seconds = REDIAL_SECONDS
        self._address: BrainAddress
        self._lines: asyncio.TaskGroup
        self._needed = asyncio.Event()
        self._left = False
        self.settled = asyncio.Event()
        """The first dialling is over, well or badly."""

    def need(self) -> None:
        """Dial, if that has not been done yet."""
        self._needed.set()

    def send(self, message: Message) -> bool:
        """To the brain. False when it is not there."""
        if not self._peers:
            return False
        self._peers[-1].send(json.dumps(message))
        return True

    def drop(self) -> None:
        """Cut the connection without a word."""
        for peer in self._peers:
            peer.abort()

    async def run(self, address: BrainAddress) -> None:
        """Keep the brain connected, as well as the vendor does. Ends when it is given up."""
        await self._needed.wait()
        self._address = address
        async with asyncio.TaskGroup() as self._lines:
            await self._once()
            if not self._left and not self._peers:
                await asyncio.sleep(self._redial_seconds)
                await self._once()

    async def close(self, error: str = "") -> None:
        """Take leave: with `close`, or with an `error` where there is one."""
        last = {"type": "error", "message": error} if error else {"type": "close"}
        for peer in tuple(self._peers):
            await self.leave(peer, last, 1011 if error else 1000)

    # What a fault can make of it

    def note(self, kind: EventKind, detail: str = "") -> None:
        """Write something down."""
        self._mind.note(kind, detail)

    def give_up(self) -> None:
        """Dial no more."""
        self._left = True

    def redial_after(self, seconds: float) -> None:
        """Take so long to dial again."""
        self._redial_seconds = seconds

    def dial_again(self) -> None:
        """Dial once more, though the brain is there."""
        self._lines.create_task(self._another(), name="another brain socket")

    async def leave(self, peer: Peer, last: Message, code: int) -> None:
        """End it ourselves, for good."""
        self._left = True
        peer.send(json.dumps(last))
        await peer.close(code)

    # How that is done

    async def _once(self) -> None:
        faults = self._faults.take("brain_socket")
        peer = await self._dial(self._address) if await begins(self, faults) else None
        if peer is not None:
            await self._meet(peer, faults)
        self.settled.set()

    async def _another(self) -> None:
        peer = await self._dial(self._address)
        if peer is not None:
            await self._meet(peer, [])

    async def _meet(self, peer: Peer, faults: list[Fault]) -> None:
        self._peers.append(peer)
        self._mind.note("brain_open")
        self.send({"type": "init", "conversation_id": presented_as(self._conversation_id, faults)})
        self._mind.reached()
        self.settled.set()
        await self._serve(peer, faults)

    async def _dial(self, address: BrainAddress) -> Peer | None:
        route = self._addresses.route(address.url)
        token = upstream_token(address.api_key, self._clock())
        vendor = {"X-Elevenlabs-Speech-Engine-Authorization": f"Bearer {token}"}
        try:
            async with asyncio.timeout(DIAL_SECONDS):
                socket = await self._session.ws_connect(
                    URL(route.url, encoded=True),
                    headers=address.headers | vendor | route.headers,
                    autoping=False,
                    autoclose=False,
                    timeout=ClientWSTimeout(ws_close=CLOSE_SECONDS),
                    max_msg_size=MAX_MESSAGE_BYTES,
                )
        except WSServerHandshakeError as refusal:
            self._mind.note("brain_refused", str(refusal.status))
        except (ClientError, OSError, TimeoutError, ValueError) as failure:
            self._mind.note("brain_refused", type(failure).__name__)
        else:
            connection = socket._response.connection  # noqa: SLF001 - there is no public way to a client's transport
            if connection is not None and connection.transport is not None:
                return Peer(socket, connection.transport)
            socket._response.close()  # noqa: SLF001
            self._mind.note("brain_refused", "closed at once")
        return None

    async def _serve(self, peer: Peer, faults: list[Fault]) -> None:
        """Until the socket ends."""
        async with asyncio.TaskGroup() as tasks:
            minor = [tasks.create_task(peer.write()), tasks.create_task(self._ping(peer))]
            minor += [tasks.create_task(strike(self, peer, fault)) for fault in faults]
            code = await peer.read(self._take)
            for task in minor:
                task.cancel()
        self._peers.remove(peer)
        if not self._left:
            self._mind.note("brain_lost", "" if code is None else str(code))
        await peer.close(code or 1000)

    async def _ping(self, peer: Peer) -> None:
        while True:
            await asyncio.sleep(PING_SECONDS)
            peer.send('{"type": "ping"}')

    def _take(self, text: str) -> None:
        try:
            message = json.loads(text)
        except ValueError:
            message = None
        if not isinstance(message, dict):
            self._mind.note("brain_broken", text[:200])
            return
        match message.get("type"):
            case "agent_response":
                self._take_answer(message)
            case "pong":
                pass
            case kind:
                self._mind.note("brain_unknown", str(kind))

    def _take_answer(self, message: Message) -> None:
        match message:
            case {"event_id": int(event_id), "content": str(content), "is_final": bool(is_final)}:
                self._mind.answered(message, Answer(event_id, content, is_final))
            case _:
                self._mind.note("brain_broken", json.dumps(message)[:200])
