"""The vendor's turn taking: the caller's words open turns, the brain's text is spoken, and who cuts in is heard.

https://elevenlabs.io/docs/agents-platform/customization/conversation-flow
"""

import asyncio
from typing import Final, Protocol

from ringbridge.emulator.elevenlabs import messages
from ringbridge.emulator.elevenlabs.brain import Answer
from ringbridge.emulator.elevenlabs.diary import EventKind
from ringbridge.emulator.elevenlabs.engine import Engine
from ringbridge.emulator.elevenlabs.formats import to_format
from ringbridge.emulator.elevenlabs.messages import Message
from ringbridge.emulator.elevenlabs.speaking import Reply, Speaker
from ringbridge.emulator.elevenlabs.turns import Line, Turn, Turns
from ringbridge.emulator.speech.base import Hearing, SpeechStarted, Tentative, Utterance, Voice

__all__ = ["Dialogue", "Sides"]

RESENDS: Final = 3
"""How often an unanswered transcript is sent again (reported: elevenlabs-js issue 453)."""

BURST_SECONDS: Final = 600
"""How much audio `burst` sends."""

_LOOK_SECONDS: Final = 0.25

_SECOND: Final = b"\x20" * 8000
"""A second of a sound, mu-law."""


class Sides(Protocol):
    """What lies around a dialogue: the client, the brain, the diary."""

    def emit(self, message: Message) -> None:
        """To the client, if the engine is set to send such messages."""
        ...

    def ask(self, message: Message) -> None:
        """To the brain, which is dialled if need be."""
        ...

    def note(self, kind: EventKind, detail: str = "") -> None:
        """Into the diary."""
        ...

    def end(self, code: int, reason: str) -> None:
        """The conversation is over."""
        ...


class Dialogue:
    """One conversation's words. Its methods are called in the loop and never wait; what takes time is in `tasks`."""

    def __init__(self, engine: Engine, sides: Sides, voice: Voice, tasks: asyncio.TaskGroup) -> None:
        self._engine = engine
        self._sides = sides
        self._tasks = tasks
        self._loop = asyncio.get_running_loop()
        self._turns = Turns()
        self._recode = to_format(engine.output_format)
        self._speaker = Speaker(voice, self, tasks, alignment=engine.alignment, recode=self._recode)
        self._reply: Reply | None = None
        self._pauses = 0
        self._drafts = 0
        self._active_at = self._loop.time()
        self._reengaged = False

    @property
    def history(self) -> list[Line]:
        """The conversation so far, as the twin believes it was heard."""
        return self._turns.history

    # What the caller does

    def hear(self, hearing: Hearing) -> None:
        """The ear has something to tell."""
        match hearing:
            case SpeechStarted(at_ms):
                self._speech_starts(at_ms)
            case Tentative(text):
                self._draft(text)
            case Utterance(text) if text.strip() and self._engine.tentative_ms > 0:
                self._tasks.create_task(self._speech_ends_late(text.strip()), name="transcription")
            case Utterance(text):
                self._speech_ends(text.strip())

    def _speech_starts(self, at_ms: int) -> None:
        self._active_at = self._loop.time()
        self._sides.note("speech", str(at_ms))
        self._speaker.listen()
        if self._speaker.playing:
            self.interrupt()

    def _draft(self, text: str) -> None:
        self._sides.note("tentative", text)
        self._sides.emit(messages.tentative_user_transcript(text, self._turns.next_id))

    async def _speech_ends_late(self, text: str) -> None:
        self._drafts += 1
        every = self._engine.tentative_errs_every
        errs = every > 0 and self._drafts % every == 0
        self._draft(text.rpartition(" ")[0] if errs else text)
        await asyncio.sleep(self._engine.tentative_ms / 1000)
        self._speech_ends(text)

    def _speech_ends(self, text: str) -> None:
        self._active_at = self._loop.time()
        if text:
            self._pauses += 1
            every = self._engine.retranscribe_every
            self._user_says(text, transcribed=True, twice=every > 0 and self._pauses % every == 0)
        self._speaker.resume()

    def read(self, text: str) -> None:
        """The caller's side wrote something instead of saying it; it opens a turn just so."""
        self._user_says(text, transcribed=False)

    def stay_active(self) -> None:
        """The client says that the user is there: silence counts from now."""
        self._active_at = self._loop.time()

    def _user_says(self, text: str, *, transcribed: bool, twice: bool = False) -> None:
        self.stay_active()
        self._reengaged = False
        self._yield()
        turn = self._turns.open(text, provisional=twice)
        self._sides.note("user", text)
        if transcribed:
            self._sides.emit(messages.user_transcript(text, turn.event_id))
        self._ask(turn)
        if twice:
            self._tasks.create_task(self._transcribe_again(turn, text), name="retranscription")

    async def _transcribe_again(self, turn: Turn, text: str) -> None:
        for left in reversed(range(self._engine.retranscribe_times - 1)):
            await asyncio.sleep(self._engine.retranscribe_gap_ms / 1000)
            if turn is not self._turns.current:
                return
            turn = self._turns.reopen(turn, provisional=left > 0)
            self._sides.note("retranscribed", str(turn.event_id))
            self._sides.emit(messages.user_transcript(text, turn.event_id))
            self._ask(turn)

    # What the brain is asked, and what it answers

    def ask_again(self) -> None:
        """The brain has just been reached: ask what is still to be answered."""
        turn = self._turns.current
        if turn is not None and turn.open and not turn.answered:
            self._sides.ask(_transcript(turn))

    def _ask(self, turn: Turn) -> None:
        self._reply = None
        self._sides.ask(_transcript(turn))
        self._tasks.create_task(self._resend(turn), name=f"resend {turn.event_id}")

    async def _resend(self, turn: Turn) -> None:
        for _ in range(RESENDS):
            await asyncio.sleep(self._engine.cascade_timeout_seconds)
            if turn.answered:
                return
            self._sides.note("resend", str(turn.event_id))
            self._sides.ask(_transcript(turn))
        await asyncio.sleep(self._engine.cascade_timeout_seconds)
        if not turn.answered:
            self._sides.note("unanswered", str(turn.event_id))

    def answered(self, answer: Answer) -> None:
        """The brain sent a piece of a reply. It is spoken, unless its turn is over."""
        if not self._turns.answer(answer.event_id):
            self._sides.note("text_dropped", f"{answer.event_id}: {answer.content}")
            return
        if self._reply is None:
            self._reply = self._speaker.begin(answer.event_id)
        self._reply.add(answer.content)
        if answer.is_final:
            self._turns.close()
            self._finish(self._reply)

    # What the agent says

    def say(self, text: str) -> None:
        """The agent speaks without being asked: its greeting, for one. It waits for what is being said."""
        reply = self._speaker.begin(self._turns.take_id())
        reply.add(text)
        self._finish(reply)

    def burst(self) -> None:
        """Ten minutes of a sound, sent at once."""
        event_id = self._turns.take_id()
        for _ in range(BURST_SECONDS):
            self._sides.emit(messages.audio(event_id, self._recode(_SECOND)))
        self._speaker.until = max(self._loop.time(), self._speaker.until) + BURST_SECONDS

    def stumble(self) -> None:
        """What the agent says next breaks off in its midst, and the conversation ends with it."""
        self._speaker.stumbles = True

    def interrupt(self) -> None:
        """The caller cuts in: the agent is silent at once, and the client is told to be."""
        event_id = self._turns.interrupt()
        self._sides.note("interruption", str(event_id))
        self._sides.emit(messages.interruption(event_id))
        self._silence()

    def _yield(self) -> None:
        """Leave the floor to the caller, who has just said something."""
        if self._speaker.playing:
            self.interrupt()
        else:
            self._silence()

    def _silence(self) -> None:
        for reply in self._speaker.cut():
            self._settle(reply)

    def _settle(self, reply: Reply) -> None:
        """The reply ends here: only what was heard of it has been said."""
        if reply.line is None:
            return
        heard = reply.heard(self._loop.time())
        self._announce(reply)
        if heard != reply.text:
            self._sides.note("correction", heard)
            self._sides.emit(messages.agent_response_correction(reply.text, heard, reply.event_id))
        reply.line["content"] = heard if self._engine.history == "heard" else reply.text
        if not reply.line["content"]:
            self.history.remove(reply.line)

    def _finish(self, reply: Reply) -> None:
        reply.finish()
        if reply.line is not None:
            self._announce(reply)

    def _announce(self, reply: Reply) -> None:
        if not reply.announced:
            reply.announced = True
            self._sides.emit(messages.agent_response(reply.text, reply.event_id))

    # What the speaker tells

    def emit(self, message: Message) -> None:
        """Audio for the client."""
        self._sides.emit(message)

    def begins(self, reply: Reply, text: str) -> None:
        """A clause begins to be heard: from here on it belongs to the history."""
        self._sides.note("agent", text)
        if reply.line is None:
            reply.line = {"role": "agent", "content": text}
            self.history.append(reply.line)
        else:
            reply.line["content"] += f" {text}"
        if reply.finished:
            self._announce(reply)

    def made(self, reply: Reply) -> None:
        """All audio of a reply is on its way."""
        self._sides.emit(messages.agent_response_complete(reply.event_id))

    def stumbled(self) -> None:
        """The agent has broken off."""
        self._sides.end(1000, "")

    # Silence

    async def mind_silence(self) -> None:
        """Open a turn for a caller who stays silent, and end a conversation in which nobody speaks, if so set."""
        ask_after = self._engine.turn_timeout_seconds
        end_after = self._engine.silence_end_call_seconds
        while ask_after > 0 or end_after > 0:
            await asyncio.sleep(_LOOK_SECONDS)
            silent = self._loop.time() - max(self._active_at, self._speaker.until)
            if 0 < end_after <= silent:
                self._sides.end(1000, "the user was silent for too long")
            elif 0 < ask_after <= silent and not self._reengaged and not self._waiting:
                self._reengaged = True
                turn = self._turns.open(None)
                self._sides.note("silence", str(turn.event_id))
                self._ask(turn)

    @property
    def _waiting(self) -> bool:
        """Whether the brain owes an answer."""
        turn = self._turns.current
        return turn is not None and turn.open


def _transcript(turn: Turn) -> Message:
    return {"type": "user_transcript", "user_transcript": turn.history, "event_id": turn.event_id}
