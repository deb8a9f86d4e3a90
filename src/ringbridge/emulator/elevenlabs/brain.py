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
from ringbridge.emulator.elevenlabs.diary import EventKind
from ringbridge.emulator.elevenlabs.jwt import upstream_token
from ringbridge.emulator.elevenlabs.messages import Message
from ringbridge.emulator.elevenlabs.peer import CLOSE_SECONDS, MAX_MESSAGE_BYTES, Peer
from ringbridge.emulator.faults import Fault, Faults

__all__ = ["Answer", "Brain", "BrainAddress", "Mind"]

DIAL_SECONDS: Final = 5.0
REDIAL_SECONDS: Final = 0.5
PING_SECONDS: Final = 10.0

_BROKEN: Final = '{"type": "user_transcript", "user_transcript": '


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
    """Dials when told to, once more when that failed or the socket dropped, and then no more."""

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
        self._peer: Peer | None = None
        self._needed = asyncio.Event()
        self._left = False
        self.settled = asyncio.Event()
        """The first dialling is over, well or badly."""

    def need(self) -> None:
        """Dial, if that has not been done yet."""
        self._needed.set()

    def send(self, message: Message) -> bool:
        """To the brain. False when it is not there."""
        if self._peer is None:
            return False
        self._peer.send(json.dumps(message))
        return True

    def drop(self) -> None:
        """Cut the connection without a word."""
        if self._peer is not None:
            self._peer.abort()

    async def run(self, address: BrainAddress) -> None:
        """Keep the brain connected, as well as the vendor does. Ends when it is given up."""
        await self._needed.wait()
        await self._once(address)
        if not self._left:
            await asyncio.sleep(REDIAL_SECONDS)
            await self._once(address)

    async def close(self, error: str = "") -> None:
        """Take leave: with `close`, or with an `error` where there is one."""
        last = {"type": "error", "message": error} if error else {"type": "close"}
        if self._peer is not None:
            await self._leave(self._peer, last, 1011 if error else 1000)

    async def _once(self, address: BrainAddress) -> None:
        faults = self._faults.take("brain_socket")
        self._peer = await self._dial(address, faults)
        if self._peer is None:
            self.settled.set()
            return
        self._mind.note("brain_open")
        self.send({"type": "init", "conversation_id": self._conversation_id})
        self._mind.reached()
        self.settled.set()
        await self._serve(self._peer, faults)

    async def _dial(self, address: BrainAddress, faults: list[Fault]) -> Peer | None:
        for fault in faults:
            if fault.kind == "refuse":
                self._mind.note("fault", "the brain is not dialled")
                return None
            if fault.kind == "delay":
                await asyncio.sleep(fault.ms / 1000)
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
            minor = [tasks.create_task(peer.write()), tasks.create_task(self._ping())]
            minor += [tasks.create_task(self._strike(peer, fault)) for fault in faults]
            code = await peer.read(self._take)
            for task in minor:
                task.cancel()
        self._peer = None
        if not self._left:
            self._mind.note("brain_lost", "" if code is None else str(code))
        await peer.close(code or 1000)

    async def _ping(self) -> None:
        while True:
            await asyncio.sleep(PING_SECONDS)
            self.send({"type": "ping"})

    async def _strike(self, peer: Peer, fault: Fault) -> None:
        if fault.kind == "delay":
            return
        await asyncio.sleep(fault.after_ms / 1000)
        self._mind.note("fault", f"brain socket: {fault.kind}")
        match fault.kind:
            case "drop":
                peer.abort()
            case "half_open":
                peer.deafen()
            case "garble":
                peer.send(fault.text or _BROKEN)
            case "slow_reader":
                peer.pause(fault.ms / 1000)
            case "error" | "quota":
                await self._leave(peer, {"type": "error", "message": fault.text or "Failed."}, fault.code)
            case "close":
                await self._leave(peer, {"type": "close"}, fault.code)

    async def _leave(self, peer: Peer, last: Message, code: int) -> None:
        """End it ourselves, for good."""
        self._left = True
        self.send(last)
        await peer.close(code)

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
