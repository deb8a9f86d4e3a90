"""One conversation: its client's socket, from the first message to the close frame, and all that belongs to it.

https://elevenlabs.io/docs/agents-platform/api-reference/agents-platform/websocket
"""

import asyncio
import json
from typing import Final

from ringbridge.emulator.elevenlabs import initiation, messages
from ringbridge.emulator.elevenlabs.brain import DIAL_SECONDS, Answer, Brain, BrainAddress
from ringbridge.emulator.elevenlabs.dialogue import Dialogue
from ringbridge.emulator.elevenlabs.diary import Ended, Event, EventKind, Timed
from ringbridge.emulator.elevenlabs.engine import Engine
from ringbridge.emulator.elevenlabs.facilities import Facilities
from ringbridge.emulator.elevenlabs.initiation import InitiationRefused
from ringbridge.emulator.elevenlabs.intake import Intake
from ringbridge.emulator.elevenlabs.messages import Message
from ringbridge.emulator.elevenlabs.peer import CLOSE_SECONDS, Peer
from ringbridge.emulator.elevenlabs.pulse import Pulse
from ringbridge.emulator.elevenlabs.scores import scored
from ringbridge.emulator.elevenlabs.strikes import Passes, formats, hold_up, strike
from ringbridge.emulator.elevenlabs.turns import Line
from ringbridge.emulator.faults import Fault
from ringbridge.emulator.speech.base import Hearing, Utterance
from ringbridge.ids import ConversationId

__all__ = ["Conversation"]

INITIATION_SECONDS: Final = 10.0
"""How long the client's first message may take. The vendor's own limit is not known."""

PING_SECONDS: Final = 2.0

SILENT_CLIENT_MS: Final = 60_000
"""A client that sends nothing at all for so long is taken for dead."""

_ALWAYS: Final = frozenset({"error", "queue_status"})
"""What no engine setting turns off."""

_ABORTED: Final = Ended(None, "twin", "aborted")


class _Over(Exception):
    """Takes the tasks of a conversation down."""


class Conversation:
    """One conversation, live or over.

    Its lists are there to be read, its verbs to stage something: none of them waits, or does anything once it is over.
    `received` and `sent` hold the client's messages and ours, but for the client's audio, which is in `audio`, whole
    and in order; `transcripts` what the brain was asked, `brain_received` every `agent_response` as it came.
    """

    def __init__(self, conversation_id: ConversationId, engine: Engine, peer: Peer, facilities: Facilities) -> None:
        self.id = conversation_id
        self.engine = engine
        self.initiation: Message = {}
        self.sent: list[Timed] = []
        self.transcripts: list[Timed] = []
        self.brain_received: list[Message] = []
        self.events: list[Event] = []
        self.closed: Ended | None = None
        self.gone = asyncio.Event()
        """Everything that belonged to it has been given back."""
        self._facilities = facilities
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        self._over = asyncio.Event()
        self._error = ""
        self._passes: list[Passes] = []
        self._tasks = asyncio.TaskGroup()
        self._peer = peer
        self._pulse = Pulse(now=0)
        self._dialogue = Dialogue(engine, self, facilities.voice, self._tasks)
        self._ear = scored(facilities.ears.open(self._hear), engine.client_events, self.emit)
        self._intake = Intake(self, self._dialogue, self._ear, self._pulse, self._now, sound=engine.input_format)
        self.received = self._intake.received
        self.audio = self._intake.audio
        self._brain = Brain(
            conversation_id,
            self,
            session=facilities.session,
            addresses=facilities.addresses,
            clock=facilities.clock,
            faults=facilities.faults,
        )

    @property
    def audio_messages(self) -> int:
        """In how many messages the client's audio came."""
        return self._intake.audio_messages

    @property
    def history(self) -> list[Line]:
        """The conversation as the twin believes it was heard: `role` and `content` of each item."""
        return self._dialogue.history

    # To stage something

    def send(self, message: Message) -> None:
        """Send the client this very message, whatever the engine's settings are."""
        self._send(message)

    def say(self, text: str) -> None:
        """Let the agent speak out of turn."""
        if self.closed is None:
            self._dialogue.say(text)

    def hear(self, text: str) -> None:
        """Take it that the caller has said this."""
        self._hear(Utterance(text, len(self.audio) // 8))

    def interrupt(self) -> None:
        """Take it that the caller cuts in."""
        if self.closed is None:
            self._dialogue.interrupt()

    def drop_brain(self) -> None:
        """Cut the brain socket without a word."""
        self._brain.drop()

    def withhold(self, passes: Passes) -> None:
        """From now on send the client only what `passes`."""
        self._passes.append(passes)

    def stumble(self) -> None:
        """Let the agent's next words break off in their midst, and the conversation with them."""
        self._dialogue.stumble()

    def burst(self) -> None:
        """Send the client ten minutes of audio at once."""
        self._dialogue.burst()

    def close(self, code: int = 1000, reason: str = "") -> None:
        """End the conversation with a close frame."""
        self._end(Ended(code, "twin", reason))

    def fail(self, code: int, error_type: str, text: str) -> None:
        """End the conversation with an error event and a close frame."""
        if self.closed is None:
            self._error = text
        self.emit(messages.error(code, error_type, text))
        self.close(code, text)

    def abort(self) -> None:
        """Cut the client's connection without a word."""
        self._peer.abort()
        self._end(_ABORTED)

    # Its life

    async def run(self, faults: list[Fault]) -> None:
        """From the open socket to the end of everything that belongs to it."""
        try:
            async with self._tasks:
                for fault in faults:  # first, as some of them must strike before anything is said
                    self._tasks.create_task(strike(self, self._peer, fault))
                for errand in (self._peer.write(), self._read(), self._open(faults)):
                    self._tasks.create_task(errand)
                await self._see_out()
        except* _Over:
            pass
        finally:
            self._end(Ended(1011, "twin", "internal error"))
            self._peer.abort()
            self._brain.drop()
            await self._shut_ear()

    async def _see_out(self) -> None:
        """Wait for the end, take leave, and take the tasks down by raising `_Over`."""
        await self._last()
        await self._take_leave()
        raise _Over

    async def _last(self) -> None:
        """Wait for the end of the conversation, at most as long as the engine lets it last."""
        try:
            async with asyncio.timeout(self.engine.max_duration_seconds):
                await self._over.wait()
        except TimeoutError:
            self.close(1000, "the conversation reached its maximum duration")

    async def _take_leave(self) -> None:
        """Close both sockets in due form, while they are still being read and written."""
        if self.closed is not None and self.closed != _ABORTED:
            await self._peer.close(self.closed.code or 1000, self.closed.reason)
        await self._brain.close(self._error)

    async def _shut_ear(self) -> None:
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._ear.close()
        finally:
            self.gone.set()

    async def _read(self) -> None:
        self._end(Ended(await self._peer.read(self._intake.take), "client"))

    async def _open(self, faults: list[Fault]) -> None:
        try:
            async with asyncio.timeout(INITIATION_SECONDS):
                self.initiation = await self._intake.first
            asked = initiation.read(self.initiation, self.engine, self._facilities.secrets)
        except TimeoutError:
            self._miss("No initiation data received.")
        except InitiationRefused as refused:
            self.fail(1008, refused.error_type, str(refused))
        else:
            key = self.engine.made_with_key or self._facilities.api_key
            address = BrainAddress(self.engine.ws_url, asked.headers, key)
            self._tasks.create_task(self._brain.run(address), name="brain")
            if not await hold_up(self, faults):
                return
            await self._announce(*(formats(faults) or (self.engine.output_format, self.engine.input_format)))
            greeting = self.engine.first_message if asked.greeting is None else asked.greeting
            if greeting:
                self._dialogue.say(greeting)

    async def _announce(self, output_format: str, input_format: str) -> None:
        """Tell the client and the brain of the conversation, in the order that is set."""
        at_once = self.engine.dial_brain == "start"
        if at_once and self.engine.init_before_metadata:
            await self._dial_first()
        self.emit(messages.metadata(self.id, output_format, input_format))
        if at_once:
            self._brain.need()
        self._tasks.create_task(self._ping(), name="ping")
        self._tasks.create_task(self._dialogue.mind_silence(), name="silence")

    async def _dial_first(self) -> None:
        self._brain.need()
        try:
            async with asyncio.timeout(DIAL_SECONDS):
                await self._brain.settled.wait()
        except TimeoutError:
            self.note("brain_refused", "late")

    async def _ping(self) -> None:
        while True:
            if self._pulse.silence(self._now()) > SILENT_CLIENT_MS:
                self._miss("Nothing received from the client.")
            self.emit(messages.ping(*self._pulse.ping(self._now())))
            await asyncio.sleep(PING_SECONDS)

    def _miss(self, text: str) -> None:
        """Something did not come from the client in time. One whom a fault has made deaf goes on waiting."""
        if not self._peer.deaf:
            self.fail(1002, "transport_receive_timeout", text)

    def _end(self, ended: Ended) -> None:
        if self.closed is None:
            self.closed = ended
            self.note("ended", f"{ended.by} {ended.code}")
            self._over.set()

    def _hear(self, hearing: Hearing) -> None:
        if self.closed is None:
            self._dialogue.hear(hearing)

    # What its parts want of it

    def emit(self, message: Message) -> None:
        """Send the client a message, if the engine is set to send such."""
        if message["type"] in self.engine.client_events or message["type"] in _ALWAYS:
            self._send(message)

    def _send(self, message: Message) -> None:
        if self.closed is None and all(passes(message) for passes in self._passes):
            self.sent.append(Timed(self._now(), message))
            self._peer.send(json.dumps(message))

    def ask(self, message: Message) -> None:
        """Send the brain a transcript; dial it first if need be."""
        self._brain.need()
        if self.closed is None and self._brain.send(message):
            self.transcripts.append(Timed(self._now(), message))

    def answered(self, message: Message, answer: Answer) -> None:
        """The brain has sent a piece of a reply."""
        self.brain_received.append(message)
        self._dialogue.answered(answer)

    def reached(self) -> None:
        """The brain is there."""
        self._dialogue.ask_again()

    def end(self, code: int, reason: str) -> None:
        """Nobody has anything more to say."""
        self.close(code, reason)

    def note(self, kind: EventKind, detail: str = "") -> None:
        """Write something down, and show it to whoever watches."""
        event = Event(self._now(), kind, detail)
        self.events.append(event)
        self._facilities.tell(self, event)

    def _now(self) -> int:
        return round((self._loop.time() - self._began) * 1000)
